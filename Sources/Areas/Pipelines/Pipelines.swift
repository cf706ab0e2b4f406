// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
package import GyreLedger

/// How pipelines run here.
package struct PipelineOptions: Sendable {
    /// Where tasks have their folders.
    package let folder: String
    /// Images that can be run as environments, by the beginning of their names.
    package let images: [String]
    /// Seconds until a task is stopped.
    package let timeoutSeconds: Int
    /// Variables that a task gets.
    package let variables: @Sendable (PipelineRun, TaskRecord) -> [String: String]
    /// The files behind an importer's address, and what they are in the lineage.
    package let importSource: @Sendable (String) async throws(GyreError) -> (Tree, Ref)
    /// Reads a compiled package.
    package let read: @Sendable ([UInt8]) throws(GyreError) -> Pipeline
    /// Told when a run has ended.
    package let onEnd: @Sendable (PipelineRun) async -> Void

    /// Options.
    package init(
        folder: String, images: [String] = ["python:3"], timeoutSeconds: Int = 3600,
        variables: @escaping @Sendable (PipelineRun, TaskRecord) -> [String: String],
        importSource: @escaping @Sendable (String) async throws(GyreError) -> (Tree, Ref),
        read: @escaping @Sendable ([UInt8]) throws(GyreError) -> Pipeline,
        onEnd: @escaping @Sendable (PipelineRun) async -> Void
    ) {
        self.folder = folder
        self.images = images
        self.timeoutSeconds = timeoutSeconds
        self.variables = variables
        self.importSource = importSource
        self.read = read
        self.onEnd = onEnd
    }
}

/// Pipeline runs: started, resumed after a crash, cancelled.
package actor Pipelines {
    private let store: any LedgerStore
    private let blobs: any BlobStore
    private let executor: any TaskExecutor
    private let options: PipelineOptions
    private let surroundings: Surroundings
    private let slots = Slots(Limits.runningTasks)
    private var running: [String: Task<Void, Never>] = [:]

    /// Pipelines over these stores.
    package init(
        store: any LedgerStore, blobs: any BlobStore, executor: any TaskExecutor, options: PipelineOptions,
        surroundings: Surroundings
    ) {
        self.store = store
        self.blobs = blobs
        self.executor = executor
        self.options = options
        self.surroundings = surroundings
    }

    /// What a run is started with.
    package struct Request: Sendable {
        /// The compiled package.
        package let compiled: [UInt8]
        /// Values for the pipeline's parameters.
        package var parameters: [String: JSONValue] = [:]
        /// Why it is started.
        package var reason = ""
        /// Whether earlier results may be taken.
        package var usesCache = true

        /// A run of this package.
        package init(compiled: [UInt8]) { self.compiled = compiled }
    }

    /// Starts a run; it goes on after this returns.
    /// - Throws: `.invalid` for a package that is none, or parameters that do not fit.
    package func start(_ request: Request, by actor: String) async throws(GyreError) -> PipelineRun {
        let pipeline = try options.read(request.compiled)
        var parameters: [String: JSONValue] = [:]
        for (name, definition) in pipeline.root.inputParameters {
            if let value = request.parameters[name] ?? definition.defaultValue {
                parameters[name] = definition.settle(value)
            } else if !definition.isOptional {
                throw GyreError(
                    .invalid, "The pipeline \"\(pipeline.name)\" needs the parameter \"\(name)\".",
                    fix: "Add --parameter \(name)=VALUE")
            }
        }
        if let unknown = request.parameters.keys.sorted().first(where: { pipeline.root.inputParameters[$0] == nil }) {
            throw GyreError(
                .invalid, "The pipeline \"\(pipeline.name)\" has no parameter \"\(unknown)\".",
                why: "It has \(pipeline.root.inputParameters.keys.sorted().joined(separator: ", ")).")
        }
        let blob = try await blobs.put(request.compiled)
        let run = PipelineRun(
            id: surroundings.newID(), pipeline: pipeline.ref, compiled: blob.digest, parameters: parameters,
            actor: actor,
            reason: request.reason, usesCache: request.usesCache, startedAt: surroundings.now())
        try await store.commit(
            [.create(document(run))],
            recording: [
                Fact(
                    "pipelines.run.started", run.ref, by: actor, inputs: [pipeline.ref], outputs: [run.ref],
                    body: ["reason": .string(request.reason), "parameters": run.json["parameters"] ?? [:]])
            ])
        launch(run, pipeline)
        return run
    }

    /// Takes up the runs that a stopped server left; finished tasks are not run again.
    package func resume() async throws(GyreError) {
        for run in try await runs() where !run.state.isEnd && running[run.id] == nil {
            launch(run, try options.read(try await blobs.bytes(run.compiled)))
        }
    }

    /// Stops a run with its processes.
    package func cancel(_ id: String, by actor: String) async throws(GyreError) -> PipelineRun {
        let run = try await self.run(id)
        guard !run.state.isEnd else {
            throw GyreError(
                .conflict, "The run \(id) cannot be cancelled.", why: "It ended already: \(run.state.rawValue).")
        }
        running[run.id]?.cancel()
        await running[run.id]?.value
        return try await self.run(run.id)
    }

    /// Waits until a run has ended.
    package func wait(for id: String) async throws(GyreError) -> PipelineRun {
        await running[id]?.value
        return try await run(id)
    }

    /// Stops all runs for a graceful end of the server; they resume at the next start.
    package func suspend() async {
        isSuspended = true
        for task in running.values { task.cancel() }
        for task in running.values { await task.value }
    }

    private var isSuspended = false

    // MARK: Reading

    /// All runs, newest first.
    package func runs() async throws(GyreError) -> [PipelineRun] {
        try await store.documents("pipeline-run").map { document throws(GyreError) in
            try PipelineRun(json: document.body)
        }
        .sorted { $0.startedAt > $1.startedAt }
    }

    /// A run by its id, or the first digits of it.
    package func run(_ id: String) async throws(GyreError) -> PipelineRun {
        let found = try await store.documents("pipeline-run", prefix: id)
        guard !id.isEmpty, found.count == 1 else {
            throw GyreError(
                .notFound,
                found.isEmpty ? "No pipeline run has the id \"\(id)\"." : "Several pipeline runs begin with \"\(id)\".",
                fix: "gyre pipeline list")
        }
        return try PipelineRun(json: found[0].body)
    }

    /// The tasks of a run by path.
    package func tasks(of id: String) async throws(GyreError) -> [TaskRecord] {
        try await store.documents("pipeline-task", prefix: "\(id)/").map { document throws(GyreError) in
            try TaskRecord(json: document.body)
        }
    }

    /// What a task printed so far; the last MiB.
    package func log(of id: String, task path: String) async throws(GyreError) -> [UInt8] {
        let safe = try RelativePath(path)
        guard let file = FileHandle(forReadingAtPath: "\(options.folder)/\(try await run(id).id)/\(safe)/log.txt")
        else {
            throw GyreError(
                .notFound, "The task \"\(path)\" of the run \(id) has no log.", fix: "gyre pipeline show \(id)")
        }
        do {
            let size = try file.seekToEnd()
            try file.seek(toOffset: size > 1 << 20 ? size - 1 << 20 : 0)
            return Array(try file.readToEnd() ?? Data())
        } catch {
            throw GyreError.wrapping(error, "Reading a log")
        }
    }

    // MARK: Running

    private func launch(_ run: PipelineRun, _ pipeline: Pipeline) {
        // Owned by this actor under the run's id; ends with the run, with `cancel` or with `suspend`.
        running[run.id] = Task { await self.execute(run, pipeline) }
    }

    private func execute(_ run: PipelineRun, _ pipeline: Pipeline) async {
        var run = run
        do {
            var earlier: [String: TaskRecord] = [:]
            for task in try await tasks(of: run.id) { earlier[task.path] = task }
            let tasks = TaskRunner(
                run: run, pipeline: pipeline, store: store, files: ArtifactFiles(blobs: blobs), executor: executor,
                slots: slots,
                options: options, now: surroundings.now, earlier: earlier)
            guard case .graph(let graph) = pipeline.root.body else {
                throw GyreError(.invalid, "The pipeline has no graph.")
            }
            let inputs = GraphRunner.Inputs(parameters: run.parameters)
            let outcome = try await GraphRunner(pipeline: pipeline, tasks: tasks).run(graph, inputs, prefix: "")
            run.state = outcome.state
            run.message = outcome.message
            run.outputs = outcome.outputs
        } catch {
            let error = GyreError.wrapping(error, "Running the pipeline")
            run.state = error.code == .cancelled ? .canceled : .failed
            run.message = error.description
        }
        if isSuspended, run.state == .canceled { return }
        run.endedAt = surroundings.now()
        await end(run)
        running[run.id] = nil
        await options.onEnd(run)
    }

    private func end(_ run: PipelineRun) async {
        let what = run.state == .succeeded ? "succeeded" : run.state == .canceled ? "canceled" : "failed"
        do {
            try await store.commit(
                [.put(document(run))],
                recording: [
                    Fact(
                        "pipelines.run.\(what)", run.ref, by: run.actor,
                        body: ["message": .optional(run.message), "outputs": run.outputs.json])
                ])
        } catch {
            // The run stays "running" in the store and is resumed at the next start, where its tasks are found finished.
            return
        }
    }

    private func document(_ run: PipelineRun) -> Document { Document("pipeline-run", run.id, run.json) }
}

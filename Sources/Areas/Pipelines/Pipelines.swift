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
    /// Tasks of all runs that run at the same time.
    package let runningTasks: Int
    /// Variables that a task gets; the refs are what goes into it, by the name of the input.
    package let variables: @Sendable (PipelineRun, TaskRecord, [String: Ref]) -> [String: String]
    /// What a name stands for that must not be seen.
    package let secret: @Sendable (String) async throws(GyreError) -> String
    /// What an importer's address means now; the ref never means anything else later.
    package let resolve: @Sendable (String) async throws(GyreError) -> Ref
    /// The files of something resolved.
    package let files: @Sendable (Ref) async throws(GyreError) -> Tree
    /// Reads a compiled package.
    package let read: @Sendable ([UInt8]) throws(GyreError) -> Pipeline
    /// Told when a run has ended; says what it did about it, in words.
    package let onEnd: @Sendable (PipelineRun) async -> String

    /// Options.
    package init(
        folder: String, images: [String] = ["python:3"], timeoutSeconds: Int = 3600,
        runningTasks: Int = Limits.runningTasks,
        variables: @escaping @Sendable (PipelineRun, TaskRecord, [String: Ref]) -> [String: String],
        secret: @escaping @Sendable (String) async throws(GyreError) -> String = { name throws(GyreError) in
            throw GyreError(.notFound, "There is no secret \"\(name.prefix(80))\".")
        },
        resolve: @escaping @Sendable (String) async throws(GyreError) -> Ref,
        files: @escaping @Sendable (Ref) async throws(GyreError) -> Tree,
        read: @escaping @Sendable ([UInt8]) throws(GyreError) -> Pipeline,
        onEnd: @escaping @Sendable (PipelineRun) async -> String
    ) {
        self.folder = folder
        self.images = images
        self.timeoutSeconds = timeoutSeconds
        self.runningTasks = runningTasks
        self.variables = variables
        self.secret = secret
        self.resolve = resolve
        self.files = files
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
    private let slots: Slots
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
        slots = Slots(options.runningTasks)
    }

    /// What a run is started with.
    package struct Request: Sendable {
        /// The compiled package.
        package let compiled: [UInt8]
        /// Values for the pipeline's parameters.
        package var parameters: [String: JSONValue] = [:]
        /// Why it is started.
        package var reason = ""
        /// What it is for.
        package var purpose = PipelineRun.Purpose.ordinary
        /// Whether earlier results may be taken.
        package var usesCache = true
        /// What addresses of imports mean for it, whatever they mean by now.
        package var resolved: [String: Ref] = [:]

        /// A run of this package.
        package init(compiled: [UInt8]) { self.compiled = compiled }
    }

    /// Starts a run; it goes on after this returns.
    ///
    /// What it will import is resolved now: a name that floats means the same thing for the whole run, and the run says which.
    /// - Throws: `.invalid` for a package that is none, or parameters that do not fit; `.notFound` for data that is not there.
    package func start(_ request: Request, by actor: String) async throws(GyreError) -> PipelineRun {
        let (run, pipeline) = try await prepare(request, by: actor)
        _ = try await blobs.put(request.compiled)
        try await store.commit(
            [.create(document(run))],
            recording: [
                Fact(
                    "pipelines.run.started", run.ref, by: actor, inputs: [pipeline.ref], outputs: [run.ref],
                    body: [
                        "reason": .string(request.reason), "parameters": run.json["parameters"] ?? [:],
                        "purpose": run.json["purpose"] ?? .null, "resolved": run.json["resolved"] ?? [:],
                    ])
            ])
        launch(run, pipeline)
        return run
    }

    /// The run that `start` would begin, with what it would import resolved as of now; nothing is stored or run.
    /// - Throws: as `start`.
    package func plan(_ request: Request, by actor: String) async throws(GyreError) -> PipelineRun {
        try await prepare(request, by: actor).run
    }

    private func prepare(
        _ request: Request, by actor: String
    ) async throws(GyreError) -> (run: PipelineRun, pipeline: Pipeline) {
        let pipeline = try options.read(request.compiled)
        var parameters = try Self.parameters(of: request, pipeline)
        var resolved: [String: Ref] = [:]
        let imports = pipeline.importAddresses(parameters)
        for address in imports.all.sorted() {
            do throws(GyreError) {
                let ref: Ref
                if let known = request.resolved[address] {
                    ref = known
                } else {
                    ref = try await options.resolve(address)
                }
                if ref.description != address { resolved[address] = ref }
            } catch {
                // What only a branch reads that may not be taken is looked for when it is.
                guard error.code == .notFound, !imports.certain.contains(address) else { throw error }
            }
        }
        // The tasks are told what is read, not what was asked for.
        for (name, value) in parameters {
            if let text = value.string, let ref = resolved[text] { parameters[name] = .string(ref.description) }
        }
        let run = PipelineRun(
            id: surroundings.newID(), pipeline: pipeline.ref, compiled: Digest(of: request.compiled),
            parameters: parameters, actor: actor, reason: request.reason, purpose: request.purpose, resolved: resolved,
            usesCache: request.usesCache, startedAt: surroundings.now())
        return (run, pipeline)
    }

    /// The addresses of what a run of this request would import that may mean something else by now.
    package func floatingImports(_ request: Request) throws(GyreError) -> [String] {
        let pipeline = try options.read(request.compiled)
        let addresses = pipeline.importAddresses(try Self.parameters(of: request, pipeline))
        return addresses.all.filter { address in
            if request.resolved[address] != nil { return false }
            // What is no ref of a dataset (a URL reads like one of something else) pins nothing.
            guard let ref = try? Ref(parsing: address), ref.kind == "dataset" else { return true }
            return ref.floating != nil
        }.sorted()
    }

    private static func parameters(
        of request: Request, _ pipeline: Pipeline
    ) throws(GyreError) -> [String: JSONValue] {
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
        return parameters
    }

    /// Takes up the runs that a stopped server left; finished tasks are not run again.
    /// - Returns: what could not be taken up, and why; the others go on.
    package func resume() async throws(GyreError) -> [GyreError] {
        var problems: [GyreError] = []
        for run in try await runs() where !run.state.isEnd && running[run.id] == nil {
            do throws(GyreError) {
                launch(run, try options.read(try await blobs.bytes(run.compiled)))
            } catch {
                problems.append(
                    GyreError(error.code, "The pipeline run \(run.id) was not taken up.", why: error.description))
            }
        }
        return problems
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

    /// A run by its whole id; nil where there is none.
    package func run(exactly id: String) async throws(GyreError) -> PipelineRun? {
        try await store.document("pipeline-run", id).map { document throws(GyreError) in
            try PipelineRun(json: document.body)
        }
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
        let isStored = await end(run)
        running[run.id] = nil
        if isStored { await tell(run) }
    }

    /// Tells whoever acts on runs that one has ended, and remembers that it was told.
    private func tell(_ run: PipelineRun) async {
        let deed = await options.onEnd(run)
        do throws(GyreError) { try await told(run, deed) } catch {
            // It is told again at the next start; whoever acts on it looks at what was done.
        }
    }

    /// Runs whose end a killed server did not come to tell, oldest first.
    package func untoldEnds() async throws(GyreError) -> [PipelineRun] {
        var found: [PipelineRun] = []
        for marker in try await store.documents(Self.untold) {
            guard let document = try await store.document("pipeline-run", marker.key) else { continue }
            found.append(try PipelineRun(json: document.body))
        }
        return found.sorted { ($0.endedAt ?? 0) < ($1.endedAt ?? 0) }
    }

    /// Records what was done about the end of a run, in words, so that it is not told again.
    package func told(_ run: PipelineRun, _ deed: String) async throws(GyreError) {
        try await store.commit(
            [.remove(kind: Self.untold, key: run.id)],
            recording: [Fact("pipelines.run.handled", run.ref, by: "gyre", body: ["done": .string(deed)])])
    }

    /// The kind of the documents that stand for an end that is still to be told.
    private static let untold = "pipeline-run-untold"

    /// Stores the end of a run; false where that failed.
    private func end(_ run: PipelineRun) async -> Bool {
        let kind =
            switch run.state {
            case .succeeded: "pipelines.run.succeeded"
            case .canceled: "pipelines.run.canceled"
            case .pending, .running, .skipped, .failed: "pipelines.run.failed"
            }
        do {
            try await store.commit(
                [.put(document(run)), .put(Document(Self.untold, run.id, [:]))],
                recording: [
                    Fact(
                        kind, run.ref, by: run.actor,
                        body: ["message": .optional(run.message), "outputs": run.outputs.json])
                ])
            return true
        } catch {
            // The run stays "running" in the store and is resumed at the next start, where its tasks are found finished.
            return false
        }
    }

    private func document(_ run: PipelineRun) -> Document { Document("pipeline-run", run.id, run.json) }
}

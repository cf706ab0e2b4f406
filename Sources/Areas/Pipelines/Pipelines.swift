// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
package import GyreLedger

/// Pipeline runs: started, resumed after a crash, cancelled.
package actor Pipelines {
    /// A run that goes on.
    private struct Live: Sendable {
        let driver: RunDriver
        let task: Task<Void, Never>
    }

    private let ledger: any LedgerStore
    let store: any PipelineStore
    let blobs: any BlobStore
    private let executor: any TaskExecutor
    let options: PipelineOptions
    private let surroundings: Surroundings
    private let slots: Slots
    let locks: Locks
    private var live: [String: Live] = [:]
    private var isSuspended = false

    /// Pipelines over these stores.
    package init(
        ledger: any LedgerStore, store: any PipelineStore, blobs: any BlobStore, executor: any TaskExecutor,
        options: PipelineOptions, surroundings: Surroundings
    ) {
        self.ledger = ledger
        self.store = store
        self.blobs = blobs
        self.executor = executor
        self.options = options
        self.surroundings = surroundings
        slots = Slots(options.runningTasks)
        locks = Locks(limit: options.lockLimit)
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
        /// What people call the run; nil for the name of its pipeline.
        package var name: String?
        /// Where its name is the only one of its kind; nil for a name that others may have.
        package var namespace: String?
        /// The group of runs that it is counted in.
        package var experiment: String?
        /// The schedule that starts it.
        package var schedule: String?
        /// The time that the schedule meant.
        package var scheduledAt: Int64?
        /// The id that the run gets; nil for a new one.
        package var id: String?
        /// What its client keeps with it.
        package var annotations: JSONValue = [:]
        /// Whether nothing of it is begun until somebody says so.
        package var startsPaused = false

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
        try await store.create(
            run,
            recording: Fact(
                "pipelines.run.started", run.ref, by: actor, inputs: [pipeline.ref], outputs: [run.ref],
                body: [
                    "reason": .string(request.reason), "parameters": run.json["parameters"] ?? [:],
                    "purpose": run.json["purpose"] ?? .null, "resolved": run.json["resolved"] ?? [:],
                    "schedule": .optional(run.schedule),
                ]))
        options.passed(.runCreated)
        launch(run, pipeline, known: [:])
        return run
    }

    /// The run that `start` would begin, with what it would import resolved as of now; nothing is stored or run.
    /// - Throws: as `start`.
    package func plan(_ request: Request, by actor: String) async throws(GyreError) -> PipelineRun {
        try await prepare(request, by: actor).run
    }

    /// Whether a run could be started with these parameters; what it imports is not looked for.
    /// - Throws: `.invalid`.
    package func check(_ request: Request) throws(GyreError) {
        let pipeline = try options.read(request.compiled)
        try pipeline.checkImages(executor)
        _ = try Self.parameters(of: request, pipeline)
    }

    /// What a package is made of.
    /// - Throws: `.invalid` for a package that is none; `.unsupported` for what cannot be run here.
    package func outline(_ compiled: [UInt8]) throws(GyreError) -> PipelineOutline {
        let pipeline = try options.read(compiled)
        try pipeline.checkImages(executor)
        return PipelineOutline(pipeline)
    }

    private func prepare(
        _ request: Request, by actor: String
    ) async throws(GyreError) -> (run: PipelineRun, pipeline: Pipeline) {
        let pipeline = try options.read(request.compiled)
        try pipeline.checkImages(executor)
        var parameters = try Self.parameters(of: request, pipeline)
        var resolved: [String: Ref] = [:]
        let imports = pipeline.importAddresses(parameters)
        for address in imports.all.sorted() where !Importer.isElsewhere(address) {
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
        var run = PipelineRun(
            id: request.id ?? surroundings.newID(), pipeline: pipeline.ref, compiled: Digest(of: request.compiled),
            parameters: parameters, actor: actor, reason: request.reason, purpose: request.purpose, resolved: resolved,
            usesCache: request.usesCache, startedAt: surroundings.now())
        if let name = request.name, !name.isEmpty { run.name = name }
        run.namespace = request.namespace
        run.startsPaused = request.startsPaused
        run.experiment = request.experiment
        run.schedule = request.schedule
        run.scheduledAt = request.scheduledAt
        run.annotations = request.annotations
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

    /// Takes up the runs that a stopped server left; what ended is not run again.
    /// - Returns: what could not be taken up, and why; the others go on.
    package func resume() async throws(GyreError) -> [GyreError] {
        var problems: [GyreError] = []
        let unended = try await unended()
        // Whoever held something holds it again before anybody else asks.
        locks.close()
        for run in unended where live[run.id] == nil {
            do throws(GyreError) { try await takeUp(run) } catch {
                problems.append(
                    GyreError(error.code, "The pipeline run \(run.id) was not taken up.", why: error.description))
            }
        }
        // Ends when the last of them stands where its events end; who waits for a lock waits for that, and nobody else does.
        Task { [drivers = live.values.map(\.driver), locks] in
            for driver in drivers { await driver.whenUp() }
            locks.open()
        }
        return problems
    }

    /// Goes on with a run that a stopped server left; one that goes on already is left as it is.
    private func takeUp(_ run: PipelineRun) async throws(GyreError) {
        let pipeline = try options.read(try await blobs.bytes(run.compiled))
        let known = run.reopenings == 0 ? [:] : try await succeeded(run.id)
        // It may have ended since it was looked at.
        guard live[run.id] == nil, try await store.run(run.id)?.state.isEnd == false else { return }
        if live[run.id] == nil, !isSuspended { launch(run, pipeline, known: known) }
    }

    /// Stops a run with its processes.
    package func cancel(_ id: String, by actor: String) async throws(GyreError) -> PipelineRun {
        let run = try await self.run(id)
        guard !run.state.isEnd else {
            throw GyreError(
                .conflict, "The run \(id) cannot be cancelled.", why: "It ended already: \(run.state.rawValue).")
        }
        // A server that has just started may not have come to it yet.
        if live[run.id] == nil { try await takeUp(run) }
        await live[run.id]?.driver.cancel(by: actor)
        await live[run.id]?.task.value
        return try await self.run(run.id)
    }

    /// Lets a run go on that did not succeed: what succeeded is not run again.
    ///
    /// `path`: a task that is run again with all that depend on it, whatever their ends; nil for those that did not succeed alone.
    package func retry(_ id: String, from path: String? = nil, by actor: String) async throws(GyreError) -> PipelineRun
    {
        var run = try await self.run(id)
        guard run.state.isEnd, path != nil || run.state != .succeeded else {
            throw GyreError(
                .conflict, "The run \(id) cannot be run again from where it failed.",
                why: run.state.isEnd ? "It succeeded." : "It has not ended.")
        }
        let pipeline = try options.read(try await blobs.bytes(run.compiled))
        let tasks = try await store.tasks(of: run.id)
        var forgotten = Set(tasks.filter { $0.state != .succeeded || !$0.isLeaf }.map(\.path))
        if let path {
            guard tasks.contains(where: { $0.path == path }) else {
                throw GyreError(
                    .notFound, "The run \(id) has no task \"\(path.prefix(200))\".",
                    fix: Nearest.fix(path, among: tasks.map(\.path), otherwise: "gyre pipeline show \(id.prefix(8))"))
            }
            forgotten.formUnion(TaskRecord.following(path, in: tasks))
        }
        run.state = .running
        run.message = nil
        run.endedAt = nil
        run.outputs = TaskValues()
        run.reopenings += 1
        try await store.reopen(
            run, forgetting: forgotten.sorted(),
            recording: Fact(
                "pipelines.run.retried", run.ref, by: actor,
                body: ["from": .optional(path), "kept": .int(Int64(tasks.count - forgotten.count))]))
        launch(run, pipeline, known: try await succeeded(run.id))
        return run
    }

    /// Answers what a gate of a run asks.
    package func answer(
        _ id: String, task path: String, isApproved: Bool, values: TaskValues = TaskValues(), by actor: String,
        reason: String
    ) async throws(GyreError) {
        let run = try await self.run(id)
        if live[run.id] == nil, !run.state.isEnd { try await takeUp(run) }
        guard let live = live[run.id] else {
            throw GyreError(.conflict, "The run \(id) does not wait for an answer.", why: "It has ended.")
        }
        try await live.driver.answer(path, isApproved: isApproved, values: values, by: actor, reason: reason)
    }

    /// Stops a run, and lets those tasks go on that run whatever happens.
    package func stop(_ id: String, message: String, by actor: String) async throws(GyreError) -> PipelineRun {
        try await driver(of: id, "stopped").stop(by: actor, message: message)
        return try await run(id)
    }

    /// Holds back what is not begun yet of a run, or lets it begin.
    package func pause(_ id: String, _ isPaused: Bool, by actor: String) async throws(GyreError) -> PipelineRun {
        try await driver(of: id, isPaused ? "suspended" : "resumed").pause(isPaused, by: actor)
        return try await run(id)
    }

    /// Whether nothing more of a run is begun for now.
    package func isPaused(_ id: String) async -> Bool { await live[id]?.driver.isPaused() ?? false }

    /// The tasks that hold what has this name, by run and path.
    package func holders(of name: String) -> [String] { locks.holders(of: name).map { "\($0.run)/\($0.task)" } }

    /// Goes on as if a task had succeeded, and does not run it; the reason is kept with it.
    package func passOver(
        _ id: String, task path: String, by actor: String, reason: String
    ) async throws(GyreError) {
        try await driver(of: id, "changed").passOver(path, by: actor, reason: reason)
    }

    private func driver(of id: String, _ deed: String) async throws(GyreError) -> RunDriver {
        let run = try await self.run(id)
        // A server that has just started may not have come to it yet.
        if live[run.id] == nil, !run.state.isEnd { try await takeUp(run) }
        guard let live = live[run.id] else {
            throw GyreError(
                .conflict, "The run \(id) cannot be \(deed).", why: "It ended already: \(run.state.rawValue).")
        }
        return live.driver
    }

    /// What tasks of a run wait for; none for a run that goes on nowhere.
    package func waiting(of id: String) async -> [WaitingTask] { await live[id]?.driver.waitingTasks() ?? [] }

    /// Waits until a run has ended.
    package func wait(for id: String) async throws(GyreError) -> PipelineRun {
        await live[id]?.task.value
        return try await run(id)
    }

    /// Stops all runs for a graceful end of the server; they resume at the next start.
    package func suspend() async {
        isSuspended = true
        for run in live.values { await run.driver.suspend() }
        for run in live.values { await run.task.value }
    }

    /// Leaves a run out of lists, or takes it in again.
    package func archive(_ id: String, _ isArchived: Bool, by actor: String) async throws(GyreError) -> PipelineRun {
        let run = try await self.run(id)
        let kind = isArchived ? "pipelines.run.archived" : "pipelines.run.unarchived"
        return try await store.update(run.id, recording: Fact(kind, run.ref, by: actor)) { $0.isArchived = isArchived }
    }

    /// Removes a run that has ended, with its tasks and their folders; the ledger keeps what it was.
    package func remove(_ id: String, by actor: String) async throws(GyreError) {
        let run = try await self.run(id)
        guard run.state.isEnd else {
            throw GyreError(
                .conflict, "The run \(id) cannot be removed while it goes on.", fix: "gyre pipeline cancel \(id)")
        }
        try await store.remove(run.id, recording: Fact("pipelines.run.removed", run.ref, by: actor, body: run.json))
        // A run that no task of ever began has no folder; what cannot be removed is found by name later.
        try? FileManager.default.removeItem(atPath: "\(options.folder)/\(run.id)")
    }

    // MARK: Running

    private func succeeded(_ id: String) async throws(GyreError) -> [String: TaskRecord] {
        var known: [String: TaskRecord] = [:]
        for task in try await store.tasks(of: id) where task.state == .succeeded && task.isLeaf {
            known[task.path] = task
        }
        return known
    }

    private func launch(_ run: PipelineRun, _ pipeline: Pipeline, known: [String: TaskRecord]) {
        let runner = TaskRunner(
            run: run, pipeline: pipeline, store: ledger, files: ArtifactFiles(blobs: blobs), executor: executor,
            slots: slots, options: options, now: surroundings.now)
        let driver = RunDriver(
            run: run, pipeline: pipeline, runner: runner, store: store, locks: locks, known: known,
            now: surroundings.now)
        // Owned by this actor under the run's id; ends with the run, or when everything is suspended.
        live[run.id] = Live(
            driver: driver,
            task: Task {
                let ended = await driver.drive()
                await self.ended(run.id, ended)
            })
    }

    private func ended(_ id: String, _ run: PipelineRun?) async {
        live[id] = nil
        if let run { await tell(run) }
    }

    /// Tells whoever acts on runs that one has ended, and remembers that it was told.
    private func tell(_ run: PipelineRun) async {
        let deed = await options.onEnd(run)
        do throws(GyreError) { try await told(run, deed) } catch {
            // It is told again at the next start; whoever acts on it looks at what was done.
        }
    }

    /// Runs whose end a killed server did not come to tell, oldest first.
    package func untoldEnds() async throws(GyreError) -> [PipelineRun] { try await store.untold() }

    /// Records what was done about the end of a run, in words, so that it is not told again.
    package func told(_ run: PipelineRun, _ deed: String) async throws(GyreError) {
        try await store.told(
            run.id, recording: Fact("pipelines.run.handled", run.ref, by: "gyre", body: ["done": .string(deed)]))
    }
}

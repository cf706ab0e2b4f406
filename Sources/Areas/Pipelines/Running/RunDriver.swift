// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreLedger

/// Drives one run: tells its machine what happens, keeps that on disk, and only then does what the machine asks for.
///
/// What happens while something is being kept is kept together with the next.
actor RunDriver {
    private struct Arrival: Sendable {
        let event: RunEvent
        var changes: [Change] = []
        var facts: [Fact] = []
    }

    private let pipeline: Pipeline
    private let runner: TaskRunner
    private let store: any PipelineStore
    private let now: @Sendable () -> Int64
    private var run: PipelineRun
    private var machine: RunMachine
    private var inbox: [Arrival] = []
    private var waiter: CheckedContinuation<Void, Never>?
    private var attempts: [RunMachine.NodeID: Task<Void, Never>] = [:]
    /// Attempts that were asked for and are not begun yet; those before `firstWaiting` are.
    private var waiting: [(id: RunMachine.NodeID, attempt: Int)] = []
    private var firstWaiting = 0
    /// Those that were stopped before their attempt was begun.
    private var withdrawn: Set<RunMachine.NodeID> = []
    /// What wakes the run, by the time at which it does.
    private var alarms: [Int64: Task<Void, Never>] = [:]
    private var isSuspended = false
    private var isUp = false
    private var waitingForUp: [CheckedContinuation<Void, Never>] = []
    private let locks: Locks
    /// Those who wait to hold something.
    private var acquiring: [RunMachine.NodeID: Task<Void, Never>] = [:]

    init(
        run: PipelineRun, pipeline: Pipeline, runner: TaskRunner, store: any PipelineStore, locks: Locks,
        known: [String: TaskRecord],
        now: @escaping @Sendable () -> Int64
    ) {
        self.run = run
        self.pipeline = pipeline
        self.runner = runner
        self.store = store
        self.locks = locks
        self.now = now
        machine = RunMachine(pipeline: pipeline, run: run, known: known)
    }

    /// Drives the run to its end, or until it is suspended.
    /// - Returns: the run as it ended; nil where it was suspended.
    func drive() async -> PipelineRun? {
        do throws(GyreError) {
            try await takeUp()
            tellUp()
            while !isSuspended, machine.whole.phase != .ended {
                if inbox.isEmpty { await withCheckedContinuation { waiter = $0 } }
                let arrivals = inbox
                inbox = []
                if !isSuspended { try await handle(arrivals) }
            }
        } catch {
            await fail(error)
        }
        tellUp()
        for alarm in alarms.values { alarm.cancel() }
        for waiter in acquiring.values { waiter.cancel() }
        locks.releaseAll(of: run.id)
        return isSuspended ? nil : run
    }

    /// Waits until the run is where its stored events end: before, nothing is known of its tasks.
    func whenUp() async {
        if !isUp { await withCheckedContinuation { waitingForUp.append($0) } }
    }

    private func tellUp() {
        isUp = true
        for waiter in waitingForUp { waiter.resume() }
        waitingForUp = []
    }

    /// Somebody stops the run.
    func cancel(by actor: String) { post(Arrival(event: .cancelled(by: actor, at: now()))) }

    /// Somebody answers what a gate asks.
    /// - Throws: `.notFound` for a task that is not there; `.conflict` for one that asks nothing.
    func answer(
        _ path: String, isApproved: Bool, values: TaskValues, by actor: String, reason: String
    ) async throws(GyreError) {
        await whenUp()
        guard let id = machine.node(at: path) else {
            throw GyreError(.notFound, "The run \(run.id) has no task \"\(path.prefix(200))\".")
        }
        guard machine.nodes[id].phase == .asking else {
            throw GyreError(.conflict, "The task \"\(path)\" of the run \(run.id) does not wait for an answer.")
        }
        post(
            Arrival(
                event: .answered(
                    id, isApproved: isApproved, values: values, by: actor, reason: reason, at: now())))
    }

    /// Somebody stops the run, and lets those tasks go on that run whatever happens.
    func stop(by actor: String, message: String) {
        post(Arrival(event: .stopped(by: actor, message: message, at: now())))
    }

    /// Holds back what is not begun yet, or lets it begin.
    func pause(_ isPaused: Bool, by actor: String) {
        post(Arrival(event: .paused(isPaused, by: actor, at: now())))
    }

    /// Whether nothing more is begun for now.
    func isPaused() async -> Bool {
        await whenUp()
        return machine.isPaused
    }

    /// Somebody says that a task is not to be run, and is as good as done.
    /// - Throws: `.notFound` for a task that is not there; `.conflict` for one that has ended or holds others.
    func passOver(_ path: String, by actor: String, reason: String) async throws(GyreError) {
        await whenUp()
        guard let id = machine.node(at: path) else {
            throw GyreError(.notFound, "The run \(run.id) has no task \"\(path.prefix(200))\".")
        }
        guard machine.nodes[id].phase != .ended, machine.nodes[id].phase != .open else {
            throw GyreError(
                .conflict, "The task \"\(path)\" of the run \(run.id) cannot be passed over.",
                why: machine.nodes[id].phase == .ended ? "It has ended." : "It is a group or a loop that goes on.")
        }
        post(Arrival(event: .passedOver(id, by: actor, reason: reason, at: now())))
    }

    /// What tasks of the run wait for.
    func waitingTasks() -> [WaitingTask] { machine.waiting(limit: Limits.waitingTasks) }

    /// Stops everything without ending the run; the next start of the server takes it up.
    func suspend() async {
        isSuspended = true
        let running = Array(attempts.values)
        for attempt in running { attempt.cancel() }
        wakeUp()
        for attempt in running { await attempt.value }
    }

    // MARK: Events

    private func post(_ arrival: Arrival) {
        guard !isSuspended else { return }
        inbox.append(arrival)
        wakeUp()
    }

    private func wakeUp() {
        waiter?.resume()
        waiter = nil
    }

    /// Begins the run, or goes on where its stored events end.
    private func takeUp() async throws(GyreError) {
        let stored = try await store.events(of: run.id)
        guard !stored.isEmpty else {
            // One that is to be held back begins nothing at all before.
            if run.startsPaused { post(Arrival(event: .paused(true, by: run.actor, at: now()))) }
            return post(Arrival(event: .began(at: now())))
        }
        var outputs: [String: TaskValues] = [:]
        for task in try await store.tasks(of: run.id) where task.state == .succeeded {
            outputs[task.path] = task.outputs
        }
        var asked: Set<RunMachine.NodeID> = []
        for json in stored {
            let event = try RunEvent(json: json, node: { machine.node(at: $0) }, outputs: { outputs[$0] })
            for command in machine.apply(event).commands {
                if case .stop(let id) = command { asked.insert(id) }
            }
        }
        for id in machine.holders { locks.hold(machine.nodes[id].locks, by: holder(id)) }
        // What was left running belongs to nobody now.
        let at = now()
        for (id, node) in machine.nodes.enumerated() where node.phase == .queued || node.phase == .running {
            await runner.stopLeftover(node.path, process: node.process)
            if node.phase == .queued, !asked.contains(id) { continue }
            let end: RunEvent.AttemptEnd = machine.isCancelled ? .cancelled : .lost
            post(Arrival(event: .attemptEnded(id, attempt: node.attempts, end, at: at)))
        }
        perform(machine.outstanding().filter { $0.node.map { !asked.contains($0) } ?? true })
    }

    private func handle(_ arrivals: [Arrival]) async throws(GyreError) {
        var step = RunStep(run: run.id)
        var commands: [RunMachine.Command] = []
        var changed: Set<RunMachine.NodeID> = []
        for arrival in arrivals {
            let reaction = machine.apply(arrival.event)
            step.events.append(arrival.event.json { [nodes = machine.nodes] in nodes[$0].path })
            step.changes += arrival.changes
            step.facts += arrival.facts
            commands += reaction.commands
            changed.formUnion(reaction.changed)
        }
        changed.remove(0)
        for id in changed.sorted() {
            let record = record(of: id)
            step.tasks.append(record)
            if let fact = Self.fact(of: record, by: run.actor) { step.facts.append(fact) }
        }
        if machine.whole.phase == .ended { step.end = ended() }
        try await keep(step)
        machine.forgetInputs(of: changed)
        perform(commands)
    }

    /// Keeps a step, however long it takes to be possible.
    private func keep(_ step: RunStep) async throws(GyreError) {
        var pause = 1.0
        while !isSuspended {
            do throws(GyreError) {
                try await store.keep(step)
                return runner.options.passed(.eventsKept)
            } catch {
                // A full disk or a database that is away: nothing is lost while this waits.
                guard error.code == .unavailable else { throw error }
                // A cancelled pause tries at once.
                try? await Task.sleep(for: .seconds(pause))
                pause = min(pause * 2, 30)
            }
        }
    }

    // MARK: Commands

    private func perform(_ commands: [RunMachine.Command]) {
        for command in commands {
            switch command {
            case .launch(let id, let attempt): waiting.append((id, attempt))
            case .stop(let id): stop(id)
            case .acquire(let id): acquire(id)
            case .release(let id):
                acquiring.removeValue(forKey: id)?.cancel()
                locks.release(holder(id))
            case .wake(let at):
                // Owned by this actor under its time; ends at it or with the run.
                if alarms[at] == nil { alarms[at] = Task { await self.wake(at: at) } }
            }
        }
        beginAttempts()
    }

    /// Stops an attempt; one that was not begun has ended with that.
    private func stop(_ id: RunMachine.NodeID) {
        if let attempt = attempts[id] { return attempt.cancel() }
        withdrawn.insert(id)
        post(Arrival(event: .attemptEnded(id, attempt: machine.nodes[id].attempts, .cancelled, at: now())))
    }

    private func holder(_ id: RunMachine.NodeID) -> Locks.Holder {
        Locks.Holder(run: run.id, task: machine.nodes[id].path)
    }

    private func acquire(_ id: RunMachine.NodeID) {
        let (wanted, holder) = (machine.nodes[id].locks, holder(id))
        // Owned by this actor under its node; ends when it holds what it wants, or is released.
        acquiring[id] = Task { [locks, priority = pipeline.priority] in
            do throws(GyreError) {
                try await locks.acquire(wanted, by: holder, priority: priority)
                self.acquired(id)
            } catch {
                self.notAcquired(id, error)
            }
        }
    }

    private func acquired(_ id: RunMachine.NodeID) {
        acquiring[id] = nil
        // One that was stopped while it was told gives it back at once.
        guard machine.nodes[id].phase == .locking else { return locks.release(holder(id)) }
        post(Arrival(event: .acquired(id, at: now())))
    }

    private func notAcquired(_ id: RunMachine.NodeID, _ error: GyreError) {
        acquiring[id] = nil
        guard error.code != .cancelled else { return }
        post(Arrival(event: .notAcquired(id, why: error.description, at: now())))
    }

    /// Begins attempts that wait, as many as a run has at the same time: a loop may have many thousands.
    private func beginAttempts() {
        let most = min(Limits.attemptsAtOnce, pipeline.parallelism ?? .max)
        while attempts.count < most, !machine.isPaused, firstWaiting < waiting.count, !isSuspended {
            let (id, attempt) = waiting[firstWaiting]
            firstWaiting += 1
            let node = machine.nodes[id]
            if withdrawn.contains(id) { continue }
            if node.phase == .queued, node.attempts == attempt, !machine.isCancelled { launch(id, attempt) }
        }
        if firstWaiting == waiting.count {
            waiting = []
            firstWaiting = 0
        }
    }

    private func wake(at due: Int64) async {
        let seconds = Double(max(0, due - now())) / 1_000_000
        // A cancelled sleep belongs to a run that is over.
        guard (try? await Task.sleep(for: .seconds(seconds))) != nil else { return }
        alarms[due] = nil
        // A clock that was set back must not keep it waiting.
        post(Arrival(event: .timePassed(at: max(due, now()))))
    }

    private func launch(_ id: RunMachine.NodeID, _ attempt: Int) {
        let node = machine.nodes[id]
        let definition = machine.definition(of: id)
        guard let component = pipeline.components[definition.component] else { return }
        let job = TaskRunner.Job(
            component: component, definition: definition, inputs: node.inputs, path: node.path,
            scope: machine.scope(ofAttempt: id))
        // Owned by this actor under its node; ends with the attempt, or when it is stopped.
        attempts[id] = Task { [runner] in
            let result = await runner.attempt(job) { await self.began(id, attempt, $0) }
            self.ended(id, attempt, result)
        }
    }

    private func began(_ id: RunMachine.NodeID, _ attempt: Int, _ process: Int32?) {
        post(Arrival(event: .attemptBegan(id, attempt: attempt, process: process, at: now())))
    }

    private func ended(_ id: RunMachine.NodeID, _ attempt: Int, _ result: TaskRunner.Result) {
        attempts[id] = nil
        beginAttempts()
        post(
            Arrival(
                event: .attemptEnded(id, attempt: attempt, result.end, note: result.note, at: now()),
                changes: result.changes, facts: result.facts))
    }

    // MARK: Records

    private func record(of id: RunMachine.NodeID) -> TaskRecord {
        let node = machine.nodes[id]
        let definition = machine.definition(of: id)
        var record = TaskRecord(run: run.id, path: node.path, upstream: machine.upstream(of: id))
        record.kind = node.kind.rawValue
        record.component = definition.component
        record.name = definition.displayName ?? ""
        record.state = node.state
        record.attempts = node.attempts
        record.isCacheHit = node.note.isCacheHit
        record.cacheReason = node.note.cacheReason
        record.executor = node.note.executor
        record.exitStatus = node.note.exitStatus
        record.isBlocked = node.isBlocked
        record.message = node.message
        record.startedAt = node.startedAt
        record.endedAt = node.endedAt
        record.inputs = node.inputs.parameters
        record.inputArtifacts = node.inputs.artifacts.mapValues { $0.map(\.ref) }
        record.outputs = node.outputs
        record.process = node.process
        return record
    }

    private static func fact(of record: TaskRecord, by actor: String) -> Fact? {
        guard record.isLeaf else { return nil }
        let kind: String
        switch record.state {
        case .failed where record.endedAt != nil: kind = "pipelines.task.failed"
        case .canceled: kind = "pipelines.task.canceled"
        case .pending, .running, .succeeded, .skipped, .failed: return nil
        }
        return Fact(
            kind, record.ref, by: actor,
            body: ["why": .optional(record.message), "attempts": .int(Int64(record.attempts))])
    }

    /// The run as it ended, and the fact of it.
    private func ended() -> (run: PipelineRun, fact: @Sendable (Digest, Int) -> Fact) {
        run.state = machine.whole.state
        run.message = machine.whole.message
        run.outputs = machine.whole.outputs
        run.endedAt = now()
        return (run, Self.fact(of: run))
    }

    private static func fact(of run: PipelineRun) -> @Sendable (Digest, Int) -> Fact {
        let kind =
            switch run.state {
            case .succeeded: "pipelines.run.succeeded"
            case .canceled: "pipelines.run.canceled"
            case .pending, .running, .skipped, .failed: "pipelines.run.failed"
            }
        return { digest, count in
            Fact(
                kind, run.ref, by: run.actor,
                body: [
                    "message": .optional(run.message), "outputs": run.outputs.json, "tasks": .int(Int64(count)),
                    "digest": .string(digest.hex),
                ])
        }
    }

    /// Ends a run that cannot go on.
    private func fail(_ error: GyreError) async {
        for attempt in attempts.values { attempt.cancel() }
        for attempt in attempts.values { await attempt.value }
        run.state = .failed
        run.message = error.description
        run.endedAt = now()
        var step = RunStep(run: run.id)
        step.end = (run, Self.fact(of: run))
        do throws(GyreError) { try await keep(step) } catch {
            // It stays a run that goes on, and is taken up, and told again, at the next start.
            isSuspended = true
        }
    }
}

extension RunMachine.Command {
    /// The node that it is about; nil for none.
    fileprivate var node: RunMachine.NodeID? {
        switch self {
        case .launch(let id, _), .stop(let id), .acquire(let id), .release(let id): id
        case .wake: nil
        }
    }
}

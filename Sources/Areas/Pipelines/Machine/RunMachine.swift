// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// Where a run stands, as its events tell: told an event, it says what is to be done.
///
/// It does nothing itself: the same events give the same run. What an event costs goes with what it changes, not with the size of the
/// graph.
struct RunMachine: Sendable {
    /// A node by the order in which they came to be.
    typealias NodeID = Int

    /// What is to be done.
    enum Command: Sendable, Hashable {
        /// Make an attempt of this task.
        case launch(NodeID, attempt: Int)
        /// Stop the attempt of this task.
        case stop(NodeID)
        /// Tell the time again at this one.
        case wake(at: Int64)
        /// Say when this task holds what it waits for.
        case acquire(NodeID)
        /// What this task held, or waited for, is free.
        case release(NodeID)
    }

    /// What came of an event.
    struct Reaction: Sendable {
        /// What is to be done, in order.
        var commands: [Command] = []
        /// The nodes whose records are different now.
        var changed: Set<NodeID> = []
    }

    let pipeline: Pipeline
    let run: PipelineRun
    /// What is known of tasks from earlier: those that succeeded are not run again.
    let known: [String: TaskRecord]

    var nodes: [RunNode] = []
    private(set) var isCancelled = false
    /// Whether nothing more is begun for now.
    private(set) var isPaused = false
    var places: [String: NodeID] = [:]
    private(set) var now: Int64 = 0
    /// Tasks that nothing keeps from beginning.
    var ready: [NodeID] = []
    /// Groups and loops whose tasks have all ended.
    var finishing: [NodeID] = []
    var reaction = Reaction()
    /// Nodes that wait for a time.
    var sleeping: Set<NodeID> = []
    /// What tasks gave for all of the run to see.
    var shared = TaskValues()

    init(pipeline: Pipeline, run: PipelineRun, known: [String: TaskRecord] = [:]) {
        self.pipeline = pipeline
        self.run = run
        self.known = known
        var whole = RunNode(path: "", parent: nil, definition: nil, item: nil, upstreamLeft: 0)
        whole.kind = .group
        whole.inputs.parameters = run.parameters
        nodes = [whole]
    }

    /// Forgets what went into nodes that have ended; it stands in their records.
    mutating func forgetInputs(of ended: Set<NodeID>) {
        for id in ended where nodes[id].phase == .ended { nodes[id].inputs = TaskValues() }
    }

    /// How the whole run goes.
    var whole: RunNode { nodes[0] }
    /// The node of a path.
    func node(at path: String) -> NodeID? { places[path] }

    // MARK: Events

    mutating func apply(_ event: RunEvent) -> Reaction {
        reaction = Reaction()
        now = max(now, event.at)
        switch event {
        case .began:
            nodes[0].startedAt = now
            nodes[0].state = .running
            open(0, graph: "")
        case .attemptBegan(let id, let attempt, let process, _):
            guard nodes[id].phase == .queued, nodes[id].attempts == attempt else { break }
            nodes[id].phase = .running
            nodes[id].state = .running
            nodes[id].process = process
            nodes[id].startedAt = nodes[id].startedAt ?? now
            reaction.changed.insert(id)
        case .attemptEnded(let id, let attempt, let end, let note, _):
            guard nodes[id].phase == .queued || nodes[id].phase == .running, nodes[id].attempts == attempt else {
                break
            }
            nodes[id].note = note
            attemptEnded(id, end)
        case .timePassed: wake()
        case .cancelled(let actor, _): cancel(by: actor)
        case .answered(let id, let isApproved, let values, let actor, let reason, _):
            guard nodes[id].phase == .asking else { break }
            let why = "\(actor) said \(isApproved ? "yes" : "no")\(reason.isEmpty ? "" : ": \(reason)")."
            end(id, isApproved ? .succeeded : .failed, values, why)
        case .acquired(let id, _):
            guard nodes[id].phase == .locking else { break }
            startOrFail(id)
        case .notAcquired(let id, let why, _):
            guard nodes[id].phase == .locking else { break }
            end(id, .failed, TaskValues(), why)
        case .paused(let isPaused, _, _): self.isPaused = isPaused
        case .stopped(let actor, let message, _):
            guard whole.phase == .open else { break }
            let why = message.isEmpty ? "\(actor) stopped the run." : message
            for id in nodes[0].children where !definition(of: id).runsAfterFailure {
                stop(id, .failed, why)
            }
        case .passedOver(let id, let actor, let reason, _):
            passOver(id, "\(actor) passed over it\(reason.isEmpty ? "" : ": \(reason)").")
        }
        settle()
        return reaction
    }

    /// What is to be done for a machine that was told stored events only: nobody did what it said then.
    func outstanding() -> [Command] {
        var commands: [Command] = []
        for (id, node) in nodes.enumerated() {
            switch node.phase {
            case .queued: commands.append(.launch(id, attempt: node.attempts))
            case .locking: commands.append(.acquire(id))
            case .retrying, .asking, .open: break
            case .waiting, .held, .running, .ended: break
            }
            if node.phase != .ended, let due = node.dueAt { commands.append(.wake(at: due)) }
        }
        return commands
    }

    /// The nodes that hold something.
    var holders: [NodeID] {
        nodes.indices.filter {
            !nodes[$0].locks.isEmpty && nodes[$0].phase != .locking && nodes[$0].phase != .ended
        }
    }

    private mutating func settle() {
        // By hand and not by recursion: groups may stand in one another very deep.
        while true {
            if let id = finishing.popLast() {
                finish(id)
            } else if let id = ready.popLast() {
                begin(id)
            } else {
                return
            }
        }
    }

    private mutating func wake() {
        for id in sleeping.sorted() {
            guard let due = nodes[id].dueAt, due <= now else { continue }
            sleeping.remove(id)
            nodes[id].dueAt = nil
            switch nodes[id].phase {
            case .retrying: again(id)
            case .asking: end(id, .succeeded, TaskValues(), "Its time was over.")
            case .open, .queued, .running: stop(id, .failed, "Its time was over.")
            case .waiting, .held, .locking, .ended: break
            }
        }
    }

    private mutating func cancel(by actor: String) {
        guard !isCancelled, whole.phase != .ended else { return }
        isCancelled = true
        for id in nodes.indices { halt(id, "\(actor) stopped the run.") }
    }

    /// Stops a task, or all that is in a group or loop; it ends in this state when they have.
    private mutating func stop(_ id: NodeID, _ state: PipelineRun.State, _ message: String) {
        guard nodes[id].phase != .ended else { return }
        if nodes[id].phase == .open {
            nodes[id].stop = (state, message)
            // What is in it came to be after it.
            for inner in nodes.indices.dropFirst(id + 1) where isWithin(inner, id) { halt(inner, message) }
        } else {
            // One that runs ends in that state when its attempt has.
            if nodes[id].phase == .queued || nodes[id].phase == .running { nodes[id].stop = (state, message) }
            halt(id, message)
        }
    }

    private mutating func halt(_ id: NodeID, _ message: String) {
        switch nodes[id].phase {
        case .queued, .running: reaction.commands.append(.stop(id))
        case .waiting, .held, .locking, .retrying, .asking: end(id, .canceled, TaskValues(), message)
        case .open, .ended: break
        }
    }

    private func isWithin(_ id: NodeID, _ group: NodeID) -> Bool {
        var next = nodes[id].parent
        while let parent = next {
            if parent == group { return true }
            // Parents come to be before what is in them.
            if parent < group { return false }
            next = nodes[parent].parent
        }
        return false
    }

    private mutating func passOver(_ id: NodeID, _ why: String) {
        switch nodes[id].phase {
        case .queued, .running:
            nodes[id].stop = (.succeeded, why)
            reaction.commands.append(.stop(id))
        case .waiting, .held, .locking, .retrying, .asking: end(id, .succeeded, TaskValues(), why)
        case .open, .ended: break
        }
    }

    // MARK: Attempts

    mutating func launch(_ id: NodeID) {
        nodes[id].attempts += 1
        nodes[id].phase = .queued
        nodes[id].process = nil
        if let seconds = definition(of: id).deadlineSeconds {
            nodes[id].startedAt = nodes[id].startedAt ?? now
            sleep(id, until: max(now, due(in: seconds) - (now - (nodes[id].startedAt ?? now))))
        }
        reaction.commands.append(.launch(id, attempt: nodes[id].attempts))
    }

    /// Begins a task or a group once more.
    private mutating func again(_ id: NodeID) {
        guard nodes[id].kind == .group, let graph = nodes[id].graph else { return launch(id) }
        open(id, graph: graph)
    }

    private mutating func attemptEnded(_ id: NodeID, _ result: RunEvent.AttemptEnd) {
        nodes[id].process = nil
        if let stop = nodes[id].stop {
            if case .succeeded(let outputs) = result { return end(id, .succeeded, outputs, nil) }
            return end(id, stop.state, TaskValues(), stop.message)
        }
        switch result {
        case .succeeded(let outputs): end(id, .succeeded, outputs, nil)
        case .cancelled: end(id, .canceled, TaskValues(), "It was stopped.")
        case .failed(let message): failed(id, message)
        case .lost:
            nodes[id].losses += 1
            let why = "The server stopped while it ran, \(nodes[id].losses) times."
            guard nodes[id].losses <= Limits.lostAttempts, !isStopped(id) else {
                return end(id, isStopped(id) ? .canceled : .failed, TaskValues(), why)
            }
            retry(id, after: 0)
        }
    }

    /// Whether the run, or a group that the node is in, was stopped.
    private func isStopped(_ id: NodeID) -> Bool {
        if isCancelled { return true }
        var next = nodes[id].parent
        while let parent = next {
            if nodes[parent].stop != nil { return true }
            next = nodes[parent].parent
        }
        return false
    }

    /// Tries a task or a group again that failed, where its policy says so; else it ends.
    mutating func failed(_ id: NodeID, _ message: String) {
        nodes[id].failures += 1
        nodes[id].message = message
        guard !isStopped(id) else { return end(id, .canceled, TaskValues(), message) }
        do throws(GyreError) {
            guard try isTriedAgain(id, message) else { return end(id, .failed, TaskValues(), message) }
        } catch {
            return end(id, .failed, TaskValues(), "\(message) Whether it is tried again: \(error.description)")
        }
        retry(id, after: definition(of: id).retry.delay(after: nodes[id].failures - 1))
    }

    private func isTriedAgain(_ id: NodeID, _ message: String) throws(GyreError) -> Bool {
        let (node, policy) = (nodes[id], definition(of: id).retry)
        guard node.failures <= policy.limit else { return false }
        let isFailure = node.note.exitStatus != nil || node.kind == .group
        switch policy.scope {
        case .all: break
        case .failures: if !isFailure { return false }
        case .errors: if isFailure { return false }
        }
        if let seconds = policy.durationSeconds, let began = node.startedAt,
            Double(now - began) / 1_000_000 >= seconds
        {
            return false
        }
        guard let condition = policy.condition else { return true }
        var scope = scope(of: id, inputs: node.inputs)
        scope.attempts = node.failures - 1
        scope.lastAttempt = TaskView(
            path: node.path, state: .failed, message: message, exitStatus: node.note.exitStatus,
            startedAt: node.startedAt, endedAt: now)
        return try pipeline.language.holds(condition, in: scope)
    }

    private mutating func retry(_ id: NodeID, after seconds: Double) {
        nodes[id].state = .running
        reaction.changed.insert(id)
        guard seconds > 0 else { return again(id) }
        nodes[id].phase = .retrying
        sleep(id, until: due(in: seconds))
    }

    /// The time in so many seconds; what is no time to wait for is the longest.
    func due(in seconds: Double) -> Int64 {
        now + Int64((seconds.isFinite ? min(max(0, seconds), Limits.waitSeconds) : Limits.waitSeconds) * 1_000_000)
    }

    mutating func sleep(_ id: NodeID, until due: Int64) {
        nodes[id].dueAt = due
        sleeping.insert(id)
        reaction.commands.append(.wake(at: due))
    }

    /// What a task is by its definition.
    func definition(of id: NodeID) -> TaskDefinition {
        guard let (graph, place) = nodes[id].definition, let indexed = pipeline.graphs[graph] else {
            return TaskDefinition(component: "")
        }
        return indexed.tasks[place]
    }
}

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

    private(set) var nodes: [RunNode] = []
    private(set) var isCancelled = false
    private var places: [String: NodeID] = [:]
    private var now: Int64 = 0
    /// Tasks that nothing keeps from beginning.
    private var ready: [NodeID] = []
    private var reaction = Reaction()
    /// Nodes that wait for a time.
    private var sleeping: Set<NodeID> = []

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
            case .retrying, .asking: if let due = node.dueAt { commands.append(.wake(at: due)) }
            case .waiting, .held, .running, .open, .ended: break
            }
        }
        return commands
    }

    private mutating func settle() {
        while let id = ready.popLast() { begin(id) }
    }

    private mutating func wake() {
        for id in sleeping.sorted() {
            guard let due = nodes[id].dueAt, due <= now else { continue }
            sleeping.remove(id)
            nodes[id].dueAt = nil
            switch nodes[id].phase {
            case .retrying: launch(id)
            case .asking: end(id, .succeeded, TaskValues(), "Its time was over.")
            case .waiting, .held, .queued, .running, .open, .ended: break
            }
        }
    }

    private mutating func cancel(by actor: String) {
        guard !isCancelled, whole.phase != .ended else { return }
        isCancelled = true
        for id in nodes.indices {
            switch nodes[id].phase {
            case .queued, .running: reaction.commands.append(.stop(id))
            case .waiting, .held, .retrying, .asking: end(id, .canceled, TaskValues(), "\(actor) stopped the run.")
            case .open, .ended: break
            }
        }
    }

    // MARK: Attempts

    private mutating func launch(_ id: NodeID) {
        nodes[id].attempts += 1
        nodes[id].phase = .queued
        nodes[id].process = nil
        reaction.commands.append(.launch(id, attempt: nodes[id].attempts))
    }

    private mutating func attemptEnded(_ id: NodeID, _ result: RunEvent.AttemptEnd) {
        nodes[id].process = nil
        switch result {
        case .succeeded(let outputs): end(id, .succeeded, outputs, nil)
        case .cancelled: end(id, .canceled, TaskValues(), "It was stopped.")
        case .failed(let message):
            nodes[id].failures += 1
            nodes[id].message = message
            let policy = definition(of: id).retry
            guard nodes[id].failures <= policy.limit, !isCancelled else {
                return end(id, isCancelled ? .canceled : .failed, TaskValues(), message)
            }
            retry(id, after: policy.delay(after: nodes[id].failures - 1))
        case .lost:
            nodes[id].losses += 1
            let why = "The server stopped while it ran, \(nodes[id].losses) times."
            guard nodes[id].losses <= Limits.lostAttempts, !isCancelled else {
                return end(id, isCancelled ? .canceled : .failed, TaskValues(), why)
            }
            retry(id, after: 0)
        }
    }

    private mutating func retry(_ id: NodeID, after seconds: Double) {
        nodes[id].state = .running
        reaction.changed.insert(id)
        guard seconds > 0 else { return launch(id) }
        nodes[id].phase = .retrying
        let due = now + Int64(seconds * 1_000_000)
        sleep(id, until: due)
    }

    private mutating func sleep(_ id: NodeID, until due: Int64) {
        nodes[id].dueAt = due
        sleeping.insert(id)
        reaction.commands.append(.wake(at: due))
    }

    // MARK: Beginning

    /// Begins a task for which nothing is left to wait.
    private mutating func begin(_ id: NodeID) {
        guard nodes[id].phase == .waiting || nodes[id].phase == .held else { return }
        do throws(GyreError) {
            if nodes[id].item == nil, let why = try reasonToSkip(id) {
                return end(id, .skipped, TaskValues(), why)
            }
            let task = definition(of: id)
            if let iterator = task.iterator, nodes[id].item == nil { return try loop(id, iterator) }
            try start(id)
        } catch {
            end(id, .failed, TaskValues(), error.description)
        }
    }

    /// Why a task is not run; its inputs are known afterwards.
    private mutating func reasonToSkip(_ id: NodeID) throws(GyreError) -> String? {
        let task = definition(of: id)
        if !task.runsAfterFailure {
            let blocked = Set(task.upstream).filter { sibling($0, of: id)?.state != .succeeded }.sorted()
            if !blocked.isEmpty {
                return "It depends on \(blocked.joined(separator: ", ")), which did not succeed."
            }
        }
        nodes[id].inputs = try inputs(of: id, task)
        // A loop's condition does not see its items.
        guard let condition = task.condition else { return nil }
        let scope = Scope(run: run, path: nodes[id].path, inputs: nodes[id].inputs)
        return try pipeline.language.holds(condition, in: scope) ? nil : "Its condition is false: \(condition)"
    }

    private mutating func start(_ id: NodeID) throws(GyreError) {
        let task = definition(of: id)
        guard let component = pipeline.components[task.component] else {
            throw GyreError(.invalid, "The component \"\(task.component)\" does not exist.")
        }
        if case .graph = component.body {
            nodes[id].kind = .group
            nodes[id].state = .running
            nodes[id].startedAt = now
            reaction.changed.insert(id)
            return open(id, graph: task.component)
        }
        if let earlier = known[nodes[id].path], earlier.state == .succeeded {
            nodes[id].startedAt = earlier.startedAt
            nodes[id].attempts = earlier.attempts
            nodes[id].note = AttemptNote(
                isCacheHit: earlier.isCacheHit, cacheReason: earlier.cacheReason, executor: earlier.executor)
            end(id, .succeeded, earlier.outputs, earlier.message)
            nodes[id].endedAt = earlier.endedAt
            return
        }
        switch component.body {
        case .graph, .container: launch(id)
        case .importer:
            nodes[id].kind = .importer
            launch(id)
        case .gate(let gate):
            nodes[id].kind = .gate
            nodes[id].phase = .asking
            nodes[id].state = .running
            nodes[id].startedAt = now
            nodes[id].message = gate.message
            if let seconds = gate.seconds { sleep(id, until: now + Int64(seconds * 1_000_000)) }
            reaction.changed.insert(id)
        }
    }

    /// Begins the tasks of a graph.
    private mutating func open(_ id: NodeID, graph name: String) {
        guard let graph = pipeline.graphs[name] else {
            return end(id, .failed, TaskValues(), "The pipeline has no graph of that name.")
        }
        guard nodes.count + graph.tasks.count <= Limits.pipelineNodes else {
            return end(
                id, .failed, TaskValues(),
                "The run has more than \(Limits.pipelineNodes) tasks, which is the most.")
        }
        nodes[id].phase = .open
        nodes[id].graph = name
        nodes[id].children = nodes.count..<(nodes.count + graph.tasks.count)
        nodes[id].childrenLeft = graph.tasks.count
        let prefix = nodes[id].path.isEmpty ? "" : nodes[id].path + "/"
        for place in graph.tasks.indices {
            let path = prefix + graph.names[place]
            places[path] = nodes.count
            nodes.append(
                RunNode(
                    path: path, parent: id, definition: (name, place), item: nil,
                    upstreamLeft: graph.upstreamCounts[place]))
        }
        // The last is taken first.
        for child in nodes[id].children.reversed() where nodes[child].upstreamLeft == 0 { ready.append(child) }
        if graph.tasks.isEmpty { finish(id) }
    }

    // MARK: Loops

    private mutating func loop(_ id: NodeID, _ iterator: TaskDefinition.Iterator) throws(GyreError) {
        let shared = nodes[id].inputs
        var items: [TaskValues] = []
        if iterator.isOverArtifacts {
            items = (artifacts(iterator.items, of: id) ?? []).map { artifact in
                var inputs = shared
                inputs.artifacts[iterator.itemInput] = [artifact]
                return inputs
            }
        } else {
            let kind = pipeline.components[definition(of: id).component]?.inputParameters[iterator.itemInput]
            for item in try list(iterator.items, for: id) {
                var inputs = shared
                inputs.parameters[iterator.itemInput] = kind?.settle(item) ?? item
                items.append(inputs)
            }
        }
        guard items.count <= Limits.pipelineTasks, nodes.count + items.count <= Limits.pipelineNodes else {
            throw GyreError(
                .limitExceeded,
                "The loop \"\(nodes[id].path)\" has \(items.count) items; \(Limits.pipelineTasks) is the most.")
        }
        nodes[id].kind = .loop
        nodes[id].state = .running
        nodes[id].startedAt = now
        nodes[id].phase = .open
        nodes[id].children = nodes.count..<(nodes.count + items.count)
        nodes[id].childrenLeft = items.count
        reaction.changed.insert(id)
        for (index, inputs) in items.enumerated() {
            var node = RunNode(
                path: "\(nodes[id].path)[\(index)]", parent: id, definition: nodes[id].definition, item: index,
                upstreamLeft: 0)
            node.phase = .held
            node.inputs = inputs
            places[node.path] = nodes.count
            nodes.append(node)
        }
        let first = min(items.count, iterator.parallelism ?? items.count)
        nodes[id].nextChild = nodes[id].children.lowerBound + first
        for child in nodes[id].children.prefix(first).reversed() { ready.append(child) }
        if items.isEmpty { finish(id) }
    }

    private func list(_ source: TaskDefinition.ValueSource, for id: NodeID) throws(GyreError) -> [JSONValue] {
        let value = try value(source, for: id)
        // A list may come as text that holds one.
        let whole = try value?.string.map { text throws(GyreError) in try JSONValue(parsing: text) } ?? value
        if let items = whole?.array { return items }
        throw GyreError(
            .invalid, "The loop \"\(nodes[id].path)\" has no list to go over.",
            why: "It was given \(whole.map { String($0.text.prefix(80)) } ?? "nothing").")
    }

    // MARK: Ending

    private mutating func end(_ id: NodeID, _ state: PipelineRun.State, _ outputs: TaskValues, _ message: String?) {
        guard nodes[id].phase != .ended else { return }
        nodes[id].phase = .ended
        nodes[id].state = state
        nodes[id].outputs = outputs
        nodes[id].message = message
        nodes[id].endedAt = now
        nodes[id].dueAt = nil
        sleeping.remove(id)
        if state != .skipped { nodes[id].startedAt = nodes[id].startedAt ?? now }
        reaction.changed.insert(id)
        guard let parent = nodes[id].parent else { return }
        if state == .failed || state == .canceled, nodes[parent].firstFailure == nil {
            nodes[parent].firstFailure = id
        }
        if nodes[parent].kind == .loop {
            let next = nodes[parent].nextChild
            if next < nodes[parent].children.upperBound {
                nodes[parent].nextChild += 1
                if nodes[next].phase == .held { ready.append(next) }
            }
        } else if let (graph, place) = nodes[id].definition, let indexed = pipeline.graphs[graph] {
            for dependent in indexed.dependents[place] {
                let node = nodes[parent].children.lowerBound + dependent
                nodes[node].upstreamLeft -= 1
                if nodes[node].upstreamLeft == 0, nodes[node].phase == .waiting { ready.append(node) }
            }
        }
        nodes[parent].childrenLeft -= 1
        if nodes[parent].childrenLeft == 0 { finish(parent) }
    }

    /// Ends a group or a loop whose tasks have all ended.
    private mutating func finish(_ id: NodeID) {
        if let failure = nodes[id].firstFailure {
            let failed = nodes[failure]
            return end(
                id, isCancelled ? .canceled : failed.state, TaskValues(),
                failed.message ?? "The task \(failed.path) failed.")
        }
        end(id, .succeeded, nodes[id].kind == .loop ? collected(id) : outputs(ofGroup: id), nil)
    }

    /// The outputs of a loop are the lists of its iterations' outputs, in the order of the items.
    private func collected(_ id: NodeID) -> TaskValues {
        var outputs = TaskValues()
        guard let component = pipeline.components[definition(of: id).component] else { return outputs }
        let iterations = nodes[nodes[id].children]
        for name in component.outputParameters.keys {
            outputs.parameters[name] = .array(iterations.compactMap { $0.outputs.parameters[name] })
        }
        for name in component.outputArtifacts.keys {
            outputs.artifacts[name] = iterations.flatMap { $0.outputs.artifacts[name] ?? [] }
        }
        return outputs
    }

    private func outputs(ofGroup id: NodeID) -> TaskValues {
        var outputs = TaskValues()
        guard let graph = nodes[id].graph.flatMap({ pipeline.graphs[$0] }) else { return outputs }
        func child(_ name: String) -> RunNode? {
            graph.places[name].map { nodes[nodes[id].children.lowerBound + $0] }
        }
        // The first that ran gives the value.
        for (name, references) in graph.graph.parameterOutputs {
            outputs.parameters[name] =
                references.lazy.compactMap { child($0.task)?.outputs.parameters[$0.output] }.first
        }
        for (name, references) in graph.graph.artifactOutputs {
            outputs.artifacts[name] =
                references.lazy.compactMap { child($0.task)?.outputs.artifacts[$0.output] }.first
        }
        return outputs
    }

    // MARK: Values

    /// What a task is by its definition.
    func definition(of id: NodeID) -> TaskDefinition {
        guard let (graph, place) = nodes[id].definition, let indexed = pipeline.graphs[graph] else {
            return TaskDefinition(component: "")
        }
        return indexed.tasks[place]
    }

    /// A task of the same graph.
    private func sibling(_ name: String, of id: NodeID) -> RunNode? {
        // An iteration stands in its loop, which stands in the graph.
        guard let graph = nodes[id].definition?.graph, let place = pipeline.graphs[graph]?.places[name],
            let owner = owner(of: id)
        else { return nil }
        return nodes[nodes[owner].children.lowerBound + place]
    }

    /// The group that holds the graph of a task.
    private func owner(of id: NodeID) -> NodeID? {
        guard let parent = nodes[id].parent else { return nil }
        return nodes[id].item == nil ? parent : nodes[parent].parent
    }

    private func inputs(of id: NodeID, _ task: TaskDefinition) throws(GyreError) -> TaskValues {
        let component = pipeline.components[task.component]
        var inputs = TaskValues()
        for (name, definition) in component?.inputParameters ?? [:] {
            if let value = definition.defaultValue { inputs.parameters[name] = definition.settle(value) }
        }
        for (name, source) in task.parameters {
            guard let value = try value(source, for: id) else { continue }
            inputs.parameters[name] = component?.inputParameters[name]?.settle(value) ?? value
        }
        for (name, source) in task.artifacts { inputs.artifacts[name] = artifacts(source, of: id) }
        return try pipeline.language.settled(inputs, in: Scope(run: run, path: nodes[id].path, inputs: inputs))
    }

    private func artifacts(_ source: TaskDefinition.ValueSource, of id: NodeID) -> [Artifact]? {
        switch source {
        case .input(let name): owner(of: id).flatMap { nodes[$0].inputs.artifacts[name] }
        case .output(let task, let name): sibling(task, of: id)?.outputs.artifacts[name]
        case .constant, .finalStatus, .member: nil
        }
    }

    private func value(_ source: TaskDefinition.ValueSource, for id: NodeID) throws(GyreError) -> JSONValue? {
        switch source {
        case .constant(let value): return value
        case .input(let name): return owner(of: id).flatMap { nodes[$0].inputs.parameters[name] }
        case .output(let task, let name): return sibling(task, of: id)?.outputs.parameters[name]
        case .member(let whole, let member):
            let value = try value(whole, for: id)
            return (try value?.string.map { text throws(GyreError) in try JSONValue(parsing: text) } ?? value)?[member]
        case .finalStatus(let task):
            let node = sibling(task, of: id)
            let scope = Scope(run: run, path: nodes[id].path, inputs: TaskValues())
            return pipeline.language.finalStatus(
                of: task, node?.state ?? .skipped, message: node?.message, in: scope)
        }
    }

    /// The tasks right before a node, by path; those of a group's first tasks are the ones before the group.
    func upstream(of id: NodeID) -> [String] {
        guard let owner = owner(of: id) else { return [] }
        let names = definition(of: id).upstream
        if names.isEmpty { return upstream(of: owner) }
        let prefix = nodes[owner].path.isEmpty ? "" : nodes[owner].path + "/"
        return names.map { prefix + $0 }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

extension RunMachine {
    /// Begins a task for which nothing is left to wait.
    mutating func begin(_ id: NodeID) {
        guard nodes[id].phase == .waiting || nodes[id].phase == .held else { return }
        do throws(GyreError) {
            let task = definition(of: id)
            if nodes[id].item == nil {
                if let why = try reasonBlocked(id, task) {
                    nodes[id].isBlocked = true
                    return end(id, .skipped, TaskValues(), why)
                }
                if let iterator = task.iterator, iterator.itemInput == nil {
                    if mayGoOn(id) { try loop(id, iterator) }
                    return
                }
                if let why = try reasonToSkip(id, task) { return end(id, .skipped, TaskValues(), why) }
                guard mayGoOn(id) else { return }
                if let iterator = task.iterator { return try loop(id, iterator) }
            } else if task.iterator?.itemInput == nil {
                if let why = try reasonToSkip(id, task) { return end(id, .skipped, TaskValues(), why) }
                nodes[id].itemValue = nil
            }
            try lock(id, task)
        } catch {
            end(id, .failed, TaskValues(), error.description)
        }
    }

    /// Why the ends of the tasks before it keep a task from being run.
    private func reasonBlocked(_ id: NodeID, _ task: TaskDefinition) throws(GyreError) -> String? {
        if let depends = task.depends {
            let scope = scope(of: id, inputs: TaskValues())
            return try pipeline.language.holds(depends, in: scope)
                ? nil : "What it depends on does not hold: \(depends)"
        }
        if task.runsAfterFailure { return nil }
        let blocking = Set(task.upstream).filter { name in
            guard let before = siblingID(name, of: id) else { return true }
            switch nodes[before].state {
            case .succeeded: return false
            case .skipped: return !task.runsAfterSkip || nodes[before].isBlocked
            case .failed: return !task.runsAfterSkip || !mayFail(before)
            case .pending, .running, .canceled: return true
            }
        }.sorted()
        return blocking.isEmpty ? nil : "It depends on \(blocking.joined(separator: ", ")), which did not succeed."
    }

    /// Why a task is not run; its inputs are known afterwards.
    private mutating func reasonToSkip(_ id: NodeID, _ task: TaskDefinition) throws(GyreError) -> String? {
        // What a task would be given may not be there where its condition is false.
        if pipeline.language.seesTasks {
            if let why = try falseCondition(id, task, inputs: TaskValues()) { return why }
            nodes[id].inputs = try inputs(of: id, task)
            return nil
        }
        nodes[id].inputs = try inputs(of: id, task)
        return try falseCondition(id, task, inputs: nodes[id].inputs)
    }

    private func falseCondition(
        _ id: NodeID, _ task: TaskDefinition, inputs: TaskValues
    ) throws(GyreError) -> String? {
        guard let condition = task.condition else { return nil }
        return try pipeline.language.holds(condition, in: scope(of: id, inputs: inputs))
            ? nil : "Its condition is false: \(condition)"
    }

    /// Whether the group lets a task go on; one that it does not waits for another to end.
    private mutating func mayGoOn(_ id: NodeID) -> Bool {
        guard let parent = nodes[id].parent, let name = nodes[parent].graph,
            let limit = pipeline.graphs[name]?.graph.parallelism
        else { return true }
        guard nodes[parent].active < limit else {
            nodes[id].phase = .held
            nodes[parent].held.append(id)
            return false
        }
        nodes[parent].active += 1
        nodes[id].isCounted = true
        return true
    }

    private mutating func lock(_ id: NodeID, _ task: TaskDefinition) throws(GyreError) {
        guard !task.locks.isEmpty else { return try start(id) }
        nodes[id].locks = try locks(of: id, task)
        nodes[id].phase = .locking
        reaction.changed.insert(id)
        reaction.commands.append(.acquire(id))
    }

    // A scope holds the machine as it is: it is made where nothing is changed, or all nodes would be copied.

    private func locks(of id: NodeID, _ task: TaskDefinition) throws(GyreError) -> [LockRequest] {
        let scope = scope(of: id, inputs: nodes[id].inputs)
        var locks: [LockRequest] = []
        for lock in task.locks {
            let name = try pipeline.language.value(of: lock.name, in: scope)?.string ?? lock.name
            locks.append(LockRequest(name: name, isExclusive: lock.isExclusive))
        }
        return locks
    }

    /// The seconds after which a gate opens by itself; nil for never.
    private func seconds(of gate: Gate, _ id: NodeID) throws(GyreError) -> Double? {
        guard let text = gate.duration else { return gate.seconds }
        let written = try pipeline.language.value(of: text, in: scope(of: id, inputs: nodes[id].inputs))?.string
        guard let seconds = written.flatMap(Double.init), seconds >= 0, seconds < 1e9 else {
            throw GyreError(.invalid, "\"\(written?.prefix(80) ?? "")\" is no duration.")
        }
        return seconds
    }

    /// Begins a task that holds what it waited for.
    mutating func startOrFail(_ id: NodeID) {
        do throws(GyreError) { try start(id) } catch {
            end(id, .failed, TaskValues(), error.description)
        }
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
                isCacheHit: earlier.isCacheHit, cacheReason: earlier.cacheReason, executor: earlier.executor,
                exitStatus: earlier.exitStatus)
            end(id, .succeeded, earlier.outputs, earlier.message)
            nodes[id].endedAt = earlier.endedAt
            return
        }
        switch component.body {
        case .graph, .container: launch(id)
        case .importer:
            nodes[id].kind = .importer
            launch(id)
        case .gate(let gate): try ask(id, gate)
        }
    }

    private mutating func ask(_ id: NodeID, _ gate: Gate) throws(GyreError) {
        nodes[id].kind = .gate
        nodes[id].phase = .asking
        nodes[id].state = .running
        nodes[id].startedAt = now
        nodes[id].message = gate.message
        if let seconds = try seconds(of: gate, id) { sleep(id, until: due(in: seconds)) }
        reaction.changed.insert(id)
    }

    /// Begins the tasks of a graph.
    mutating func open(_ id: NodeID, graph name: String) {
        guard let graph = pipeline.graphs[name] else {
            return end(id, .failed, TaskValues(), "The pipeline has no graph of that name.")
        }
        guard nodes.count + graph.tasks.count <= Limits.pipelineNodes, nodes[id].path.utf8.count < Limits.taskPathBytes
        else {
            return end(
                id, .failed, TaskValues(),
                "The run has more than \(Limits.pipelineNodes) tasks, or its groups stand in one another too deep.")
        }
        nodes[id].phase = .open
        nodes[id].graph = name
        nodes[id].children = nodes.count..<(nodes.count + graph.tasks.count)
        nodes[id].childrenLeft = graph.tasks.count
        nodes[id].firstFailure = nil
        nodes[id].isFailing = false
        (nodes[id].active, nodes[id].held) = (0, [])
        if nodes[id].failures > 0 { nodes[id].prefix = "\(nodes[id].path)(\(nodes[id].failures))/" }
        let prefix = nodes[id].prefix
        for place in graph.tasks.indices {
            let path = prefix + graph.names[place]
            places[path] = nodes.count
            nodes.append(
                RunNode(
                    path: path, parent: id, definition: (name, place), item: nil,
                    upstreamLeft: graph.upstreamCounts[place]))
        }
        if let seconds = definition(of: id).deadlineSeconds { sleep(id, until: due(in: seconds)) }
        // The last is taken first.
        for child in nodes[id].children.reversed() where nodes[child].upstreamLeft == 0 { ready.append(child) }
        if graph.tasks.isEmpty { finishing.append(id) }
    }

    // MARK: Loops

    private mutating func loop(_ id: NodeID, _ iterator: TaskDefinition.Iterator) throws(GyreError) {
        let shared = nodes[id].inputs
        var items: [(inputs: TaskValues, value: JSONValue?)] = []
        if iterator.isOverArtifacts, let input = iterator.itemInput {
            items = (artifacts(iterator.items, of: id) ?? []).map { artifact in
                var inputs = shared
                inputs.artifacts[input] = [artifact]
                return (inputs, nil)
            }
        } else {
            let kind = iterator.itemInput.flatMap {
                pipeline.components[definition(of: id).component]?.inputParameters[$0]
            }
            for item in try list(iterator.items, for: id) {
                var inputs = shared
                if let input = iterator.itemInput { inputs.parameters[input] = kind?.settle(item) ?? item }
                items.append((inputs, iterator.itemInput == nil ? item : nil))
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
        for (index, item) in items.enumerated() {
            var node = RunNode(
                path: "\(nodes[id].path)[\(index)]", parent: id, definition: nodes[id].definition, item: index,
                upstreamLeft: 0)
            node.phase = .held
            node.inputs = item.inputs
            node.itemValue = item.value
            places[node.path] = nodes.count
            nodes.append(node)
        }
        let first = min(items.count, iterator.parallelism ?? items.count)
        nodes[id].nextChild = nodes[id].children.lowerBound + first
        for child in nodes[id].children.prefix(first).reversed() { ready.append(child) }
        if items.isEmpty { finishing.append(id) }
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
}

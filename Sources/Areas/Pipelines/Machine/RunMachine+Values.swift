// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

extension RunMachine {
    /// A task of the same graph.
    func siblingID(_ name: String, of id: NodeID) -> NodeID? {
        // An iteration stands in its loop, which stands in the graph.
        guard let graph = nodes[id].definition?.graph, let place = pipeline.graphs[graph]?.places[name],
            let owner = owner(of: id)
        else { return nil }
        return nodes[owner].children.lowerBound + place
    }

    private func sibling(_ name: String, of id: NodeID) -> RunNode? { siblingID(name, of: id).map { nodes[$0] } }

    /// The group that holds the graph of a task.
    private func owner(of id: NodeID) -> NodeID? {
        guard let parent = nodes[id].parent else { return nil }
        return nodes[id].item == nil ? parent : nodes[parent].parent
    }

    func inputs(of id: NodeID, _ task: TaskDefinition) throws(GyreError) -> TaskValues {
        let component = pipeline.components[task.component]
        var inputs = TaskValues()
        for (name, source) in task.parameters {
            guard let value = try value(source, for: id) else { continue }
            inputs.parameters[name] = component?.inputParameters[name]?.settle(value) ?? value
        }
        for (name, definition) in component?.inputParameters ?? [:] where inputs.parameters[name] == nil {
            if let value = definition.defaultValue { inputs.parameters[name] = definition.settle(value) }
        }
        for (name, source) in task.artifacts { inputs.artifacts[name] = try artifactsOrThrow(source, of: id) }
        return try pipeline.language.settled(inputs, in: scope(of: id, inputs: inputs))
    }

    private func artifactsOrThrow(
        _ source: TaskDefinition.ValueSource, of id: NodeID
    ) throws(GyreError) -> [Artifact]? {
        guard case .expression(let text) = source else { return artifacts(source, of: id) }
        return try pipeline.language.artifacts(of: text, in: scope(of: id, inputs: TaskValues()))
    }

    func artifacts(_ source: TaskDefinition.ValueSource, of id: NodeID) -> [Artifact]? {
        switch source {
        case .input(let name): owner(of: id).flatMap { nodes[$0].inputs.artifacts[name] }
        case .output(let task, let name): sibling(task, of: id)?.outputs.artifacts[name]
        case .constant, .finalStatus, .member, .expression: nil
        }
    }

    func value(_ source: TaskDefinition.ValueSource, for id: NodeID) throws(GyreError) -> JSONValue? {
        switch source {
        case .constant(let value): return value
        case .input(let name): return owner(of: id).flatMap { nodes[$0].inputs.parameters[name] }
        case .output(let task, let name): return sibling(task, of: id)?.outputs.parameters[name]
        case .expression(let text):
            return try pipeline.language.value(of: text, in: scope(of: id, inputs: TaskValues()))
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

    // MARK: Scopes

    /// What expressions of a task see.
    func scope(of id: NodeID, inputs: TaskValues) -> Scope {
        var scope = Scope(run: run, path: nodes[id].path, inputs: inputs)
        guard pipeline.language.seesTasks else { return scope }
        scope.item = nodes[id].itemValue
        scope.attempts = max(0, nodes[id].attempts - 1)
        if let owner = owner(of: id) { fill(&scope, owner) }
        return scope
    }

    /// What the texts of a command see, as plain values: an attempt may wait for long, and must not hold the machine as it was.
    func scope(ofAttempt id: NodeID) -> Scope {
        var scope = Scope(run: run, path: nodes[id].path, inputs: nodes[id].inputs)
        guard pipeline.language.seesTasks else { return scope }
        scope.attempts = max(0, nodes[id].attempts - 1)
        scope.shared = shared
        scope.now = now
        var first: [String: TaskView] = [:]
        for (name, place) in pipeline.graphs[""]?.places ?? [:] {
            first[name] = view(nodes[0].children.lowerBound + place)
        }
        scope.first = { [first] in first[$0] }
        var top = id
        while let parent = nodes[top].parent, parent != 0 { top = parent }
        // What failed is for those to know that run whatever happens.
        if definition(of: top).runsAfterFailure {
            let failures = self.failures
            scope.failures = { failures }
        }
        return scope
    }

    private var failures: [TaskView] {
        nodes.indices.dropFirst().filter { nodes[$0].state == .failed && nodes[$0].kind == .task }
            .prefix(Limits.waitingTasks).map { view($0) }
    }

    /// What expressions of the outputs of a group see.
    func scope(ofGroup id: NodeID) -> Scope {
        var scope = Scope(run: run, path: nodes[id].path, inputs: nodes[id].inputs)
        fill(&scope, id)
        return scope
    }

    private func fill(_ scope: inout Scope, _ group: NodeID) {
        scope.outer = nodes[group].inputs
        scope.shared = shared
        scope.now = now
        scope.task = { name in
            nodes[group].graph.flatMap { pipeline.graphs[$0]?.places[name] }.map {
                view(nodes[group].children.lowerBound + $0)
            }
        }
        scope.tasks = {
            var views: [String: TaskView] = [:]
            guard let graph = nodes[group].graph.flatMap({ pipeline.graphs[$0] }) else { return views }
            for (name, place) in graph.places { views[name] = view(nodes[group].children.lowerBound + place) }
            return views
        }
        scope.first = { name in
            pipeline.graphs[""]?.places[name].map { view(nodes[0].children.lowerBound + $0) }
        }
        scope.failures = { failures }
    }

    private func view(_ id: NodeID) -> TaskView {
        let node = nodes[id]
        return TaskView(
            path: node.path, state: node.state, isBlocked: node.isBlocked, outputs: node.outputs,
            message: node.message, exitStatus: node.note.exitStatus, startedAt: node.startedAt, endedAt: node.endedAt,
            isErrored: isErrored(id),
            iterations: node.kind == .loop ? nodes[node.children].map(\.state) : nil)
    }

    /// The tasks right before a node, by path; those of a group's first tasks are the ones before the group.
    func upstream(of id: NodeID) -> [String] {
        guard let owner = owner(of: id) else { return [] }
        let names = definition(of: id).upstream
        if names.isEmpty { return upstream(of: owner) }
        return names.map { nodes[owner].prefix + $0 }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

extension RunMachine {
    mutating func end(_ id: NodeID, _ state: PipelineRun.State, _ outputs: TaskValues, _ message: String?) {
        guard nodes[id].phase != .ended else { return }
        nodes[id].phase = .ended
        nodes[id].state = state
        nodes[id].outputs = outputs
        nodes[id].message = message
        nodes[id].endedAt = now
        nodes[id].dueAt = nil
        nodes[id].itemValue = nil
        sleeping.remove(id)
        if state != .skipped { nodes[id].startedAt = nodes[id].startedAt ?? now }
        if !nodes[id].locks.isEmpty {
            reaction.commands.append(.release(id))
            nodes[id].locks = []
        }
        reaction.changed.insert(id)
        if state == .succeeded { share(id) }
        guard let parent = nodes[id].parent else { return }
        if state == .failed || state == .canceled, nodes[parent].firstFailure == nil,
            nodes[parent].kind == .loop || state == .canceled || !mayFail(id)
        {
            nodes[parent].firstFailure = id
        }
        letOthersBegin(after: id, in: parent)
        nodes[parent].childrenLeft -= 1
        if nodes[parent].childrenLeft == 0 { finishing.append(parent) }
    }

    /// Whether its graph may succeed though it ended so.
    func mayFail(_ id: NodeID) -> Bool {
        isErrored(id) ? definition(of: id).mayError : definition(of: id).mayFail
    }

    /// Whether it could not be run, and did not fail by itself.
    func isErrored(_ id: NodeID) -> Bool {
        nodes[id].state == .failed && nodes[id].kind == .task && nodes[id].note.exitStatus == nil
    }

    private mutating func letOthersBegin(after id: NodeID, in parent: NodeID) {
        if nodes[parent].kind == .loop {
            let next = nodes[parent].nextChild
            if next < nodes[parent].children.upperBound {
                nodes[parent].nextChild += 1
                if nodes[next].phase == .held { ready.append(next) }
            }
            return
        }
        guard let (graph, place) = nodes[id].definition, let indexed = pipeline.graphs[graph] else { return }
        for dependent in indexed.dependents[place] {
            let node = nodes[parent].children.lowerBound + dependent
            nodes[node].upstreamLeft -= 1
            if nodes[node].upstreamLeft == 0, nodes[node].phase == .waiting { ready.append(node) }
        }
        if nodes[id].isCounted { nodes[parent].active -= 1 }
        if let limit = indexed.graph.parallelism, nodes[parent].active < limit {
            while !nodes[parent].held.isEmpty {
                let next = nodes[parent].held.removeFirst()
                // One that was stopped meanwhile waits no more.
                guard nodes[next].phase == .held else { continue }
                ready.append(next)
                break
            }
        }
        if indexed.graph.failsFast, nodes[id].state != .succeeded { failFast(parent, indexed) }
    }

    /// Begins nothing more of a graph that will fail.
    private mutating func failFast(_ group: NodeID, _ graph: IndexedGraph) {
        guard !nodes[group].isFailing, let failure = decisiveFailure(of: group, graph) else { return }
        nodes[group].isFailing = true
        let why = "\(nodes[failure].path) failed, and nothing more of its graph is begun."
        for child in nodes[group].children where nodes[child].phase == .waiting || nodes[child].phase == .held {
            // What runs whatever happens does so now, too.
            if definition(of: child).runsAfterFailure { continue }
            nodes[child].isBlocked = true
            end(child, .skipped, TaskValues(), why)
        }
    }

    /// The failure of a task that decides about its graph; nil for none so far.
    private func decisiveFailure(of group: NodeID, _ graph: IndexedGraph) -> NodeID? {
        guard let targets = graph.graph.targets else { return nodes[group].firstFailure }
        var found: [Int: NodeID?] = [:]
        for target in targets {
            guard let place = graph.places[target] else { continue }
            if let failure = failure(at: place, of: group, graph, &found) { return failure }
        }
        return nil
    }

    /// The failure that a task brings to its graph: its own, or for one that was never run, that of one before it.
    private func failure(
        at place: Int, of group: NodeID, _ graph: IndexedGraph, _ found: inout [Int: NodeID?]
    ) -> NodeID? {
        // By hand and not by recursion: chains are long.
        var stack = [place]
        while let top = stack.last {
            if found[top] != nil {
                stack.removeLast()
                continue
            }
            let id = nodes[group].children.lowerBound + top
            switch nodes[id].state {
            case .succeeded, .pending, .running: found[top] = .some(nil)
            case .failed, .canceled:
                found[top] = .some(nodes[id].state == .failed && mayFail(id) ? nil : id)
            case .skipped:
                let before = graph.tasks[top].upstream.compactMap { graph.places[$0] }
                if let open = before.first(where: { found[$0] == nil }) {
                    stack.append(open)
                    continue
                }
                var failure: NodeID?
                for place in before where failure == nil { failure = found[place] ?? nil }
                found[top] = .some(failure)
            }
            stack.removeLast()
        }
        return found[place] ?? nil
    }

    /// Ends a group or a loop whose tasks have all ended.
    mutating func finish(_ id: NodeID) {
        guard nodes[id].phase == .open else { return }
        if let stop = nodes[id].stop { return end(id, stop.state, TaskValues(), stop.message) }
        let graph = nodes[id].kind == .loop ? nil : nodes[id].graph.flatMap { pipeline.graphs[$0] }
        if let failure = graph.map({ decisiveFailure(of: id, $0) }) ?? nodes[id].firstFailure {
            let failed = nodes[failure]
            let message = failed.message ?? "The task \(failed.path) failed."
            if isCancelled || failed.state == .canceled { return end(id, .canceled, TaskValues(), message) }
            guard nodes[id].kind == .group, id != 0 else { return end(id, failed.state, TaskValues(), message) }
            sleeping.remove(id)
            nodes[id].dueAt = nil
            return self.failed(id, message)
        }
        do throws(GyreError) {
            end(id, .succeeded, nodes[id].kind == .loop ? collected(id) : try outputs(ofGroup: id), nil)
        } catch {
            end(id, .failed, TaskValues(), error.description)
        }
    }

    /// Lets all of the run see what a task gives for that.
    private mutating func share(_ id: NodeID) {
        guard let component = pipeline.components[definition(of: id).component] else { return }
        for (name, global) in component.globalOutputs {
            if let value = nodes[id].outputs.parameters[name] { shared.parameters[global] = value }
            if let value = nodes[id].outputs.artifacts[name] { shared.artifacts[global] = value }
        }
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

    private func outputs(ofGroup id: NodeID) throws(GyreError) -> TaskValues {
        var outputs = id == 0 ? shared : TaskValues()
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
        let computed = graph.graph.computed
        guard !computed.parameters.isEmpty || !computed.artifacts.isEmpty else { return outputs }
        let scope = scope(ofGroup: id)
        for (name, text) in computed.parameters {
            outputs.parameters[name] = try pipeline.language.value(of: text, in: scope)
        }
        for (name, text) in computed.artifacts {
            outputs.artifacts[name] = try pipeline.language.artifacts(of: text, in: scope)
        }
        return outputs
    }
}

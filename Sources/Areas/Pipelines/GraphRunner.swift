// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreLedger

/// Walks a graph of tasks: starts what is ready, in parallel, and passes outputs on.
///
/// What ended in an earlier life of the run is read back instead of run again, so walking once more resumes a run.
struct GraphRunner: Sendable {
    let pipeline: Pipeline
    let tasks: TaskRunner

    /// What a graph or task is given.
    struct Inputs: Sendable {
        var parameters: [String: JSONValue] = [:]
        var artifacts: [String: [Artifact]] = [:]
    }

    /// How a graph or task ended.
    struct Outcome: Sendable {
        var state: PipelineRun.State
        var outputs = TaskOutputs()
        var message: String?
    }

    /// Runs a graph; its first tasks come after `entry`, the tasks before the group that holds it.
    func run(
        _ graph: TaskGraph, _ inputs: Inputs, prefix: String, entry: [String] = []
    ) async throws(GyreError) -> Outcome {
        do {
            return try await withThrowingTaskGroup(of: (String, Outcome).self) { group in
                var ended: [String: Outcome] = [:]
                var started: Set<String> = []
                while ended.count < graph.tasks.count {
                    for (name, definition) in graph.tasks.sorted(by: { $0.key < $1.key })
                    where !started.contains(name) && definition.upstream.allSatisfy({ ended[$0] != nil }) {
                        started.insert(name)
                        let before = ended
                        group.addTask {
                            (name, try await self.run(name, definition, inputs, before, prefix: prefix, entry: entry))
                        }
                    }
                    guard let (name, outcome) = try await group.next() else { break }
                    ended[name] = outcome
                }
                return try finish(graph, ended)
            }
        } catch {
            throw GyreError.wrapping(error, "Running the pipeline")
        }
    }

    private func finish(_ graph: TaskGraph, _ ended: [String: Outcome]) throws(GyreError) -> Outcome {
        if let failed = ended.sorted(by: { $0.key < $1.key }).first(where: {
            $0.value.state == .failed || $0.value.state == .canceled
        }) {
            return Outcome(state: failed.value.state, message: failed.value.message ?? "The task \(failed.key) failed.")
        }
        var outputs = TaskOutputs()
        for (name, references) in graph.parameterOutputs {
            for reference in references where ended[reference.task]?.state == .succeeded {
                outputs.parameters[name] =
                    outputs.parameters[name] ?? ended[reference.task]?.outputs.parameters[reference.output]
            }
        }
        for (name, references) in graph.artifactOutputs {
            for reference in references where outputs.artifacts[name] == nil {
                outputs.artifacts[name] = ended[reference.task]?.outputs.artifacts[reference.output]
            }
        }
        return Outcome(state: .succeeded, outputs: outputs)
    }

    // MARK: One task

    private func run(
        _ name: String, _ definition: TaskDefinition, _ graphInputs: Inputs, _ ended: [String: Outcome],
        prefix: String, entry: [String]
    ) async throws(GyreError) -> Outcome {
        let path = prefix + name
        let upstream = definition.upstream.isEmpty ? entry : definition.upstream.map { prefix + $0 }
        let blocked = definition.upstream.filter { ended[$0]?.state != .succeeded }
        if !blocked.isEmpty, !definition.runsAfterFailure {
            return try await tasks.skip(
                path, upstream, why: "It depends on \(blocked.joined(separator: ", ")), which did not succeed.")
        }
        guard let component = pipeline.components[definition.component] else {
            throw GyreError(.invalid, "The component \"\(definition.component)\" does not exist.")
        }
        if let iterator = definition.iterator {
            return try await loop(
                name, definition, component, iterator, graphInputs, ended, prefix: prefix, entry: entry)
        }
        let inputs = try inputs(of: definition, component, graphInputs, ended)
        if let condition = definition.condition, try !Condition.evaluate(condition, inputs.parameters) {
            return try await tasks.skip(path, upstream, why: "Its condition is false: \(condition)")
        }
        return try await run(component, definition, inputs, path: path, upstream: upstream)
    }

    private func run(
        _ component: Component, _ definition: TaskDefinition, _ inputs: Inputs, path: String, upstream: [String]
    ) async throws(GyreError) -> Outcome {
        if case .graph(let graph) = component.body {
            return try await run(graph, inputs, prefix: path + "/", entry: upstream)
        }
        return try await tasks.run(
            TaskRunner.Job(component: component, definition: definition, inputs: inputs, path: path, upstream: upstream)
        )
    }

    private func loop(
        _ name: String, _ definition: TaskDefinition, _ component: Component, _ iterator: TaskDefinition.Iterator,
        _ graphInputs: Inputs,
        _ ended: [String: Outcome], prefix: String, entry: [String]
    ) async throws(GyreError) -> Outcome {
        let items = try value(iterator.items, graphInputs, ended)?.array ?? []
        guard items.count <= Limits.pipelineTasks else {
            throw GyreError(
                .limitExceeded, "The loop \"\(name)\" has \(items.count) items; \(Limits.pipelineTasks) is the most.")
        }
        let shared = try inputs(of: definition, component, graphInputs, ended)
        let upstream = definition.upstream.isEmpty ? entry : definition.upstream.map { prefix + $0 }
        do {
            return try await withThrowingTaskGroup(of: (Int, Outcome).self) { group in
                var outcomes = [Outcome?](repeating: nil, count: items.count)
                var next = 0
                func start() {
                    let index = next
                    next += 1
                    var inputs = shared
                    inputs.parameters[iterator.itemInput] = items[index]
                    group.addTask { [inputs] in
                        let path = "\(prefix)\(name)[\(index)]"
                        return (
                            index, try await self.run(component, definition, inputs, path: path, upstream: upstream)
                        )
                    }
                }
                while next < min(items.count, iterator.parallelism ?? items.count) { start() }
                while let (index, outcome) = try await group.next() {
                    outcomes[index] = outcome
                    if next < items.count { start() }
                }
                return collect(outcomes.compactMap(\.self), component)
            }
        } catch {
            throw GyreError.wrapping(error, "Running the loop \"\(name)\"")
        }
    }

    /// The outputs of a loop are the lists of its iterations' outputs, in the order of the items.
    private func collect(_ outcomes: [Outcome], _ component: Component) -> Outcome {
        if let failed = outcomes.first(where: { $0.state == .failed || $0.state == .canceled }) { return failed }
        var outputs = TaskOutputs()
        for name in component.outputParameters.keys {
            outputs.parameters[name] = .array(outcomes.compactMap { $0.outputs.parameters[name] })
        }
        for name in component.outputArtifacts.keys {
            outputs.artifacts[name] = outcomes.flatMap { $0.outputs.artifacts[name] ?? [] }
        }
        return Outcome(state: .succeeded, outputs: outputs)
    }

    // MARK: Inputs

    private func inputs(
        of definition: TaskDefinition, _ component: Component, _ graphInputs: Inputs, _ ended: [String: Outcome]
    ) throws(GyreError) -> Inputs {
        var inputs = Inputs()
        for (name, definition) in component.inputParameters {
            if let value = definition.defaultValue { inputs.parameters[name] = definition.settle(value) }
        }
        for (name, source) in definition.parameters {
            guard let value = try value(source, graphInputs, ended) else { continue }
            inputs.parameters[name] = component.inputParameters[name]?.settle(value) ?? value
        }
        for (name, source) in definition.artifacts {
            switch source {
            case .input(let input, _): inputs.artifacts[name] = graphInputs.artifacts[input]
            case .output(let task, let output): inputs.artifacts[name] = ended[task]?.outputs.artifacts[output]
            case .constant, .finalStatus: break
            }
        }
        return inputs
    }

    private func value(
        _ source: TaskDefinition.ValueSource, _ graphInputs: Inputs, _ ended: [String: Outcome]
    ) throws(GyreError) -> JSONValue? {
        switch source {
        case .constant(let value): return value
        case .input(let name, nil): return graphInputs.parameters[name]
        case .input(let name, let member?):
            let whole = graphInputs.parameters[name]
            return (try whole?.string.map { text throws(GyreError) in try JSONValue(parsing: text) } ?? whole)?[member]
        case .output(let task, let name): return ended[task]?.outputs.parameters[name]
        case .finalStatus(let task):
            let outcome = ended[task]
            return [
                "state": .string(outcome?.state.rawValue ?? "SKIPPED"),
                "error": ["message": .optional(outcome?.message)],
                "pipelineTaskName": .string(task),
            ]
        }
    }
}

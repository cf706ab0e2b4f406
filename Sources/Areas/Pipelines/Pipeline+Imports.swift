// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

extension Pipeline {
    /// The addresses that a run with these parameters will import from, as far as they are known before it starts.
    ///
    /// An address that a task computes, or that is an item of a loop, is known only then.
    func importAddresses(_ parameters: [String: JSONValue]) -> Set<String> {
        var found: Set<String> = []
        collect(from: root, parameters, into: &found)
        return found
    }

    private func collect(from component: Component, _ inputs: [String: JSONValue], into found: inout Set<String>) {
        guard case .graph(let graph) = component.body else { return }
        for task in graph.tasks.values {
            guard let inner = components[task.component] else { continue }
            var known: [String: JSONValue] = [:]
            for (name, definition) in inner.inputParameters { known[name] = definition.defaultValue }
            for (name, source) in task.parameters {
                switch source {
                case .constant(let value): known[name] = value
                case .input(let input, nil): known[name] = inputs[input]
                case .input, .output, .finalStatus: known[name] = nil
                }
            }
            if let iterator = task.iterator { known[iterator.itemInput] = nil }
            guard case .importer(let importer) = inner.body else {
                collect(from: inner, known, into: &found)
                continue
            }
            switch importer.source {
            case .address(let text): found.insert(text)
            case .parameter(let name): if let text = known[name]?.string { found.insert(text) }
            }
        }
    }
}

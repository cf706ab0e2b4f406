// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// The addresses that a run will import from, as far as they are known before it starts.
struct ImportAddresses: Sendable, Hashable {
    /// Those that every run reads.
    fileprivate(set) var certain: Set<String> = []
    /// Those that a run reads if it takes a branch or a loop has items.
    fileprivate(set) var possible: Set<String> = []

    /// All of them.
    var all: Set<String> { certain.union(possible) }
}

extension Pipeline {
    /// The addresses that a run with these parameters will import from.
    ///
    /// An address that a task computes, or that is an item of a loop, is known only then.
    func importAddresses(_ parameters: [String: JSONValue]) -> ImportAddresses {
        var found = ImportAddresses()
        // What stands in itself is read for at run time.
        guard !language.allowsRecursion else { return found }
        collect(from: root, parameters, isCertain: true, into: &found)
        return found
    }

    private func collect(
        from component: Component, _ inputs: [String: JSONValue], isCertain: Bool, into found: inout ImportAddresses
    ) {
        guard case .graph(let graph) = component.body else { return }
        for task in graph.tasks.values {
            guard let inner = components[task.component] else { continue }
            var known: [String: JSONValue] = [:]
            for (name, definition) in inner.inputParameters { known[name] = definition.defaultValue }
            for (name, source) in task.parameters {
                switch source {
                case .constant(let value): known[name] = value
                case .input(let input): known[name] = inputs[input]
                case .output, .finalStatus, .member, .expression: known[name] = nil
                }
            }
            if let input = task.iterator?.itemInput { known[input] = nil }
            let isCertain = isCertain && task.condition == nil && task.iterator == nil
            guard case .importer(let importer) = inner.body else {
                collect(from: inner, known, isCertain: isCertain, into: &found)
                continue
            }
            let address: String? =
                switch importer.source {
                case .address(let text): text
                case .parameter(let name): known[name]?.string
                }
            guard let address else { continue }
            if isCertain { found.certain.insert(address) } else { found.possible.insert(address) }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Models put together: one request goes through several of them.
package struct InferenceGraph: Sendable, Hashable {
    /// What requests ask for.
    package let name: String
    /// Its nodes by name; a request begins at `root`.
    package let nodes: [String: Node]
    /// Milliseconds that a request may take; 0 for any.
    package var timeoutMilliseconds = 0

    /// A place where a request is passed on.
    package struct Node: Sendable, Hashable {
        /// How it is passed on.
        package let kind: Kind
        /// To what.
        package let steps: [Step]
        /// How the answers of an ensemble become one; nil for all of them side by side.
        package var combiner: Combiner?
        /// Milliseconds after which an ensemble answers with what it has; 0 for never.
        package var deadlineMilliseconds = 0

        /// A node.
        package init(kind: Kind, steps: [Step]) {
            self.kind = kind
            self.steps = steps
        }
    }

    /// How the answers of an ensemble become one.
    package enum Combiner: String, Sendable, Hashable, CaseIterable {
        /// The mean of each number.
        case mean
        /// What most of them say, row by row; the first of those that are said as often.
        case majority
    }

    /// How a request is passed on.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// To one after another; each gets the answer of the one before.
        case sequence = "Sequence"
        /// To one by chance, by weight.
        case splitter = "Splitter"
        /// To all at once; the answers stand side by side.
        case ensemble = "Ensemble"
        /// To the first whose condition holds.
        case `switch` = "Switch"
    }

    /// One thing that a node passes a request to.
    package struct Step: Sendable, Hashable {
        /// What its answer is called in an ensemble; its place where it has no name.
        package let name: String
        /// Where the request goes.
        package let target: Target
        /// Whether it gets the request that the graph got, not the answer of the step before.
        package var takesRequest = false
        /// Its share of a splitter's requests.
        package var weight = 0
        /// What the request must hold, as a path.
        package var condition: JSONPath?
        /// Whether a failure ends the whole graph.
        package var isHard = false
        /// Whether the `predictions` of the step before become its `instances`.
        package var mapsPredictions = false

        /// A step.
        package init(name: String, target: Target) {
            self.name = name
            self.target = target
        }
    }

    /// Where a step leads.
    package enum Target: Sendable, Hashable {
        /// An endpoint or a model.
        case model(String)
        /// Another node of the graph.
        case node(String)
    }

    /// Steps that one request takes at most.
    private static let longestWay = 200

    /// A graph whose nodes are there and lead somewhere.
    /// - Throws: `.invalid` with the path of the field that is wrong.
    package init(name: String, nodes: [String: Node]) throws(GyreError) {
        self.name = name
        self.nodes = nodes
        guard nodes["root"] != nil else { throw GyreError(.invalid, "spec.nodes has no \"root\".") }
        for (key, node) in nodes.sorted(by: { $0.key < $1.key }) {
            guard !node.steps.isEmpty, node.steps.count <= 100 else {
                throw GyreError(
                    .invalid, "spec.nodes.\(key).steps has \(node.steps.count) steps.", why: "From 1 to 100 may be.")
            }
            for (index, step) in node.steps.enumerated() {
                if case .node(let next) = step.target, nodes[next] == nil {
                    throw GyreError(
                        .invalid, "spec.nodes.\(key).steps[\(index)].nodeName is \"\(next)\".",
                        why: "There is no such node.")
                }
                if node.kind == .switch, step.condition == nil {
                    throw GyreError(
                        .invalid, "spec.nodes.\(key).steps[\(index)].condition is missing.", why: "A Switch needs it.")
                }
            }
            if node.kind == .splitter, node.steps.reduce(0, { $0 + $1.weight }) != 100 {
                throw GyreError(.invalid, "The weights of spec.nodes.\(key) do not sum to 100.")
            }
        }
        try checkEnds("root", [])
    }

    private func checkEnds(_ node: String, _ above: [String]) throws(GyreError) {
        guard !above.contains(node), above.count < Self.longestWay else {
            throw GyreError(.invalid, "The nodes \((above + [node]).joined(separator: " → ")) go round in a circle.")
        }
        for step in nodes[node]?.steps ?? [] {
            if case .node(let next) = step.target { try checkEnds(next, above + [node]) }
        }
    }
}

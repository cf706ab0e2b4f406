// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Answers where things came from and what was made of them, from the facts alone.
package struct Lineage: Sendable {
    private let store: any LedgerStore

    /// Lineage over the facts of `store`.
    package init(store: any LedgerStore) { self.store = store }

    /// Which way to walk.
    package enum Direction: String, Sendable, CaseIterable {
        /// To what it was made from.
        case up
        /// To what was made of it.
        case down
    }

    /// One step: `output` was made from `input`, as the fact `seq` tells.
    package struct Edge: Sendable, Hashable {
        /// What was used.
        package let input: Ref
        /// What was made.
        package let output: Ref
        /// The kind of the fact.
        package let kind: String
        /// Its place in the ledger.
        package let seq: Int64
    }

    /// The part of the graph that a walk saw.
    package struct Graph: Sendable {
        /// Where the walk started.
        package let root: Ref
        /// Every thing seen, in the order of the walk.
        package let nodes: [Ref]
        /// Every step seen.
        package let edges: [Edge]
        /// Whether a limit cut the walk short.
        package let isCut: Bool
    }

    /// All that can be reached from `root`.
    ///
    /// `seq`: the facts up to this place only, which gives the graph as of then.
    package func walk(_ direction: Direction, from root: Ref, asOf seq: Int64 = .max) async throws(GyreError) -> Graph {
        var nodes = [root]
        var seen: Set<Ref> = [root]
        var edges: [Edge] = []
        var known: Set<Edge> = []
        var next = 0
        while next < nodes.count, nodes.count < Limits.lineageNodes {
            let node = nodes[next]
            next += 1
            for edge in try await self.edges(at: node, direction, asOf: seq) where known.insert(edge).inserted {
                edges.append(edge)
                let other = direction == .up ? edge.input : edge.output
                if seen.insert(other).inserted { nodes.append(other) }
            }
        }
        return Graph(root: root, nodes: nodes, edges: edges, isCut: next < nodes.count)
    }

    /// A shortest chain of steps by which `output` came from `input`; empty where there is none.
    package func path(from input: Ref, to output: Ref, asOf seq: Int64 = .max) async throws(GyreError) -> [Edge] {
        let graph = try await walk(.up, from: output, asOf: seq)
        var cameBy: [Ref: Edge] = [:]
        for edge in graph.edges where cameBy[edge.input] == nil && edge.input != output { cameBy[edge.input] = edge }
        var steps: [Edge] = []
        var node = input
        while node != output, let edge = cameBy[node], steps.count <= graph.edges.count {
            steps.append(edge)
            node = edge.output
        }
        return node == output ? steps : []
    }

    private func edges(at node: Ref, _ direction: Direction, asOf seq: Int64) async throws(GyreError) -> [Edge] {
        var query = FactQuery(mentioning: node, upTo: seq)
        query.limit = Limits.pageRows
        var result: [Edge] = []
        for recorded in try await store.facts(query) {
            let fact = recorded.fact
            for output in fact.outputs {
                for input in fact.inputs where input != output {
                    let isHere = direction == .up ? output == node : input == node
                    if isHere { result.append(Edge(input: input, output: output, kind: fact.kind, seq: recorded.seq)) }
                }
            }
        }
        return result
    }
}

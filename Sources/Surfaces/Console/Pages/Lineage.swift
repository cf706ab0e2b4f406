// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

extension Console {
    /// The most boxes and arrows that one picture has.
    private static let (mostNodes, mostEdges) = (150, 600)

    func lineage(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let ref = request.query("ref") ?? ""
        let direction = request.query("direction") == "down" ? "down" : "up"
        let search = Form(
            .search,
            fields: [.text("Thing", name: "ref", value: ref, example: "release/delay@1, dataset/flights@3f2a…")],
            buttons: [
                Form.Button("What it came from", name: "direction", value: "up"),
                Form.Button("What was made of it", name: "direction", value: "down"),
            ])
        guard !ref.isEmpty else { return Page("Lineage", in: .lineage) { search } }
        let query = Percent.query([("ref", ref), ("direction", direction)])
        let answer = try await get(API.Lineage.self, "/lineage" + query)
        let all = answer.nodes ?? []
        let nodes = all.prefix(Self.mostNodes).map { node in
            Graph.Node(
                id: node, text: node, tone: node == ref ? .busy : .plain,
                address: "/lineage" + Percent.query([("ref", node), ("direction", direction)]))
        }
        let edges = (answer.edges ?? []).prefix(Self.mostEdges).map { Graph.Edge(from: $0.input, to: $0.output) }
        let facts = try await get(API.FactList.self, "/ledger" + Percent.query([("limit", "50"), ("ref", ref)])).facts
        return Page("Lineage of \(ref)", in: .lineage, below: [("Lineage", "/lineage")]) {
            search
            Graph(label: "Lineage", nodes: nodes, edges: edges)
            Note(shown: nodes.count, of: all.count, "things, the nearest first")
            Section("Facts about it") { Self.facts(facts) }
        }
    }
}

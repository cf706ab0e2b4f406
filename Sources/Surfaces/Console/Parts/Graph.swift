// SPDX-License-Identifier: Apache-2.0

internal import GyreHTML

/// Boxes in columns by their distance from the start, with arrows: tasks of a pipeline, things and what they came from.
///
/// Every box is a link and tells what comes before it, so it is followed without being seen.
struct Graph: Part {
    struct Node: Sendable {
        let id: String
        let text: String
        let tone: Tone
        /// Where the box leads.
        let address: String
    }

    struct Edge: Sendable {
        let from: String
        let to: String
    }

    let label: String
    let nodes: [Node]
    let edges: [Edge]

    private struct Place {
        let x: Double
        let y: Double
    }

    var html: HTML {
        guard !nodes.isEmpty else { return EmptyState("There is nothing to draw.").html }
        let columns = columns
        var rows: [Int: Int] = [:]
        var places: [String: Place] = [:]
        for node in nodes {
            let column = columns[node.id] ?? 0
            places[node.id] = Place(x: 10 + Double(column) * 265, y: 10 + Double(rows[column] ?? 0) * 46)
            rows[column, default: 0] += 1
        }
        let width = 245 + Double(columns.values.max() ?? 0) * 265
        let height = 10 + Double(rows.values.max() ?? 1) * 46
        let before = Dictionary(grouping: edges, by: \.to)
        return .element(
            "div", [("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", label)],
            .element(
                "svg",
                [
                    ("class", "graph"), ("role", "group"), ("aria-label", label), ("width", "\(width)"),
                    ("height", "\(height)"), ("viewBox", "0 0 \(width) \(height)"),
                ], edges.compactMap { arrow($0, places) } + nodes.map { box($0, places[$0.id], before[$0.id] ?? []) }))
    }

    /// The longest way from a box without anything before it; a cycle would stop after as many rounds as there are boxes.
    private var columns: [String: Int] {
        var column: [String: Int] = [:]
        for node in nodes { column[node.id] = 0 }
        for _ in 0..<min(nodes.count, 60) {
            var isSettled = true
            for edge in edges where (column[edge.to] ?? 0) <= (column[edge.from] ?? 0) && column[edge.from] != nil {
                guard column[edge.to] != nil, edge.from != edge.to else { continue }
                column[edge.to] = (column[edge.from] ?? 0) + 1
                isSettled = false
            }
            if isSettled { break }
        }
        return column
    }

    private func arrow(_ edge: Edge, _ places: [String: Place]) -> HTML? {
        guard let from = places[edge.from], let to = places[edge.to] else { return nil }
        let (x1, y1, x2, y2) = (from.x + 225, from.y + 17, to.x, to.y + 17)
        let curve = "M\(x1) \(y1)C\(x1 + 25) \(y1),\(x2 - 25) \(y2),\(x2) \(y2)"
        return .element("path", [("d", curve), ("class", "edge"), ("aria-hidden", "true")], .empty)
    }

    private func box(_ node: Node, _ place: Place?, _ before: [Edge]) -> HTML {
        guard let place else { return .empty }
        let text = node.text.count > 30 ? String(node.text.prefix(29)) + "…" : node.text
        let sources = before.prefix(3).map { String($0.from.prefix(80)) }.joined(separator: ", ")
        let words =
            sources.isEmpty ? node.text : "\(node.text), after \(sources)\(before.count > 3 ? " and others" : "")"
        return .element(
            "a", [("href", node.address)], .element("title", [], HTML(words)),
            .element(
                "rect",
                [
                    ("x", "\(place.x)"), ("y", "\(place.y)"), ("width", "225"), ("height", "34"), ("rx", "5"),
                    ("class", "node \(node.tone.rawValue)"),
                ], .empty), .element("text", [("x", "\(place.x + 10)"), ("y", "\(place.y + 21)")], HTML(text)))
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML

/// Pictures drawn on the server as SVG, so that they are there without scripts.
enum Drawings {
    /// A line through points, with its first and last value told in words for those who do not see it.
    ///
    /// `run`: whose metric it is, for a script that draws it larger.
    static func curve(_ title: String, run: String, _ points: [(x: Double, y: Double)]) -> HTML {
        // Once a script has drawn it, the picture is its own.
        let frame = [("class", "curve"), ("data-metric", title), ("data-run", run), ("data-keep", "")]
        let finite = points.filter { $0.y.isFinite }
        guard finite.count > 1, let first = finite.first, let last = finite.last else {
            return .element(
                "figure", frame, .element("figcaption", [], HTML("\(title): "), Block.figure(finite.first?.y)))
        }
        let (width, height) = (420.0, 130.0)
        let (lowX, highX) = (finite.map(\.x).min() ?? 0, finite.map(\.x).max() ?? 1)
        let (lowY, highY) = (finite.map(\.y).min() ?? 0, finite.map(\.y).max() ?? 1)
        let path = finite.map { point in
            let x = 5 + share(point.x, lowX, highX) * (width - 10)
            let y = height - 5 - share(point.y, lowY, highY) * (height - 10)
            return "\(Int(x)),\(Int(y))"
        }
        let words =
            "\(title): from \(Block.number(first.y)) to \(Block.number(last.y)), between \(Block.number(lowY)) and \(Block.number(highY))"
        return .element(
            "figure", frame,
            .element(
                "svg", [("viewBox", "0 0 \(width) \(height)"), ("role", "img"), ("aria-label", words)],
                .element("polyline", [("points", path.joined(separator: " ")), ("class", "line")], .empty)),
            .element(
                "figcaption", [("title", "from \(Number.full(first.y)) to \(Number.full(last.y))")], HTML(words)))
    }

    /// Where a value lies between two, from 0 to 1; at 0 where they are the same.
    private static func share(_ value: Double, _ low: Double, _ high: Double) -> Double {
        // Halves, since the way from the least to the greatest number is longer than a number can tell.
        let whole = high / 2 - low / 2
        return whole > 0 ? (value / 2 - low / 2) / whole : 0
    }

    /// Boxes in columns by their distance from the start, with arrows; `link` gives each box its address.
    static func graph(
        _ label: String, nodes: [(id: String, text: String, kind: String)], edges: [(from: String, to: String)],
        link: (String) -> String
    ) -> HTML {
        var column: [String: Int] = [:]
        for node in nodes { column[node.id] = 0 }
        // Longest distance from a source; a cycle would stop after as many rounds as there are boxes.
        for _ in 0..<min(nodes.count, 60) {
            var isSettled = true
            for edge in edges where (column[edge.to] ?? 0) <= (column[edge.from] ?? 0) && column[edge.from] != nil {
                column[edge.to] = (column[edge.from] ?? 0) + 1
                isSettled = false
            }
            if isSettled { break }
        }
        var row: [Int: Int] = [:]
        var place: [String: (x: Double, y: Double)] = [:]
        for node in nodes {
            let index = column[node.id] ?? 0
            place[node.id] = (10 + Double(index) * 265, 10 + Double(row[index] ?? 0) * 46)
            row[index, default: 0] += 1
        }
        let (width, height) = (290 + Double(column.values.max() ?? 0) * 265, 20 + Double(row.values.max() ?? 1) * 46)
        let arrows = edges.compactMap { edge -> HTML? in
            guard let from = place[edge.from], let to = place[edge.to] else { return nil }
            let (x1, y1, x2, y2) = (from.x + 225, from.y + 17, to.x, to.y + 17)
            let curve = "M\(x1) \(y1)C\(x1 + 25) \(y1),\(x2 - 25) \(y2),\(x2) \(y2)"
            return .element("path", [("d", curve), ("class", "edge")], .empty)
        }
        let boxes = nodes.map { node -> HTML in
            let at = place[node.id] ?? (0, 0)
            let text = node.text.count > 30 ? String(node.text.prefix(29)) + "…" : node.text
            return .element(
                "a", [("href", link(node.id))],
                .element("title", [], HTML(node.text)),
                .element(
                    "rect",
                    [
                        ("x", "\(at.x)"), ("y", "\(at.y)"), ("width", "225"), ("height", "34"), ("rx", "6"),
                        ("class", "node \(node.kind)"),
                    ],
                    .empty), .element("text", [("x", "\(at.x + 10)"), ("y", "\(at.y + 22)")], HTML(text)))
        }
        return .element(
            "div", [("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", label)],
            .element(
                "svg",
                [
                    ("class", "graph"), ("width", "\(width)"), ("height", "\(height)"),
                    ("viewBox", "0 0 \(width) \(height)"),
                ],
                arrows + boxes))
    }

    /// A bar in two parts, true to scale, and below it what each part is and has.
    static func split(stable: String, canary: String?, percent: Double) -> HTML {
        var parts = [(name: stable, kind: "stable", percent: 100 - percent)]
        if let canary { parts.append((canary, "canary", percent)) }
        let bar = parts.map { part in
            HTML.element("span", [("class", "part \(part.kind)"), ("style", "flex-grow:\(part.percent)")], .empty)
        }
        let words = parts.map { part in
            HTML.element(
                "span", [("class", "share")], .element("span", [("class", "swatch \(part.kind)")], .empty),
                HTML(" \(part.name) · \(Number.readable(part.percent)) %"))
        }
        return .element("div", [("class", "split"), ("aria-hidden", "true")], bar)
            + .element("p", [("class", "shares")], words)
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML

/// A line through points, drawn on the server; where scripts run it is drawn larger and grows while its run logs.
///
/// Its first and last value are told in words for those who do not see it. What is no finite number is left out.
struct Chart: Part {
    /// The metric.
    let title: String
    /// Whose metric it is.
    let run: String
    /// Steps and values, in the order of the steps.
    let points: [(x: Double, y: Double)]

    private static let (width, height) = (420.0, 130.0)

    var html: HTML {
        // Once a script has drawn it, the picture is its own.
        let frame = [("class", "curve"), ("data-metric", title), ("data-run", run), ("data-keep", "")]
        let finite = points.filter { $0.y.isFinite }
        guard finite.count > 1, let first = finite.first, let last = finite.last else {
            return .element(
                "figure", frame,
                .element("figcaption", [], Words.name(title), HTML(": "), Words.figure(finite.first?.y).html))
        }
        let (lowY, highY) = (finite.map(\.y).min() ?? 0, finite.map(\.y).max() ?? 1)
        let words =
            ": from \(Number.readable(first.y)) to \(Number.readable(last.y)), between \(Number.readable(lowY)) and \(Number.readable(highY))"
        return .element(
            "figure", frame,
            .element(
                "svg",
                [("viewBox", "0 0 \(Self.width) \(Self.height)"), ("role", "img"), ("aria-label", title + words)],
                .element("polyline", [("points", Self.line(finite, lowY, highY)), ("class", "line")], .empty)),
            .element(
                "figcaption", [("title", "from \(Number.full(first.y)) to \(Number.full(last.y))")],
                Words.name(title), HTML(words)))
    }

    private static func line(_ points: [(x: Double, y: Double)], _ lowY: Double, _ highY: Double) -> String {
        let (lowX, highX) = (points.map(\.x).min() ?? 0, points.map(\.x).max() ?? 1)
        return points.map { point in
            let x = 5 + share(point.x, lowX, highX) * (width - 10)
            let y = height - 5 - share(point.y, lowY, highY) * (height - 10)
            return "\(Int(x)),\(Int(y))"
        }.joined(separator: " ")
    }

    /// Where a value lies between two, from 0 to 1; at 0 where they are the same.
    private static func share(_ value: Double, _ low: Double, _ high: Double) -> Double {
        // Halves, since the way from the least to the greatest number is longer than a number can tell.
        let whole = high / 2 - low / 2
        return whole > 0 ? (value / 2 - low / 2) / whole : 0
    }
}

/// Charts side by side, with how they are drawn above them.
struct Charts: Part {
    let charts: [Chart]
    /// A run that goes on: its script adds charts.
    let isLive: Bool

    var html: HTML {
        let controls = Form(
            .settings(id: "curve-controls"),
            fields: [
                .slider("Smoothing", name: "smooth", most: "0.99", step: "0.01"), .check("Logarithmic", name: "log"),
            ])
        return (charts.isEmpty ? EmptyState("No metric was logged.", isForMetrics: true).html : .empty)
            + (charts.isEmpty && !isLive ? .empty : controls.html)
            + .element("div", [("class", "curves")], charts.map(\.html))
    }
}

/// Says that a run goes on, and its latest point; a script follows the run from here.
struct LiveStatus: Part {
    let run: String

    var html: HTML {
        .element(
            "p",
            [("id", "live"), ("class", "live"), ("data-live", run), ("role", "status"), ("aria-live", "polite")],
            HTML("The run goes on."))
    }
}

/// Pictures of many runs at once, drawn by a script from a table of theirs.
struct Comparison: Part {
    /// Which runs: the query of their table.
    let query: String

    var html: HTML {
        Form(
            .settings(id: "comparison-controls"),
            fields: [
                .choice("Across", name: "x", options: [], chosen: ""),
                .choice("Metric", name: "y", options: [], chosen: ""),
            ]
        ).html
            + .element(
                "div", [("id", "comparison"), ("data-query", query)],
                .element("figure", [("id", "scatter")], .empty), .element("figure", [("id", "parallel")], .empty))
    }
}

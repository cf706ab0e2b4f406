// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML

/// The frame around every page: head, navigation, main.
struct Page {
    let title: String
    let section: String
    let content: [HTML]
    /// Seconds after which the main part is fetched anew where scripts run; nil for a page that stands.
    var refreshSeconds: Int?

    static let sections = [
        ("Home", "/"), ("Runs", "/runs"), ("Models", "/models"), ("Endpoints", "/endpoints"),
        ("Pipelines", "/pipelines"),
        ("Data", "/data"), ("Lineage", "/lineage"), ("Ledger", "/ledger"),
    ]

    var html: HTML {
        let links = Self.sections.map { name, address in
            HTML.element(
                "li", [],
                .element("a", [("href", address), name == section ? ("aria-current", "page") : ("", "")], HTML(name)))
        }
        var main: [(String, String)] = [("id", "main")]
        if let refreshSeconds {
            main += [
                ("hx-get", ""), ("hx-trigger", "every \(refreshSeconds)s"), ("hx-select", "#main"),
                ("hx-swap", "outerHTML"),
            ]
        }
        return .document(
            .element(
                "html", [("lang", "en")],
                .element(
                    "head", [], .void("meta", [("charset", "utf-8")]),
                    .void("meta", [("name", "viewport"), ("content", "width=device-width, initial-scale=1")]),
                    .void("meta", [("name", "color-scheme"), ("content", "light dark")]),
                    .element("title", [], HTML("\(title) · Gyre")),
                    .void("link", [("rel", "icon"), ("href", "data:,")]),
                    .void("link", [("rel", "stylesheet"), ("href", "/static/gyre.css")]),
                    .void("link", [("rel", "stylesheet"), ("href", "/static/uplot.min.css")]),
                    .element("script", [("src", "/static/htmx.min.js"), ("defer", "")], .empty),
                    .element("script", [("src", "/static/uplot.min.js"), ("defer", "")], .empty),
                    .element("script", [("src", "/static/gyre.js"), ("defer", "")], .empty)),
                .element(
                    "body", [], .element("a", [("class", "skip"), ("href", "#main")], HTML("Skip to the content")),
                    .element("header", [], .element("nav", [("aria-label", "Main")], .element("ul", [], links))),
                    .element("main", main, [.element("h1", [], HTML(title))] + content))))
    }
}

/// Building blocks of pages.
enum Block {
    static func table(_ caption: String, _ header: [String], _ rows: [[HTML]], empty: String) -> HTML {
        guard !rows.isEmpty else { return .element("p", [("class", "empty")], HTML(empty)) }
        let head = HTML.element("tr", [], header.map { .element("th", [("scope", "col")], HTML($0)) })
        let body = rows.map { row in HTML.element("tr", [], row.map { .element("td", [], $0) }) }
        return .element(
            "div", [("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", caption)],
            .element(
                "table", [], .element("caption", [], HTML(caption)), .element("thead", [], head),
                .element("tbody", [], body)))
    }

    static func section(_ title: String, _ content: HTML...) -> HTML {
        .element("section", [], [.element("h2", [], HTML(title))] + content)
    }

    static func facts(_ pairs: [(String, HTML)]) -> HTML {
        .element("dl", [], pairs.flatMap { [.element("dt", [], HTML($0.0)), .element("dd", [], $0.1)] })
    }

    /// A state as a word with a colour; the word alone tells it too.
    static func badge(_ word: String) -> HTML {
        let kind =
            switch word.lowercased() {
            case "succeeded", "finished", "promoted", "passed", "intact", "ready": "good"
            case "failed", "rolled_back", "not intact", "killed", "aborted": "bad"
            case "running", "paused", "pending", "warnings": "busy"
            default: "plain"
            }
        return .element("span", [("class", "badge \(kind)")], HTML(word.replacing("_", with: " ").lowercased()))
    }

    static func lineage(_ ref: String) -> HTML { .link(ref, to: "/lineage?ref=\(query(ref))") }

    static func query(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45
                || byte == 95
            let hex = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (hex.count == 1 ? "0" + hex : hex)
        }.joined()
    }

    static func number(_ value: Double?) -> String {
        guard let value else { return "–" }
        if !value.isFinite { return "\(value)" }
        let rounded = (value * 10_000).rounded() / 10_000
        return rounded == rounded.rounded() && abs(rounded) < 1e12 ? String(Int64(rounded)) : String(rounded)
    }
}

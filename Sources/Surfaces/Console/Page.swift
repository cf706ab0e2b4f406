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
        ("Home", "/"), ("Runs", "/runs"), ("Traces", "/traces"), ("Models", "/models"), ("Prompts", "/prompts"),
        ("Endpoints", "/endpoints"), ("Pipelines", "/pipelines"), ("Data", "/data"), ("Lineage", "/lineage"),
        ("Ledger", "/ledger"),
    ]

    var html: HTML {
        let links = Self.sections.map { name, address in
            HTML.element(
                "li", [],
                .element("a", [("href", address), name == section ? ("aria-current", "page") : ("", "")], HTML(name)))
        }
        var main: [(String, String)] = [("id", "main")]
        if let refreshSeconds { main.append(("data-refresh", String(refreshSeconds))) }
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
    /// `links`: where the heads of the last columns lead, if anywhere.
    static func table(
        _ caption: String, _ header: [String], _ rows: [[HTML]], empty: String, links: [String] = []
    ) -> HTML {
        guard !rows.isEmpty else { return .element("p", [("class", "empty")], HTML(empty)) }
        let addresses = Array(repeating: nil, count: header.count - links.count) + links.map(Optional.some)
        let head = HTML.element(
            "tr", [],
            zip(header, addresses).map { title, address in
                .element(
                    "th", [("scope", "col")],
                    address.map { .element("a", [("href", $0)], short(title, 40)) } ?? short(title, 80))
            })
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
            case "succeeded", "finished", "promoted", "passed", "intact", "ready", "ok": "good"
            case "failed", "rolled_back", "not intact", "killed", "aborted", "error", "upload_failed", "unavailable":
                "bad"
            case "running", "paused", "pending", "passed with warnings", "in_progress": "busy"
            default: "plain"
            }
        return .element("span", [("class", "badge \(kind)")], HTML(word.replacing("_", with: " ").lowercased()))
    }

    static func lineage(_ ref: String) -> HTML { .link(ref, to: "/lineage?ref=\(query(ref))") }

    static func query(_ text: String) -> String { Percent.encode(text) }

    /// A number as people read it, with all its digits at hand where they are more.
    static func figure(_ value: Double?) -> HTML {
        guard let value else { return HTML("–") }
        let (shown, full) = (Number.readable(value), Number.full(value))
        return shown == full ? HTML(shown) : .element("span", [("title", full)], HTML(shown))
    }

    static func number(_ value: Double?) -> String { value.map { Number.readable($0) } ?? "–" }

    /// The beginning of a text, with the whole of it at hand.
    static func short(_ text: String, _ limit: Int = 200) -> HTML {
        guard text.count > limit else { return HTML(text) }
        return .element("span", [("title", String(text.prefix(4000)))], HTML(text.prefix(limit - 1) + "…"))
    }

    /// Says that less is shown than there is; nothing where all of it is.
    static func cut(_ shown: Int, of total: Int, _ what: String, _ more: HTML = .empty) -> HTML {
        guard shown < total else { return .empty }
        return .element("p", [("class", "note")], HTML("Shown are \(shown) of \(total) \(what). ") + more)
    }

    /// Text as it is, line by line, up to 20,000 characters.
    static func block(_ text: String, _ label: String) -> HTML {
        let limit = 20_000
        let shown = text.count > limit ? String(text.prefix(limit)) : text
        return .element("pre", [("tabindex", "0"), ("role", "region"), ("aria-label", label)], HTML(shown))
            + (text.count > limit
                ? .element("p", [("class", "note")], HTML("Shown are the first \(limit) of \(text.count) characters."))
                : .empty)
    }
}

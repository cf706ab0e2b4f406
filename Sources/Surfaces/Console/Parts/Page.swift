// SPDX-License-Identifier: Apache-2.0

internal import GyreHTML

/// The frame around every page: head, navigation, main.
struct Page: Part {
    /// The places that the navigation leads to.
    enum Place: String, Sendable, CaseIterable {
        case home, runs, traces, models, prompts, endpoints, pipelines, data, lineage, ledger, access

        var title: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
        var address: String { self == .home ? "/" : "/" + rawValue }
    }

    let title: String
    /// What is marked in the navigation; nil for none.
    let place: Place?
    /// The pages above this one.
    let trail: [Breadcrumb.Step]
    /// Seconds after which the main part is fetched anew where scripts run; nil for a page that stands.
    let refreshSeconds: Int?
    let parts: [any Part]
    /// What everybody who looks at any page is to know; nil for nothing.
    var warning: String?

    init(
        _ title: String, in place: Place?, below trail: [Breadcrumb.Step] = [], refreshSeconds: Int? = nil,
        @PartBuilder _ parts: () -> [any Part]
    ) {
        self.title = title
        self.place = place
        self.trail = trail
        self.refreshSeconds = refreshSeconds
        self.parts = parts()
    }

    var html: HTML {
        var main: [(String, String)] = [("id", "main"), ("tabindex", "-1")]
        if let refreshSeconds { main.append(("data-refresh", String(refreshSeconds))) }
        return .document(
            .element(
                "html", [("lang", "en")], head,
                .element(
                    "body", [], .element("a", [("class", "skip"), ("href", "#main")], HTML("Skip to the content")),
                    .element(
                        "header", [],
                        .element(
                            "nav", [("aria-label", "Main")], .element("ul", [], Self.Place.allCases.map(item)))),
                    .element(
                        "main", main,
                        (warning.map { [Note(.text($0), tone: .busy).html] } ?? [])
                            + [Breadcrumb(steps: trail, here: title).html, .element("h1", [], HTML(title))]
                            + parts.map(\.html)))))
    }

    private var head: HTML {
        .element(
            "head", [], .void("meta", [("charset", "utf-8")]),
            .void("meta", [("name", "viewport"), ("content", "width=device-width, initial-scale=1")]),
            .void("meta", [("name", "color-scheme"), ("content", "light dark")]),
            .element("title", [], HTML("\(title) · Gyre")), .void("link", [("rel", "icon"), ("href", "data:,")]),
            .void("link", [("rel", "stylesheet"), ("href", "/static/gyre.css")]),
            .void("link", [("rel", "stylesheet"), ("href", "/static/uplot.min.css")]),
            .element("script", [("src", "/static/uplot.min.js"), ("defer", "")], .empty),
            .element("script", [("src", "/static/gyre.js"), ("defer", "")], .empty))
    }

    private func item(_ place: Place) -> HTML {
        .element(
            "li", [],
            .element(
                "a", [("href", place.address), place == self.place ? ("aria-current", "page") : ("", "")],
                HTML(place.title)))
    }
}

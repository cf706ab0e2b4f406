// SPDX-License-Identifier: Apache-2.0

internal import GyreHTML

/// Views of one thing, each with an address of its own.
struct Tabs: Part {
    /// What the views are views of, for those who do not see them.
    let label: String
    let tabs: [(title: String, address: String)]
    /// The title of the one that is shown.
    let chosen: String

    var html: HTML {
        let items = tabs.map { title, address in
            HTML.element(
                "li", [],
                .element("a", [("href", address), title == chosen ? ("aria-current", "page") : ("", "")], HTML(title)))
        }
        return .element("nav", [("class", "tabs"), ("aria-label", label)], .element("ul", [], items))
    }
}

/// Where a page stands: the pages above it, from the top.
struct Breadcrumb: Part {
    typealias Step = (title: String, address: String)
    let steps: [Step]
    /// The page itself.
    let here: String

    var html: HTML {
        guard !steps.isEmpty else { return .empty }
        let items = steps.map { HTML.element("li", [], Words.link($0.title, to: $0.address).html) }
        return .element(
            "nav", [("class", "trail"), ("aria-label", "Breadcrumb")],
            .element("ol", [], items + [.element("li", [("aria-current", "page")], Words.short(here, 60).html)]))
    }
}

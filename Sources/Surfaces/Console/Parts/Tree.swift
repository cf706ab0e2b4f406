// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML

/// Steps within steps, each with when it was within the whole, and what is told of it once it is opened.
struct Tree: Part {
    struct Item: Sendable {
        /// What it is known by from one showing to the next.
        let id: String
        let name: String
        /// Words behind the name: its kind, whether it failed.
        let badges: [Badge]
        /// What it took and when, in words.
        let times: String
        /// Where it begins within the whole and how much of it it takes, in percent.
        let lane: (from: Double, width: Double)
        /// What is shown once it is opened.
        let parts: [any Part]
        let children: [Item]
    }

    let label: String
    let items: [Item]

    var html: HTML {
        .element(
            "div", [("class", "scroll tree"), ("tabindex", "0"), ("role", "region"), ("aria-label", label)],
            .element("ul", [], items.map { Self.item($0, isTop: true) }))
    }

    private static func item(_ item: Item, isTop: Bool) -> HTML {
        let below =
            item.children.isEmpty ? .empty : HTML.element("ul", [], item.children.map { Self.item($0, isTop: false) })
        return .element(
            "li", [("data-key", item.id)],
            .element("details", isTop ? [("open", "")] : [], [head(item)] + item.parts.map(\.html)), below)
    }

    private static func head(_ item: Item) -> HTML {
        let place = "margin-left:\(Number.readable(item.lane.from))%;width:\(Number.readable(item.lane.width))%"
        return .element(
            "summary", [],
            [Words.short(item.name, 120).html] + item.badges.flatMap { [HTML(" "), $0.html] } + [
                HTML(" "), .element("span", [("class", "times")], HTML(item.times)),
                .element(
                    "span", [("class", "lane"), ("aria-hidden", "true")], .element("span", [("style", place)], .empty)),
            ])
    }
}

/// A small heading within a tree or a panel, and what stands below it.
struct Detail: Part {
    let title: String
    let part: any Part

    var html: HTML { .element("h3", [], HTML(title)) + part.html }
}

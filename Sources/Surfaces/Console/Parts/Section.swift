// SPDX-License-Identifier: Apache-2.0

internal import GyreHTML

/// Parts under a heading.
struct Section: Part {
    let title: String
    /// What an address leads to it by, behind `#`.
    let anchor: String?
    let parts: [any Part]

    init(_ title: String, anchor: String? = nil, @PartBuilder _ parts: () -> [any Part]) {
        self.title = title
        self.anchor = anchor
        self.parts = parts()
    }

    var html: HTML {
        .element(
            "section", anchor.map { [("id", $0)] } ?? [],
            [.element("h2", [], HTML(title))] + parts.map(\.html))
    }
}

/// Parts that are about one thing of several, under its name.
struct Panel: Part {
    let title: Words
    let parts: [any Part]

    init(_ title: Words, @PartBuilder _ parts: () -> [any Part]) {
        self.title = title
        self.parts = parts()
    }

    var html: HTML {
        .element("div", [("class", "panel")], [.element("h3", [], title.html)] + parts.map(\.html))
    }
}

/// Panels side by side, as many as fit.
struct Panels: Part {
    let panels: [Panel]
    /// What is said where there are none.
    let empty: EmptyState

    var html: HTML {
        panels.isEmpty ? empty.html : .element("div", [("class", "panels")], panels.map(\.html))
    }
}

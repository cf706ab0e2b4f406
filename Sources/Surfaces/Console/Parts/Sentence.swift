// SPDX-License-Identifier: Apache-2.0

internal import GyreHTML

/// A line of words.
struct Sentence: Part {
    let words: [Words]

    init(_ words: Words...) { self.words = words }

    var html: HTML { .element("p", [], words.map(\.html)) }
}

/// Short lines, one below the other; nothing where there are none.
struct BulletList: Part {
    let items: [Words]

    var html: HTML { items.isEmpty ? .empty : .element("ul", [], items.map { .element("li", [], $0.html) }) }
}

/// Links that lead away from a list, beside each other.
struct Links: Part {
    let links: [Words]

    init(_ links: Words...) { self.links = links }

    var html: HTML { .element("p", [("class", "links")], links.map { .element("span", [], $0.html) }) }
}

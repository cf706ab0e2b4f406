// SPDX-License-Identifier: Apache-2.0

internal import GyreHTML

/// The way from one page of a list to the next; nothing where there is only one.
struct Pager: Part {
    /// What the pages are of, for those who do not see them.
    let label: String
    /// Which page this is, in words.
    let here: String
    let first: String?
    let previous: String?
    let next: String?

    /// Pages of a list that is held whole.
    init(_ label: String, _ listing: Listing, rows: Int) {
        let pages = max(1, (rows + Listing.pageRows - 1) / Listing.pageRows)
        let page = min(listing.page, pages)
        self.label = label
        here = pages == 1 ? "" : "Page \(page) of \(pages), \(rows) in all"
        first = page > 2 ? listing.address(page: 1) : nil
        previous = page > 1 ? listing.address(page: page - 1) : nil
        next = page < pages ? listing.address(page: page + 1) : nil
    }

    /// Pages of a list of which the server tells only where the next begins.
    init(_ label: String, _ listing: Listing, next cursor: (name: String, value: String)?) {
        self.label = label
        here = listing.page > 1 || cursor != nil ? "Page \(listing.page)" : ""
        first = listing.page > 1 ? listing.address(page: 1) : nil
        previous = nil
        next = cursor.map { listing.address(page: listing.page + 1, cursor: $0) }
    }

    var html: HTML {
        let links = [("First page", first, "first"), ("Previous page", previous, "prev"), ("Next page", next, "next")]
        guard !here.isEmpty || links.contains(where: { $0.1 != nil }) else { return .empty }
        let shown = links.compactMap { title, address, relation in
            address.map { HTML.element("a", [("href", $0), ("rel", relation)], HTML(title)) }
        }
        return .element(
            "nav", [("class", "pager"), ("aria-label", "Pages of \(label)")], [.element("span", [], HTML(here))] + shown
        )
    }
}

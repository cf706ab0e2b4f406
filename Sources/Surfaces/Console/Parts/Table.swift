// SPDX-License-Identifier: Apache-2.0

internal import GyreHTML

/// Rows below the names of their columns; sorted and paged where it has a listing.
///
/// It scrolls by itself, so a wide one makes no wide page.
struct Table: Part {
    struct Column: Sendable, ExpressibleByStringLiteral {
        let title: String
        /// What an address calls it: the title in small letters, unless it has a name of its own.
        let key: String
        /// Numbers stand under each other by their last digit.
        let isNumber: Bool
        /// Where its head leads.
        let address: String?

        init(_ title: String, key: String? = nil, isNumber: Bool = false, address: String? = nil) {
            self.title = title
            self.key = key ?? title.lowercased().replacing(" ", with: "-")
            self.isNumber = isNumber
            self.address = address
        }

        init(stringLiteral title: String) { self.init(title) }

        /// A column of numbers.
        static func number(_ title: String, key: String? = nil) -> Column { Column(title, key: key, isNumber: true) }
    }

    /// What the rows are, for those who do not see them.
    let caption: String
    let columns: [Column]
    /// As many cells a row as there are columns.
    let rows: [[Words]]
    /// What is said where there is no row.
    let empty: EmptyState
    var listing: Listing?
    /// Where a list of the server's goes on.
    var next: (name: String, value: String)?

    init(
        _ caption: String, _ columns: [Column], _ rows: [[Words]], empty: EmptyState, listing: Listing? = nil,
        next: (name: String, value: String)? = nil
    ) {
        self.caption = caption
        self.columns = columns
        self.rows = rows
        self.empty = empty
        self.listing = listing
        self.next = next
    }

    var html: HTML {
        guard !rows.isEmpty else { return empty.html + (pager?.html ?? .empty) }
        let head = HTML.element("tr", [], columns.map(head))
        let body = shown.map { row in
            HTML.element(
                "tr", [],
                zip(columns, row).map { column, words in
                    .element("td", column.isNumber ? [("class", "number")] : [], words.html)
                })
        }
        return .element(
            "div", [("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", caption)],
            .element(
                "table", [], .element("caption", [], HTML(caption)), .element("thead", [], head),
                .element("tbody", [], body))) + (pager?.html ?? .empty)
    }

    private var pager: Pager? {
        listing.map {
            $0.isFromServer ? Pager(caption, $0, next: next) : Pager(caption, $0, rows: rows.count)
        }
    }

    private func head(_ column: Column) -> HTML {
        var attributes = [("scope", "col")]
        if column.isNumber { attributes.append(("class", "number")) }
        if let address = column.address {
            return .element("th", attributes, .element("a", [("href", address)], Words.short(column.title, 40).html))
        }
        guard let listing, !column.title.isEmpty, listing.canSort(by: column.key) else {
            return .element("th", attributes, Words.short(column.title, 80).html)
        }
        if listing.sort?.key == column.key {
            attributes.append(("aria-sort", listing.sort?.isDescending == true ? "descending" : "ascending"))
        }
        return .element(
            "th", attributes,
            .element("a", [("class", "sort"), ("href", listing.address(sortedBy: column.key))], HTML(column.title)))
    }

    /// The rows of this page in their order; those that are alike stay as they came.
    private var shown: [[Words]] {
        guard let listing, !listing.isFromServer else { return rows }
        var all = rows
        if let sort = listing.sort, let column = columns.firstIndex(where: { $0.key == sort.key && !$0.title.isEmpty })
        {
            all = sorted(by: column, sort.isDescending)
        }
        let last = max(1, (all.count + Listing.pageRows - 1) / Listing.pageRows)
        return Array(all.dropFirst((min(listing.page, last) - 1) * Listing.pageRows).prefix(Listing.pageRows))
    }

    private func sorted(by column: Int, _ isDescending: Bool) -> [[Words]] {
        rows.map { (row: $0, rank: $0[column].rank) }.enumerated().sorted { left, right in
            let (a, b) = (left.element.rank, right.element.rank)
            if a == b { return left.offset < right.offset }
            // Nothing comes last, whichever way.
            if a == .nothing || b == .nothing { return b == .nothing }
            return isDescending ? a > b : a < b
        }.map(\.element.row)
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// By which column a list is sorted; in an address `name` or, from the last to the first, `-name`.
struct Sort: Sendable, Hashable {
    let key: String
    var isDescending = false

    init(_ key: String, isDescending: Bool = false) {
        self.key = key
        self.isDescending = isDescending
    }

    /// What an address says; nil for nothing.
    init?(address: String?) {
        guard let address, let first = address.first else { return nil }
        let isDescending = first == "-"
        let key = isDescending ? String(address.dropFirst()) : address
        guard !key.isEmpty else { return nil }
        self.init(key, isDescending: isDescending)
    }

    var address: String { (isDescending ? "-" : "") + key }
}

/// How a list is sorted and which page of it is shown, as the address says: `?sort=-started&page=2`.
struct Listing: Sendable {
    /// Rows on a page.
    static let pageRows = 50
    let sort: Sort?
    /// From 1 on.
    let page: Int
    /// The columns that can be sorted by; nil for all that have a title.
    var keys: Set<String>?
    /// The server sorts and cuts the list itself; here only the links are made.
    var isFromServer = false
    private let others: [(name: String, value: String)]
    private let prefix: String

    /// What an address says of a list.
    ///
    /// `name` tells two lists of one page apart: the second has `?models-sort=`. `sort` holds where the address says nothing.
    init(
        _ request: HTTPRequest, name: String = "", sort: Sort? = nil, keys: Set<String>? = nil,
        isFromServer: Bool = false
    ) {
        let prefix = name.isEmpty ? "" : name + "-"
        let told = Sort(address: request.query(prefix + "sort"))
        self.sort = told.flatMap { told in keys.map { $0.contains(told.key) } ?? true ? told : nil } ?? sort
        page = max(1, min(request.query(prefix + "page").flatMap { Int($0) } ?? 1, 1_000_000))
        // Where the list went on from belongs to the order that it had.
        let own = [prefix + "sort", prefix + "page", prefix + "after", prefix + "before"]
        others = request.query.filter { !own.contains($0.name) && !$0.value.isEmpty }
        self.prefix = prefix
        self.keys = keys
        self.isFromServer = isFromServer
    }

    func canSort(by key: String) -> Bool { keys.map { $0.contains(key) } ?? true }

    /// The list sorted by a column: turned round if it is sorted by that already.
    func address(sortedBy key: String) -> String {
        let isTurned = sort?.key == key && sort?.isDescending == false
        let kept = others.filter { $0.name != "order_by" }
        return Self.address(kept + [(prefix + "sort", Sort(key, isDescending: isTurned).address)])
    }

    /// Another page of the list.
    ///
    /// `cursor`: what a server's list goes on from.
    func address(page: Int, cursor: (name: String, value: String)? = nil) -> String {
        var members = others
        if let sort { members.append((prefix + "sort", sort.address)) }
        if page > 1 { members.append((prefix + "page", String(page))) }
        if let cursor { members.append((prefix + cursor.name, cursor.value)) }
        return Self.address(members)
    }

    private static func address(_ members: [(name: String, value: String)]) -> String {
        let query = Percent.query(members.map { ($0.name, Optional($0.value)) })
        return query.isEmpty ? "?" : query
    }
}

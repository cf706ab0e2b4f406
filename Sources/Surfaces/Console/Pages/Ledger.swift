// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

extension Console {
    private static let factsOnPage = 100

    /// Facts from the newest to the oldest; `?sort=seq` turns them round.
    func ledger(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let kind = request.query("kind") ?? ""
        let listing = Listing(request, sort: Sort("seq", isDescending: true), keys: ["seq"], isFromServer: true)
        let isOldestFirst = listing.sort?.isDescending == false
        // A place beyond all facts is no reason to show none of the page.
        let from = request.query(isOldestFirst ? "after" : "before").flatMap { Int64($0) }.map { max(1, $0) }
        let facts =
            try await get(
                API.FactList.self,
                "/ledger"
                    + Percent.query([
                        ("limit", String(Self.factsOnPage)), ("kind", kind),
                        ("order", isOldestFirst ? "oldest" : nil),
                        (isOldestFirst ? "after" : "up_to", from.map { String(isOldestFirst ? $0 : $0 - 1) }),
                    ])
            )
            .facts
        var next: (name: String, value: String)?
        if let last = facts.last?.seq, facts.count == Self.factsOnPage, isOldestFirst || last > 1 {
            next = (isOldestFirst ? "after" : "before", String(last))
        }
        return Page("Ledger", in: .ledger) {
            Form(
                .search, fields: [.text("Kind begins with", name: "kind", value: kind, example: "rollout")],
                buttons: [Form.Button("Show")])
            Self.facts(facts, listing: listing, next: next)
        }
    }
}

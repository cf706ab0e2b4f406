// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A reader of the ledger that goes on where it stopped, also after the process was killed.
///
/// Each fact is handed on at least once and in order. A fact that could not be taken is handed on again the next time.
package actor LedgerCursor {
    private let name: String
    private let store: any LedgerStore
    private let kindPrefix: String?
    private var position: Int64?
    private static let pageFacts = 1000

    /// A cursor that is kept in `store` under `name`; the first time it begins at the end of the ledger.
    ///
    /// `kindPrefix`: only facts whose kind starts with this are handed on.
    package init(_ name: String, in store: any LedgerStore, kindPrefix: String? = nil) {
        self.name = name
        self.store = store
        self.kindPrefix = kindPrefix
    }

    /// Hands on all that was recorded since the last time.
    ///
    /// `take`: tells whether it did anything, which is then not asked of it again even if the process is killed next; the place after
    /// facts that it passed over is kept page by page.
    package func advance(
        _ take: @Sendable (RecordedFact) async throws(GyreError) -> Bool
    ) async throws(GyreError) {
        let head = try await store.head().seq
        guard var reached = try await start(head) else { return }
        while reached < head {
            var query = FactQuery()
            query.after = reached
            query.upTo = head
            query.kindPrefix = kindPrefix
            query.limit = Self.pageFacts
            let page = try await store.facts(query)
            for recorded in page {
                do throws(GyreError) {
                    if try await take(recorded) { try await keep(recorded.seq) }
                } catch {
                    // What was passed over before it stays passed over.
                    if let position, position < recorded.seq - 1 { try await keep(recorded.seq - 1) }
                    throw error
                }
            }
            reached = page.count == query.limit ? page.last?.seq ?? head : head
            if position != reached { try await keep(reached) }
        }
    }

    /// Where it stands; nil where it has just been set to the end.
    private func start(_ head: Int64) async throws(GyreError) -> Int64? {
        if let position { return position }
        if let kept = try await store.position(of: name) {
            position = min(kept, head)
            return position
        }
        try await keep(head)
        return nil
    }

    private func keep(_ seq: Int64) async throws(GyreError) {
        try await store.setPosition(of: name, to: seq)
        position = seq
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// The moves that bring live pointers back to where they stood after fact `seq`.
package struct RollbackPlan: Sendable, Hashable {
    /// The place to go back to.
    package let seq: Int64
    /// One move for each pointer that stands elsewhere now, in the order of their names.
    package let moves: [PointerMove]

    /// Computes the plan: for each pointer that was moved after `seq`, the value before its first such move.
    ///
    /// `isIncluded`: which pointers the caller wants back; all by default.
    package static func compute(
        to seq: Int64, in store: any LedgerStore, where isIncluded: @Sendable (Pointer.Name) -> Bool = { _ in true }
    ) async throws(GyreError) -> RollbackPlan {
        let head = try await store.head()
        guard (0...head.seq).contains(seq) else {
            throw GyreError(
                .invalid, "The ledger has no fact \(seq) to go back to.", why: "It ends at \(head.seq).",
                fix: "gyre ledger log")
        }
        var before: [Pointer.Name: JSONValue] = [:]
        var query = FactQuery()
        query.after = seq
        query.limit = Limits.pageRows
        while true {
            let page = try await store.facts(query)
            for recorded in page {
                for move in recorded.moves where before[move.pointer] == nil && isIncluded(move.pointer) {
                    before[move.pointer] = move.old
                }
            }
            guard page.count == query.limit, let last = page.last else { break }
            query.after = last.seq
        }
        var moves: [PointerMove] = []
        for (name, old) in before.sorted(by: { $0.key < $1.key }) {
            let now = try await store.pointer(name) ?? .null
            if now != old { moves.append(PointerMove(name, old: now, new: old)) }
        }
        return RollbackPlan(seq: seq, moves: moves)
    }

    /// The changes that carry the plan out; each is refused if its pointer moved since the plan was computed.
    package var changes: [Change] {
        moves.map { .moveIf($0.pointer, expecting: $0.old.isNull ? nil : $0.old, to: $0.new.isNull ? nil : $0.new) }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// How many tasks hold what has a name at the same time.
package struct LockLimits: Sendable {
    private let ledger: any LedgerStore

    private static let kind = "lock-limit"

    /// Limits in this ledger.
    package init(ledger: any LedgerStore) { self.ledger = ledger }

    /// A limit.
    /// - Throws: `.notFound` for a name that has none.
    package func limit(_ name: String) async throws(GyreError) -> Int {
        guard let limit = try await ledger.document(Self.kind, name)?.body["limit"]?.int else {
            throw GyreError(
                .notFound, "Nothing says how many tasks hold \"\(name.prefix(80))\" at the same time.",
                fix: "gyre pipeline limit set \(name.prefix(80)) 1")
        }
        return Int(limit)
    }

    /// All limits by name.
    package func limits() async throws(GyreError) -> [(name: String, limit: Int)] {
        try await ledger.documents(Self.kind).map { ($0.key, Int($0.body["limit"]?.int ?? 1)) }
    }

    /// Sets a limit; nil removes it.
    package func set(_ name: String, _ limit: Int?, by actor: String) async throws(GyreError) {
        guard !name.isEmpty, name.utf8.count <= 200, name.allSatisfy({ !$0.isWhitespace }) else {
            throw GyreError(.invalid, "\"\(name.prefix(80))\" cannot be the name of a limit.")
        }
        guard limit.map({ (1...Limits.pipelineTasks).contains($0) }) ?? true else {
            throw GyreError(.invalid, "\(limit ?? 0) is no limit.", why: "It is 1 to \(Limits.pipelineTasks).")
        }
        let before = try await ledger.document(Self.kind, name)
        if limit == nil, before == nil { _ = try await self.limit(name) }
        let change: Change =
            limit.map { .put(Document(Self.kind, name, ["limit": .int(Int64($0))])) }
            ?? .remove(kind: Self.kind, key: name)
        try await ledger.commit(
            [change],
            recording: [
                Fact(
                    "pipelines.limit.set", Ref("limit", name), by: actor,
                    body: ["limit": .optional(limit.map(Int64.init)), "before": before?.body["limit"] ?? .null])
            ])
    }
}

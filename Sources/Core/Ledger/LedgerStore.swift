// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Where facts, documents and pointers are kept.
///
/// There is no way to change a document or a pointer without the fact that tells it: both are in one transaction.
package protocol LedgerStore: Sendable {
    /// Makes the changes and appends the facts, all or nothing; returns when they are on disk.
    ///
    /// Moves are noted in the first fact. Concurrent callers share one transaction and one fsync.
    /// - Throws: `.alreadyExists` and `.conflict` as the changes say; nothing is changed then.
    @discardableResult
    func commit(_ changes: [Change], recording facts: [Fact]) async throws(GyreError) -> [RecordedFact]

    /// Reads, decides and writes in one transaction, so that nobody writes in between.
    ///
    /// `body` may run more than once, and touches nothing but what it is handed.
    /// - Throws: what `body` throws; nothing is changed then.
    func transact<Result: Sendable>(
        _ body: @escaping @Sendable (any LedgerTransaction) throws(GyreError) -> Proposal<Result>
    ) async throws(GyreError) -> Result

    /// One document.
    func document(_ kind: String, _ key: String) async throws(GyreError) -> Document?
    /// Documents of a kind whose key starts with `prefix`, in the order of their keys.
    func documents(_ kind: String, prefix: String, after: String?, limit: Int) async throws(GyreError) -> [Document]
    /// One pointer's value.
    func pointer(_ name: Pointer.Name) async throws(GyreError) -> JSONValue?
    /// Pointers whose name starts with `prefix`.
    func pointers(prefix: String) async throws(GyreError) -> [Pointer]

    /// Every digest that a document or a pointer names: what must not go.
    func namedDigests() async throws(GyreError) -> Set<Digest>

    /// How far a reader of the ledger has come; nil for one that has not begun.
    func position(of cursor: String) async throws(GyreError) -> Int64?
    /// Keeps how far a reader of the ledger has come; on disk when it returns.
    func setPosition(of cursor: String, to seq: Int64) async throws(GyreError)

    /// Facts that `query` asks for.
    func facts(_ query: FactQuery) async throws(GyreError) -> [RecordedFact]
    /// The hashes of facts after one place and up to another, in their order.
    func hashes(after: Int64, upTo: Int64) async throws(GyreError) -> [(seq: Int64, hash: Digest)]
    /// The end of the chain.
    func head() async throws(GyreError) -> Head
    /// Reads every stored row in its order, for verification.
    func scan(_ body: @Sendable @escaping (ChainVerifier.Row) -> Void) async throws(GyreError)
}

/// What a transaction can read.
package protocol LedgerTransaction {
    /// One document.
    func document(_ kind: String, _ key: String) throws(GyreError) -> Document?
    /// All documents of a kind whose key starts with `prefix`, in the order of their keys.
    func documents(_ kind: String, prefix: String) throws(GyreError) -> [Document]
    /// One pointer's value.
    func pointer(_ name: Pointer.Name) throws(GyreError) -> JSONValue?
    /// Pointers whose name starts with `prefix`.
    func pointers(prefix: String) throws(GyreError) -> [Pointer]
}

/// What a transaction is to write, and what it gives back.
package struct Proposal<Result: Sendable>: Sendable {
    /// What the caller gets.
    package let result: Result
    /// What is written to documents and pointers, all or nothing.
    package let changes: [Change]
    /// The facts that tell of them; none where nothing changes.
    package let facts: [Fact]

    /// A proposal.
    package init(_ result: Result, _ changes: [Change] = [], recording facts: [Fact] = []) {
        self.result = result
        self.changes = changes
        self.facts = facts
    }
}

/// Which facts to read.
package struct FactQuery: Sendable, Hashable {
    /// Only facts after this place.
    package var after: Int64 = 0
    /// Only facts up to this place.
    package var upTo: Int64 = .max
    /// Only facts whose kind starts with this.
    package var kindPrefix: String?
    /// Only facts that name this ref as subject, input or output.
    package var mentioning: Ref?
    /// Newest first instead of oldest first.
    package var isNewestFirst = false
    /// At most this many.
    package var limit = 1000

    /// All facts, oldest first, 1000 at most.
    package init() {}

    /// Facts that mention `ref` up to the place `upTo`.
    package init(mentioning ref: Ref, upTo: Int64 = .max) {
        mentioning = ref
        self.upTo = upTo
    }
}

extension LedgerStore {
    /// All documents of a kind, in the order of their keys.
    package func documents(_ kind: String, prefix: String = "") async throws(GyreError) -> [Document] {
        var all: [Document] = []
        while true {
            let page = try await documents(kind, prefix: prefix, after: all.last?.key, limit: Limits.pageRows)
            all += page
            guard page.count == Limits.pageRows else { return all }
        }
    }

    /// Re-hashes the whole chain.
    package func verify(
        recordedHead: Head? = nil, checkpoints: [Checkpoint] = []
    ) async throws(GyreError) -> ChainVerifier {
        let box = VerifierBox(recordedHead: recordedHead, checkpoints: checkpoints)
        try await scan { row in box.add(row) }
        return box.finish()
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB
package import GyreBase
package import GyreLedger

/// The ledger in SQLite.
package struct SQLiteLedgerStore: LedgerStore {
    private let database: SQLiteDatabase

    /// The ledger in `database`.
    package init(_ database: SQLiteDatabase) { self.database = database }

    @discardableResult
    package func commit(_ changes: [Change], recording facts: [Fact]) async throws(GyreError) -> [RecordedFact] {
        precondition(!facts.isEmpty || changes.isEmpty, "a change needs a fact that tells it")
        let now = database.now()
        return try await database.write("Writing to the ledger") { db, tail in
            try LedgerSQL.commit(changes, recording: facts, at: now, in: db, tail: &tail)
        }
    }

    package func transact<Result: Sendable>(
        _ body: @escaping @Sendable (any LedgerTransaction) throws(GyreError) -> Proposal<Result>
    ) async throws(GyreError) -> Result {
        let now = database.now()
        return try await database.write("Writing to the ledger") { db, tail in
            let proposal = try body(SQLiteLedgerTransaction(db: db))
            precondition(!proposal.facts.isEmpty || proposal.changes.isEmpty, "a change needs a fact that tells it")
            _ = try LedgerSQL.commit(proposal.changes, recording: proposal.facts, at: now, in: db, tail: &tail)
            return proposal.result
        }
    }

    package func document(_ kind: String, _ key: String) async throws(GyreError) -> Document? {
        try await database.read("Reading the \(kind) \"\(key)\"") { try LedgerSQL.document(kind, key, in: $0) }
    }

    package func documents(
        _ kind: String, prefix: String, after: String?, limit: Int
    ) async throws(GyreError) -> [Document] {
        try await database.read("Listing the \(kind)s") { db in
            try LedgerSQL.documents(kind, prefix: prefix, after: after, limit: limit, in: db)
        }
    }

    package func pointer(_ name: Pointer.Name) async throws(GyreError) -> JSONValue? {
        try await database.read("Reading the pointer \"\(name)\"") { db in try LedgerSQL.pointer(name, in: db) }
    }

    package func pointers(prefix: String) async throws(GyreError) -> [Pointer] {
        try await database.read("Listing pointers") { db in
            try LedgerSQL.pointers(prefix: prefix, in: db)
        }
    }

    package func namedDigests() async throws(GyreError) -> Set<Digest> {
        try await database.read("Reading what names blobs") { db in
            var found: Set<Digest> = []
            let texts = try String.fetchCursor(db, sql: "SELECT body FROM document UNION ALL SELECT value FROM pointer")
            while let text = try texts.next() { NamedDigests.collect(text, into: &found) }
            return found
        }
    }

    package func position(of cursor: String) async throws(GyreError) -> Int64? {
        try await database.read("Reading the position of \(cursor)") { db in
            try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT seq FROM ledger_cursor WHERE name = ?"), arguments: [cursor])
        }
    }

    package func setPosition(of cursor: String, to seq: Int64) async throws(GyreError) {
        try await database.write("Keeping the position of \(cursor)") { db, _ in
            try db.cachedStatement(
                sql: """
                    INSERT INTO ledger_cursor (name, seq) VALUES (?, ?)
                    ON CONFLICT (name) DO UPDATE SET seq = excluded.seq
                    """
            ).execute(arguments: [cursor, seq])
        }
    }

    package func hashes(after: Int64, upTo: Int64) async throws(GyreError) -> [(seq: Int64, hash: Digest)] {
        try await database.read("Reading hashes of the ledger") { db in
            let rows = try Row.fetchCursor(
                db.cachedStatement(sql: "SELECT seq, hash FROM ledger WHERE seq > ? AND seq <= ? ORDER BY seq"),
                arguments: [after, upTo])
            var found: [(seq: Int64, hash: Digest)] = []
            while let row = try rows.next() { found.append((row["seq"], try Digest(data: row["hash"]))) }
            return found
        }
    }

    package func facts(_ query: FactQuery) async throws(GyreError) -> [RecordedFact] {
        try await database.read("Reading the ledger") { db in
            var sql = "SELECT l.* FROM ledger l"
            var arguments: StatementArguments = []
            if let ref = query.mentioning {
                sql += " JOIN fact_ref r ON r.seq = l.seq AND r.ref = ?"
                arguments += [ref.description]
            }
            sql += " WHERE l.seq > ? AND l.seq <= ?"
            arguments += [query.after, query.upTo]
            if let prefix = query.kindPrefix {
                sql += " AND substr(l.kind, 1, ?) = ?"
                arguments += [prefix.unicodeScalars.count, prefix]
            }
            sql += " ORDER BY l.seq \(query.isNewestFirst ? "DESC" : "ASC") LIMIT ?"
            arguments += [query.limit]
            return try Row.fetchAll(db, sql: sql, arguments: arguments).map(Self.recordedFact)
        }
    }

    package func head() async throws(GyreError) -> Head {
        try await database.read("Reading the head of the ledger") { db in
            let tail = try LedgerSQL.tail(of: db)
            return Head(seq: tail.seq, hash: tail.hash)
        }
    }

    package func scan(_ body: @Sendable @escaping (ChainVerifier.Row) -> Void) async throws(GyreError) {
        try await database.read("Reading the whole ledger") { db in try Self.scan(db, body) }
    }

    /// Reads every stored row in its order.
    static func scan(_ db: Database, _ body: (ChainVerifier.Row) -> Void) throws {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT seq, at_us, actor, kind, subject, inputs, outputs, body, prev_hash, hash FROM ledger ORDER BY seq
                """)
        while let row = try rows.next() {
            let parts = HashChain.Parts(
                actor: row[2], kind: row[3], subject: row[4], inputs: bytes(row, 5), outputs: bytes(row, 6),
                body: bytes(row, 7))
            body(
                ChainVerifier.Row(
                    seq: row[0], at: row[1], parts: parts, previousHash: bytes(row, 8), hash: bytes(row, 9)))
        }
    }

    private static func bytes(_ row: Row, _ index: Int) -> [UInt8] { Array(row[index] as Data) }

    private static func recordedFact(_ row: Row) throws -> RecordedFact {
        func refs(_ column: String) throws -> [Ref] {
            try JSONValue(parsing: row[column] as String).strings.map { try Ref(parsing: $0) }
        }
        let fact = Fact(
            row["kind"], try Ref(parsing: row["subject"]), by: row["actor"], inputs: try refs("inputs"),
            outputs: try refs("outputs"), body: try JSONValue(parsing: row["body"] as String))
        return RecordedFact(
            seq: row["seq"], at: row["at_us"], fact: fact, previousHash: try Digest(data: row["prev_hash"]),
            storedHash: try Digest(data: row["hash"]))
    }
}

/// The ledger as the transaction sees it that is about to write.
private struct SQLiteLedgerTransaction: LedgerTransaction {
    let db: Database

    func document(_ kind: String, _ key: String) throws(GyreError) -> Document? {
        try wrapped { try LedgerSQL.document(kind, key, in: db) }
    }

    func documents(_ kind: String, prefix: String) throws(GyreError) -> [Document] {
        try wrapped { try LedgerSQL.documents(kind, prefix: prefix, after: nil, limit: -1, in: db) }
    }

    func pointer(_ name: Pointer.Name) throws(GyreError) -> JSONValue? {
        try wrapped { try LedgerSQL.pointer(name, in: db) }
    }

    func pointers(prefix: String) throws(GyreError) -> [Pointer] {
        try wrapped { try LedgerSQL.pointers(prefix: prefix, in: db) }
    }

    private func wrapped<Result>(_ read: () throws -> Result) throws(GyreError) -> Result {
        do { return try read() } catch { throw GyreError.wrapping(error, "Reading the ledger") }
    }
}

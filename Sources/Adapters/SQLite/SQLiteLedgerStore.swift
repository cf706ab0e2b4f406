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

    package func commit(_ changes: [Change], recording facts: [Fact]) async throws(GyreError) -> [RecordedFact] {
        precondition(!facts.isEmpty || changes.isEmpty, "a change needs a fact that tells it")
        let now = database.now()
        return try await database.write("Writing to the ledger") { db, tail in
            try LedgerSQL.commit(changes, recording: facts, at: now, in: db, tail: &tail)
        }
    }

    package func document(_ kind: String, _ key: String) async throws(GyreError) -> Document? {
        try await database.read("Reading the \(kind) \"\(key)\"") { db in
            let statement = try db.cachedStatement(sql: "SELECT body FROM document WHERE kind = ? AND key = ?")
            return try String.fetchOne(statement, arguments: [kind, key])
                .map { Document(kind, key, try JSONValue(parsing: $0)) }
        }
    }

    package func documents(
        _ kind: String, prefix: String, after: String?, limit: Int
    ) async throws(GyreError) -> [Document] {
        try await database.read("Listing the \(kind)s") { db in
            let sql = """
                SELECT key, body FROM document WHERE kind = ? AND key >= ? AND key > ? AND substr(key, 1, ?) = ?
                ORDER BY key LIMIT ?
                """
            return try Row.fetchAll(
                db.cachedStatement(sql: sql),
                arguments: [kind, prefix, after ?? "", prefix.unicodeScalars.count, prefix, limit]
            ).map { Document(kind, $0["key"], try JSONValue(parsing: $0["body"] as String)) }
        }
    }

    package func pointer(_ name: Pointer.Name) async throws(GyreError) -> JSONValue? {
        try await database.read("Reading the pointer \"\(name)\"") { db in try LedgerSQL.pointer(name, in: db) }
    }

    package func pointers(prefix: String) async throws(GyreError) -> [Pointer] {
        try await database.read("Listing pointers") { db in
            try Row.fetchAll(
                db,
                sql: "SELECT name, value FROM pointer WHERE name >= ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
                arguments: [prefix, prefix.unicodeScalars.count, prefix, Limits.pageRows]
            ).map { Pointer($0["name"], try JSONValue(parsing: $0["value"] as String)) }
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
        try await database.read("Reading the whole ledger") { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT seq, at_us, actor, kind, subject, inputs, outputs, body, prev_hash, hash FROM ledger ORDER BY seq
                    """)
            while let row = try rows.next() {
                let parts = HashChain.Parts(
                    actor: row[2], kind: row[3], subject: row[4], inputs: Self.bytes(row, 5),
                    outputs: Self.bytes(row, 6),
                    body: Self.bytes(row, 7))
                body(
                    ChainVerifier.Row(
                        seq: row[0], at: row[1], parts: parts, previousHash: Self.bytes(row, 8),
                        hash: Self.bytes(row, 9)))
            }
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

// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GyreAccess
internal import GyreBase
internal import GyreLedger

/// The statements that append to the chain and change what lies beside it; always inside a caller's transaction.
enum LedgerSQL {
    /// The end of the stored chain.
    static func tail(of db: Database) throws -> ChainTail {
        let row = try Row.fetchOne(db, sql: "SELECT seq, hash, at_us FROM ledger ORDER BY seq DESC LIMIT 1")
        guard let row else { return ChainTail(seq: 0, hash: .zero, lastTime: 0) }
        return ChainTail(seq: row["seq"], hash: try Digest(data: row["hash"]), lastTime: row["at_us"])
    }

    /// Makes the changes and appends the facts; the moves are noted in the first fact.
    static func commit(
        _ changes: [Change], recording facts: [Fact], at now: Int64, in db: Database, tail: inout ChainTail
    ) throws -> [RecordedFact] {
        var moves: [PointerMove] = []
        for change in changes {
            if let move = try apply(change, in: db) { moves.append(move) }
        }
        var recorded: [RecordedFact] = []
        for (index, fact) in facts.enumerated() {
            var fact = fact
            if index == 0, !moves.isEmpty { fact.body["moves"] = .array(moves.map(\.json)) }
            recorded.append(try append(fact, at: now, in: db, tail: &tail))
        }
        return recorded
    }

    /// Appends one fact.
    @discardableResult
    static func append(_ fact: Fact, at now: Int64, in db: Database, tail: inout ChainTail) throws -> RecordedFact {
        try fact.checkIsPinned()
        var fact = fact
        // What proved who it was is written beside the name.
        if let caller = tail.caller, caller.name == fact.actor { fact.body["caller"] = caller.details }
        fact.body = tail.personal?.sealed(fact.body, of: fact.actor) ?? fact.body
        let recorded = RecordedFact(seq: tail.seq + 1, at: max(now, tail.lastTime), fact: fact, following: tail.hash)
        let statement = try BoundStatement(
            """
            INSERT INTO ledger (seq, at_us, actor, kind, subject, inputs, outputs, body, prev_hash, hash)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, in: db)
        statement.bind(recorded.seq, at: 1)
        statement.bind(recorded.at, at: 2)
        statement.bind(fact.actor, at: 3)
        statement.bind(fact.kind, at: 4)
        statement.bind(fact.subject.description, at: 5)
        statement.bind(text(JSONValue.strings(fact.inputs.map(\.description))), at: 6)
        statement.bind(text(JSONValue.strings(fact.outputs.map(\.description))), at: 7)
        statement.bind(text(fact.body), at: 8)
        statement.bind(recorded.previousHash.bytes, at: 9)
        statement.bind(recorded.hash.bytes, at: 10)
        try statement.run()
        let reference = try BoundStatement("INSERT OR IGNORE INTO fact_ref (ref, seq) VALUES (?, ?)", in: db)
        for ref in Set([fact.subject] + fact.inputs + fact.outputs) {
            reference.bind(ref.description, at: 1)
            reference.bind(recorded.seq, at: 2)
            try reference.run()
        }
        tail.seq = recorded.seq
        tail.hash = recorded.hash
        tail.lastTime = recorded.at
        return recorded
    }

    private static func apply(_ change: Change, in db: Database) throws -> PointerMove? {
        switch change {
        case .put(let document):
            try db.cachedStatement(
                sql: """
                    INSERT INTO document (kind, key, body) VALUES (?, ?, ?)
                    ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body
                    """
            ).execute(arguments: [document.kind, document.key, text(document.body)])
            return nil
        case .create(let document):
            try db.cachedStatement(sql: "INSERT OR IGNORE INTO document (kind, key, body) VALUES (?, ?, ?)")
                .execute(arguments: [document.kind, document.key, text(document.body)])
            if db.changesCount == 0 {
                throw GyreError(
                    .alreadyExists, "The \(document.kind.replacing("-", with: " ")) \"\(document.key)\" exists already."
                )
            }
            return nil
        case .remove(let kind, let key):
            try db.cachedStatement(sql: "DELETE FROM document WHERE kind = ? AND key = ?").execute(arguments: [
                kind, key,
            ])
            return nil
        case .move(let name, let value):
            return try move(name, expecting: nil, to: value, in: db)
        case .moveIf(let name, let expected, let value):
            return try move(name, expecting: .some(expected), to: value, in: db)
        }
    }

    private static func move(
        _ name: Pointer.Name, expecting: JSONValue??, to value: JSONValue?, in db: Database
    ) throws -> PointerMove? {
        let old = try pointer(name, in: db)
        if let expecting, expecting?.canonicalBytes != old?.canonicalBytes {
            throw GyreError(
                .conflict, "\"\(name)\" was not changed.",
                why: "Someone moved it meanwhile: it is \(old?.text ?? "unset") now.",
                fix: "Look at it and try again.")
        }
        if let value {
            try db.cachedStatement(
                sql:
                    "INSERT INTO pointer (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
            ).execute(arguments: [name, text(value)])
        } else {
            try db.cachedStatement(sql: "DELETE FROM pointer WHERE name = ?").execute(arguments: [name])
        }
        return PointerMove(name, old: old ?? .null, new: value ?? .null)
    }

    static func document(_ kind: String, _ key: String, in db: Database) throws -> Document? {
        let statement = try db.cachedStatement(sql: "SELECT body FROM document WHERE kind = ? AND key = ?")
        return try String.fetchOne(statement, arguments: [kind, key])
            .map { Document(kind, key, try JSONValue(parsing: $0)) }
    }

    /// Documents in the order of their keys; -1 is no limit.
    static func documents(
        _ kind: String, prefix: String, after: String?, limit: Int, in db: Database
    ) throws -> [Document] {
        let sql = """
            SELECT key, body FROM document WHERE kind = ? AND key >= ? AND key > ? AND substr(key, 1, ?) = ?
            ORDER BY key LIMIT ?
            """
        return try Row.fetchAll(
            db.cachedStatement(sql: sql),
            arguments: [kind, prefix, after ?? "", prefix.unicodeScalars.count, prefix, limit]
        ).map { Document(kind, $0["key"], try JSONValue(parsing: $0["body"] as String)) }
    }

    static func pointers(prefix: String, in db: Database) throws -> [Pointer] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: "SELECT name, value FROM pointer WHERE name >= ? AND substr(name, 1, ?) = ? ORDER BY name"),
            arguments: [prefix, prefix.unicodeScalars.count, prefix]
        ).map { Pointer($0["name"], try JSONValue(parsing: $0["value"] as String)) }
    }

    static func pointer(_ name: Pointer.Name, in db: Database) throws -> JSONValue? {
        let statement = try db.cachedStatement(sql: "SELECT value FROM pointer WHERE name = ?")
        return try String.fetchOne(statement, arguments: [name]).map { try JSONValue(parsing: $0) }
    }

    static func text(_ value: JSONValue) -> String { String(decoding: value.canonicalBytes, as: UTF8.self) }
}

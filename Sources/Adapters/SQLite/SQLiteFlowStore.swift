// SPDX-License-Identifier: Apache-2.0

internal import GRDB
package import GyreBase
package import GyreLedger
package import GyrePipelines

/// Flows that clients run, in tables beside the ledger.
package struct SQLiteFlowStore: FlowStore {
    private let database: SQLiteDatabase

    /// Flows in `database`.
    package init(_ database: SQLiteDatabase) { self.database = database }

    static func register(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("0008-flows") { db in
            try db.execute(
                sql: """
                    CREATE TABLE flow_record (
                        row          INTEGER PRIMARY KEY,
                        flow         TEXT    NOT NULL,
                        run          TEXT    NOT NULL,
                        step         TEXT    NOT NULL,
                        task         TEXT    NOT NULL,
                        user_name    TEXT    NOT NULL,
                        tags         TEXT    NOT NULL,
                        system_tags  TEXT    NOT NULL,
                        created_at   INTEGER NOT NULL,
                        heartbeat_at INTEGER,
                        UNIQUE (flow, run, step, task)
                    ) STRICT;
                    CREATE TABLE flow_item (
                        id      INTEGER PRIMARY KEY,
                        kind    TEXT    NOT NULL,
                        flow    TEXT    NOT NULL,
                        run     TEXT    NOT NULL,
                        step    TEXT    NOT NULL,
                        task    TEXT    NOT NULL,
                        name    TEXT    NOT NULL,
                        attempt INTEGER NOT NULL,
                        body    TEXT    NOT NULL
                    ) STRICT;
                    CREATE INDEX flow_item_by_place ON flow_item (kind, flow, run, step, task, name, attempt);
                    CREATE TABLE flow_number (kind TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
                    """)
        }
    }

    // MARK: Records

    package func create(
        _ record: FlowRecord, recording fact: @escaping @Sendable (FlowPlace) -> Fact?
    ) async throws(GyreError) -> FlowRecord {
        let now = database.now()
        return try await database.write("Keeping \(record.place.path)") { db, tail in
            var place = record.place
            // An empty name asks for the next number.
            if place.run?.isEmpty == true { place.run = try Self.next("run", in: db) }
            if place.task?.isEmpty == true { place.task = try Self.next("task", in: db) }
            if let above = Self.above(place), try Self.row(above, in: db) == nil {
                throw GyreError(.notFound, "There is nothing at \(above.path.prefix(200)).")
            }
            guard try Self.row(place, in: db) == nil else {
                throw GyreError(.alreadyExists, "There is \(place.path.prefix(200)) already.")
            }
            try db.execute(
                sql: """
                    INSERT INTO flow_record (flow, run, step, task, user_name, tags, system_tags, created_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    place.flow, place.run ?? "", place.step ?? "", place.task ?? "", record.userName,
                    JSONValue.strings(record.tags).text, JSONValue.strings(record.systemTags).text, record.createdAt,
                ])
            if let fact = fact(place) { _ = try LedgerSQL.append(fact, at: now, in: db, tail: &tail) }
            return record.moved(to: place)
        }
    }

    private static func next(_ kind: String, in db: Database) throws -> String {
        try db.execute(
            sql: """
                INSERT INTO flow_number (kind, last) VALUES (?, 1) ON CONFLICT (kind) DO UPDATE SET last = last + 1
                """, arguments: [kind])
        let number = try Int64.fetchOne(db, sql: "SELECT last FROM flow_number WHERE kind = ?", arguments: [kind])
        return String(number ?? 1)
    }

    /// What a place is in; nil for a flow.
    private static func above(_ place: FlowPlace) -> FlowPlace? {
        if place.task != nil { return FlowPlace(place.flow, run: place.run, step: place.step) }
        if place.step != nil { return FlowPlace(place.flow, run: place.run) }
        return place.run == nil ? nil : FlowPlace(place.flow)
    }

    private static func row(_ place: FlowPlace, in db: Database) throws -> Row? {
        try Row.fetchOne(
            db.cachedStatement(sql: "SELECT * FROM flow_record WHERE flow = ? AND run = ? AND step = ? AND task = ?"),
            arguments: [place.flow, place.run ?? "", place.step ?? "", place.task ?? ""])
    }

    private static func record(_ row: Row) throws -> FlowRecord {
        func text(_ name: String) -> String? {
            let text: String = row[name]
            return text.isEmpty ? nil : text
        }
        return FlowRecord(
            place: FlowPlace(row["flow"], run: text("run"), step: text("step"), task: text("task")),
            userName: row["user_name"], tags: try JSONValue(parsing: row["tags"] as String).strings,
            systemTags: try JSONValue(parsing: row["system_tags"] as String).strings, createdAt: row["created_at"],
            heartbeatAt: row["heartbeat_at"])
    }

    package func record(_ place: FlowPlace) async throws(GyreError) -> FlowRecord? {
        try await database.read("Reading \(place.path)") { db in
            try Self.row(place, in: db).map(Self.record)
        }
    }

    package func records(below place: FlowPlace?) async throws(GyreError) -> [FlowRecord] {
        try await database.read("Listing flows") { db in
            let (condition, arguments): (String, StatementArguments) =
                switch (place, place?.run, place?.step) {
                case (nil, _, _): ("run = ''", [])
                case (let flow?, nil, _): ("flow = ? AND run <> '' AND step = ''", [flow.flow])
                case (let flow?, let run?, nil):
                    ("flow = ? AND run = ? AND step <> '' AND task = ''", [flow.flow, run])
                case (let flow?, let run?, let step?):
                    ("flow = ? AND run = ? AND step = ? AND task <> ''", [flow.flow, run, step])
                }
            return try Row.fetchAll(
                db, sql: "SELECT * FROM flow_record WHERE \(condition) ORDER BY row DESC", arguments: arguments
            ).map(Self.record)
        }
    }

    package func update(
        _ place: FlowPlace, recording fact: Fact?,
        _ change: @escaping @Sendable (inout FlowRecord) throws(GyreError) -> Void
    ) async throws(GyreError) -> FlowRecord {
        let now = database.now()
        return try await database.write("Changing \(place.path)") { db, tail in
            guard let row = try Self.row(place, in: db) else {
                throw GyreError(.notFound, "There is nothing at \(place.path.prefix(200)).")
            }
            var record = try Self.record(row)
            try change(&record)
            try db.execute(
                sql: "UPDATE flow_record SET tags = ?, heartbeat_at = ? WHERE row = ?",
                arguments: [JSONValue.strings(record.tags).text, record.heartbeatAt, row["row"] as Int64])
            if let fact { _ = try LedgerSQL.append(fact, at: now, in: db, tail: &tail) }
            return record
        }
    }

    // MARK: Items

    package func add(
        _ items: [FlowItem], _ kind: FlowItem.Kind, recording facts: [Fact]
    ) async throws(GyreError) {
        let now = database.now()
        try await database.write("Keeping what tasks of flows tell") { db, tail in
            let remove = try db.cachedStatement(
                sql: """
                    DELETE FROM flow_item WHERE kind = ? AND flow = ? AND run = ? AND step = ? AND task = ? AND name = ?
                        AND attempt = ?
                    """)
            let insert = try db.cachedStatement(
                sql: """
                    INSERT INTO flow_item (kind, flow, run, step, task, name, attempt, body)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """)
            for item in items {
                guard try Self.row(item.place, in: db) != nil else {
                    throw GyreError(.notFound, "There is nothing at \(item.place.path.prefix(200)).")
                }
                let key: StatementArguments = [
                    kind.rawValue, item.place.flow, item.place.run ?? "", item.place.step ?? "", item.place.task ?? "",
                    item.name, item.attempt,
                ]
                if kind == .artifact { try remove.execute(arguments: key) }
                try insert.execute(arguments: key + [item.body.text])
            }
            for fact in facts { _ = try LedgerSQL.append(fact, at: now, in: db, tail: &tail) }
        }
    }

    package func items(
        _ kind: FlowItem.Kind, below place: FlowPlace, name: String?
    ) async throws(GyreError) -> [FlowItem] {
        try await database.read("Reading what tasks of \(place.path) told") { db in
            var condition = "kind = ? AND flow = ?"
            var arguments: StatementArguments = [kind.rawValue, place.flow]
            for (column, value) in [("run", place.run), ("step", place.step), ("task", place.task), ("name", name)] {
                guard let value else { continue }
                condition += " AND \(column) = ?"
                arguments += [value]
            }
            return try Row.fetchAll(
                db, sql: "SELECT * FROM flow_item WHERE \(condition) ORDER BY id DESC", arguments: arguments
            ).map { row in
                FlowItem(
                    id: row["id"],
                    place: FlowPlace(row["flow"], run: row["run"], step: row["step"], task: row["task"]),
                    name: row["name"], attempt: row["attempt"], body: try JSONValue(parsing: row["body"] as String))
            }
        }
    }
}

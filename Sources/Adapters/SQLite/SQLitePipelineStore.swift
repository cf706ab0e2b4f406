// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB
package import GyreBase
package import GyreLedger
package import GyrePipelines

/// Runs of pipelines in SQLite.
package struct SQLitePipelineStore: PipelineStore {
    private let database: SQLiteDatabase

    /// Runs in `database`.
    package init(_ database: SQLiteDatabase) { self.database = database }

    // MARK: Writing

    package func create(_ run: PipelineRun, recording fact: Fact) async throws(GyreError) {
        let now = database.now()
        try await database.write("Keeping the pipeline run \(run.id)") { db, tail in
            let exists = try Bool.fetchOne(
                db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM pipeline_run WHERE id = ?)"), arguments: [run.id])
            guard exists == false else {
                throw GyreError(.alreadyExists, "There is a pipeline run \"\(run.id)\" already.")
            }
            if let namespace = run.namespace {
                let isTaken = try Bool.fetchOne(
                    db.cachedStatement(
                        sql: "SELECT EXISTS (SELECT 1 FROM pipeline_run WHERE namespace = ? AND name = ?)"),
                    arguments: [namespace, run.name])
                guard isTaken == false else {
                    throw GyreError(
                        .alreadyExists, "There is a run \"\(run.name)\" in \"\(namespace)\" already.",
                        fix: "Remove it, or choose another name.")
                }
            }
            try Self.put(run, isTold: true, in: db)
            _ = try LedgerSQL.append(fact, at: now, in: db, tail: &tail)
        }
    }

    package func keep(_ step: RunStep) async throws(GyreError) {
        let now = database.now()
        try await database.write("Keeping the pipeline run \(step.run)") { db, tail in
            try Self.keep(step, at: now, in: db, tail: &tail)
        }
    }

    private static func keep(_ step: RunStep, at now: Int64, in db: Database, tail: inout ChainTail) throws {
        let event = try BoundStatement(
            """
            INSERT INTO pipeline_event (run, seq, body)
            VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM pipeline_event WHERE run = ?1), ?2)
            """, in: db)
        for body in step.events {
            event.bind(step.run, at: 1)
            event.bind(body.text, at: 2)
            try event.run()
        }
        let task = try BoundStatement(
            """
            INSERT INTO pipeline_task (run, path, body) VALUES (?, ?, ?)
            ON CONFLICT (run, path) DO UPDATE SET body = excluded.body
            """, in: db)
        for record in step.tasks {
            task.bind(step.run, at: 1)
            task.bind(record.path, at: 2)
            task.bind(record.json.text, at: 3)
            try task.run()
        }
        var facts = step.facts
        if let (run, fact) = step.end {
            try put(run, isTold: false, in: db)
            try db.execute(sql: "DELETE FROM pipeline_event WHERE run = ?", arguments: [run.id])
            let (digest, count) = try digest(ofTasks: run.id, in: db)
            facts.append(fact(digest, count))
        }
        _ = try LedgerSQL.commit(step.changes, recording: facts, at: now, in: db, tail: &tail)
    }

    /// The digest of the tasks of a run as they are stored, by path, and their number.
    private static func digest(ofTasks run: String, in db: Database) throws -> (Digest, Int) {
        var hasher = DigestStream()
        var count = 0
        let rows = try Row.fetchCursor(
            db.cachedStatement(sql: "SELECT path, body FROM pipeline_task WHERE run = ? ORDER BY path"),
            arguments: [run])
        while let row = try rows.next() {
            hasher.update(Array("\(row["path"] as String)\n\(row["body"] as String)\n".utf8))
            count += 1
        }
        return (hasher.finish(), count)
    }

    private static func put(_ run: PipelineRun, isTold: Bool, in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO pipeline_run (id, name, namespace, pipeline, experiment, schedule, state, is_archived, is_told,
                    started_at, ended_at, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET name = excluded.name, pipeline = excluded.pipeline,
                    experiment = excluded.experiment, schedule = excluded.schedule, state = excluded.state,
                    is_archived = excluded.is_archived, is_told = excluded.is_told, started_at = excluded.started_at,
                    ended_at = excluded.ended_at, body = excluded.body
                """)
        try statement.execute(
            arguments: [
                run.id, run.name, run.namespace ?? "", run.pipeline.name, run.experiment ?? "", run.schedule ?? "",
                run.state.rawValue,
                run.isArchived, isTold, run.startedAt, run.endedAt ?? 0, run.json.text,
            ])
    }

    package func update(
        _ id: String, recording fact: Fact?,
        _ change: @escaping @Sendable (inout PipelineRun) throws(GyreError) -> Void
    ) async throws(GyreError) -> PipelineRun {
        let now = database.now()
        return try await database.write("Changing the pipeline run \(id)") { db, tail in
            let row = try Row.fetchOne(
                db.cachedStatement(sql: "SELECT body, is_told FROM pipeline_run WHERE id = ?"), arguments: [id])
            guard let row else { throw GyreError(.notFound, "There is no pipeline run \"\(id)\".") }
            var run = try Self.run(row)
            try change(&run)
            try Self.put(run, isTold: row["is_told"], in: db)
            if let fact { _ = try LedgerSQL.append(fact, at: now, in: db, tail: &tail) }
            return run
        }
    }

    package func reopen(
        _ run: PipelineRun, forgetting paths: [String], recording fact: Fact
    ) async throws(GyreError) {
        let now = database.now()
        try await database.write("Opening the pipeline run \(run.id) again") { db, tail in
            try Self.put(run, isTold: true, in: db)
            let statement = try db.cachedStatement(sql: "DELETE FROM pipeline_task WHERE run = ? AND path = ?")
            for path in paths { try statement.execute(arguments: [run.id, path]) }
            _ = try LedgerSQL.append(fact, at: now, in: db, tail: &tail)
        }
    }

    package func remove(_ id: String, recording fact: Fact) async throws(GyreError) {
        let now = database.now()
        try await database.write("Removing the pipeline run \(id)") { db, tail in
            try db.execute(sql: "DELETE FROM pipeline_run WHERE id = ?", arguments: [id])
            guard db.changesCount > 0 else { throw GyreError(.notFound, "There is no pipeline run \"\(id)\".") }
            try db.execute(sql: "DELETE FROM pipeline_task WHERE run = ?", arguments: [id])
            try db.execute(sql: "DELETE FROM pipeline_event WHERE run = ?", arguments: [id])
            _ = try LedgerSQL.append(fact, at: now, in: db, tail: &tail)
        }
    }

    package func told(_ id: String, recording fact: Fact) async throws(GyreError) {
        let now = database.now()
        try await database.write("Keeping that the end of the pipeline run \(id) was told") { db, tail in
            try db.execute(sql: "UPDATE pipeline_run SET is_told = 1 WHERE id = ?", arguments: [id])
            _ = try LedgerSQL.append(fact, at: now, in: db, tail: &tail)
        }
    }

    // MARK: Reading

    private static func run(_ row: Row) throws -> PipelineRun {
        try PipelineRun(json: try JSONValue(parsing: row["body"] as String))
    }

    package func run(_ id: String) async throws(GyreError) -> PipelineRun? {
        try await database.read("Reading the pipeline run \(id)") { db in
            try Row.fetchOne(
                db.cachedStatement(sql: "SELECT body FROM pipeline_run WHERE id = ?"), arguments: [id]
            ).map(Self.run)
        }
    }

    package func runs(beginning prefix: String) async throws(GyreError) -> [PipelineRun] {
        try await database.read("Reading pipeline runs") { db in
            let exact = try Row.fetchAll(db, sql: "SELECT body FROM pipeline_run WHERE id = ?", arguments: [prefix])
            if !exact.isEmpty { return try exact.map(Self.run) }
            return try Row.fetchAll(
                db, sql: "SELECT body FROM pipeline_run WHERE id >= ? AND substr(id, 1, ?) = ? ORDER BY id LIMIT 2",
                arguments: [prefix, prefix.unicodeScalars.count, prefix]
            ).map(Self.run)
        }
    }

    package func runs(_ query: PipelineRunQuery) async throws(GyreError) -> PipelineRunPage {
        try await database.read("Listing pipeline runs") { db in
            let (condition, arguments) = try PipelineRunSQL.condition(query.conditions)
            var keys = [Keyset.Key(expression: query.order.rawValue, isAscending: query.isAscending)]
            if query.order != .id { keys.append(Keyset.Key(expression: "row", isAscending: query.isAscending)) }
            let order = Keyset(keys: keys)
            var (whole, values) = try PipelineRunSQL.condition(query.conditions, isPage: true)
            if let after = query.after {
                let (rest, more) = try order.after(after)
                whole += " AND \(rest)"
                values += more
            }
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT body, \(order.columns) FROM pipeline_run WHERE \(whole) ORDER BY \(order.order) LIMIT ?
                    """, arguments: values + [query.limit + 1])
            let total = try Int.fetchOne(
                db, sql: "SELECT count(*) FROM pipeline_run WHERE \(condition)", arguments: arguments)
            let page = rows.prefix(query.limit)
            return PipelineRunPage(
                runs: try page.map(Self.run),
                next: rows.count > query.limit ? page.last.map { order.values($0, from: 1) } : nil, total: total ?? 0)
        }
    }

    package func untold() async throws(GyreError) -> [PipelineRun] {
        try await database.read("Reading which pipeline runs have ended") { db in
            try Row.fetchAll(db, sql: "SELECT body FROM pipeline_run WHERE is_told = 0 ORDER BY ended_at").map(Self.run)
        }
    }

    package func tasks(of id: String, after: String?, limit: Int) async throws(GyreError) -> [TaskRecord] {
        try await database.read("Reading the tasks of the pipeline run \(id)") { db in
            let rows = try Row.fetchCursor(
                db.cachedStatement(
                    sql: "SELECT body FROM pipeline_task WHERE run = ? AND path > ? ORDER BY path LIMIT ?"),
                arguments: [id, after ?? "", limit])
            var found: [TaskRecord] = []
            while let row = try rows.next() {
                found.append(try TaskRecord(json: try JSONValue(parsing: row["body"] as String)))
            }
            return found
        }
    }

    package func task(_ path: String, of id: String) async throws(GyreError) -> TaskRecord? {
        try await database.read("Reading a task of the pipeline run \(id)") { db in
            try String.fetchOne(
                db.cachedStatement(sql: "SELECT body FROM pipeline_task WHERE run = ? AND path = ?"),
                arguments: [id, path]
            ).map { try TaskRecord(json: try JSONValue(parsing: $0)) }
        }
    }

    package func events(of id: String) async throws(GyreError) -> [JSONValue] {
        try await database.read("Reading the events of the pipeline run \(id)") { db in
            try String.fetchAll(
                db.cachedStatement(sql: "SELECT body FROM pipeline_event WHERE run = ? ORDER BY seq"), arguments: [id]
            ).map { try JSONValue(parsing: $0) }
        }
    }

    package func namedDigests() async throws(GyreError) -> Set<Digest> {
        try await database.read("Reading what pipeline runs name") { db in
            var found: Set<Digest> = []
            let texts = try String.fetchCursor(
                db, sql: "SELECT body FROM pipeline_run UNION ALL SELECT body FROM pipeline_task")
            while let text = try texts.next() { NamedDigests.collect(text, into: &found) }
            return found
        }
    }
}

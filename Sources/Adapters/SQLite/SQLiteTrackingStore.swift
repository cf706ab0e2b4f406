// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB
package import GyreBase
package import GyreLedger
package import GyreTracking

/// Experiments and runs in SQLite.
package struct SQLiteTrackingStore: TrackingStore {
    let database: SQLiteDatabase

    /// Tracking in `database`.
    package init(_ database: SQLiteDatabase) { self.database = database }

    // MARK: Experiments

    package func createExperiment(
        _ draft: ExperimentDraft, recording fact: @escaping @Sendable (Int64) -> Fact
    ) async throws(GyreError) -> Experiment {
        let now = database.now()
        return try await database.write("Creating the experiment \"\(draft.name)\"") { db, tail in
            if let taken = try Row.fetchOne(
                db, sql: "SELECT is_deleted FROM experiment WHERE name = ?", arguments: [draft.name])
            {
                let isDeleted: Bool = taken["is_deleted"]
                throw GyreError(
                    .alreadyExists, "Experiment(name=\(draft.name)) already exists.",
                    why: isDeleted ? "It is deleted, and a deleted experiment keeps its name." : nil,
                    fix: isDeleted ? "Restore it, or remove it for good." : nil)
            }
            let next = try Int64.fetchOne(db, sql: "SELECT coalesce(max(experiment_id) + 1, 0) FROM experiment") ?? 0
            let location = draft.artifactLocation ?? "mlflow-artifacts:/\(next)"
            try db.execute(
                sql: """
                    INSERT INTO experiment (experiment_id, name, artifact_location, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?)
                    """, arguments: [next, draft.name, location, draft.atMilliseconds, draft.atMilliseconds])
            for tag in draft.tags {
                try db.execute(
                    sql: "INSERT OR REPLACE INTO experiment_tag (experiment_id, key, value) VALUES (?, ?, ?)",
                    arguments: [next, tag.key, tag.value])
            }
            try LedgerSQL.append(fact(next), at: now, in: db, tail: &tail)
            guard let made = try Self.experiments(db, "WHERE experiment_id = ?", [next]).first else {
                throw GyreError(.internal, "The experiment was not stored.")
            }
            return made
        }
    }

    package func experiment(_ id: Int64) async throws(GyreError) -> Experiment? {
        try await database.read("Reading an experiment") {
            try Self.experiments($0, "WHERE experiment_id = ?", [id]).first
        }
    }

    package func experiment(named name: String) async throws(GyreError) -> Experiment? {
        try await database.read("Reading an experiment") { try Self.experiments($0, "WHERE name = ?", [name]).first }
    }

    package func experiments(_ view: LifecycleView) async throws(GyreError) -> [Experiment] {
        let condition =
            switch view {
            case .active: "WHERE is_deleted = 0"
            case .deleted: "WHERE is_deleted = 1"
            case .all: ""
            }
        return try await database.read("Listing experiments") {
            try Self.experiments($0, condition + " ORDER BY updated_ms DESC, experiment_id DESC", [])
        }
    }

    package func updateExperiment(
        _ id: Int64, _ change: ExperimentChange, at milliseconds: Int64, recording fact: Fact
    ) async throws(GyreError) {
        let now = database.now()
        try await database.write("Changing the experiment \(id)") { db, tail in
            switch change {
            case .rename(let name):
                let isTaken = try Bool.fetchOne(
                    db, sql: "SELECT 1 FROM experiment WHERE name = ? AND experiment_id <> ?", arguments: [name, id])
                if isTaken != nil { throw GyreError(.alreadyExists, "Experiment(name=\(name)) already exists.") }
                try db.execute(sql: "UPDATE experiment SET name = ? WHERE experiment_id = ?", arguments: [name, id])
            case .delete, .restore:
                let isDeleted = change == .delete
                try db.execute(
                    sql: "UPDATE experiment SET is_deleted = ? WHERE experiment_id = ?", arguments: [isDeleted, id])
                try db.execute(
                    sql: "UPDATE run SET is_deleted = ? WHERE experiment_id = ?", arguments: [isDeleted, id])
            case .setTag(let tag):
                try db.execute(
                    sql: "INSERT OR REPLACE INTO experiment_tag (experiment_id, key, value) VALUES (?, ?, ?)",
                    arguments: [id, tag.key, tag.value])
            case .deleteTag(let key):
                try db.execute(
                    sql: "DELETE FROM experiment_tag WHERE experiment_id = ? AND key = ?", arguments: [id, key])
                if db.changesCount == 0 {
                    throw GyreError(.notFound, "No tag with name: \(key) in experiment with id \(id).")
                }
            }
            try db.execute(
                sql: "UPDATE experiment SET updated_ms = ? WHERE experiment_id = ?", arguments: [milliseconds, id])
            try LedgerSQL.append(fact, at: now, in: db, tail: &tail)
        }
    }

    private static func experiments(
        _ db: Database, _ condition: String, _ arguments: StatementArguments
    ) throws -> [Experiment] {
        let rows = try Row.fetchAll(db, sql: "SELECT * FROM experiment \(condition)", arguments: arguments)
        return try rows.map { row in
            let id: Int64 = row["experiment_id"]
            let tags = try Row.fetchAll(
                db.cachedStatement(sql: "SELECT key, value FROM experiment_tag WHERE experiment_id = ? ORDER BY key"),
                arguments: [id])
            return Experiment(
                id: id, name: row["name"], artifactLocation: row["artifact_location"], isDeleted: row["is_deleted"],
                createdMilliseconds: row["created_ms"], updatedMilliseconds: row["updated_ms"],
                tags: tags.map { KeyValue($0["key"], $0["value"]) })
        }
    }

    // MARK: Runs

    package func createRun(_ run: Run, recording fact: Fact) async throws(GyreError) {
        let now = database.now()
        try await database.write("Creating the run \(run.id)") { db, tail in
            let statement = try db.cachedStatement(
                sql: """
                    INSERT OR IGNORE INTO run (run_id, experiment_id, name, user_id, status, start_ms, artifact_uri)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """)
            try statement.execute(arguments: [
                run.id, run.experimentID, run.name, run.userID, run.status.rawValue, run.startMilliseconds,
                run.artifactURI,
            ])
            if db.changesCount == 0 { throw GyreError(.alreadyExists, "A run with the id \(run.id) exists already.") }
            try Self.setTags(run.tags, row: db.lastInsertedRowID, in: db)
            try LedgerSQL.append(fact, at: now, in: db, tail: &tail)
        }
    }

    package func run(_ id: String) async throws(GyreError) -> Run? {
        try await database.read("Reading the run \(id)") { db in
            guard let row = try Self.row(of: id, in: db) else { return nil }
            return try RunReader.runs([row], in: db).first
        }
    }

    package func updateRun(_ id: String, _ change: RunChange, recording fact: Fact?) async throws(GyreError) {
        let now = database.now()
        try await database.write("Changing the run \(id)") { db, tail in
            guard let row = try Self.row(of: id, in: db) else { throw Self.missing(id) }
            if let status = change.status {
                try db.execute(sql: "UPDATE run SET status = ? WHERE row = ?", arguments: [status.rawValue, row])
            }
            if let end = change.endMilliseconds {
                try db.execute(sql: "UPDATE run SET end_ms = ? WHERE row = ?", arguments: [end, row])
            }
            if let name = change.name { try Self.setTags([KeyValue("mlflow.runName", name)], row: row, in: db) }
            if let isDeleted = change.isDeleted {
                try db.execute(sql: "UPDATE run SET is_deleted = ? WHERE row = ?", arguments: [isDeleted, row])
            }
            if let fact { try LedgerSQL.append(fact, at: now, in: db, tail: &tail) }
        }
    }

    package func log(_ id: String, _ entries: RunEntries) async throws(GyreError) {
        try await database.write("Logging to the run \(id)") { db, _ in
            let found = try Row.fetchOne(
                db.cachedStatement(sql: "SELECT row, is_deleted FROM run WHERE run_id = ?"), arguments: [id])
            guard let found else { throw Self.missing(id) }
            guard found["is_deleted"] as Bool == false else {
                throw GyreError(.invalid, "The run \(id) must be in the 'active' state.", why: "It was deleted.")
            }
            let row: Int64 = found["row"]
            for param in entries.params { try Self.setParam(param, row: row, run: id, in: db) }
            for metric in entries.metrics { try Self.add(metric, row: row, in: db) }
            try Self.setTags(entries.tags, row: row, in: db)
            for link in entries.links {
                try db.cachedStatement(
                    sql: "INSERT OR REPLACE INTO run_link (run, kind, key, body) VALUES (?, ?, ?, ?)"
                )
                .execute(arguments: [row, link.kind.rawValue, link.key, link.body.text])
            }
        }
    }

    package func deleteTag(_ key: String, of id: String) async throws(GyreError) {
        try await database.write("Deleting a tag of the run \(id)") { db, _ in
            guard let row = try Self.row(of: id, in: db) else { throw Self.missing(id) }
            try db.execute(sql: "DELETE FROM run_tag WHERE run = ? AND key = ?", arguments: [row, key])
            if db.changesCount == 0 { throw GyreError(.notFound, "No tag with name: \(key) in run with id \(id)") }
        }
    }

    package func searchRuns(_ query: RunQuery) async throws(GyreError) -> [Run] {
        guard !query.experimentIDs.isEmpty else { return [] }
        let search = try RunSearchSQL(query)
        return try await database.read("Searching runs") { db in
            let rows = try Int64.fetchAll(db, sql: search.sql, arguments: search.arguments)
            return try RunReader.runs(rows, in: db)
        }
    }

    package func history(
        of key: String, in id: String, offset: Int, limit: Int
    ) async throws(GyreError) -> [MetricPoint] {
        try await database.read("Reading the history of \"\(key)\"") { db in
            guard let row = try Self.row(of: id, in: db) else { throw Self.missing(id) }
            return try Row.fetchAll(
                db,
                sql:
                    "SELECT * FROM metric WHERE run = ? AND key = ? ORDER BY step, timestamp_ms, value LIMIT ? OFFSET ?",
                arguments: [row, key, limit, offset]
            ).map(RunReader.point)
        }
    }

    // MARK: Parts of a write

    private static func row(of id: String, in db: Database) throws -> Int64? {
        try Int64.fetchOne(db.cachedStatement(sql: "SELECT row FROM run WHERE run_id = ?"), arguments: [id])
    }

    private static func setParam(_ param: KeyValue, row: Int64, run id: String, in db: Database) throws {
        try db.cachedStatement(sql: "INSERT OR IGNORE INTO param (run, key, value) VALUES (?, ?, ?)")
            .execute(arguments: [row, param.key, param.value])
        guard db.changesCount == 0 else { return }
        let old = try String.fetchOne(
            db.cachedStatement(sql: "SELECT value FROM param WHERE run = ? AND key = ?"), arguments: [row, param.key])
        guard old != param.value else { return }
        throw GyreError(
            .invalid,
            "Changing param values is not allowed. Param with key='\(param.key)' was already logged with "
                + "value='\(old?.prefix(200) ?? "")' for run ID='\(id)'. Attempted logging new value '\(param.value.prefix(200))'."
        )
    }

    private static func add(_ metric: MetricPoint, row: Int64, in db: Database) throws {
        let isNaN = metric.value.isNaN
        let value = isNaN ? 0 : metric.value
        let arguments: StatementArguments = [
            row, metric.key, metric.step, metric.timestampMilliseconds, value, isNaN, metric.modelID,
        ]
        try db.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO metric (run, key, step, timestamp_ms, value, is_nan, model_id)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: arguments)
        try db.cachedStatement(
            sql: """
                INSERT INTO latest_metric (run, key, step, timestamp_ms, value, is_nan, model_id) VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (run, key) DO UPDATE SET step = excluded.step, timestamp_ms = excluded.timestamp_ms,
                    value = excluded.value, is_nan = excluded.is_nan, model_id = excluded.model_id
                WHERE (excluded.step, excluded.timestamp_ms, 1 - excluded.is_nan, excluded.value)
                    >= (step, timestamp_ms, 1 - is_nan, value)
                """
        ).execute(arguments: arguments)
    }

    private static func setTags(_ tags: [KeyValue], row: Int64, in db: Database) throws {
        for tag in tags {
            try db.cachedStatement(sql: "INSERT OR REPLACE INTO run_tag (run, key, value) VALUES (?, ?, ?)")
                .execute(arguments: [row, tag.key, tag.value])
            // The name of a run and this tag are one thing for MLflow.
            if tag.key == "mlflow.runName" {
                try db.execute(sql: "UPDATE run SET name = ? WHERE row = ?", arguments: [tag.value, row])
            }
        }
    }

    private static func missing(_ id: String) -> GyreError {
        GyreError(.notFound, "Run with id=\(id.prefix(80)) not found.")
    }
}

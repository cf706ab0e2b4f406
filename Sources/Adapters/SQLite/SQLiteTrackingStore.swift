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
            // A number is never given out twice, also not after its experiment was removed for good.
            let next =
                try Int64.fetchOne(
                    db, sql: "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'experiment'), -1) + 1")
                ?? 0
            let location = draft.artifactLocation ?? ServedArtifacts.address(of: String(next))
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

    package func countRuns() async throws(GyreError) -> Int64 {
        try await database.read("Counting runs") { db in try Int64.fetchOne(db, sql: "SELECT COUNT(*) FROM run") ?? 0 }
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
                    sql: """
                        UPDATE run SET is_deleted = ?, deleted_ms = ? WHERE experiment_id = ? AND is_deleted <> ?
                        """,
                    arguments: [isDeleted, isDeleted ? milliseconds : nil, id, isDeleted])
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

    package func createRun(
        in experiment: Int64, _ make: @escaping @Sendable (Experiment) throws(GyreError) -> (run: Run, fact: Fact)
    ) async throws(GyreError) -> Run {
        let now = database.now()
        return try await database.write("Creating a run in the experiment \(experiment)") { db, tail in
            let (run, fact) = try make(try Self.parent(experiment, in: db))
            let statement = try BoundStatement(
                """
                INSERT OR IGNORE INTO run (run_id, experiment_id, name, user_id, status, start_ms, artifact_uri)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """, in: db)
            statement.bind(run.id, at: 1)
            statement.bind(run.experimentID, at: 2)
            statement.bind(run.name, at: 3)
            statement.bind(run.userID, at: 4)
            statement.bind(run.status.rawValue, at: 5)
            statement.bind(run.startMilliseconds, at: 6)
            statement.bind(run.artifactURI, at: 7)
            try statement.run()
            if db.changesCount == 0 { throw GyreError(.alreadyExists, "A run with the id \(run.id) exists already.") }
            try Self.setTags(run.tags, row: db.lastInsertedRowID, in: db)
            try LedgerSQL.append(fact, at: now, in: db, tail: &tail)
            return run
        }
    }

    /// An experiment without its tags: what a new run needs to know of it.
    private static func parent(_ id: Int64, in db: Database) throws -> Experiment {
        let found = try BoundStatement(
            "SELECT name, artifact_location, is_deleted, created_ms, updated_ms FROM experiment WHERE experiment_id = ?",
            in: db)
        found.bind(id, at: 1)
        defer { found.reset() }
        guard try found.step() else { throw GyreError(.notFound, "No Experiment with id=\(id) exists.") }
        return Experiment(
            id: id, name: found.text(0), artifactLocation: found.text(1), isDeleted: found.integer(2) != 0,
            createdMilliseconds: found.integer(3), updatedMilliseconds: found.integer(4), tags: [])
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
                try db.execute(
                    sql: "UPDATE run SET is_deleted = ?, deleted_ms = ? WHERE row = ?",
                    arguments: [isDeleted, isDeleted ? now / 1000 : nil, row])
            }
            if let fact { try LedgerSQL.append(fact, at: now, in: db, tail: &tail) }
        }
    }

    package func searchRuns(_ query: RunQuery) async throws(GyreError) -> RunPage {
        guard !query.experimentIDs.isEmpty else { return RunPage(rows: [], next: nil) }
        var wider = query
        wider.limit += 1
        let search = try RunSearchSQL(wider)
        return try await database.read("Searching runs") { db in
            try Self.probed(search, query.limit, in: db) ?? Self.page(search, query.limit, in: db)
        }
    }

    /// The page, if the first runs along the index hold it; nil if the whole question has to be asked.
    private static func probed(_ search: RunSearchSQL, _ limit: Int, in db: Database) throws -> RunPage? {
        // Where few runs can fit, looking at all of them costs less than the first probe.
        if !search.probes.isEmpty, let count = search.fullCount,
            try Int.fetchOne(count.cached(in: db)) ?? 0 < RunFilterSQL.countedRuns
        {
            return nil
        }
        var found: [(row: Int64, values: [JSONValue])] = []
        for (turn, probe) in search.probes.enumerated() {
            if turn == 1, !RunSearchSQL.isPromising(found: found.count, limit: limit) { return nil }
            let cursor = try Row.fetchCursor(probe.cached(in: db))
            while let row = try cursor.next() {
                let values = search.keyset.values(row, from: 1)
                // All that ties with the page's last run is here once the next value comes.
                if found.count > limit,
                    values.prefix(search.probedKeys) != found[limit - 1].values.prefix(search.probedKeys)
                {
                    found.sort { search.keyset.isOrdered($0.values, $1.values) }
                    return RunPage(rows: found.prefix(limit).map(\.row), next: found[limit - 1].values)
                }
                found.append((row[0], values))
            }
        }
        return nil
    }

    private static func page(_ search: RunSearchSQL, _ limit: Int, in db: Database) throws -> RunPage {
        var rows: [Int64] = []
        var last: [JSONValue]?
        let cursor = try Row.fetchCursor(search.full.cached(in: db))
        while let row = try cursor.next() {
            rows.append(row[0])
            if rows.count == limit { last = search.keyset.values(row, from: 1) }
        }
        guard rows.count > limit else { return RunPage(rows: rows, next: nil) }
        return RunPage(rows: Array(rows.prefix(limit)), next: last)
    }

    package func runs(_ rows: [Int64]) async throws(GyreError) -> [Run] {
        try await database.read("Reading runs") { try RunReader.runs(rows, in: $0) }
    }

    package func history(
        of key: String, in id: String, after: MetricPoint?, limit: Int
    ) async throws(GyreError) -> [MetricPoint] {
        try await database.read("Reading the history of \"\(key)\"") { db in
            guard let row = try Self.row(of: id, in: db) else { return [] }
            let begin = after == nil ? "" : " AND (timestamp_ms, step, value, is_nan) > (?5, ?4, ?6, ?7)"
            let statement = try BoundStatement(
                """
                SELECT step, timestamp_ms, value, is_nan, model_id FROM metric WHERE run = ?1 AND key = ?2\(begin)
                ORDER BY timestamp_ms, step, value, is_nan LIMIT ?3
                """, in: db)
            statement.bind(row, at: 1)
            statement.bind(key, at: 2)
            statement.bind(Int64(limit), at: 3)
            if let after {
                statement.bind(after.step, at: 4)
                statement.bind(after.timestampMilliseconds, at: 5)
                statement.bind(after.value.isNaN ? 0 : after.value, at: 6)
                statement.bind(after.value.isNaN, at: 7)
            }
            var points: [MetricPoint] = []
            while try statement.step() {
                points.append(
                    MetricPoint(
                        key: key, value: statement.integer(3) != 0 ? .nan : statement.double(2),
                        timestampMilliseconds: statement.integer(1), step: statement.integer(0),
                        modelID: statement.optionalText(4)))
            }
            statement.reset()
            return points
        }
    }

    package func sample(of key: String, in id: String, count: Int) async throws(GyreError) -> [MetricPoint] {
        try await database.read("Reading the curve of \"\(key)\"") { db in
            guard let row = try Self.row(of: id, in: db) else { throw Self.missing(id) }
            let total =
                try Int64.fetchOne(
                    db, sql: "SELECT count(*) FROM metric WHERE run = ? AND key = ?", arguments: [row, key]) ?? 0
            let every = max(1, (total + Int64(count) - 1) / Int64(count))
            let statement = try BoundStatement(
                """
                SELECT step, timestamp_ms, value, is_nan FROM (
                    SELECT *, row_number() OVER (ORDER BY timestamp_ms, step, value, is_nan) - 1 AS place FROM metric
                    WHERE run = ?1 AND key = ?2)
                WHERE place % ?3 = 0 OR place = ?4
                """, in: db)
            statement.bind(row, at: 1)
            statement.bind(key, at: 2)
            statement.bind(every, at: 3)
            statement.bind(total - 1, at: 4)
            var points: [MetricPoint] = []
            while try statement.step() {
                points.append(
                    MetricPoint(
                        key: key, value: statement.integer(3) != 0 ? .nan : statement.double(2),
                        timestampMilliseconds: statement.integer(1), step: statement.integer(0)))
            }
            statement.reset()
            return points
        }
    }

    static func missing(_ id: String) -> GyreError {
        GyreError(.notFound, "Run with id=\(id.prefix(80)) not found.")
    }
}

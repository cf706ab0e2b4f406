// SPDX-License-Identifier: Apache-2.0

internal import GRDB
package import GyreBase
package import GyreTracking

extension SQLiteTrackingStore {
    package func log(_ id: String, _ entries: RunEntries) async throws(GyreError) {
        try await database.write("Logging to the run \(id)") { db, _ in
            let row = try Self.activeRow(of: id, in: db)
            for param in entries.params { try Self.setParam(param, row: row, run: id, in: db) }
            try Self.add(entries.metrics, row: row, in: db)
            try Self.setTags(entries.tags, row: row, in: db)
            for link in entries.links {
                // What was told first stays, as with params.
                try db.cachedStatement(
                    sql: "INSERT OR IGNORE INTO run_link (run, kind, key, body) VALUES (?, ?, ?, ?)"
                )
                .execute(arguments: [row, link.kind.rawValue, link.key, link.body.text])
            }
        }
    }

    package func deleteTag(_ key: String, of id: String) async throws(GyreError) {
        try await database.write("Deleting a tag of the run \(id)") { db, _ in
            let row = try Self.activeRow(of: id, in: db)
            try db.execute(sql: "DELETE FROM run_tag WHERE run = ? AND key = ?", arguments: [row, key])
            if db.changesCount == 0 { throw GyreError(.notFound, "No tag with name: \(key) in run with id \(id)") }
        }
    }

    static func row(of id: String, in db: Database) throws -> Int64? {
        try Int64.fetchOne(db.cachedStatement(sql: "SELECT row FROM run WHERE run_id = ?"), arguments: [id])
    }

    /// The row of a run that may be written to.
    private static func activeRow(of id: String, in db: Database) throws -> Int64 {
        let statement = try BoundStatement("SELECT row, is_deleted FROM run WHERE run_id = ?", in: db)
        statement.bind(id, at: 1)
        defer { statement.reset() }
        guard try statement.step() else { throw missing(id) }
        guard statement.integer(1) == 0 else {
            throw GyreError(.invalid, "The run \(id) must be in the 'active' state.", why: "It was deleted.")
        }
        return statement.integer(0)
    }

    package func appendToTag(_ key: String, _ element: JSONValue, of id: String) async throws(GyreError) {
        try await database.write("Adding to a tag of the run \(id)") { db, _ in
            let row = try Self.activeRow(of: id, in: db)
            let old = try String.fetchOne(
                db, sql: "SELECT value FROM run_tag WHERE run = ? AND key = ?", arguments: [row, key])
            // What stands there otherwise is no list, and a new one takes its place.
            let list = (try? JSONValue(parsing: old ?? "[]"))?.array ?? []
            let text = JSONValue.array(list + [element]).text
            guard text.utf8.count <= Limits.bodyBytes else {
                throw GyreError(
                    .limitExceeded, "The tag \"\(key)\" of the run \(id) grows beyond \(Limits.bodyBytes) bytes.")
            }
            try Self.setTags([KeyValue(key, text)], row: row, in: db)
        }
    }

    private static func setParam(_ param: KeyValue, row: Int64, run id: String, in db: Database) throws {
        let statement = try BoundStatement("INSERT OR IGNORE INTO param (run, key, value) VALUES (?, ?, ?)", in: db)
        statement.bind(row, at: 1)
        statement.bind(param.key, at: 2)
        statement.bind(param.value, at: 3)
        try statement.run()
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

    /// Stores points; of each key the greatest becomes the latest, if it is greater than the one that is.
    private static func add(_ points: [MetricPoint], row: Int64, in db: Database) throws {
        guard !points.isEmpty else { return }
        let insert = try BoundStatement(
            """
            INSERT OR IGNORE INTO metric (run, key, step, timestamp_ms, value, is_nan, model_id) VALUES (?, ?, ?, ?, ?, ?, ?)
            """, in: db)
        var latest: [String: MetricPoint] = [:]
        for point in points {
            bind(point, row, to: insert)
            try insert.run()
            if latest[point.key].map({ point.isLater(than: $0) }) ?? true { latest[point.key] = point }
            if point.modelID != nil { try addToModel(point, row: row, in: db) }
        }
        let update = try BoundStatement(
            """
            INSERT INTO latest_metric (run, key, step, timestamp_ms, value, is_nan, model_id) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (run, key) DO UPDATE SET step = excluded.step, timestamp_ms = excluded.timestamp_ms,
                value = excluded.value, is_nan = excluded.is_nan, model_id = excluded.model_id
            WHERE (excluded.step, excluded.timestamp_ms, 1 - excluded.is_nan, excluded.value)
                >= (step, timestamp_ms, 1 - is_nan, value)
            """, in: db)
        for point in latest.values {
            bind(point, row, to: update)
            try update.run()
        }
    }

    private static func bind(_ point: MetricPoint, _ row: Int64, to statement: BoundStatement) {
        let isNaN = point.value.isNaN
        statement.bind(row, at: 1)
        statement.bind(point.key, at: 2)
        statement.bind(point.step, at: 3)
        statement.bind(point.timestampMilliseconds, at: 4)
        statement.bind(isNaN ? 0 : point.value, at: 5)
        statement.bind(isNaN, at: 6)
        statement.bind(point.modelID, at: 7)
    }

    /// A point that is about a logged model is found under the model too.
    private static func addToModel(_ point: MetricPoint, row: Int64, in db: Database) throws {
        let isNaN = point.value.isNaN
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO model_metric
                    (model_id, key, dataset_name, dataset_digest, run, step, timestamp_ms, value, is_nan)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            point.modelID, point.key, point.datasetName ?? "", point.datasetDigest ?? "", row, point.step,
            point.timestampMilliseconds, isNaN ? 0 : point.value, isNaN,
        ])
    }

    static func setTags(_ tags: [KeyValue], row: Int64, in db: Database) throws {
        guard !tags.isEmpty else { return }
        let insert = try BoundStatement("INSERT OR REPLACE INTO run_tag (run, key, value) VALUES (?, ?, ?)", in: db)
        for tag in tags where tag.key != "mlflow.runName" || !tag.value.isEmpty {
            insert.bind(row, at: 1)
            insert.bind(tag.key, at: 2)
            insert.bind(tag.value, at: 3)
            try insert.run()
            // The name of a run and this tag are one thing for MLflow.
            if tag.key == "mlflow.runName" {
                try db.cachedStatement(sql: "UPDATE run SET name = ? WHERE row = ?").execute(arguments: [
                    tag.value, row,
                ])
            }
        }
    }

    package func modelMetrics(_ modelIDs: [String]) async throws(GyreError) -> [ModelMetric] {
        try await database.read("Reading the metrics of models") { db in
            let list = JSONValue.strings(modelIDs).text
            return try Row.fetchAll(
                db,
                sql: """
                    SELECT m.*, r.run_id FROM model_metric m JOIN run r ON r.row = m.run
                    WHERE m.model_id IN (SELECT value FROM json_each(?)) ORDER BY m.model_id, m.key, m.timestamp_ms, m.step
                    """, arguments: [list]
            ).map { row in
                let isNaN: Bool = row["is_nan"]
                let (name, digest): (String, String) = (row["dataset_name"], row["dataset_digest"])
                let point = MetricPoint(
                    key: row["key"], value: isNaN ? .nan : row["value"], timestampMilliseconds: row["timestamp_ms"],
                    step: row["step"], modelID: row["model_id"], datasetName: name.isEmpty ? nil : name,
                    datasetDigest: digest.isEmpty ? nil : digest)
                return ModelMetric(runID: row["run_id"], point: point)
            }
        }
    }

    package func datasets(in experimentIDs: [Int64]) async throws(GyreError) -> [UsedDataset] {
        try await database.read("Listing datasets") { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT r.experiment_id, json_extract(l.body, '$.dataset.name') AS name,
                        json_extract(l.body, '$.dataset.digest') AS digest,
                        (SELECT json_extract(t.value, '$.value') FROM json_each(l.body, '$.tags') t
                         WHERE json_extract(t.value, '$.key') = 'mlflow.data.context') AS context
                    FROM run_link l JOIN run r ON r.row = l.run
                    WHERE l.kind = 'dataset' AND r.is_deleted = 0
                        AND r.experiment_id IN (SELECT value FROM json_each(?))
                    ORDER BY name, digest, context DESC LIMIT ?
                    """, arguments: [JSONValue.array(experimentIDs.map { .int($0) }).text, Limits.pageRows]
            ).map { UsedDataset(experimentID: $0[0], name: $0[1] ?? "", digest: $0[2] ?? "", context: $0[3]) }
        }
    }
}

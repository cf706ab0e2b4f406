// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GyreBase
internal import GyreTracking

/// Reads whole runs: one statement for each kind of data, whatever the number of runs.
enum RunReader {
    static func runs(_ rows: [Int64], in db: Database) throws -> [Run] {
        guard !rows.isEmpty else { return [] }
        let list = rows.map(String.init).joined(separator: ", ")
        var params: [Int64: [KeyValue]] = [:]
        for row in try Row.fetchAll(
            db, sql: "SELECT run, key, value FROM param WHERE run IN (\(list)) ORDER BY run, key")
        {
            params[row[0], default: []].append(KeyValue(row[1], row[2]))
        }
        var tags: [Int64: [KeyValue]] = [:]
        for row in try Row.fetchAll(
            db, sql: "SELECT run, key, value FROM run_tag WHERE run IN (\(list)) ORDER BY run, key")
        {
            tags[row[0], default: []].append(KeyValue(row[1], row[2]))
        }
        var metrics: [Int64: [MetricPoint]] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT * FROM latest_metric WHERE run IN (\(list)) ORDER BY run, key") {
            metrics[row["run"], default: []].append(point(row))
        }
        var links: [Int64: [RunLink]] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT * FROM run_link WHERE run IN (\(list)) ORDER BY run, kind, key") {
            guard let kind = RunLink.Kind(rawValue: row["kind"]) else { continue }
            links[row["run"], default: []].append(
                RunLink(kind: kind, key: row["key"], body: try JSONValue(parsing: row["body"] as String)))
        }
        var found: [Int64: Run] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT * FROM run WHERE row IN (\(list))") {
            let number: Int64 = row["row"]
            guard let status = Run.Status(rawValue: row["status"]) else {
                throw GyreError(.corrupt, "A stored run has the status \"\(row["status"] as String)\".")
            }
            var run = Run(
                id: row["run_id"], experimentID: row["experiment_id"], name: row["name"], userID: row["user_id"],
                status: status,
                startMilliseconds: row["start_ms"], endMilliseconds: row["end_ms"], isDeleted: row["is_deleted"],
                artifactURI: row["artifact_uri"])
            run.params = params[number] ?? []
            run.metrics = metrics[number] ?? []
            run.tags = tags[number] ?? []
            run.links = links[number] ?? []
            found[number] = run
        }
        return rows.compactMap { found[$0] }
    }

    static func point(_ row: Row) -> MetricPoint {
        let isNaN: Bool = row["is_nan"]
        return MetricPoint(
            key: row["key"], value: isNaN ? .nan : row["value"], timestampMilliseconds: row["timestamp_ms"],
            step: row["step"],
            modelID: row["model_id"])
    }
}

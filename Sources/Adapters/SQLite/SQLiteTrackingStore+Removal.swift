// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB
package import GyreBase
package import GyreLedger
package import GyreTracking

extension SQLiteTrackingStore {
    package func deletedRuns(before milliseconds: Int64, limit: Int) async throws(GyreError) -> [Run] {
        try await database.read("Listing deleted runs") { db in
            let rows = try Int64.fetchAll(
                db,
                sql: "SELECT row FROM run WHERE is_deleted = 1 AND deleted_ms <= ? ORDER BY deleted_ms LIMIT ?",
                arguments: [milliseconds, limit])
            return try RunReader.runs(rows, in: db)
        }
    }

    package func deletedExperiments(before milliseconds: Int64) async throws(GyreError) -> [Experiment] {
        try await experiments(.deleted).filter { $0.updatedMilliseconds <= milliseconds }
    }

    package func remove(_ runs: [Run], recording facts: [Fact]) async throws(GyreError) {
        let now = database.now()
        let ids = JSONValue.strings(runs.map(\.id)).text
        var found: [RelativePath] = []
        for run in runs { if let folder = try ServedArtifacts.path(run.artifactURI) { found.append(folder) } }
        let folders = found
        try await database.write("Removing runs for good") { db, tail in
            let which = "SELECT row FROM run WHERE is_deleted = 1 AND run_id IN (SELECT value FROM json_each(?))"
            for table in ["metric", "latest_metric", "model_metric", "param", "run_tag", "run_link"] {
                try db.execute(sql: "DELETE FROM \(table) WHERE run IN (\(which))", arguments: [ids])
            }
            try db.execute(
                sql: "DELETE FROM run WHERE is_deleted = 1 AND run_id IN (SELECT value FROM json_each(?))",
                arguments: [ids])
            for folder in folders {
                try db.execute(
                    sql: "DELETE FROM artifact WHERE path >= ? AND path < ?", arguments: ["\(folder)/", "\(folder)0"])
            }
            for fact in facts { try LedgerSQL.append(fact, at: now, in: db, tail: &tail) }
        }
    }

    package func remove(_ experiment: Experiment, recording fact: Fact) async throws(GyreError) {
        let now = database.now()
        let folder = try ServedArtifacts.path(experiment.artifactLocation)
        try await database.write("Removing the experiment \(experiment.id) for good") { db, tail in
            let left = try Int.fetchOne(
                db, sql: "SELECT count(*) FROM run WHERE experiment_id = ?", arguments: [experiment.id])
            guard left == 0 else {
                throw GyreError(.conflict, "The experiment \(experiment.id) still has \(left ?? 0) runs.")
            }
            try db.execute(sql: "DELETE FROM experiment_tag WHERE experiment_id = ?", arguments: [experiment.id])
            for table in ["trace_tag", "trace_metadata", "span", "assessment"] {
                try db.execute(
                    sql: "DELETE FROM \(table) WHERE trace IN (SELECT row FROM trace WHERE experiment_id = ?)",
                    arguments: [experiment.id])
            }
            try db.execute(sql: "DELETE FROM trace WHERE experiment_id = ?", arguments: [experiment.id])
            try db.execute(
                sql: "DELETE FROM experiment WHERE experiment_id = ? AND is_deleted = 1", arguments: [experiment.id])
            if let folder {
                try db.execute(
                    sql: "DELETE FROM artifact WHERE path >= ? AND path < ?", arguments: ["\(folder)/", "\(folder)0"])
            }
            try LedgerSQL.append(fact, at: now, in: db, tail: &tail)
        }
    }

    package func artifactDigests() async throws(GyreError) -> Set<Digest> {
        try await database.read("Listing the blobs of artifacts") { db in
            var digests: Set<Digest> = []
            let rows = try Row.fetchCursor(db, sql: "SELECT DISTINCT digest FROM artifact")
            while let row = try rows.next() { digests.insert(try Digest(data: row[0])) }
            return digests
        }
    }
}

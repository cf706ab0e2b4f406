// SPDX-License-Identifier: Apache-2.0

internal import GRDB
package import GyreBase
package import GyreFeatures

/// The online store in SQLite.
package struct SQLiteOnlineStore: OnlineStore {
    private let database: SQLiteDatabase

    /// The online store in `database`.
    package init(_ database: SQLiteDatabase) { self.database = database }

    package func write(_ rows: [OnlineRow], view: String, generation: Int64) async throws(GyreError) {
        try await database.write("Writing the online rows of \"\(view)\"") { db, _ in
            let statement = try db.cachedStatement(
                sql:
                    "INSERT OR REPLACE INTO online_row (view, generation, entity, event_us, body) VALUES (?, ?, ?, ?, ?)"
            )
            for row in rows {
                try statement.execute(arguments: [view, generation, row.entity, row.eventMicroseconds, row.values.text])
            }
        }
    }

    package func prune(view: String, before generation: Int64) async throws(GyreError) {
        try await database.write("Removing old online rows of \"\(view)\"") { db, _ in
            try db.execute(
                sql: "DELETE FROM online_row WHERE view = ? AND generation < ?", arguments: [view, generation])
        }
    }

    package func read(view: String, generation: Int64, entity: String) async throws(GyreError) -> OnlineRow? {
        try await database.read("Reading online features") { db in
            let statement = try db.cachedStatement(
                sql: "SELECT event_us, body FROM online_row WHERE view = ? AND generation = ? AND entity = ?")
            return try Row.fetchOne(statement, arguments: [view, generation, entity]).map {
                OnlineRow(
                    entity: entity, eventMicroseconds: $0["event_us"],
                    values: try JSONValue(parsing: $0["body"] as String))
            }
        }
    }
}

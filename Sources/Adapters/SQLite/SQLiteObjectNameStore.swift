// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB
package import GyreBase
package import GyreLedger
package import GyreVersioning

/// The names of data remotes, in a table beside the ledger.
package struct SQLiteObjectNameStore: ObjectNameStore {
    private let database: SQLiteDatabase
    /// Listings that one fact names.
    private static let listingsOfFact = 100

    /// Names in `database`.
    package init(_ database: SQLiteDatabase) { self.database = database }

    static func register(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("0010-object-names") { db in
            try db.execute(
                sql: """
                    CREATE TABLE object_name (
                        remote      TEXT    NOT NULL,
                        name        BLOB    NOT NULL CHECK (length(name) = 17),
                        sha256      BLOB    NOT NULL CHECK (length(sha256) = 32),
                        size_bytes  INTEGER NOT NULL,
                        at_us       INTEGER NOT NULL,
                        actor       TEXT    NOT NULL,
                        is_recorded INTEGER NOT NULL,
                        PRIMARY KEY (remote, name)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX object_name_unrecorded ON object_name (remote, actor) WHERE NOT is_recorded;
                    """)
        }
    }

    package func add(_ objects: [NamedObject], to remote: String, by actor: String) async throws(GyreError) {
        let now = database.now()
        try await database.write("Keeping the names of objects") { db, _ in
            let statement = try db.makeStatement(
                sql: """
                    INSERT OR IGNORE INTO object_name (remote, name, sha256, size_bytes, at_us, actor, is_recorded)
                    VALUES (?, ?, ?, ?, ?, ?, 0)
                    """)
            for object in objects {
                try statement.execute(arguments: [
                    remote, Data(object.name.key), object.blob.digest.data, object.blob.sizeBytes, now, actor,
                ])
            }
        }
    }

    package func find(_ name: ObjectName, in remote: String) async throws(GyreError) -> StoredBlob? {
        try await find([name], in: remote)[name]
    }

    package func find(
        _ names: [ObjectName], in remote: String
    ) async throws(GyreError) -> [ObjectName: StoredBlob] {
        try await database.read("Looking for objects") { db in
            let statement = try db.makeStatement(
                sql: "SELECT sha256, size_bytes FROM object_name WHERE remote = ? AND name = ?")
            var found: [ObjectName: StoredBlob] = [:]
            for name in names {
                guard let row = try Row.fetchOne(statement, arguments: [remote, Data(name.key)]) else { continue }
                found[name] = StoredBlob(digest: try Digest(data: row["sha256"]), sizeBytes: row["size_bytes"])
            }
            return found
        }
    }

    package func names(
        in remote: String, after: ObjectName?, limit: Int
    ) async throws(GyreError) -> [NamedObject] {
        try await database.read("Listing objects") { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT name, sha256, size_bytes FROM object_name WHERE remote = ? AND name > ?
                    ORDER BY name LIMIT ?
                    """, arguments: [remote, Data(after?.key ?? []), limit])
            return try rows.compactMap { row in
                let key: Data = row["name"]
                guard let name = ObjectName(key: key) else { return nil }
                let blob = StoredBlob(digest: try Digest(data: row["sha256"]), sizeBytes: row["size_bytes"])
                return NamedObject(name: name, blob: blob)
            }
        }
    }

    package func record() async throws(GyreError) -> Bool {
        let isAnything = try await database.read("Looking for objects that came") { db in
            try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM object_name WHERE NOT is_recorded)") ?? false
        }
        guard isAnything else { return false }
        let now = database.now()
        return try await database.write("Recording objects that came") { db, tail in
            let groups = try Row.fetchAll(
                db,
                sql: """
                    SELECT remote, actor, count(*) AS objects, sum(size_bytes) AS bytes FROM object_name
                    WHERE NOT is_recorded GROUP BY remote, actor ORDER BY remote, actor
                    """)
            for group in groups {
                let (remote, actor): (String, String) = (group["remote"], group["actor"])
                var digest = DigestStream()
                var listings: [ObjectName] = []
                let names = try Data.fetchCursor(
                    db,
                    sql:
                        "SELECT name FROM object_name WHERE NOT is_recorded AND remote = ? AND actor = ? ORDER BY name",
                    arguments: [remote, actor])
                while let key = try names.next() {
                    digest.update([UInt8](key))
                    if let name = ObjectName(key: key), name.isFolder { listings.append(name) }
                }
                let fact = Fact(
                    "versioning.objects.pushed", Ref("remote", remote), by: actor,
                    outputs: listings.prefix(Self.listingsOfFact).map { Ref("folder", remote, $0.text) },
                    body: [
                        "objects": .int(group["objects"]), "size_bytes": .int(group["bytes"]),
                        "folders": .int(Int64(listings.count)), "names_sha256": .string(digest.finish().hex),
                    ])
                _ = try LedgerSQL.append(fact, at: now, in: db, tail: &tail)
                try db.execute(
                    sql: "UPDATE object_name SET is_recorded = 1 WHERE NOT is_recorded AND remote = ? AND actor = ?",
                    arguments: [remote, actor])
            }
            return !groups.isEmpty
        }
    }

    package func remove(_ names: [ObjectName], from remote: String, by actor: String) async throws(GyreError) {
        let now = database.now()
        try await database.write("Removing objects") { db, tail in
            var removed = 0
            for name in names {
                try db.execute(
                    sql: "DELETE FROM object_name WHERE remote = ? AND name = ?", arguments: [remote, Data(name.key)])
                removed += db.changesCount
            }
            guard removed > 0 else { return }
            let fact = Fact(
                "versioning.objects.removed", Ref("remote", remote), by: actor,
                body: ["objects": .int(Int64(removed)), "names": .strings(names.prefix(100).map(\.text))])
            _ = try LedgerSQL.append(fact, at: now, in: db, tail: &tail)
        }
    }

    package func digests() async throws(GyreError) -> Set<Digest> {
        try await database.read("Listing the blobs of objects") { db in
            var digests: Set<Digest> = []
            let rows = try Data.fetchCursor(db, sql: "SELECT DISTINCT sha256 FROM object_name")
            while let data = try rows.next() { digests.insert(try Digest(data: data)) }
            return digests
        }
    }
}

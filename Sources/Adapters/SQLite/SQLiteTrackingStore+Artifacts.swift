// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB
package import GyreBase
package import GyreLedger
package import GyreTracking

extension SQLiteTrackingStore {
    package func artifact(_ path: RelativePath) async throws(GyreError) -> StoredBlob? {
        try await database.read("Finding an artifact") { db in
            try Row.fetchOne(db, sql: "SELECT * FROM artifact WHERE path = ?", arguments: [path.description]).map(
                Self.blob)
        }
    }

    package func putArtifact(
        _ path: RelativePath, _ blob: StoredBlob, replacing: @escaping @Sendable (Digest) -> Fact
    ) async throws(GyreError) {
        let now = database.now()
        try await database.write("Storing the artifact \"\(path)\"") { db, tail in
            // A file cannot stand where a folder is, nor below a file.
            var folders: [String] = []
            for count in 1..<max(2, path.parts.count) {
                folders.append(path.parts.prefix(count).joined(separator: "/"))
            }
            let text = path.description
            for folder in folders where folder != text {
                if try Bool.fetchOne(db, sql: "SELECT 1 FROM artifact WHERE path = ?", arguments: [folder]) != nil {
                    throw GyreError(.invalid, "Invalid path: \"\(text)\".", why: "\"\(folder)\" is a file.")
                }
            }
            let below = try Bool.fetchOne(
                db, sql: "SELECT 1 FROM artifact WHERE path >= ? AND path < ?", arguments: ["\(text)/", "\(text)0"])
            if below != nil { throw GyreError(.invalid, "Invalid path: \"\(text)\".", why: "It is a folder.") }
            let old = try Row.fetchOne(db, sql: "SELECT * FROM artifact WHERE path = ?", arguments: [text])
                .map(Self.blob)
            if let old, old.digest != blob.digest {
                try LedgerSQL.append(replacing(old.digest), at: now, in: db, tail: &tail)
            }
            try db.execute(
                sql: "INSERT OR REPLACE INTO artifact (path, digest, size_bytes) VALUES (?, ?, ?)",
                arguments: [text, blob.digest.data, blob.sizeBytes])
        }
    }

    package func artifacts(below folder: RelativePath?) async throws(GyreError) -> [ArtifactFile] {
        try await database.read("Listing artifacts") { db in
            let rows: [Row]
            if let folder {
                rows = try Row.fetchAll(
                    db, sql: "SELECT * FROM artifact WHERE path >= ? AND path < ? ORDER BY path LIMIT ?",
                    arguments: ["\(folder)/", "\(folder)0", Limits.pageRows])
            } else {
                rows = try Row.fetchAll(
                    db, sql: "SELECT * FROM artifact ORDER BY path LIMIT ?", arguments: [Limits.pageRows])
            }
            return try rows.map { ArtifactFile(path: try RelativePath($0["path"]), blob: try Self.blob($0)) }
        }
    }

    package func deleteArtifacts(_ path: RelativePath, recording fact: Fact) async throws(GyreError) -> Bool {
        let now = database.now()
        return try await database.write("Deleting the artifact \"\(path)\"") { db, tail in
            try db.execute(
                sql: "DELETE FROM artifact WHERE path = ? OR (path >= ? AND path < ?)",
                arguments: [path.description, "\(path)/", "\(path)0"])
            let isGone = db.changesCount > 0
            if isGone { try LedgerSQL.append(fact, at: now, in: db, tail: &tail) }
            return isGone
        }
    }

    private static func blob(_ row: Row) throws -> StoredBlob {
        StoredBlob(digest: try Digest(data: row["digest"]), sizeBytes: row["size_bytes"])
    }
}

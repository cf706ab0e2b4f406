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

    package func putArtifact(_ path: RelativePath, _ blob: StoredBlob) async throws(GyreError) {
        try await database.write("Storing the artifact \"\(path)\"") { db, _ in
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

    package func deleteArtifacts(_ path: RelativePath) async throws(GyreError) -> Bool {
        try await database.write("Deleting the artifact \"\(path)\"") { db, _ in
            try db.execute(
                sql: "DELETE FROM artifact WHERE path = ? OR (path >= ? AND path < ?)",
                arguments: [path.description, "\(path)/", "\(path)0"])
            return db.changesCount > 0
        }
    }

    private static func blob(_ row: Row) throws -> StoredBlob {
        StoredBlob(digest: try Digest(data: row["digest"]), sizeBytes: row["size_bytes"])
    }
}

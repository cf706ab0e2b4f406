// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB
package import GyreBase
package import GyreDVC

/// What was hashed before, in a database of its own in the repository's folder.
package struct SQLiteFileMemory: FileMemory {
    private let database: DatabaseQueue

    /// Opens the memory at a path, and makes it where there is none.
    package init(path: String) throws(GyreError) {
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(10)
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
            }
            database = try DatabaseQueue(path: path, configuration: configuration)
            try database.write { database in
                try database.execute(
                    sql: """
                        CREATE TABLE IF NOT EXISTS output (
                            path TEXT NOT NULL PRIMARY KEY, id TEXT NOT NULL, fingerprint BLOB NOT NULL,
                            is_output INTEGER NOT NULL, files BLOB NOT NULL
                        ) STRICT
                        """)
            }
        } catch {
            throw GyreError.wrapping(error, "Opening \(path)")
        }
    }

    package func known(_ path: String) throws(GyreError) -> KnownFiles? {
        do {
            let row = try database.read { database in
                try Row.fetchOne(database, sql: "SELECT id, fingerprint FROM output WHERE path = ?", arguments: [path])
            }
            guard let row, let text: String = row["id"], let id = ObjectID(text), let words: Data = row["fingerprint"]
            else { return nil }
            return KnownFiles(id: id, fingerprint: Self.words([UInt8](words))) { [database] () throws(GyreError) in
                do {
                    let files = try database.read { database in
                        try Data.fetchOne(database, sql: "SELECT files FROM output WHERE path = ?", arguments: [path])
                    }
                    return files.flatMap { FileTable(stored: [UInt8]($0)) } ?? FileTable()
                } catch {
                    throw GyreError.wrapping(error, "Reading what is known of \(path)")
                }
            }
        } catch {
            throw GyreError.wrapping(error, "Reading what is known of \(path)")
        }
    }

    package func keep(
        _ path: String, _ id: ObjectID, _ table: FileTable, isOutput: Bool
    ) throws(GyreError) {
        let (fingerprint, files) = (table.fingerprint, table.stored)
        do {
            try database.write { database in
                try database.execute(
                    sql: """
                        INSERT INTO output (path, id, fingerprint, is_output, files) VALUES (?, ?, ?, ?, ?)
                        ON CONFLICT (path) DO UPDATE SET id = excluded.id, fingerprint = excluded.fingerprint,
                            files = excluded.files, is_output = is_output OR excluded.is_output
                        """,
                    arguments: [path, id.text, Data(Self.bytes(fingerprint)), isOutput, Data(files)])
            }
        } catch {
            throw GyreError.wrapping(error, "Keeping what is known of \(path)")
        }
    }

    package func markOutput(_ path: String) throws(GyreError) {
        do {
            try database.write {
                try $0.execute(
                    sql: "UPDATE output SET is_output = 1 WHERE path = ? AND NOT is_output", arguments: [path])
            }
        } catch {
            throw GyreError.wrapping(error, "Keeping what is known of \(path)")
        }
    }

    package func outputs() throws(GyreError) -> [String] {
        do {
            return try database.read { database in
                try String.fetchAll(database, sql: "SELECT path FROM output WHERE is_output ORDER BY path")
            }
        } catch {
            throw GyreError.wrapping(error, "Reading which outputs there were")
        }
    }

    package func forget(_ path: String) throws(GyreError) {
        do {
            try database.write { try $0.execute(sql: "DELETE FROM output WHERE path = ?", arguments: [path]) }
        } catch {
            throw GyreError.wrapping(error, "Forgetting \(path)")
        }
    }

    private static func bytes(_ words: [UInt64]) -> [UInt8] {
        words.flatMap { word in unsafe withUnsafeBytes(of: word.littleEndian) { unsafe Array($0) } }
    }

    private static func words(_ bytes: [UInt8]) -> [UInt64] {
        stride(from: 0, to: bytes.count - 7, by: 8).map { start in
            (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
        }
    }
}

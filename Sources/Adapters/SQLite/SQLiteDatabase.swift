// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB
package import GyreBase
internal import GyreSearch

/// The one database file of a home; the stores of all areas share it, its transactions and its writer.
///
/// WAL mode with `synchronous=FULL`: what is acknowledged is on disk.
package final class SQLiteDatabase: Sendable {
    let pool: DatabasePool
    let commits: GroupCommit
    let now: @Sendable () -> Int64

    /// Opens or makes the database at `path` and brings its schema up to date.
    /// - Throws: `.unsupported` if a newer Gyre wrote it; `.corrupt` if it is no database.
    ///
    /// `personal`: seals what facts say of people beside their names; nil leaves it as it is.
    package init(
        path: String, now: @escaping @Sendable () -> Int64, personal: PersonalData? = nil
    ) throws(GyreError) {
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(10)
            configuration.maximumReaderCount = 4
            configuration.prepareDatabase { db in
                try db.execute(sql: "PRAGMA synchronous = FULL")
                try db.execute(sql: "PRAGMA cache_size = -8000")
                try db.execute(sql: "PRAGMA mmap_size = 268435456")
                try db.execute(sql: "PRAGMA case_sensitive_like = ON")
                db.add(function: SQLiteDatabase.lowerLike)
                db.add(function: SQLiteDatabase.matchesExpression)
            }
            pool = try DatabasePool(path: path, configuration: configuration)
            try Migrations.run(on: pool, path: path)
            let tail = try pool.read { db in try LedgerSQL.tail(of: db) }
            commits = GroupCommit(pool: pool, tail: tail, personal: personal)
            self.now = now
        } catch let error as DatabaseError
            where error.resultCode == .SQLITE_NOTADB || error.resultCode == .SQLITE_CORRUPT
        {
            throw GyreError(
                .corrupt, "\(path) is not a readable database.", why: error.message,
                fix: "Restore the file from a backup, or start with another --home.")
        } catch {
            throw GyreError.wrapping(error, "Opening the database \(path)")
        }
    }

    /// Case-insensitive LIKE (`ILIKE` of the search language), as a function since LIKE itself minds the case here.
    private static let lowerLike = DatabaseFunction("lower_like", argumentCount: 2, pure: true) { values in
        guard let text = String.fromDatabaseValue(values[0]), let pattern = String.fromDatabaseValue(values[1]) else {
            return nil
        }
        return LikePattern(pattern.lowercased()).matches(text.lowercased())
    }

    /// `RLIKE` of the search language.
    private static let matchesExpression = DatabaseFunction("matches_expression", argumentCount: 2, pure: true) {
        values in
        guard let text = String.fromDatabaseValue(values[0]), let pattern = String.fromDatabaseValue(values[1]) else {
            return nil
        }
        return RegularExpression.matches(text, pattern)
    }

    /// Reads on a snapshot that no writer disturbs.
    func read<Result: Sendable>(
        _ doing: String, _ body: @escaping @Sendable (Database) throws -> Result
    ) async throws(GyreError) -> Result {
        do { return try await pool.read(body) } catch { throw SQLiteDatabase.translate(error, doing) }
    }

    /// Writes in the next shared transaction.
    func write<Result: Sendable>(
        _ doing: String, _ body: @escaping @Sendable (Database, inout ChainTail) throws -> Result
    ) async throws(GyreError) -> Result {
        do { return try await commits.write(body) } catch { throw SQLiteDatabase.translate(error, doing) }
    }

    /// Writes what the database holds now into a new file; writers are not disturbed.
    package func copy(to path: String) throws(GyreError) {
        let unfinished = path + ".unfinished"
        do {
            if FileManager.default.fileExists(atPath: unfinished) {
                try FileManager.default.removeItem(atPath: unfinished)
            }
            let target = try DatabaseQueue(path: unfinished)
            try pool.backup(to: target)
            try target.close()
            try FileManager.default.moveItem(atPath: unfinished, toPath: path)
        } catch {
            throw SQLiteDatabase.translate(error, "Copying the database")
        }
    }

    /// Folds the write-ahead log into the file; for a graceful stop.
    package func close() throws(GyreError) {
        do {
            try pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
            try pool.close()
        } catch {
            throw GyreError.wrapping(error, "Closing the database")
        }
    }

    private static func translate(_ error: any Error, _ doing: String) -> GyreError {
        guard let failure = error as? DatabaseError else { return GyreError.wrapping(error, doing) }
        switch failure.resultCode {
        case .SQLITE_FULL:
            return GyreError(
                .unavailable, "\(doing) failed: the disk is full.", why: failure.message,
                fix: "Free space on the disk of the home folder; nothing was half written.")
        case .SQLITE_CONSTRAINT:
            return GyreError(.conflict, "\(doing) failed: it breaks a rule of the store.", why: failure.message)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            return GyreError(
                .corrupt, "\(doing) failed: the database is damaged.", why: failure.message, fix: "gyre ledger verify")
        default: return GyreError(.unavailable, "\(doing) failed.", why: failure.message)
        }
    }
}

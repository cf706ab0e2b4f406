// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GRDBSQLite
internal import GyreBase

/// A prepared statement whose values are bound and read where they lie, without a box for each.
///
/// For the statements that run a thousand times in one call; everything else uses GRDB as it is. The statement belongs to the
/// connection's cache, so it must not outlive the block it was made in.
struct BoundStatement {
    private let statement: Statement
    private var handle: OpaquePointer { unsafe statement.sqliteStatement }

    /// The statement of this connection for `sql`.
    init(_ sql: String, in db: Database) throws {
        statement = try db.cachedStatement(sql: sql)
        unsafe sqlite3_reset(handle)
    }

    /// Binds a whole number; places count from 1.
    func bind(_ number: Int64, at place: Int32) { unsafe sqlite3_bind_int64(handle, place, number) }

    /// Binds a number.
    func bind(_ number: Double, at place: Int32) { unsafe sqlite3_bind_double(handle, place, number) }

    /// Binds a truth as 0 or 1.
    func bind(_ flag: Bool, at place: Int32) { unsafe sqlite3_bind_int64(handle, place, flag ? 1 : 0) }

    /// Binds a text, or NULL.
    func bind(_ text: String?, at place: Int32) {
        guard var text else {
            unsafe sqlite3_bind_null(handle, place)
            return
        }
        // The destructor -1 tells SQLite to copy the bytes before the call returns.
        let copied = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        text.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
                guard let start = characters.baseAddress else { return }
                _ = unsafe sqlite3_bind_text(handle, place, start, Int32(bytes.count), copied)
            }
        }
    }

    /// Binds bytes.
    func bind(_ bytes: [UInt8], at place: Int32) {
        let copied = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        unsafe bytes.withUnsafeBytes { buffer in
            _ = unsafe sqlite3_bind_blob(handle, place, buffer.baseAddress, Int32(buffer.count), copied)
        }
    }

    /// Moves to the next row; false after the last.
    func step() throws -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let message = unsafe sqlite3_db_handle(handle).flatMap { unsafe sqlite3_errmsg($0) }
            let text = unsafe message.map { unsafe String(cString: $0) }
            unsafe sqlite3_reset(handle)
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: text)
        }
    }

    /// Runs to the end and makes ready for the next values.
    func run() throws {
        while try step() {}
        unsafe sqlite3_reset(handle)
    }

    /// Makes ready for the next values.
    func reset() { unsafe sqlite3_reset(handle) }

    /// A whole number of the row; columns count from 0.
    func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

    /// A number of the row.
    func double(_ column: Int32) -> Double { unsafe sqlite3_column_double(handle, column) }

    /// Whether the row has nothing in this column.
    func isNull(_ column: Int32) -> Bool { unsafe sqlite3_column_type(handle, column) == SQLITE_NULL }

    /// A text of the row; empty for NULL.
    func text(_ column: Int32) -> String {
        guard let bytes = unsafe sqlite3_column_text(handle, column) else { return "" }
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        return unsafe String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// A text of the row, nil for NULL.
    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }
}

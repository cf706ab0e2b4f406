// SPDX-License-Identifier: Apache-2.0

internal import CAllocator
internal import CDuckDB
internal import Foundation
package import GyreBase
package import GyreNativeLibraries
package import GyreTables
internal import NIOPosix
internal import Synchronization

/// SQL over files through DuckDB; each session is a database in memory of its own.
package final class DuckDBEngine: TableEngine, TableScripts {
    private let search: NativeLibrary.Search
    private let memoryLimitBytes: Int64
    private let loaded = Mutex<DuckDBLibrary?>(nil)

    /// An engine that looks for its library when it is first needed.
    package init(search: NativeLibrary.Search, memoryLimitBytes: Int64 = 4 << 30) {
        self.search = search
        self.memoryLimitBytes = memoryLimitBytes
    }

    /// The library's own version, for `gyre doctor`.
    package func version() throws(GyreError) -> String { try library().version }

    package func open() async throws(GyreError) -> any TableSession {
        let library = try library()
        do {
            let session = try await NIOThreadPool.singleton.runIfActive { try DuckDBSession(library) }
            try await session.run("SET memory_limit = '\(memoryLimitBytes >> 20)MiB'")
            try await session.run("SET TimeZone = 'UTC'")
            // What a query took goes back to the system when it ends.
            try await session.run("SET allocator_flush_threshold = '1MiB'")
            try await session.run("SET allocator_bulk_deallocation_flush_threshold = '1MiB'")
            return session
        } catch {
            throw GyreError.wrapping(error, "Opening DuckDB")
        }
    }

    private func library() throws(GyreError) -> DuckDBLibrary {
        if let library = loaded.withLock({ $0 }) { return library }
        let library = try DuckDBLibrary(try NativeLibrary.duckDB(search))
        loaded.withLock { $0 = library }
        return library
    }
}

/// The opened library; stays open for the life of the process.
@safe struct DuckDBLibrary: @unchecked Sendable {
    // SAFETY: a table of function pointers that is never changed after loading.
    let pointer: OpaquePointer

    init(_ location: NativeLibrary) throws(GyreError) {
        let (result, message) = unsafe withErrorText { buffer, size in
            unsafe gyre_duckdb_load(location.path, location.companion, buffer, size)
        }
        guard let result = unsafe result else {
            throw GyreError(
                .unavailable, "DuckDB at \(location.path) could not be loaded.", why: message, fix: "gyre doctor")
        }
        unsafe pointer = result
    }

    var version: String { unsafe String(cString: gyre_duckdb_version(pointer)) }
}

/// One connection; statements run one after another on a thread of the blocking pool.
@safe final class DuckDBSession: TableSession, @unchecked Sendable {
    // SAFETY: the connection is used under `lock` only; a scan opens another one to the same database, which is any thread's to do.
    let pointer: OpaquePointer
    private let library: DuckDBLibrary
    let lock = Mutex(())

    init(_ library: DuckDBLibrary) throws(GyreError) {
        self.library = library
        let (result, message) = unsafe withErrorText { buffer, size in
            unsafe gyre_duckdb_open(library.pointer, buffer, size)
        }
        guard let result = unsafe result else {
            throw GyreError(.unavailable, "DuckDB could not be opened.", why: message)
        }
        unsafe pointer = result
    }

    deinit {
        // Freeing a large table takes time that no request should wait for.
        let address = unsafe UInt(bitPattern: pointer)
        let library = library
        Background.detach {
            unsafe gyre_duckdb_close(OpaquePointer(bitPattern: address))
            Self.rest(library)
        }
    }

    /// Whether memory is about to be given back.
    private static let isAboutToRest = Atomic(false)
    /// Microseconds for which the memory stays, since one question is often followed by another.
    private static let restAfter: Int64 = 5_000_000

    /// Gives back to the system what the allocator keeps and what the library takes, once for all sessions that end meanwhile.
    private static func rest(_ library: DuckDBLibrary) {
        guard !isAboutToRest.exchange(true, ordering: .relaxed) else { return }
        Background.detach(after: restAfter) {
            isAboutToRest.store(false, ordering: .relaxed)
            gyre_trim_memory()
            unsafe gyre_duckdb_rest(library.pointer)
        }
    }

    @discardableResult
    func run(_ sql: String, _ values: [JSONValue]) async throws(GyreError) -> TableResult {
        do {
            return try await withTaskCancellationHandler {
                try await NIOThreadPool.singleton.runIfActive {
                    try self.lock.withLock { _ in try self.execute(sql, values) }
                }
            } onCancel: {
                unsafe gyre_duckdb_interrupt(pointer)
            }
        } catch {
            throw GyreError.wrapping(error, "Asking DuckDB")
        }
    }

    private func execute(_ sql: String, _ values: [JSONValue]) throws(GyreError) -> TableResult {
        var texts: [[CChar]] = []
        for value in values { if case .string(let text) = value { texts.append(Array(text.utf8CString)) } }
        let flat = unsafe texts.map { text in
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.count)
            unsafe copy.initialize(from: text, count: text.count)
            return unsafe copy
        }
        defer { for index in unsafe flat.indices { unsafe flat[index].deallocate() } }
        var next = 0
        let bound = unsafe values.map { value in
            var result = unsafe gyre_duckdb_value()
            switch value {
            case .bool(let flag): unsafe (result.kind, result.integer) = (gyre_duckdb_bool, flag ? 1 : 0)
            case .int(let number): unsafe (result.kind, result.integer) = (gyre_duckdb_int, number)
            case .double(let number): unsafe (result.kind, result.number) = (gyre_duckdb_double, number)
            case .string:
                unsafe (result.kind, result.text, result.length) = (
                    gyre_duckdb_text, UnsafePointer(flat[next]), texts[next].count - 1
                )
                next += 1
            case .null, .array, .object: unsafe result.kind = gyre_duckdb_null
            }
            return unsafe result
        }
        let (result, message) = unsafe withErrorText { buffer, size in
            unsafe gyre_duckdb_run(pointer, sql, bound, bound.count, buffer, size)
        }
        guard let result = unsafe result else {
            throw GyreError(.invalid, "The data could not be read or asked.", why: Self.firstLines(of: message))
        }
        defer { unsafe gyre_duckdb_result_free(result) }
        return try unsafe Self.rows(of: result)
    }

    private static func rows(of result: OpaquePointer) throws(GyreError) -> TableResult {
        let count = unsafe gyre_duckdb_columns(result)
        let columns = (0..<count).map { unsafe String(cString: gyre_duckdb_column_name(result, $0)) }
        var rows: [[JSONValue]] = []
        while unsafe gyre_duckdb_next(result) {
            var row: [JSONValue] = []
            row.reserveCapacity(count)
            for column in 0..<count {
                var isSupported = true
                let value = unsafe gyre_duckdb_get(result, column, &isSupported)
                guard isSupported else {
                    throw GyreError(
                        .unsupported, "The column \"\(columns[column])\" has a type that is not read.",
                        fix: "Cast it to VARCHAR, BIGINT, DOUBLE or BOOLEAN in the query.")
                }
                row.append(unsafe Self.json(value))
            }
            rows.append(row)
        }
        return TableResult(columns: columns, rows: rows)
    }

    private static func json(_ value: gyre_duckdb_value) -> JSONValue {
        switch unsafe value.kind {
        case gyre_duckdb_bool: return .bool(unsafe value.integer != 0)
        case gyre_duckdb_int: return .int(unsafe value.integer)
        case gyre_duckdb_double: return .double(unsafe value.number)
        case gyre_duckdb_text:
            let bytes = unsafe UnsafeRawBufferPointer(start: value.text, count: value.length)
            return .string(unsafe String(decoding: bytes, as: UTF8.self))
        default: return .null
        }
    }

    static func firstLines(of message: String) -> String {
        message.split(separator: "\n", omittingEmptySubsequences: true).prefix(4).joined(separator: " ")
    }
}

/// Calls a C function that writes its error as text.
func withErrorText<Result>(_ body: (UnsafeMutablePointer<CChar>, Int) -> Result) -> (Result, String) {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 2048) { buffer in
        unsafe buffer.initialize(repeating: 0)
        guard let start = buffer.baseAddress else {
            preconditionFailure("a temporary buffer of 2048 bytes has an address")
        }
        let result = unsafe body(start, buffer.count)
        return unsafe (result, String(cString: start))
    }
}

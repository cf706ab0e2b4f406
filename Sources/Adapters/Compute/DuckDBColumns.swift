// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB
internal import GyreBase
internal import GyreTables
internal import NIOPosix
internal import Synchronization

/// Rows in and out as columns, without a value of JSON for each cell.
extension DuckDBSession {
    func scan(_ sql: String, rows: Int) async throws(GyreError) -> any TableScan {
        do {
            return try await NIOThreadPool.singleton.runIfActive { try DuckDBScan(self, sql, rows: rows) }
        } catch {
            throw GyreError.wrapping(error, "Asking DuckDB")
        }
    }

    func append(_ columns: [TableColumn], to table: String) async throws(GyreError) {
        do {
            try await NIOThreadPool.singleton.runIfActive {
                try self.lock.withLock { _ in try self.add(columns, to: table) }
            }
        } catch {
            throw GyreError.wrapping(error, "Asking DuckDB")
        }
    }

    private func add(_ columns: [TableColumn], to table: String) throws(GyreError) {
        guard let first = columns.first else { return }
        let rows = first.count / (first.width ?? 1)
        let flat = columns.map(FlatColumn.init)
        let (isDone, message) = unsafe Self.withBuffers(flat[...], []) { buffers in
            unsafe withErrorText { buffer, size in
                unsafe gyre_duckdb_append(pointer, table, buffers, buffers.count, rows, buffer, size)
            }
        }
        guard isDone else {
            throw GyreError(
                .invalid, "Rows could not be added to the table \"\(table)\".", why: Self.firstLines(of: message))
        }
    }

    /// Hands all columns to `body`, each where it lies in memory.
    private static func withBuffers<Result>(
        _ rest: ArraySlice<FlatColumn>, _ done: [gyre_duckdb_column], _ body: ([gyre_duckdb_column]) -> Result
    ) -> Result {
        guard let column = rest.first else { return unsafe body(done) }
        return unsafe column.bytes.withUnsafeBytes { bytes in
            unsafe column.ends.withUnsafeBufferPointer { ends in
                let own = unsafe gyre_duckdb_column(
                    kind: column.kind, width: column.width, values: bytes.baseAddress, ends: ends.baseAddress)
                return unsafe withBuffers(rest.dropFirst(), done + [own], body)
            }
        }
    }
}

/// A column as the engine takes it.
private struct FlatColumn {
    let kind: gyre_duckdb_kind
    let width: Int
    var bytes: [UInt8]
    var ends: [UInt64] = []

    init(_ column: TableColumn) {
        width = column.width ?? 0
        switch column.values {
        case .numbers(let numbers):
            kind = gyre_duckdb_double
            bytes = unsafe numbers.withUnsafeBytes { unsafe Array($0) }
        case .integers(let numbers, _):
            kind = gyre_duckdb_int
            bytes = unsafe numbers.withUnsafeBytes { unsafe Array($0) }
        case .truths(let truths, _):
            kind = gyre_duckdb_bool
            bytes = truths.map { $0 == 0 ? 0 : 1 }
        case .texts(let texts):
            kind = gyre_duckdb_text
            bytes = []
            for text in texts {
                bytes += text ?? []
                ends.append(UInt64(bytes.count))
            }
        }
    }
}

/// A query whose rows come a part after the other.
@safe private final class DuckDBScan: TableScan, @unchecked Sendable {
    // SAFETY: the scan is used under `lock` only.
    private let pointer: OpaquePointer
    /// The database lives as long as its session.
    private let session: DuckDBSession
    private let rows: Int
    private let columns: [(name: String, kind: gyre_duckdb_kind)]
    private let lock = Mutex(())

    init(_ session: DuckDBSession, _ sql: String, rows: Int) throws(GyreError) {
        let (result, message) = unsafe withErrorText { buffer, size in
            unsafe gyre_duckdb_scan_open(session.pointer, sql, buffer, size)
        }
        guard let result = unsafe result else {
            throw GyreError(
                .invalid, "The data could not be read or asked.", why: DuckDBSession.firstLines(of: message))
        }
        unsafe pointer = result
        self.session = session
        self.rows = rows
        columns = unsafe (0..<gyre_duckdb_scan_columns(result)).map { column in
            unsafe (
                String(cString: gyre_duckdb_scan_column_name(result, column)), gyre_duckdb_scan_kind(result, column)
            )
        }
        if let other = columns.first(where: { $0.kind == gyre_duckdb_null }) {
            throw GyreError(
                .unsupported, "The column \"\(other.name)\" has a type that is not read.",
                fix: "Cast it to VARCHAR, BIGINT, DOUBLE or BOOLEAN in the query.")
        }
    }

    deinit { unsafe gyre_duckdb_scan_free(pointer) }

    func next() async throws(GyreError) -> [TableColumn]? {
        do {
            return try await NIOThreadPool.singleton.runIfActive {
                try self.lock.withLock { _ in try self.gather() }
            }
        } catch {
            throw GyreError.wrapping(error, "Asking DuckDB")
        }
    }

    /// Reads parts until there are rows enough.
    private func gather() throws(GyreError) -> [TableColumn]? {
        var gathered: [GatheredColumn] = columns.map { GatheredColumn(kind: $0.kind) }
        var count = 0
        while count < rows {
            let (part, message) = unsafe withErrorText { buffer, size in
                unsafe gyre_duckdb_scan_next(pointer, buffer, size)
            }
            guard part >= 0 else {
                throw GyreError(
                    .invalid, "The data could not be read or asked.", why: DuckDBSession.firstLines(of: message))
            }
            if part == 0 { break }
            for index in gathered.indices { unsafe gathered[index].take(pointer, index, Int(part)) }
            count += Int(part)
        }
        guard count > 0 else { return nil }
        return zip(columns, gathered).map { TableColumn(name: $0.name, values: $1.values) }
    }
}

/// A column as its parts come in.
private struct GatheredColumn {
    let kind: gyre_duckdb_kind
    private var numbers: [Double] = []
    private var integers: [Int64] = []
    private var missing: [Bool]?
    private var texts: [[UInt8]?] = []

    init(kind: gyre_duckdb_kind) { self.kind = kind }

    var values: TableColumn.Values {
        switch kind {
        case gyre_duckdb_double: .numbers(numbers)
        case gyre_duckdb_int: .integers(integers, missing: missing)
        case gyre_duckdb_bool: .truths(integers, missing: missing)
        default: .texts(texts)
        }
    }

    /// Adds the values of the part that was read last.
    mutating func take(_ scan: OpaquePointer, _ column: Int, _ count: Int) {
        switch kind {
        case gyre_duckdb_double:
            numbers += unsafe [Double](unsafeUninitializedCapacity: count) { buffer, filled in
                _ = unsafe gyre_duckdb_scan_numbers(scan, column, buffer.baseAddress)
                filled = count
            }
        case gyre_duckdb_int, gyre_duckdb_bool:
            var flags = [UInt8](repeating: 0, count: count)
            var isAnyMissing = false
            let before = integers.count
            integers += unsafe [Int64](unsafeUninitializedCapacity: count) { buffer, filled in
                isAnyMissing = unsafe gyre_duckdb_scan_integers(scan, column, buffer.baseAddress, &flags)
                filled = count
            }
            if isAnyMissing, missing == nil { missing = Array(repeating: false, count: before) }
            missing?.append(contentsOf: flags.map { $0 != 0 })
        default:
            for row in 0..<count {
                var length = 0
                let start = unsafe gyre_duckdb_scan_text(scan, column, row, &length)
                unsafe texts.append(start.map { unsafe Array(UnsafeRawBufferPointer(start: $0, count: length)) })
            }
        }
    }
}

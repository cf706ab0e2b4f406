// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Runs SQL over columns in files: checks, joins, drift and diffs are questions to it.
///
/// The dialect is DuckDB's. Values are always bound (`?`), names are quoted with `SQL.name`.
package protocol TableEngine: Sendable {
    /// Opens a workspace with its own temporary tables; closed when the last reference goes.
    func open() async throws(GyreError) -> any TableSession
}

/// One workspace of a table engine.
package protocol TableSession: Sendable {
    /// Runs one statement.
    /// - Throws: `.invalid` with the engine's own message where the statement or a file cannot be read.
    @discardableResult
    func run(_ sql: String, _ values: [JSONValue]) async throws(GyreError) -> TableResult
    /// Reads the rows of a query without holding all of them, about `rows` at a time.
    ///
    /// It sees tables of the workspace but temporary ones, and others may be written meanwhile.
    /// - Throws: `.invalid` as `run`; `.unsupported` for a column of another type than truths, numbers and texts.
    func scan(_ sql: String, rows: Int) async throws(GyreError) -> any TableScan
    /// Adds rows to a table that has columns of these kinds in this order; no value is missing but numbers that are NaN.
    func append(_ columns: [TableColumn], to table: String) async throws(GyreError)
}

extension TableSession {
    /// Runs one statement without values.
    @discardableResult
    package func run(_ sql: String) async throws(GyreError) -> TableResult { try await run(sql, []) }
}

/// Rows that a statement gave.
package struct TableResult: Sendable, Hashable {
    /// Column names in order.
    package let columns: [String]
    /// Rows in order; numbers, texts, booleans and nulls as JSON, times and other types as text.
    package let rows: [[JSONValue]]

    /// A result.
    package init(columns: [String], rows: [[JSONValue]]) {
        self.columns = columns
        self.rows = rows
    }

    /// The first value of the first row.
    package var scalar: JSONValue? { rows.first?.first }

    /// The rows as objects.
    package var objects: [JSONValue] {
        rows.map { row in
            var object = JSONObject()
            for (column, value) in zip(columns, row) { object[column] = value }
            return .object(object)
        }
    }
}

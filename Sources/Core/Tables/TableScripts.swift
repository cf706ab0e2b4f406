// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Runs several statements one after another in a workspace of their own.
package protocol TableScripts: Sendable {
    /// Runs `statements` in order.
    /// - Returns: what the last one gave; no columns and no rows where there are no statements.
    /// - Throws: `.invalid` with the engine's own message where a statement or a file cannot be read; `.unavailable` where the engine
    ///   cannot be started.
    func run(_ statements: [String]) async throws(GyreError) -> TableResult
}

extension TableScripts where Self: TableEngine {
    package func run(_ statements: [String]) async throws(GyreError) -> TableResult {
        let session = try await open()
        var result = TableResult(columns: [], rows: [])
        for statement in statements { result = try await session.run(statement) }
        return result
    }
}

extension TableResult {
    /// As JSON: `{"columns": […], "rows": [[…]]}`.
    package var json: JSONValue {
        ["columns": .strings(columns), "rows": .array(rows.map(JSONValue.array))]
    }

    /// Reads what `json` gives.
    /// - Throws: `.corrupt` for any other value.
    package init(json: JSONValue) throws(GyreError) {
        guard let columns = json["columns"]?.array?.compactMap(\.string), let rows = json["rows"]?.array else {
            throw GyreError(.corrupt, "This is no result of a table engine.")
        }
        self.init(columns: columns, rows: rows.compactMap(\.array))
    }
}

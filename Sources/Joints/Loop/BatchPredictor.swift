// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreDelivery
package import GyreLedger
package import GyreRegistry
package import GyreServing
package import GyreTables
package import GyreVersioning

/// Asks a model version for every row of a dataset version; what it says is a dataset version with both behind it.
///
/// Nothing of it is kept before all rows are answered, so a run that breaks off is simply made again.
package struct BatchPredictor: Sendable {
    private let blobs: any BlobStore
    private let tables: any TableEngine
    private let versioning: Versioning
    private let files: ModelFiles
    private let host: ModelHost

    /// Rows that a model is asked for at once.
    private static let chunkRows: Int64 = 8192
    /// Chunks that are answered at the same time.
    private static let chunksAtOnce = 4

    /// Over these services.
    package init(
        blobs: any BlobStore, tables: any TableEngine, versioning: Versioning,
        files: ModelFiles, host: ModelHost
    ) {
        self.blobs = blobs
        self.tables = tables
        self.versioning = versioning
        self.files = files
        self.host = host
    }

    /// What is asked for.
    package struct Request: Sendable {
        /// The version that is asked.
        package let model: ModelVersion
        /// The rows.
        package let input: DatasetVersion
        /// The dataset that the predictions become a version of.
        package var dataset: String
        /// What they are written as.
        package var format = Format.parquet

        /// The predictions of a model for a dataset, as Parquet.
        package init(model: ModelVersion, input: DatasetVersion) {
            self.model = model
            self.input = input
            dataset = "\(input.name)-predictions"
        }
    }

    /// A format of files of rows.
    package enum Format: String, Sendable, Hashable, CaseIterable {
        case parquet
        case csv
    }

    /// What came of it.
    package struct Outcome: Sendable {
        /// The rows with what the model said of them.
        package let version: DatasetVersion
        /// How many.
        package let rows: Int64
    }

    /// Predicts.
    /// - Throws: `.invalid` where the rows do not fit the model, naming what does not.
    package func predict(_ request: Request, by actor: String) async throws(GyreError) -> Outcome {
        let name = try Name(request.dataset, of: "dataset")
        let reader = try TableFile.reader(try await blobs.tableFiles(of: request.input.tree))
        let session = try await tables.open()
        try await session.run(
            "CREATE TEMP TABLE gyre_rows AS SELECT (row_number() OVER ()) - 1 AS gyre_row, * FROM \(reader)")
        guard let count = try await session.run("SELECT count(*) FROM gyre_rows").scalar?.int, count > 0 else {
            throw GyreError(.invalid, "\(request.input.ref) has no rows.")
        }
        let title = "\(request.model.name) (batch)"
        let source = try await files.source(try await files.servable(request.model))
        let hosted = try await host.load(title, request.model.number, source)
        defer { host.unload(title, request.model.number) }
        try await answer(count, session, hosted)
        let path = blobs.makeTemporaryPath()
        let options = request.format == .parquet ? "FORMAT parquet, COMPRESSION zstd" : "FORMAT csv, HEADER"
        try await session.run(
            """
            COPY (SELECT r.* EXCLUDE (gyre_row), p.* EXCLUDE (gyre_row) FROM gyre_rows r JOIN gyre_predictions p USING (gyre_row)
            ORDER BY r.gyre_row) TO \(SQL.text(path)) (\(options))
            """)
        let blob = try await blobs.adopt(temporaryPath: path)
        let tree = try Tree([Tree.Entry(path: try RelativePath("\(name).\(request.format.rawValue)"), blob: blob)])
        let added = try await versioning.add(
            name, tree, message: "\(count) rows predicted by \(request.model.ref)",
            madeFrom: [request.input.ref, request.model.ref], by: actor)
        return Outcome(version: added.version, rows: count)
    }

    /// Fills a table with what the model says of each row, by its number.
    private func answer(
        _ count: Int64, _ session: any TableSession, _ hosted: HostedModel
    ) async throws(GyreError) {
        let read = try await readable(session)
        var next: Int64 = 0
        var columns: [Column] = []
        while next < count {
            var chunks: [(start: Int64, rows: TableRows)] = []
            while chunks.count < Self.chunksAtOnce, next < count {
                let found = try await session.run(
                    "SELECT \(read) FROM gyre_rows WHERE gyre_row >= ? AND gyre_row < ? ORDER BY gyre_row",
                    [.int(next), .int(next + Self.chunkRows)])
                chunks.append((next, TableRows(columns: found.columns, rows: found.rows)))
                next += Self.chunkRows
            }
            for (start, outputs) in try await answers(chunks, hosted) {
                if columns.isEmpty {
                    let taken = Set(chunks[0].rows.columns)
                    columns = outputs.map { Column($0, besides: taken) }
                    let definitions = columns.map { "\(SQL.name($0.name)) \($0.type)" }
                    try await session.run(
                        "CREATE TEMP TABLE gyre_predictions (gyre_row BIGINT, \(definitions.joined(separator: ", ")))")
                }
                try await keep(start, outputs, columns, session)
            }
        }
    }

    /// The columns as a client would send them: numbers, truths and texts as they are, times as texts, and what is put together as JSON.
    private func readable(_ session: any TableSession) async throws(GyreError) -> String {
        let plain = [
            "VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER",
            "FLOAT", "DOUBLE",
        ]
        let found = try await session.run("SELECT column_name, column_type FROM (DESCRIBE gyre_rows)").rows
        return found.compactMap { row -> String? in
            guard let name = row[0].string, name != "gyre_row", let type = row[1].string else { return nil }
            let column = SQL.name(name)
            if plain.contains(type) { return column }
            if type.hasPrefix("DECIMAL") || type == "UBIGINT" || type == "HUGEINT" {
                return "CAST(\(column) AS DOUBLE) AS \(column)"
            }
            let isNested = type.hasSuffix("]") || type.hasPrefix("STRUCT") || type.hasPrefix("MAP")
            return isNested
                ? "CAST(to_json(\(column)) AS VARCHAR) AS \(column)" : "CAST(\(column) AS VARCHAR) AS \(column)"
        }.joined(separator: ", ")
    }

    /// The outputs for chunks, in their order.
    private func answers(
        _ chunks: [(start: Int64, rows: TableRows)], _ hosted: HostedModel
    ) async throws(GyreError) -> [(start: Int64, outputs: [NamedTensor])] {
        do {
            return try await withThrowingTaskGroup(of: (Int64, [NamedTensor]).self) { group in
                for chunk in chunks {
                    group.addTask {
                        let outputs = try await hosted.answer(.document(chunk.rows)).outputs
                        guard !outputs.isEmpty, outputs.allSatisfy({ $0.tensor.rows == chunk.rows.count }) else {
                            throw GyreError(
                                .invalid, "The model \"\(hosted.name)\" does not answer row by row.",
                                why: "It was asked for \(chunk.rows.count) rows.")
                        }
                        return (chunk.start, outputs)
                    }
                }
                var found: [(start: Int64, outputs: [NamedTensor])] = []
                for try await (start, outputs) in group { found.append((start, outputs)) }
                return found.sorted { $0.start < $1.start }
            }
        } catch {
            throw GyreError.wrapping(error, "Predicting")
        }
    }

    /// Adds the answers to rows from `start` on.
    private func keep(
        _ start: Int64, _ outputs: [NamedTensor], _ columns: [Column], _ session: any TableSession
    ) async throws(GyreError) {
        var writer = JSONWriter(notFinite: .null)
        writer.raw("[")
        for row in 0..<(outputs.first?.tensor.rows ?? 0) {
            if row > 0 { writer.raw(",") }
            writer.raw("[")
            writer.integer(start + Int64(row))
            for output in outputs {
                writer.raw(",")
                try output.write(row: row, to: &writer)
            }
            writer.raw("]")
        }
        writer.raw("]")
        let picked = columns.enumerated().map { place, column in
            column.type == "VARCHAR" ? "v->>\(place + 1)" : "CAST(v->\(place + 1) AS \(column.type))"
        }
        try await session.run(
            """
            INSERT INTO gyre_predictions SELECT CAST(v->0 AS BIGINT), \(picked.joined(separator: ", "))
            FROM (SELECT unnest(from_json(?, '["JSON"]')) AS v)
            """, [.string(String(decoding: writer.bytes, as: UTF8.self))])
    }

    /// A column of the predictions.
    private struct Column: Sendable {
        let name: String
        let type: String

        init(_ output: NamedTensor, besides taken: Set<String>) {
            name = taken.contains(output.name) ? "predicted_\(output.name)" : output.name
            let element =
                switch output.tensor.datatype {
                case .bool: "BOOLEAN"
                case .fp16, .fp32, .fp64: "DOUBLE"
                case .bytes: "VARCHAR"
                default: "BIGINT"
                }
            let isList = output.tensor.shape.count > 1
            type = isList ? "\(element)\(String(repeating: "[]", count: output.tensor.shape.count - 1))" : element
        }
    }
}

/// Rows of a table, as a model takes them from a client.
private final class TableRows: RequestDocument {
    let kind = DocumentKind.scoring
    let contentType = "application/json"
    let columns: [String]
    private let rows: [[JSONValue]]

    init(columns: [String], rows: [[JSONValue]]) {
        self.columns = columns
        self.rows = rows
    }

    var count: Int { rows.count }

    var bytes: [UInt8] {
        JSONValue.object(
            JSONObject([
                (
                    "dataframe_split",
                    .object(
                        JSONObject([("columns", .strings(columns)), ("data", .array(rows.map { .array($0) }))]))
                )
            ])
        ).bytes
    }

    func tensors(for form: InputForm) throws(GyreError) -> [NamedTensor] {
        try RowInputs(form, takesNull: true).table(columns: columns, rows: rows)
    }
}

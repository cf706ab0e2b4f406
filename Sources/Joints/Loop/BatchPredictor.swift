// SPDX-License-Identifier: Apache-2.0

internal import Foundation
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
    private static let chunkRows = 8192
    /// Chunks that are answered at the same time.
    private static let chunksAtOnce = max(2, ProcessInfo.processInfo.activeProcessorCount)

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
        let title = "\(request.model.name) (batch)"
        var source = try await files.source(try await files.servable(request.model))
        source.settings.instances = max(source.settings.instances, Self.chunksAtOnce)
        let hosted = try await host.load(title, request.model.number, source)
        defer { host.unload(title, request.model.number) }
        let (columns, query) = try await readable(reader, session)
        let names = try await answer(columns, try await session.scan(query, rows: Self.chunkRows), session, hosted)
        guard let count = try await session.run("SELECT count(*) FROM gyre_predictions").scalar?.int else {
            throw GyreError(.internal, "The predictions cannot be counted.")
        }
        let path = blobs.makeTemporaryPath()
        let options = request.format == .parquet ? "FORMAT parquet, COMPRESSION zstd" : "FORMAT csv, HEADER"
        let said = names.map { "p.\(SQL.name($0.table)) AS \(SQL.name($0.shown))" }.joined(separator: ", ")
        // Both give their rows in the order that they have.
        try await session.run(
            "COPY (SELECT r.*, \(said) FROM \(reader) r POSITIONAL JOIN gyre_predictions p) TO \(SQL.text(path)) (\(options))"
        )
        let blob = try await blobs.adopt(temporaryPath: path)
        let tree = try Tree([Tree.Entry(path: try RelativePath("\(name).\(request.format.rawValue)"), blob: blob)])
        let added = try await versioning.add(
            name, tree, message: "\(count) rows predicted by \(request.model.ref)",
            madeFrom: [request.input.ref, request.model.ref], by: actor)
        return Outcome(version: added.version, rows: count)
    }

    /// A column of the predictions: what the table calls it, and what whoever reads them does.
    private typealias PredictionName = (table: String, shown: String)

    /// Fills a table with what the model says of each row, in their order.
    private func answer(
        _ columns: [String], _ scan: any TableScan, _ session: any TableSession, _ hosted: HostedModel
    ) async throws(GyreError) -> [PredictionName] {
        do {
            return try await withThrowingTaskGroup(of: (Int, [NamedTensor]).self) { group in
                var (asked, kept) = (0, 0)
                var early: [Int: [NamedTensor]] = [:]
                var names: [PredictionName] = []
                func ask() async throws -> Bool {
                    guard let rows = try await scan.next() else { return false }
                    let number = asked
                    asked += 1
                    group.addTask { (number, try await Self.answer(BatchRows(rows), hosted)) }
                    return true
                }
                while asked < Self.chunksAtOnce, try await ask() {}
                while let (number, outputs) = try await group.next() {
                    _ = try await ask()
                    early[number] = outputs
                    while let next = early.removeValue(forKey: kept) {
                        if kept == 0 { names = try await makeTable(next, besides: columns, session) }
                        try await session.append(
                            zip(next, names).map { TableColumn($0, named: $1.table) }, to: "gyre_predictions")
                        kept += 1
                    }
                }
                guard asked > 0 else { throw GyreError(.invalid, "The dataset has no rows.") }
                return names
            }
        } catch {
            throw GyreError.wrapping(error, "Predicting")
        }
    }

    private static func answer(_ rows: BatchRows, _ hosted: HostedModel) async throws(GyreError) -> [NamedTensor] {
        let outputs = try await hosted.answer(.document(rows)).outputs
        guard !outputs.isEmpty, outputs.allSatisfy({ $0.tensor.rows == rows.count }) else {
            throw GyreError(
                .invalid, "The model \"\(hosted.name)\" does not answer row by row.",
                why: "It was asked for \(rows.count) rows.")
        }
        return outputs
    }

    /// Makes the table of the predictions; an output with the name of a column of the data gets another one.
    private func makeTable(
        _ outputs: [NamedTensor], besides columns: [String], _ session: any TableSession
    ) async throws(GyreError) -> [PredictionName] {
        let made = outputs.enumerated().map { place, output in TableColumn(output, named: "p\(place)") }
        let definitions = made.map { "\(SQL.name($0.name)) \($0.type)" }.joined(separator: ", ")
        try await session.run("CREATE TABLE gyre_predictions (\(definitions))")
        return zip(made, outputs).map { column, output in
            (column.name, columns.contains(output.name) ? "predicted_\(output.name)" : output.name)
        }
    }

    /// The columns as a client would send them: numbers, truths and texts as they are, times as texts, and what is put together as JSON.
    private func readable(
        _ reader: String, _ session: any TableSession
    ) async throws(GyreError) -> (columns: [String], query: String) {
        let plain = [
            "VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER",
            "FLOAT", "DOUBLE",
        ]
        let found = try await session.run("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM \(reader))")
            .rows
        let picked = found.compactMap { row -> String? in
            guard let name = row[0].string, let type = row[1].string else { return nil }
            let column = SQL.name(name)
            if plain.contains(type) { return column }
            if type.hasPrefix("DECIMAL") || type == "UBIGINT" || type == "HUGEINT" {
                return "CAST(\(column) AS DOUBLE) AS \(column)"
            }
            let isNested = type.hasSuffix("]") || type.hasPrefix("STRUCT") || type.hasPrefix("MAP")
            return isNested
                ? "CAST(to_json(\(column)) AS VARCHAR) AS \(column)" : "CAST(\(column) AS VARCHAR) AS \(column)"
        }
        return (found.compactMap { $0[0].string }, "SELECT \(picked.joined(separator: ", ")) FROM \(reader)")
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GyreBase
internal import GyreTracking

/// Reads whole runs: one statement for each kind of data, whatever the number of runs.
struct RunReader {
    private let db: Database
    private let list: String
    private let place: [Int64: Int]
    private var runs: [Run?]

    /// The runs in these rows, in their order; a row that is gone is left out.
    static func runs(_ rows: [Int64], in db: Database) throws -> [Run] {
        guard !rows.isEmpty else { return [] }
        var reader = RunReader(rows, db)
        try reader.readRuns()
        try reader.readPairs("param", \.params)
        try reader.readPairs("run_tag", \.tags)
        try reader.readMetrics()
        try reader.readLinks()
        return reader.runs.compactMap(\.self)
    }

    private init(_ rows: [Int64], _ db: Database) {
        self.db = db
        list = "[" + rows.map(String.init).joined(separator: ",") + "]"
        place = Dictionary(rows.enumerated().map { ($1, $0) }) { first, _ in first }
        runs = Array(repeating: nil, count: rows.count)
    }

    private mutating func readRuns() throws {
        let statement = try statement(
            """
            SELECT row, run_id, experiment_id, name, user_id, status, start_ms, end_ms, is_deleted, artifact_uri FROM run
            WHERE row IN (SELECT value FROM json_each(?))
            """)
        while try statement.step() {
            guard let index = place[statement.integer(0)] else { continue }
            guard let status = Run.Status(rawValue: statement.text(5)) else {
                throw GyreError(.corrupt, "A stored run has the status \"\(statement.text(5))\".")
            }
            runs[index] = Run(
                id: statement.text(1), experimentID: statement.integer(2), name: statement.text(3),
                userID: statement.text(4), status: status, startMilliseconds: statement.integer(6),
                endMilliseconds: statement.isNull(7) ? nil : statement.integer(7),
                isDeleted: statement.integer(8) != 0, artifactURI: statement.text(9))
        }
        statement.reset()
    }

    private mutating func readPairs(_ table: String, _ member: WritableKeyPath<Run, [KeyValue]>) throws {
        try readGroups("SELECT run, key, value FROM \(table)", member) { KeyValue($0.text(1), $0.text(2)) }
    }

    private mutating func readMetrics() throws {
        try readGroups("SELECT run, key, step, timestamp_ms, value, is_nan, model_id FROM latest_metric", \.metrics) {
            MetricPoint(
                key: $0.text(1), value: $0.integer(5) != 0 ? .nan : $0.double(4),
                timestampMilliseconds: $0.integer(3), step: $0.integer(2), modelID: $0.optionalText(6))
        }
    }

    private mutating func readLinks() throws {
        try readGroups("SELECT run, kind, key, body FROM run_link", \.links) { row in
            guard let kind = RunLink.Kind(rawValue: row.text(1)) else {
                throw GyreError(.corrupt, "A stored link of a run has the kind \"\(row.text(1))\".")
            }
            return RunLink(kind: kind, key: row.text(2), body: try JSONValue(parsing: row.text(3)))
        }
    }

    /// Reads rows that come grouped by their run, and gives each run its group at once.
    private mutating func readGroups<Element>(
        _ select: String, _ member: WritableKeyPath<Run, [Element]>, _ make: (BoundStatement) throws -> Element
    ) throws {
        let statement = try statement("\(select) WHERE run IN (SELECT value FROM json_each(?)) ORDER BY run, key")
        var current: Int64 = -1
        var group: [Element] = []
        while try statement.step() {
            let run = statement.integer(0)
            if run != current {
                if let index = place[current] { runs[index]?[keyPath: member] = group }
                current = run
                group = []
            }
            group.append(try make(statement))
        }
        if let index = place[current] { runs[index]?[keyPath: member] = group }
        statement.reset()
    }

    private func statement(_ sql: String) throws -> BoundStatement {
        let statement = try BoundStatement(sql, in: db)
        statement.bind(list, at: 1)
        return statement
    }
}

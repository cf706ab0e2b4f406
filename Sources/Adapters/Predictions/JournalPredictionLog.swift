// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
package import GyreBase
package import GyreMonitoring
package import GyreTables
internal import Synchronization

/// Predictions and labels as lines of JSON in files, one folder an endpoint; questions go to the table engine.
///
/// A prediction is handed to the kernel before its answer leaves, so a killed process loses none; labels are synced to disk.
package final class JournalPredictionLog: PredictionLog {
    private let root: String
    private let tables: any TableEngine
    private let segments: any TableScripts
    private let now: @Sendable () -> Int64
    /// The journals by endpoint; each has a lock of its own, so that a write of one does not hold up the others.
    private let journals = Mutex<[String: Journal]>([:])
    private let labelFiles = Mutex<[String: LabelFile]>([:])
    private let counted = Mutex<[String: Counts]>([:])

    /// What `counts` gave, and the files that it was counted from.
    private struct Counts: Sendable {
        let files: [String]
        let answer: JSONValue
    }

    /// The log in the folder `root`.
    ///
    /// `tables` answers questions; `segments` makes Parquet of full journals, which takes memory and should leave none of it behind.
    package init(
        root: String, tables: any TableEngine, segments: any TableScripts, now: @escaping @Sendable () -> Int64
    ) {
        self.root = root
        self.tables = tables
        self.segments = segments
        self.now = now
    }

    private func folder(_ endpoint: String) -> String { "\(root)/\(endpoint)" }

    // MARK: Writing

    package func append(_ prediction: Prediction) throws(GyreError) {
        try journal(prediction.endpoint).append(prediction.line, id: prediction.id)
    }

    private func journal(_ endpoint: String) -> Journal {
        journals.withLock { journals in
            if let known = journals[endpoint] { return known }
            let journal = Journal(folder: folder(endpoint), now: now)
            journals[endpoint] = journal
            return journal
        }
    }

    package func append(_ labels: [Label], endpoint: String) async throws(GyreError) {
        var bytes: [UInt8] = []
        let at = now()
        for label in labels {
            bytes +=
                JSONValue.object(
                    JSONObject([("id", .string(label.id)), ("label", .double(label.value)), ("at", .int(at))])
                ).bytes
            bytes.append(UInt8(ascii: "\n"))
        }
        let lines = bytes
        let file = labelFile(endpoint)
        try await Background.run { () throws(GyreError) in try file.append(lines) }
    }

    private func labelFile(_ endpoint: String) -> LabelFile {
        labelFiles.withLock { files in
            if let known = files[endpoint] { return known }
            let file = LabelFile(folder: folder(endpoint))
            files[endpoint] = file
            return file
        }
    }

    package func closeSegments(
        all: Bool, record: @Sendable (ClosedSegment) async throws(GyreError) -> Void
    ) async throws(GyreError) {
        var problems: [(endpoint: String, error: GyreError)] = []
        if all {
            for (endpoint, journal) in journals.withLock({ $0 }) {
                do throws(GyreError) { try journal.close() } catch { problems.append((endpoint, error)) }
            }
        }
        // An endpoint without a folder has had no predictions.
        for endpoint in ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).sorted() {
            for name in files(endpoint) where name.hasPrefix("closing-") && name.hasSuffix(".jsonl") {
                do throws(GyreError) { try await settle(endpoint, name, record) } catch {
                    problems.append((endpoint, error))
                    break
                }
            }
        }
        guard let first = problems.first else { return }
        throw GyreError(
            first.error.code,
            "The prediction log of \(problems.map { "\"\($0.endpoint)\"" }.joined(separator: ", ")) was not made a segment.",
            why: problems.map(\.error.description).joined(separator: " "))
    }

    /// Bytes that the engine may take for making a segment.
    private static let settlingBytes = 24 << 20
    /// Rows that it gathers before it writes them.
    private static let rowsOfGroup = 8192

    /// Makes a Parquet file of a journal; the journal goes only when that is there and is recorded.
    private func settle(
        _ endpoint: String, _ name: String, _ record: (ClosedSegment) async throws(GyreError) -> Void
    ) async throws(GyreError) {
        let journal = "\(folder(endpoint))/\(name)"
        let segment = String(name.dropFirst("closing-".count).dropLast(".jsonl".count))
        let target = "\(folder(endpoint))/segment-\(segment).parquet"
        // A server that was killed may have left a file half made, and its process may be writing on.
        for left in files(endpoint) where left.hasPrefix("segment-\(segment).parquet.") {
            _ = unsafe unlink("\(folder(endpoint))/\(left)")
        }
        // A server that was killed between the two may have recorded it or not.
        let wasMade = FileManager.default.fileExists(atPath: target)
        let made = "\(target).\(getpid())"
        let longest = try await Background.run { () throws(GyreError) in
            try JournalScan(mending: journal).longestLine
        }
        let rows = try await segments.run([
            // One thread: requests are answered meanwhile.
            "SET threads = 1",
            "SET memory_limit = '\((Self.settlingBytes + 16 * longest) >> 20)MiB'",
            "COPY (SELECT * FROM \(Self.journalReader([journal], longest))) TO \(SQL.text(made)) "
                + "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE \(Self.rowsOfGroup))",
            "SELECT count(*) FROM read_parquet(\(SQL.text(made)))",
        ]).scalar?.int
        let digest = try await Background.run { () throws(GyreError) in
            let digest = try JournalScan.digest(made)
            guard unsafe rename(made, target) == 0 else { throw Journal.failure("Closing a segment") }
            return digest
        }
        try await record(
            ClosedSegment(endpoint: endpoint, name: segment, rows: rows ?? 0, digest: digest, wasMade: wasMade))
        guard unsafe unlink(journal) == 0 else { throw Journal.failure("Closing a segment") }
    }

    // MARK: Reading

    private func files(_ endpoint: String) -> [String] { LogFiles.names(folder(endpoint)) }

    /// The members of a line and the types of their columns.
    private static let structure = """
        {"id": "VARCHAR", "version": "BIGINT", "release": "BIGINT", "at": "BIGINT", "event": "BIGINT", "latency_us": "BIGINT", \
        "row": "BIGINT", "x": ["DOUBLE"], "score": "DOUBLE", "kind": "VARCHAR", "y": "JSON", "error": "VARCHAR", "how": "JSON", "t": ["VARCHAR"]}
        """

    /// The rows of journals whose longest line has so many bytes.
    ///
    /// The engine's reader of JSON takes 32 MiB whatever it reads; its reader of lines takes what it is told. No line holds U+0001.
    private static func journalReader(_ paths: [String], _ longest: Int) -> String {
        let line = max(1 << 18, longest + 1)
        return """
            (SELECT unnest(from_json(line, '\(structure)')) FROM read_csv([\(paths.map(SQL.text).joined(separator: ", "))],
                columns = {'line': 'VARCHAR'}, delim = '\u{1}', quote = '', escape = '', comment = '', header = false,
                auto_detect = false, new_line = '\\n', max_line_size = \(line), buffer_size = \(4 * line)))
            """
    }

    /// Asks a query over all predictions of an endpoint, with their labels if asked; nil where it has none.
    ///
    /// The files are mended first where a killed process left them torn.
    private func asking<Answer: Sendable>(
        _ endpoint: String, joinsLabels: Bool = true, _ ask: (String) async throws(GyreError) -> Answer
    ) async throws(GyreError) -> Answer? {
        guard !files(endpoint).isEmpty else { return nil }
        let (journal, labels, folder) = (journal(endpoint), labelFile(endpoint), folder(endpoint))
        let files = try await Background.run { () throws(GyreError) in
            try journal.mend()
            try labels.mend()
            return try LogFiles(folder)
        }
        defer { files.close() }
        // Lines may be longer that are written from now on.
        guard let source = Self.source(files, max(files.longestFullLine, journal.longestLine ?? 0), joinsLabels) else {
            return nil
        }
        return try await ask(source)
    }

    /// A query over all predictions in `files`, with their labels if asked; nil where there are none.
    private static func source(_ files: LogFiles, _ longest: Int, _ joinsLabels: Bool) -> String? {
        var parts: [String] = []
        if !files.journals.isEmpty { parts.append("SELECT * FROM \(journalReader(files.journals, longest))") }
        if !files.segments.isEmpty {
            let segments = files.segments.map(SQL.text).joined(separator: ", ")
            parts.append("SELECT * FROM read_parquet([\(segments)], union_by_name = true)")
        }
        guard !parts.isEmpty else { return nil }
        // Segments of earlier versions do not have all members.
        parts.append(
            "SELECT NULL::JSON AS how, NULL::VARCHAR[] AS t, NULL::VARCHAR AS kind, NULL::BIGINT AS \"row\" WHERE false"
        )
        let predictions = parts.joined(separator: " UNION ALL BY NAME ")
        if !joinsLabels { return predictions }
        let labels =
            if let labels = files.labels {
                "SELECT id, last(label ORDER BY \"at\") AS label FROM read_json(\(SQL.text(labels)), "
                    + "format = 'newline_delimited', columns = {'id': 'VARCHAR', 'label': 'DOUBLE', 'at': 'BIGINT'}) GROUP BY id"
            } else {
                "SELECT NULL::VARCHAR AS id, NULL::DOUBLE AS label WHERE false"
            }
        return """
            WITH p AS (\(predictions)), l AS (\(labels))
            SELECT p.*, l.label FROM p LEFT JOIN l ON l.id = p.id
            """
    }

    package func rows(_ query: PredictionQuery) async throws(GyreError) -> [LoggedRow] {
        let asked = try await asking(query.endpoint) { source throws(GyreError) in
            try await self.tables.open().run(
                """
                SELECT id, version, \(query.hasInputs ? "CAST(to_json(x) AS VARCHAR)" : "'[]'"), score, label, latency_us,
                    error IS NOT NULL, TRY_CAST(how->>'$.p' AS DOUBLE), kind, "row", how->>'$.by' = 'mirror' FROM (\(source))
                WHERE event >= ? AND event < ? AND "at" >= ? AND "at" < ? AND (? IS NULL OR version = ?)
                ORDER BY "at"\(query.newest.map { " DESC LIMIT \($0)" } ?? "")
                """,
                [
                    .int(query.from), .int(query.to), .int(query.answeredFrom), .int(query.answeredBefore),
                    .optional(query.version.map(Int64.init)), .optional(query.version.map(Int64.init)),
                ])
        }
        guard let result = asked else { return [] }
        return try await Background.run { () throws(GyreError) in
            try (query.newest == nil ? result.rows : result.rows.reversed()).map { row throws(GyreError) in
                LoggedRow(
                    id: row[0].string ?? "", version: Int(row[1].int ?? 0),
                    inputs: (try JSONValue(parsing: row[2].string ?? "[]").array ?? []).map(\.double),
                    score: row[3].double,
                    label: row[4].double,
                    latencyMicroseconds: row[5].int ?? 0, isError: row[6].bool ?? false,
                    probability: row[7].double, scoreKind: row[8].string.flatMap(ScoreKind.init),
                    row: Int(row[9].int ?? 0), isMirrored: row[10].bool ?? false)
            }
        }
    }

    package func find(_ id: String, endpoint: String) async throws(GyreError) -> JSONValue? {
        let found = try await asking(endpoint) { source throws(GyreError) in
            try await self.tables.open().run(
                """
                SELECT id, version, release, "at", event, latency_us, CAST(to_json(x) AS VARCHAR) AS x, score, kind, CAST(y AS VARCHAR) AS y,
                    error, label, CAST(how AS VARCHAR) AS how, CAST(to_json(t) AS VARCHAR) AS t
                FROM (\(source)) WHERE id = ? LIMIT 1
                """, [.string(id)])
        }
        guard var object = found?.objects.first else { return nil }
        object["x"] = try JSONValue(parsing: object["x"]?.string ?? "null")
        object["y"] = try JSONValue(parsing: object["y"]?.string ?? "null")
        object["t"] = try JSONValue(parsing: object["t"]?.string ?? "null")
        object["how"] = try JSONValue(parsing: object["how"]?.string ?? "null")
        object["endpoint"] = .string(endpoint)
        return object
    }

    package func known(_ ids: [String], endpoint: String) async throws(GyreError) -> Set<String> {
        // A label mostly comes soon after its prediction, and searching the files takes a hundred times as long.
        let recent = journal(endpoint).written(ids)
        let rest = ids.filter { !recent.contains($0) }
        guard !rest.isEmpty else { return recent }
        let found = try await asking(endpoint, joinsLabels: false) { source throws(GyreError) in
            try await self.tables.open().run(
                "SELECT DISTINCT id FROM (\(source)) WHERE id IN (SELECT unnest(from_json(?, '[\"VARCHAR\"]')))",
                [.string(JSONValue.strings(rest).text)])
        }
        return recent.union(found?.rows.compactMap { $0[0].string } ?? [])
    }

    package func ids(
        beginningWith digits: String, endpoint: String, limit: Int
    ) async throws(GyreError) -> [String] {
        let found = try await asking(endpoint, joinsLabels: false) { source throws(GyreError) in
            try await self.tables.open().run(
                "SELECT DISTINCT id FROM (\(source)) WHERE starts_with(id, ?) ORDER BY id LIMIT ?",
                [.string(digits), .int(Int64(limit))])
        }
        return found?.rows.compactMap { $0[0].string } ?? []
    }

    package func counts(_ endpoint: String) async throws(GyreError) -> JSONValue {
        // Pages ask every few seconds: what has not grown is not counted again.
        let found = files(endpoint).map {
            "\($0) \((try? FileManager.default.attributesOfItem(atPath: "\(folder(endpoint))/\($0)"))?[.size] ?? 0)"
        }
        if let known = counted.withLock({ $0[endpoint] }), known.files == found { return known.answer }
        let counts = try await asking(endpoint) { source throws(GyreError) in
            try await self.tables.open().run(
                """
                SELECT version, count(*) AS predictions, count(label) AS labels, count(error) AS errors,
                    CAST(quantile_cont(latency_us, 0.5) AS DOUBLE) AS latency_us_p50,
                    CAST(quantile_cont(latency_us, 0.99) AS DOUBLE) AS latency_us_p99
                FROM (\(source)) GROUP BY version ORDER BY version
                """)
        }
        guard let counts else { return [] }
        let answer = JSONValue.array(counts.objects)
        counted.withLock { $0[endpoint] = Counts(files: found, answer: answer) }
        return answer
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
package import GyreBase
package import GyreMonitoring
package import GyreTables
internal import NIOPosix
internal import Synchronization

/// Predictions and labels as lines of JSON in files, one folder an endpoint; questions go to the table engine.
///
/// A prediction is handed to the kernel before its answer leaves, so a killed process loses none; labels are synced to disk.
package final class JournalPredictionLog: PredictionLog {
    private let root: String
    private let tables: any TableEngine
    private let now: @Sendable () -> Int64
    private let open = Mutex<[String: Segment]>([:])

    private struct Segment: Sendable {
        let descriptor: Int32
        var rows: Int64
    }

    /// The log in the folder `root`.
    package init(root: String, tables: any TableEngine, now: @escaping @Sendable () -> Int64) {
        self.root = root
        self.tables = tables
        self.now = now
    }

    private func folder(_ endpoint: String) -> String { "\(root)/\(endpoint)" }

    // MARK: Writing

    package func append(_ prediction: Prediction) throws(GyreError) {
        let line = prediction.line
        try open.withLock { segments throws(GyreError) in
            var segment: Segment
            if let known = segments[prediction.endpoint] {
                segment = known
            } else {
                segment = try openSegment(prediction.endpoint)
            }
            try Self.write(line, to: segment.descriptor)
            segment.rows += 1
            segments[prediction.endpoint] = segment
        }
    }

    private func openSegment(_ endpoint: String) throws(GyreError) -> Segment {
        let path = folder(endpoint) + "/open.jsonl"
        do {
            try FileManager.default.createDirectory(atPath: folder(endpoint), withIntermediateDirectories: true)
        } catch {
            throw GyreError.wrapping(error, "Making the prediction log")
        }
        try Self.mend(path)
        let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure("Opening the prediction log") }
        return Segment(descriptor: descriptor, rows: 0)
    }

    /// A process killed in the middle of a write leaves part of a line, which belongs to no answer: it is cut off.
    private static func mend(_ path: String) throws(GyreError) {
        guard let data = FileManager.default.contents(atPath: path), !data.isEmpty, data.last != UInt8(ascii: "\n")
        else { return }
        let end = data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        if unsafe truncate(path, end) != 0 { throw failure("Mending the prediction log") }
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
        let folder = folder(endpoint)
        let lines = bytes
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try await NIOThreadPool.singleton.runIfActive {
                let descriptor = unsafe Glibc.open(
                    folder + "/labels.jsonl", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
                guard descriptor >= 0 else { throw Self.failure("Opening the labels") }
                defer { close(descriptor) }
                try Self.write(lines, to: descriptor)
                guard fdatasync(descriptor) == 0 else { throw Self.failure("Syncing the labels") }
            }
        } catch {
            throw GyreError.wrapping(error, "Storing labels")
        }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) throws(GyreError) {
        var written = 0
        while written < bytes.count {
            let result = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
            }
            if result < 0, errno == EINTR { continue }
            if result < 0 { throw failure("Writing to the prediction log") }
            written += result
        }
    }

    private static func failure(_ doing: String) -> GyreError {
        let isFull = errno == ENOSPC
        return GyreError(
            .unavailable, isFull ? "\(doing) failed: the disk is full." : "\(doing) failed.",
            why: unsafe String(cString: strerror(errno)))
    }

    package func closeSegments(all: Bool) async throws(GyreError) -> [ClosedSegment] {
        let ready = open.withLock { segments in
            let ready = segments.filter { all ? $0.value.rows > 0 : $0.value.rows >= Limits.predictionSegment }
            for (endpoint, segment) in ready {
                unsafe rename(folder(endpoint) + "/open.jsonl", folder(endpoint) + "/closing-\(now()).jsonl")
                close(segment.descriptor)
                segments[endpoint] = nil
            }
            return ready.keys.sorted()
        }
        var closed: [ClosedSegment] = []
        for endpoint in ready {
            for name in files(endpoint) where name.hasPrefix("closing-") {
                closed.append(try await settle(endpoint, name))
            }
        }
        return closed
    }

    /// Makes a Parquet file of a journal; the journal goes only when that is there.
    private func settle(_ endpoint: String, _ name: String) async throws(GyreError) -> ClosedSegment {
        let journal = "\(folder(endpoint))/\(name)"
        let segment = String(name.dropFirst("closing-".count).dropLast(".jsonl".count))
        let target = "\(folder(endpoint))/segment-\(segment).parquet"
        let session = try await tables.open()
        // One thread: requests are answered meanwhile.
        try await session.run("SET threads = 1")
        try await session.run(
            "COPY (SELECT * FROM \(Self.journalReader([journal]))) TO \(SQL.text(target + ".new")) (FORMAT parquet, COMPRESSION zstd)"
        )
        let rows =
            try await session.run("SELECT count(*) FROM read_parquet(\(SQL.text(target + ".new")))").scalar?.int ?? 0
        let digest = try await Background.run { () throws(GyreError) in
            guard let data = FileManager.default.contents(atPath: target + ".new") else {
                throw GyreError(.internal, "The segment \(target) was not written.")
            }
            guard unsafe rename(target + ".new", target) == 0, unsafe unlink(journal) == 0 else {
                throw Self.failure("Closing a segment")
            }
            return Digest(of: Array(data))
        }
        return ClosedSegment(endpoint: endpoint, name: segment, rows: rows, digest: digest)
    }

    // MARK: Reading

    private func files(_ endpoint: String) -> [String] {
        // An endpoint without a folder has had no predictions.
        (try? FileManager.default.contentsOfDirectory(atPath: folder(endpoint)))?.sorted() ?? []
    }

    private static let columns =
        "{'id': 'VARCHAR', 'version': 'BIGINT', 'release': 'BIGINT', 'at': 'BIGINT', 'event': 'BIGINT', 'latency_us': 'BIGINT', "
        + "'x': 'DOUBLE[]', 'score': 'DOUBLE', 'y': 'JSON', 'error': 'VARCHAR', 'how': 'JSON', 't': 'VARCHAR[]'}"

    private static func journalReader(_ paths: [String]) -> String {
        "read_json([\(paths.map(SQL.text).joined(separator: ", "))], format = 'newline_delimited', columns = \(columns))"
    }

    /// A query over all predictions and labels of an endpoint; nil where it has none.
    private func source(_ endpoint: String) -> String? {
        let names = files(endpoint)
        let journals = names.filter { $0.hasSuffix(".jsonl") && $0 != "labels.jsonl" }.map {
            "\(folder(endpoint))/\($0)"
        }
        let segments = names.filter { $0.hasSuffix(".parquet") }.map { SQL.text("\(folder(endpoint))/\($0)") }
        var parts: [String] = []
        if !journals.isEmpty { parts.append("SELECT * FROM \(Self.journalReader(journals))") }
        if !segments.isEmpty {
            parts.append("SELECT * FROM read_parquet([\(segments.joined(separator: ", "))], union_by_name = true)")
        }
        guard !parts.isEmpty else { return nil }
        // Segments of earlier versions do not have all members.
        parts.append("SELECT NULL::JSON AS how, NULL::VARCHAR[] AS t WHERE false")
        let labels =
            names.contains("labels.jsonl")
            ? "SELECT id, last(label ORDER BY \"at\") AS label FROM read_json(\(SQL.text(folder(endpoint) + "/labels.jsonl")), "
                + "format = 'newline_delimited', columns = {'id': 'VARCHAR', 'label': 'DOUBLE', 'at': 'BIGINT'}) GROUP BY id"
            : "SELECT NULL::VARCHAR AS id, NULL::DOUBLE AS label WHERE false"
        return """
            WITH p AS (\(parts.joined(separator: " UNION ALL BY NAME "))), l AS (\(labels))
            SELECT p.*, l.label FROM p LEFT JOIN l ON l.id = p.id
            """
    }

    package func rows(_ query: PredictionQuery) async throws(GyreError) -> [LoggedRow] {
        guard let source = source(query.endpoint) else { return [] }
        let session = try await tables.open()
        let result = try await session.run(
            """
            SELECT id, version, CAST(to_json(x) AS VARCHAR), score, label, latency_us, error IS NOT NULL,
                TRY_CAST(how->>'$.p' AS DOUBLE) FROM (\(source))
            WHERE event >= ? AND event < ? AND "at" >= ? AND (? IS NULL OR version = ?)
            """,
            [
                .int(query.from), .int(query.to), .int(query.answeredFrom), .optional(query.version.map(Int64.init)),
                .optional(query.version.map(Int64.init)),
            ])
        return try await Background.run { () throws(GyreError) in
            try result.rows.map { row throws(GyreError) in
                LoggedRow(
                    id: row[0].string ?? "", version: Int(row[1].int ?? 0),
                    inputs: (try JSONValue(parsing: row[2].string ?? "[]").array ?? []).map(\.double),
                    score: row[3].double,
                    label: row[4].double,
                    latencyMicroseconds: row[5].int ?? 0, isError: row[6].bool ?? false,
                    probability: row[7].double)
            }
        }
    }

    package func find(_ id: String, endpoint: String) async throws(GyreError) -> JSONValue? {
        guard let source = source(endpoint) else { return nil }
        let found = try await tables.open().run(
            """
            SELECT id, version, release, "at", event, latency_us, CAST(to_json(x) AS VARCHAR) AS x, score, CAST(y AS VARCHAR) AS y, error, label,
                CAST(how AS VARCHAR) AS how, CAST(to_json(t) AS VARCHAR) AS t
            FROM (\(source)) WHERE id = ? LIMIT 1
            """, [.string(id)])
        guard var object = found.objects.first else { return nil }
        object["x"] = try JSONValue(parsing: object["x"]?.string ?? "null")
        object["y"] = try JSONValue(parsing: object["y"]?.string ?? "null")
        object["t"] = try JSONValue(parsing: object["t"]?.string ?? "null")
        object["how"] = try JSONValue(parsing: object["how"]?.string ?? "null")
        object["endpoint"] = .string(endpoint)
        return object
    }

    package func counts(_ endpoint: String) async throws(GyreError) -> JSONValue {
        guard let source = source(endpoint) else { return [] }
        let found = try await tables.open().run(
            """
            SELECT version, count(*) AS predictions, count(label) AS labels, count(error) AS errors,
                CAST(quantile_cont(latency_us, 0.5) AS DOUBLE) AS latency_us_p50, CAST(quantile_cont(latency_us, 0.99) AS DOUBLE) AS latency_us_p99
            FROM (\(source)) GROUP BY version ORDER BY version
            """)
        return .array(found.objects)
    }
}

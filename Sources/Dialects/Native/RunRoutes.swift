// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreSearch
internal import GyreTracking
internal import Synchronization

/// Answers about runs that are no single JSON document: what happens while a run logs, and lists to take away.
extension NativeDialect {
    var runRoutes: [Route] {
        [
            Route("GET", Self.root + "/runs/{id}/events", .read(.run, "id"), events),
            Route("GET", Self.root + "/runs/export", .list(.experiment), export),
            Route("GET", Self.root + "/runs/table", .list(.experiment), table),
        ]
    }

    /// The query that a request asks for.
    func runQuery(_ request: HTTPRequest, most: Int, default fallback: Int) async throws(GyreError) -> RunQuery {
        var ids = try await services.tracking.store.experiments(.active).map(\.id)
        if let wanted = request.query("experiment"), !wanted.isEmpty { ids = [try await names.experiment(wanted).id] }
        if let visible = request.visible(.experiment) { ids.removeAll { !visible.contains(String($0)) } }
        var query = RunQuery(experimentIDs: ids, filter: try Filter(request.query("filter") ?? ""))
        if let order = request.query("order_by"), !order.isEmpty { query.order = [try OrderBy(order)] }
        query.limit = try request.number("limit", default: fallback, in: 1...most)
        if let after = request.query("after"), !after.isEmpty {
            query.after = try JSONValue(parsing: after).array
        }
        return query
    }

    /// A run that a request picks among others.
    func pickedRun(_ id: String, _ request: HTTPRequest) async throws(GyreError) -> Run {
        let run = try await names.run(id)
        guard request.visible(.experiment)?.contains(String(run.experimentID)) ?? true else {
            throw GyreError(.notFound, "There is no run \"\(id.prefix(80))\".")
        }
        return run
    }

    // MARK: Live

    /// Points as they are logged, as server-sent events, until the run ends.
    ///
    /// `after` is a cursor that the history of a metric ended with, as often as there are metrics: all that comes after it is told. A
    /// metric without one is told from now on, and one that is new from its first point on.
    private func events(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let run = try await names.run(request.parameter("id"))
        let cursors = try request.query.filter { $0.name == "after" }.map { member throws(GyreError) in
            try HistoryCursor(member.value)
        }
        let watcher = RunWatcher(store: services.tracking.store, run: run, after: cursors)
        return HTTPResponse(
            headers: [("content-type", "text/event-stream"), ("cache-control", "no-store")],
            body: .stream(sizeBytes: nil) { try await watcher.next() })
    }

    // MARK: Tables

    /// Runs column by column: what charts over many runs are drawn from.
    private func table(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let picked = request.query.filter { $0.name == "id" }.map(\.value)
        var runs: [Run] = []
        if picked.isEmpty {
            let page = try await services.tracking.store.searchRuns(
                try await runQuery(request, most: 1000, default: 1000))
            runs = try await services.tracking.store.runs(page.rows)
        } else {
            for id in picked.prefix(1000) { runs.append(try await pickedRun(id, request)) }
        }
        var params: [String: [JSONValue]] = [:]
        var metrics: [String: [JSONValue]] = [:]
        for (index, run) in runs.enumerated() {
            for param in run.params {
                params[param.key, default: Array(repeating: .null, count: runs.count)][index] = .string(param.value)
            }
            for metric in run.metrics {
                metrics[metric.key, default: Array(repeating: .null, count: runs.count)][index] =
                    metric.value.isFinite ? .double(metric.value) : .null
            }
        }
        func columns(_ columns: [String: [JSONValue]]) -> JSONValue {
            .object(JSONObject(columns.sorted { $0.key < $1.key }.map { ($0.key, .array($0.value)) }))
        }
        return .json([
            "ids": .strings(runs.map(\.id)), "names": .strings(runs.map(\.name)), "params": columns(params),
            "metrics": columns(metrics),
        ])
    }

    /// Runs as CSV or JSON lines, piece by piece.
    private func export(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let isCSV = request.query("format") != "json"
        let page = try await services.tracking.store.searchRuns(
            try await runQuery(request, most: Limits.pageRows, default: Limits.pageRows))
        let store = services.tracking.store
        // The columns are those of the first thousand runs: a later key of its own would need them all in memory.
        let first = try await store.runs(Array(page.rows.prefix(1000)))
        let params = Set(first.flatMap { $0.params.map(\.key) }).sorted()
        let metrics = Set(first.flatMap { $0.metrics.map(\.key) }).sorted()
        let position = Mutex(-1)
        return HTTPResponse(
            headers: [
                ("content-type", isCSV ? "text/csv; charset=utf-8" : "application/x-ndjson"),
                ("content-disposition", "attachment; filename=runs.\(isCSV ? "csv" : "jsonl")"),
            ],
            body: .stream(sizeBytes: nil) {
                let begin = position.withLock { position in
                    defer { position = position < 0 ? 0 : position + 250 }
                    return position
                }
                if begin < 0 {
                    let header =
                        ["run_id", "name", "status", "start_ms", "end_ms"] + params.map { "params.\($0)" }
                        + metrics.map { "metrics.\($0)" }
                    return isCSV
                        ? Array((header.map(Self.cell).joined(separator: ",") + "\r\n").utf8) : Array("\n".utf8)
                }
                guard begin < page.rows.count else { return nil }
                let runs = try await store.runs(Array(page.rows[begin..<min(begin + 250, page.rows.count)]))
                let lines = runs.map { isCSV ? Self.line($0, params, metrics) + "\r\n" : Self.json($0).text + "\n" }
                return Array(lines.joined().utf8)
            })
    }

    private static func line(_ run: Run, _ params: [String], _ metrics: [String]) -> String {
        var cells = [
            run.id, run.name, run.status.rawValue, String(run.startMilliseconds),
            run.endMilliseconds.map(String.init) ?? "",
        ]
        for key in params { cells.append(run.params.first { $0.key == key }?.value ?? "") }
        for key in metrics { cells.append(run.metrics.first { $0.key == key }.map { String($0.value) } ?? "") }
        return cells.map(cell).joined(separator: ",")
    }

    /// A cell of CSV (RFC 4180); one that a spreadsheet would take for a formula is made a text.
    private static func cell(_ text: String) -> String {
        let isFormula = text.first.map { "=+-@".contains($0) } ?? false && Double(text) == nil
        let plain = isFormula ? "'" + text : text
        guard plain.contains(where: { ",\"\r\n".contains($0) }) else { return plain }
        return "\"" + plain.replacing("\"", with: "\"\"") + "\""
    }
}

/// How far the history of one metric was read: `timestamp,step,value,metric`.
struct HistoryCursor: Hashable {
    let point: MetricPoint

    init(_ point: MetricPoint) { self.point = point }

    /// A cursor as it was given out.
    /// - Throws: `.invalid` for anything else.
    init(_ text: String) throws(GyreError) {
        let parts = text.split(separator: ",", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, let time = Int64(parts[0]), let step = Int64(parts[1]), let value = Double(parts[2])
        else {
            throw GyreError(
                .invalid, "\"\(text.prefix(80))\" is no cursor.",
                why: "A cursor comes with the history of a metric or with an event, and is sent back as it is.")
        }
        point = MetricPoint(key: String(parts[3]), value: value, timestampMilliseconds: time, step: step)
    }

    var text: String { "\(point.timestampMilliseconds),\(point.step),\(point.value),\(point.key)" }
}

/// Watches one run and tells what is new.
actor RunWatcher {
    private let store: any TrackingStore
    private let id: String
    private var told: [String: MetricPoint] = [:]
    private var latest: [String: MetricPoint] = [:]
    private var isOver = false
    private var rounds = 0
    private static let open = Mutex(0)
    /// The most runs that are watched at a time, and for how long.
    private static let (mostOpen, mostRounds) = (64, 7200)
    /// The most points of one metric in one event, and the most events of it at once; the rest comes the next time.
    private static let (mostPoints, mostEvents) = (500, 20)

    /// A watcher that tells what comes after `cursors`, and of other metrics what comes after the run as it is now.
    init(store: any TrackingStore, run: Run, after cursors: [HistoryCursor]) {
        self.store = store
        id = run.id
        for metric in run.metrics {
            told[metric.key] = metric
            latest[metric.key] = metric
        }
        for cursor in cursors {
            told[cursor.point.key] = cursor.point
            latest[cursor.point.key] = nil
        }
        Self.open.withLock { $0 += 1 }
    }

    deinit { Self.open.withLock { $0 -= 1 } }

    func next() async throws -> [UInt8]? {
        if isOver || Self.open.withLock({ $0 }) > Self.mostOpen { return nil }
        if rounds == 0 {
            rounds += 1
            return Array("retry: 2000\n\n".utf8)
        }
        while rounds < Self.mostRounds {
            // What was logged before the stream began is told at once.
            if rounds > 1 { try await Task.sleep(for: .milliseconds(500)) }
            rounds += 1
            guard let text = try await news() else { return nil }
            if !text.isEmpty { return Array(text.utf8) }
            // A line now and then shows whether anybody still listens.
            if rounds % 20 == 0 { return Array(": waiting\n\n".utf8) }
        }
        return nil
    }

    /// The events since the last time; nil when the run is gone.
    func news() async throws(GyreError) -> String? {
        guard let run = try await store.run(id) else { return nil }
        var text = ""
        for metric in run.metrics where latest[metric.key] != metric {
            for _ in 0..<Self.mostEvents {
                let points = try await store.history(
                    of: metric.key, in: id, after: told[metric.key], limit: Self.mostPoints)
                if let last = points.last {
                    told[metric.key] = last
                    text += Self.event(points)
                }
                if points.count < Self.mostPoints {
                    latest[metric.key] = metric
                    break
                }
            }
        }
        if run.status.isEnd {
            isOver = true
            text += "event: end\ndata: {\"status\":\"\(run.status.rawValue)\"}\n\n"
        }
        return text
    }

    private static func event(_ points: [MetricPoint]) -> String {
        guard let last = points.last else { return "" }
        let values = points.map {
            JSONValue.array([
                .int($0.step), $0.value.isFinite ? .double($0.value) : .null, .int($0.timestampMilliseconds),
            ])
        }
        let event: JSONValue = [
            "metric": .string(last.key), "points": .array(values), "cursor": .string(HistoryCursor(last).text),
        ]
        return "event: points\ndata: \(event.text)\n\n"
    }
}

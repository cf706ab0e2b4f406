// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreSearch
internal import GyreTracking

/// The calls whose answers may be large: they are written straight into bytes and leave piece by piece, so that what a request
/// holds in memory does not grow with its answer.
extension MLflowDialect {
    var runSearchRoutes: [CallRoute] {
        [
            .post("/runs/search", .list(.experiment), direct: searchRuns),
            .get("/metrics/get-history", .read(.run, "run_id"), direct: history),
        ]
    }

    /// Calls that MLflow has for browsers alone.
    var browserRoutes: [Route] {
        let (bulk, interval) = ("/metrics/get-history-bulk", "/metrics/get-history-bulk-interval")
        return CallRoute.get(bulk, .read, direct: bulkHistory).routes(below: ["/ajax-api/2.0/mlflow"])
            + CallRoute.get(interval, .read, direct: intervalHistory).routes(below: [
                "/api/2.0/mlflow", "/ajax-api/2.0/mlflow",
            ])
    }

    /// Runs written at a time, and points written at a time.
    private static let (runsPerPiece, pointsPerPiece) = (250, 5000)

    private func searchRuns(_ arguments: Arguments) async throws(GyreError) -> HTTPResponse {
        var query = RunQuery(
            experimentIDs: try arguments.texts("experiment_ids").map { id throws(GyreError) in try Self.experimentID(id)
            },
            filter: try Filter(try arguments.optionalText("filter") ?? ""))
        if let visible = arguments.visible(.experiment) {
            query.experimentIDs.removeAll { !visible.contains(String($0)) }
        }
        query.order = try Search.orders(arguments)
        query.view = try Translate.view(try arguments.word("run_view_type"))
        query.after = try PageToken.values(arguments)
        query.limit = try arguments.limit(default: 1000, maximum: 50_000)
        let page = try await tracking.store.searchRuns(query)
        var end = "}"
        if let next = page.next {
            end = (page.rows.isEmpty ? "" : ",") + "\"next_page_token\":\(JSONValue.string(PageToken.text(next)).text)}"
        }
        guard !page.rows.isEmpty else { return .json(Array("{\(end)".utf8)) }
        let store = tracking.store
        return try await .pieces(
            from: page.rows, of: Self.runsPerPiece, start: "{\"runs\":[", end: "]\(end)"
        ) { rows, writer throws(GyreError) in
            for run in try await store.runs(rows) { writer.element { $0.run(run, .listed) } }
        }
    }

    private func history(_ arguments: Arguments) async throws(GyreError) -> HTTPResponse {
        let run = try Self.runID(arguments)
        let key = try arguments.text("metric_key")
        // Without a limit clients expect all points in one answer.
        let wanted = arguments["max_results"] == nil && arguments.query("max_results") == nil
        let limit = wanted ? Int.max : min(25_000, try arguments.limit(default: 25_000, maximum: Int(Int32.max)))
        let start = try PageToken.values(arguments).map { values throws(GyreError) in try Self.point(values, key) }
        let reader = HistoryReader(
            store: tracking.store, run: run, key: key, after: start, limit: limit, piece: Self.pointsPerPiece)
        let first = try await reader.next()
        let rest = try await reader.next()
        guard let rest else { return .json(first ?? Array("{}".utf8)) }
        let held = HeldPieces([first ?? [], rest])
        return HTTPResponse(
            headers: [("content-type", "application/json")],
            body: .stream(sizeBytes: nil) {
                if let piece = held.take() { return piece }
                return try await reader.next()
            })
    }

    private static func point(_ values: [JSONValue], _ key: String) throws(GyreError) -> MetricPoint {
        guard values.count == 3, let step = values[0].int, let timestamp = values[1].int else {
            throw GyreError(.invalid, "Invalid page token, could not decode.")
        }
        return MetricPoint(
            key: key, value: values[2].double ?? .nan, timestampMilliseconds: timestamp, step: step)
    }

    // MARK: For browsers

    private func bulkHistory(_ arguments: Arguments) async throws(GyreError) -> HTTPResponse {
        let runs = try Self.bulkRuns(arguments)
        let key = try arguments.text("metric_key")
        let limit = min(Int(try arguments.integer("max_results") ?? 25_000), 25_000)
        var writer = JSONWriter()
        writer.raw("{\"metrics\":")
        var all: [(String, MetricPoint)] = []
        for run in runs.sorted() where all.count < limit {
            guard try await tracking.store.run(run) != nil else { continue }
            let points = try await tracking.store.history(of: key, in: run, after: nil, limit: limit - all.count)
            all += points.map { (run, $0) }
        }
        writer.list(all) { $0.metric($1.1, runID: $1.0) }
        writer.raw("}")
        return .json(writer.bytes)
    }

    /// Points at evenly spread steps, so that a chart of any length stays small.
    private func intervalHistory(_ arguments: Arguments) async throws(GyreError) -> HTTPResponse {
        let runs = try Self.bulkRuns(arguments)
        let key = try arguments.text("metric_key")
        let most = Int(try arguments.integer("max_results") ?? 2500)
        guard (1...2500).contains(most) else {
            throw GyreError(
                .invalid, "Invalid value \(most) for parameter 'max_results' supplied: it must be from 1 to 2500.")
        }
        let (start, end) = (try arguments.integer("start_step"), try arguments.integer("end_step"))
        guard (start == nil) == (end == nil) else {
            throw GyreError(.invalid, "If either start step or end step are specified, both must be specified.")
        }
        if let start, let end, start > end {
            throw GyreError(
                .invalid, "end_step must be greater than start_step. Found start_step=\(start) and end_step=\(end).")
        }
        var all: [(String, MetricPoint)] = []
        for run in runs {
            var points: [MetricPoint] = []
            var after: MetricPoint?
            repeat {
                let page = try await tracking.store.history(of: key, in: run, after: after, limit: 10_000)
                points += page.filter { (start ?? .min)...(end ?? .max) ~= $0.step }
                after = page.count == 10_000 ? page.last : nil
            } while after != nil
            all += Self.sample(points, most: most).map { (run, $0) }
        }
        var writer = JSONWriter()
        writer.raw("{\"metrics\":")
        writer.list(all) { $0.metric($1.1, runID: $1.0) }
        writer.raw("}")
        return .json(writer.bytes)
    }

    /// Points at steps that are evenly spread over those of the run, the first and the last one among them.
    private static func sample(_ points: [MetricPoint], most: Int) -> [MetricPoint] {
        let steps = Set(points.map(\.step)).sorted()
        guard steps.count > most, let last = steps.last else { return points.sorted { $0.step < $1.step } }
        var kept: Set<Int64> = [last]
        for index in 0..<most where most > 1 { kept.insert(steps[index * (steps.count - 1) / (most - 1)]) }
        if most == 1 { kept.insert(steps[0]) }
        return points.filter { kept.contains($0.step) }.sorted { $0.step < $1.step }
    }

    private static func bulkRuns(_ arguments: Arguments) throws(GyreError) -> [String] {
        let runs = try arguments.texts("run_ids") + arguments.texts("run_id")
        guard !runs.isEmpty else {
            throw GyreError(.invalid, "GetMetricHistoryBulk request must specify at least one run_id.")
        }
        guard runs.count <= 100 else {
            throw GyreError(
                .invalid,
                "GetMetricHistoryBulk request cannot specify more than 100 run_ids. Received \(runs.count) run_ids.")
        }
        return runs
    }
}

/// Reads the points of one metric and gives them as pieces of one JSON document.
private actor HistoryReader {
    private let store: any TrackingStore
    private let run: String
    private let key: String
    private let piece: Int
    private var after: MetricPoint?
    private var left: Int
    private var isStarted = false
    private var isDone = false

    init(store: any TrackingStore, run: String, key: String, after: MetricPoint?, limit: Int, piece: Int) {
        self.store = store
        self.run = run
        self.key = key
        self.after = after
        left = limit
        self.piece = piece
    }

    func next() async throws(GyreError) -> [UInt8]? {
        if isDone { return nil }
        let count = min(left, piece)
        // One more than is written tells whether anything follows.
        let points = try await store.history(of: key, in: run, after: after, limit: count + 1)
        let written = points.prefix(count)
        left -= written.count
        after = written.last
        var writer = JSONWriter(reservingCapacity: 128 * (written.count + 1))
        if !isStarted, points.isEmpty {
            isDone = true
            return Array("{}".utf8)
        }
        writer.raw(isStarted ? "," : "{\"metrics\":[")
        isStarted = true
        var isFirst = true
        for point in written {
            if !isFirst { writer.raw(",") }
            isFirst = false
            writer.metric(point)
        }
        if points.count <= count || left == 0 {
            isDone = true
            writer.raw("]")
            if points.count > count, let last = written.last {
                let value: JSONValue = last.value.isNaN ? .string("NaN") : .double(last.value)
                writer.raw(",\"next_page_token\":")
                writer.string(PageToken.text([.int(last.step), .int(last.timestampMilliseconds), value]))
            }
            writer.raw("}")
        }
        return writer.bytes
    }
}

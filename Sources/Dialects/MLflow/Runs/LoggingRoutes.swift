// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreRegistry
internal import GyreTracking

extension MLflowDialect {
    /// The calls that training code makes in its inner loop; their bodies are read without building a document.
    var loggingRoutes: [Route] {
        ["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"].flatMap { prefix in
            [
                Route("POST", prefix + "/runs/log-metric", .write(.run, "run_id"), logMetric),
                Route("POST", prefix + "/runs/log-batch", .write(.run, "run_id"), logBatch),
            ]
        }
    }

    private func logMetric(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        var reader = LogReader(try await request.body.collect(limit: Limits.bodyBytes))
        let (run, metric) = try reader.logMetric()
        var entries = RunEntries()
        entries.metrics = [metric]
        try await checkModels(entries)
        try await tracking.log(run, entries)
        return .json(Self.emptyObject)
    }

    private func logBatch(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        var reader = LogReader(try await request.body.collect(limit: Limits.bodyBytes))
        let (run, entries) = try reader.logBatch()
        try Self.checkSizes(entries)
        try await checkModels(entries)
        try await tracking.log(run, entries)
        return .json(Self.emptyObject)
    }

    private static let emptyObject = Array("{}".utf8)

    /// Points are about models that are there.
    private func checkModels(_ entries: RunEntries) async throws(GyreError) {
        let ids = Set(entries.metrics.lazy.compactMap(\.modelID))
        for id in ids { _ = try await loggedModels.model(id) }
    }

    private static func checkSizes(_ entries: RunEntries) throws(GyreError) {
        for (index, metric) in entries.metrics.enumerated() where metric.timestampMilliseconds < 0 {
            throw GyreError(
                .invalid,
                "Invalid value \(metric.timestampMilliseconds) for parameter 'metrics[\(index)].timestamp' supplied: "
                    + "metric timestamps are milliseconds since 1970, not negative.")
        }
        for (name, count, most) in [
            ("metrics", entries.metrics.count, TrackingRules.batchMetrics),
            ("params", entries.params.count, TrackingRules.batchParams),
            ("tags", entries.tags.count, TrackingRules.batchTags),
        ] where count > most {
            throw GyreError(
                .invalid, "A batch logging request can contain at most \(most) \(name). Got \(count) \(name).",
                fix: "Please split up \(name) across multiple requests and try again.")
        }
        let total = entries.metrics.count + entries.params.count + entries.tags.count
        guard total <= TrackingRules.batchEntities else {
            throw GyreError(
                .invalid,
                "A batch logging request can contain at most \(TrackingRules.batchEntities) metrics, params, and tags. Got \(total).",
                fix: "Please split up metrics, params, and tags across multiple requests and try again.")
        }
    }
}

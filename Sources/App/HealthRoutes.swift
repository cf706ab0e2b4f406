// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreAccess
internal import GyreBase
internal import GyreDelivery
internal import GyreHTTP
internal import GyreLedger
internal import GyreLoop
internal import GyreMonitoring
internal import GyreRollout
internal import GyreServing
internal import GyreUpkeep

/// `/health` and `/metrics`.
struct HealthRoutes: Sendable {
    let ledger: any LedgerStore
    let rollouts: Rollouts
    let predictor: Predictor
    let host: ModelHost
    let monitors: Monitors
    let clock: Clock

    var routes: RouteGroup {
        RouteGroup(
            prefixes: ["/health", "/metrics"],
            errorResponse: { .json(["error": .string($0.description)], status: $0.code.httpStatus) },
            routes: [
                Route("GET", "/health", .nothing) { _ in .text("OK") },
                Route("GET", "/metrics", .read, metrics),
            ])
    }

    private func metrics(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let format: OpenMetrics.Format =
            (request.headers("accept") ?? "").contains("application/openmetrics-text") ? .openMetrics : .prometheus
        var text = OpenMetrics(format)
        text.counter("gyre_ledger_facts", "Facts in the ledger.", [([], Double(try await ledger.head().seq))])
        text.gauge(
            "gyre_models_loaded", "Model versions that are loaded.",
            host.models().map { ([("model", $0.name), ("version", String($0.number))], 1) })
        var traffic: [(labels: [(String, String)], value: Double)] = []
        var requests: [(labels: [(String, String)], value: Double)] = []
        var errors: [(labels: [(String, String)], value: Double)] = []
        for (endpoint, split) in predictor.splits().sorted(by: { $0.key < $1.key }) {
            for target in split.targets {
                let isCanary = target == split.canary
                let labels = [
                    ("endpoint", endpoint), ("version", String(target.version)),
                    ("variant", isCanary ? "canary" : target == split.stable ? "stable" : "arm"),
                ]
                // A bandit has no shares: what its arms got is in their requests.
                if split.bandit == nil {
                    traffic.append((labels, Double(isCanary ? split.canaryPercent : 100 - split.canaryPercent) / 100))
                }
                let statistics = predictor.totals(endpoint, version: target.version)
                requests.append((labels, Double(statistics.requests)))
                errors.append((labels, Double(statistics.errors)))
            }
        }
        text.gauge("gyre_endpoint_traffic_ratio", "Share of an endpoint's traffic by deployment.", traffic)
        text.counter("gyre_endpoint_requests", "Requests answered since the start, by deployment.", requests)
        text.counter("gyre_endpoint_errors", "Requests that failed since the start, by deployment.", errors)
        models(&text)
        text.counter(
            "gyre_job_failures", "How often a job that the server does by itself failed.",
            clock.failureCounts.sorted { $0.key < $1.key }.map { ([("job", $0.key)], Double($0.value)) })
        text.gauge("gyre_process_resident_memory_bytes", "Memory of the process in RAM.", [([], Self.residentBytes())])
        return .text(text.finish(), type: format.contentType)
    }

    /// What each loaded model version did since it was loaded.
    private func models(_ text: inout OpenMetrics) {
        let loaded = host.models().map { ($0, $0.statistics.now) }
        func values(
            _ value: (HostedModel, ModelStatistics.Counts) -> Double
        ) -> [(labels: [(String, String)], value: Double)] {
            loaded.map { ([("model", $0.name), ("version", String($0.number))], value($0, $1)) }
        }
        func seconds(_ duration: ModelStatistics.Duration) -> Double { Double(duration.nanoseconds) / 1e9 }
        text.gauge(
            "gyre_model_memory_bytes", "Memory that a model version takes.", values { model, _ in Double(model.bytes) })
        text.counter(
            "gyre_model_requests", "Requests that a model version answered.", values { Double($1.success.count) })
        text.counter("gyre_model_errors", "Requests that a model version failed.", values { Double($1.failure.count) })
        text.counter("gyre_model_rows", "Rows that a model version inferred.", values { Double($1.inferences) })
        text.counter(
            "gyre_model_executions", "Runs of a model version, of which one may hold many requests.",
            values { Double($1.executions) })
        text.counter("gyre_model_request_seconds", "Time from requests to answers.", values { seconds($1.success) })
        text.counter(
            "gyre_model_queue_seconds", "Time that requests waited for their turn.", values { seconds($1.queue) })
        text.counter(
            "gyre_model_cache_hits", "Requests answered from the cache.", values { Double($1.cacheHits.count) })
    }

    private static func residentBytes() -> Double {
        // Where /proc is not there the gauge tells 0.
        let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
        return fields.count > 1 ? (Double(fields[1]) ?? 0) * Double(sysconf(Int32(_SC_PAGESIZE))) : 0
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
package import GyreHTTP
internal import GyreTracing
internal import ProtoOTLP
internal import SwiftProtobuf

extension OTLPDialect {
    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: ["/v1/traces"], errorResponse: OTLPErrors.response,
            routes: [Route("POST", "/v1/traces", .write, export)])
    }

    /// The most spans in one request.
    private static let mostSpans = 100_000

    private func export(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        guard let experiment = request.headers("x-mlflow-experiment-id") else {
            return OTLPErrors.missingExperiment
        }
        guard let experimentID = Int64(experiment.isEmpty ? "0" : experiment) else {
            throw GyreError(
                .invalid, "Invalid experiment ID '\(experiment.prefix(40))'. Experiment ID must be a valid integer.")
        }
        let type = (request.headers("content-type") ?? "").split(separator: ";").first.map(String.init) ?? ""
        let packed = try await request.body.collect(limit: Limits.bodyBytes)
        let body = try await Inflate.unpacked(
            packed, encoding: request.headers("content-encoding"), limit: Limits.bodyBytes)
        let export: OTLPExport
        switch type.lowercased().filter({ $0 != " " }) {
        case "application/x-protobuf": export = try Self.read(protobuf: body)
        case "application/json": export = try OTLPExport(json: body)
        default:
            throw GyreError(
                .invalid,
                "Invalid Content-Type: \(type.prefix(80)). Expected: application/x-protobuf or application/json")
        }
        guard export.hasResources else {
            throw GyreError(.invalid, "Invalid OpenTelemetry format - no spans found")
        }
        guard export.spanCount <= Self.mostSpans else {
            throw GyreError(
                .limitExceeded,
                "The request holds \(export.spanCount) spans; \(Self.mostSpans) is the most that is taken.")
        }
        let run = request.headers("x-mlflow-run-id")
        for group in export.groups where !group.spans.isEmpty {
            try await tracing.record(
                Tracing.Batch(experimentID: experimentID, spans: group.spans, tags: group.tags), run: run)
        }
        return HTTPResponse(headers: [("content-type", "application/x-protobuf")])
    }

    private static func read(protobuf body: [UInt8]) throws(GyreError) -> OTLPExport {
        do {
            return try OTLPExport(
                try Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest(serializedBytes: body))
        } catch let error as GyreError {
            throw error
        } catch {
            throw GyreError(.invalid, "Invalid OpenTelemetry format", why: "\(error)")
        }
    }
}

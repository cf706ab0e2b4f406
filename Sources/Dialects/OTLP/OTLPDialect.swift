// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
package import GyreHTTP
package import GyreTracing
internal import ProtoOTLP
internal import SwiftProtobuf

/// Takes spans by OpenTelemetry's protocol over HTTP, as protobuf or JSON.
package struct OTLPDialect: Sendable {
    private let tracing: Tracing
    /// The most spans in one request.
    private static let mostSpans = 100_000

    /// The dialect over `tracing`.
    package init(tracing: Tracing) { self.tracing = tracing }

    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: ["/v1/traces"], errorResponse: Self.errorResponse,
            routes: [Route("POST", "/v1/traces", export)])
    }

    private func export(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        guard let experiment = request.headers("x-mlflow-experiment-id") else {
            var answer = HTTPResponse.json(
                [
                    "error_code": "INVALID_PARAMETER_VALUE",
                    "message": "The header x-mlflow-experiment-id is missing; it names the experiment of the traces.",
                    "detail": [
                        [
                            "type": "missing", "loc": ["header", "x-mlflow-experiment-id"], "msg": "Field required",
                            "input": .null,
                        ]
                    ],
                ])
            answer.status = 422
            return answer
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

    /// Exporters look at the status alone; the body is for people, in the words of both MLflow and Google's RPC status.
    private static func errorResponse(_ error: GyreError) -> HTTPResponse {
        let status = error.code == .unsupported ? 400 : error.code.httpStatus
        let code = error.code == .notFound ? "RESOURCE_DOES_NOT_EXIST" : "INVALID_PARAMETER_VALUE"
        return .json(
            ["error_code": .string(code), "message": .string(error.what), "detail": .string(error.what)], status: status
        )
    }
}

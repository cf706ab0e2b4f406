// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
package import GyreHTTP

extension MLflowDialect {
    /// Every address that is answered.
    ///
    /// What a noun has is listed at the head of its own file, `Models/ModelRoutes.swift` for registered models and so on.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: [
                "/api/2.0/", "/api/3.0/", "/ajax-api/", "/version", "/get-artifact", "/model-versions/get-artifact",
            ],
            errorResponse: MLflowErrors.response,
            routes: serverRoutes
                + version2(experimentRoutes + runRoutes + runSearchRoutes + modelRoutes + versionRoutes)
                + version2(loggedModelRoutes + oldTraceRoutes + webhookRoutes + userRoutes)
                + version3(traceRoutes + assessmentRoutes + traceMetricRoutes)
                + version3(evaluationRoutes + scorerRoutes + issueRoutes + grantRoutes + workspaceRoutes)
                + loggingRoutes + browserRoutes + artifactRoutes + traceFileRoutes)
    }

    /// Calls of version 2 of the API, below both of its prefixes.
    private func version2(_ routes: [CallRoute]) -> [Route] {
        routes.flatMap { $0.routes(below: ["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"]) }
    }

    /// Calls of version 3 of the API, below both of its prefixes.
    private func version3(_ routes: [CallRoute]) -> [Route] {
        routes.flatMap { $0.routes(below: ["/api/3.0/mlflow", "/ajax-api/3.0/mlflow"]) }
    }

    private var serverRoutes: [Route] {
        [
            Route("GET", "/version", .nothing, version),
            Route("GET", "/api/3.0/mlflow/server-info", .nothing, serverInfo),
        ]
            + CallRoute.post("/experiments/search-datasets", .read(.experiment, "experiment_ids"), searchDatasets)
            .routes(below: ["/ajax-api/2.0/mlflow"])
    }

    /// The version of MLflow whose API is spoken; clients ask before they choose their calls.
    private static let spokenVersion = "3.17.2"

    private func version(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse { .text(Self.spokenVersion) }

    private func serverInfo(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json([
            "store_type": "SqlStore", "workspaces_enabled": .bool(asksWhoCalls), "trace_archival_enabled": false,
            "multipart_uploads_enabled": false, "multipart_downloads_enabled": false,
            "presigned_upload_run_id_supported": false, "presigned_upload_model_id_supported": false,
            "features_enabled": ["gateway": false],
        ])
    }
}

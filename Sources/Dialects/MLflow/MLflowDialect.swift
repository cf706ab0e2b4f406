// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
package import GyreEvaluation
package import GyreHTTP
package import GyreLedger
package import GyreNotification
package import GyreRegistry
package import GyreTracing
package import GyreTracking

/// MLflow's REST API over tracking and the registry.
package struct MLflowDialect: Sendable {
    let tracking: Tracking
    let registry: Registry
    let loggedModels: LoggedModels
    let tracing: Tracing
    let evaluationDatasets: EvaluationDatasets
    let scorers: Scorers
    let issues: Issues
    let webhooks: Webhooks
    let blobs: any BlobStore

    /// The dialect over these services.
    package init(
        tracking: Tracking, registry: Registry, loggedModels: LoggedModels, tracing: Tracing,
        evaluationDatasets: EvaluationDatasets, scorers: Scorers, issues: Issues, webhooks: Webhooks,
        blobs: any BlobStore
    ) {
        self.evaluationDatasets = evaluationDatasets
        self.scorers = scorers
        self.issues = issues
        self.webhooks = webhooks
        self.tracking = tracking
        self.tracing = tracing
        self.registry = registry
        self.loggedModels = loggedModels
        self.blobs = blobs
    }

    /// The version of MLflow whose API is spoken; clients ask before they choose their calls.
    static let spokenVersion = "3.17.2"

    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: [
                "/api/2.0/", "/api/3.0/", "/ajax-api/", "/version", "/get-artifact", "/model-versions/get-artifact",
            ],
            errorResponse: MLflowErrors.response,
            routes: serverRoutes
                + version2(experimentRoutes + runRoutes + modelRoutes + versionRoutes + loggedModelRoutes)
                + version2(oldTraceRoutes + webhookRoutes)
                + version3(
                    traceRoutes + assessmentRoutes + figureRoutes + evaluationRoutes + scorerRoutes + issueRoutes)
                + traceFileRoutes
                + bothDirect(runObjectRoutes + runSearchRoutes) + loggingRoutes + browserRoutes + artifactRoutes)
    }

    private var serverRoutes: [Route] {
        [
            Route("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets") { request throws(GyreError) in
                .json(try await searchDatasets(try await Arguments(request)))
            },
            Route("GET", "/version") { _ in .text(Self.spokenVersion) },
            Route("GET", "/api/3.0/mlflow/server-info") { _ in
                .json([
                    "store_type": "SqlStore", "workspaces_enabled": false, "trace_archival_enabled": false,
                    "multipart_uploads_enabled": false, "multipart_downloads_enabled": false,
                    "presigned_upload_run_id_supported": false, "presigned_upload_model_id_supported": false,
                    "features_enabled": ["gateway": false],
                ])
            },
        ]
    }

    /// The same for calls that make the whole answer themselves.
    private func bothDirect(_ routes: [(String, String, DirectCall)]) -> [Route] {
        routes.flatMap { method, path, call in
            ["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"].map { prefix in
                Route(method, prefix + path) { request throws(GyreError) in try await call(try await Arguments(request))
                }
            }
        }
    }

    /// Calls of version 3 of the API, under both of its prefixes.
    func version3(_ routes: [(String, String, Call)]) -> [Route] { prefixed("3.0", routes) }

    /// Calls of version 2 of the API, under both of its prefixes.
    func version2(_ routes: [(String, String, Call)]) -> [Route] { prefixed("2.0", routes) }

    private func prefixed(_ version: String, _ routes: [(String, String, Call)]) -> [Route] {
        routes.flatMap { method, path, call in
            ["/api/\(version)/mlflow", "/ajax-api/\(version)/mlflow"].map { prefix in
                Route(method, prefix + path) { request throws(GyreError) in
                    .json(try await call(try await Arguments(request)))
                }
            }
        }
    }

    typealias DirectCall = @Sendable (Arguments) async throws(GyreError) -> HTTPResponse
    typealias Call = @Sendable (Arguments) async throws(GyreError) -> JSONValue

    /// One page of a list that is in memory, and the token of the next.
    static func page(
        _ name: String, _ all: [JSONValue], _ arguments: Arguments, default fallback: Int, maximum: Int
    ) throws(GyreError) -> JSONValue {
        try page(name, all, arguments, limit: try arguments.limit(default: fallback, maximum: maximum))
    }

    /// A page of things whose messages are made for those alone that are on it.
    static func page<Item>(
        _ name: String, _ all: [Item], _ arguments: Arguments, default fallback: Int, maximum: Int,
        _ message: (Item) async throws(GyreError) -> JSONValue
    ) async throws(GyreError) -> JSONValue {
        let limit = try arguments.limit(default: fallback, maximum: maximum)
        let offset = try arguments.offset()
        var messages: [JSONValue] = []
        for item in all.dropFirst(offset).prefix(limit) { messages.append(try await message(item)) }
        var json: JSONValue = [:]
        if !messages.isEmpty { json[name] = .array(messages) }
        let end = offset + messages.count
        if end < all.count { json["next_page_token"] = .string(String(end)) }
        return json
    }

    static func page(
        _ name: String, _ all: [JSONValue], _ arguments: Arguments, limit: Int
    ) throws(GyreError) -> JSONValue {
        let offset = try arguments.offset()
        let page = Array(all.dropFirst(offset).prefix(limit))
        var json: JSONValue = [:]
        if !page.isEmpty { json[name] = .array(page) }
        if offset + page.count < all.count { json["next_page_token"] = .string(String(offset + page.count)) }
        return json
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreDelivery
package import GyreFeatures
package import GyreHTTP
package import GyreLedger
package import GyreLoop
package import GyreMonitoring
package import GyrePipelines
package import GyreRegistry
package import GyreReleases
package import GyreRollout
package import GyreServing
package import GyreTracing
package import GyreTracking
package import GyreUpkeep
package import GyreVersioning

/// Gyre's own API, under `/api/gyre/v1`: what the command line and the console speak.
package struct NativeDialect: Sendable {
    let services: Services

    /// Everything the API offers, as the assembly made it.
    package struct Services: Sendable {
        package let ledger: any LedgerStore
        package let blobs: any BlobStore
        package let tracking: Tracking
        package let tracing: Tracing
        package let registry: Registry
        package let loggedModels: LoggedModels
        package let versioning: Versioning
        package let ingest: Ingest
        package let features: Features
        package let pipelines: Pipelines
        package let rollouts: Rollouts
        package let releases: Releases
        package let endpoints: Endpoints
        package let monitors: Monitors
        package let conductor: Conductor
        package let predictor: Predictor
        package let predictions: any PredictionLog
        package let host: ModelHost
        /// Finds what serves a version.
        package let files: ModelFiles
        /// Registers what comes from a disk.
        package let imports: ModelImport
        package let retention: Retention
        package let recordedHead: @Sendable () -> Head?
        package let doctor: @Sendable () async -> JSONValue
        /// Which home this is, and which run of a server.
        package let home: @Sendable () -> JSONValue

        package init(
            ledger: any LedgerStore, blobs: any BlobStore, tracking: Tracking, tracing: Tracing,
            registry: Registry, loggedModels: LoggedModels,
            versioning: Versioning, ingest: Ingest,
            features: Features, pipelines: Pipelines, rollouts: Rollouts, releases: Releases, endpoints: Endpoints,
            monitors: Monitors,
            conductor: Conductor, predictor: Predictor, predictions: any PredictionLog, host: ModelHost,
            files: ModelFiles, imports: ModelImport, retention: Retention,
            recordedHead: @escaping @Sendable () -> Head?, doctor: @escaping @Sendable () async -> JSONValue,
            home: @escaping @Sendable () -> JSONValue
        ) {
            self.ledger = ledger
            self.blobs = blobs
            self.tracking = tracking
            self.tracing = tracing
            self.registry = registry
            self.loggedModels = loggedModels
            self.versioning = versioning
            self.ingest = ingest
            self.features = features
            self.pipelines = pipelines
            self.rollouts = rollouts
            self.releases = releases
            self.endpoints = endpoints
            self.monitors = monitors
            self.conductor = conductor
            self.predictor = predictor
            self.predictions = predictions
            self.host = host
            self.files = files
            self.imports = imports
            self.retention = retention
            self.recordedHead = recordedHead
            self.doctor = doctor
            self.home = home
        }
    }

    /// The API over these services.
    package init(_ services: Services) { self.services = services }

    static let root = "/api/gyre/v1"

    /// Finds what is named by a name, a whole or a short id.
    var names: Names { Names(services: services) }

    /// All routes.
    package var routes: RouteGroup {
        let calls =
            dataCalls + pipelineCalls + modelCalls + traceCalls + endpointCalls + releaseCalls + ledgerCalls
            + upkeepCalls
        let document = OpenAPI.document(calls)
        return RouteGroup(
            prefixes: [Self.root], errorResponse: Self.errorResponse,
            routes: runRoutes + calls.map(\.route) + blobRoutes + [
                Route("GET", Self.root + "/openapi.json") { _ in .json(document) }
            ])
    }

    static func errorResponse(_ error: GyreError) -> HTTPResponse {
        .json(
            [
                "error": [
                    "code": .string(error.code.rawValue), "what": .string(error.what), "why": .optional(error.why),
                    "fix": .optional(error.fix),
                ]
            ], status: error.code.httpStatus)
    }
}

/// One call of the API: its address, its words for the OpenAPI document, and what answers.
struct NativeCall: Sendable {
    let method: String
    let path: String
    let summary: String
    let query: [String]
    /// Whether it can tell what it would do without doing it, asked with `dry_run` in the body or the query.
    let hasDryRun: Bool
    let handler: @Sendable (HTTPRequest) async throws(GyreError) -> JSONValue

    init(
        _ method: String, _ path: String, _ summary: String, query: [String] = [], hasDryRun: Bool = false,
        _ handler: @escaping @Sendable (HTTPRequest) async throws(GyreError) -> JSONValue
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.query = query + (hasDryRun ? ["dry_run"] : [])
        self.hasDryRun = hasDryRun
        self.handler = handler
    }

    var route: Route {
        let refuses = method != "GET" && !hasDryRun
        return Route(method, NativeDialect.root + path) { [handler] request throws(GyreError) in
            .json(try await handler(refuses ? try await Self.withoutDryRun(request) : request))
        }
    }

    /// A call that cannot be tried must not be carried out for somebody who only wants to see what it would do.
    private static func withoutDryRun(_ request: HTTPRequest) async throws(GyreError) -> HTTPRequest {
        var request = request
        let bytes = try await request.body.collect(limit: Limits.bodyBytes)
        request.body = HTTPBody(bytes)
        let isNamed = bytes.count > 9 && String(decoding: bytes, as: UTF8.self).contains("dry_run")
        // A body that is no JSON is refused by the call itself.
        guard request.isDryRun(isNamed ? (try? JSONValue(parsing: bytes)) ?? [:] : [:]) else { return request }
        throw GyreError(
            .unsupported, "\(request.method) \(request.path.prefix(200)) cannot tell what it would do.",
            why: "It has no dry run; nothing was done.", fix: "Leave dry_run out to carry it out.")
    }
}

extension HTTPRequest {
    /// Whether it is only asked what the call would do.
    func isDryRun(_ body: JSONValue) -> Bool { body["dry_run"]?.bool == true || query("dry_run") == "true" }

    /// Who calls, as the command line says it.
    var actor: String { actor(surface: "api") }
}

/// The OpenAPI document of the native API, made from its calls.
enum OpenAPI {
    static func document(_ calls: [NativeCall]) -> JSONValue {
        var paths: JSONValue = [:]
        for call in calls {
            let path = call.path.replacing("...}", with: "}")
            var parameters: [JSONValue] = call.query.map {
                ["name": .string($0), "in": "query", "schema": ["type": "string"]]
            }
            for part in path.split(separator: "/") where part.hasPrefix("{") {
                let name = part.dropFirst().prefix { $0 != "}" }
                parameters.append([
                    "name": .string(String(name)), "in": "path", "required": true, "schema": ["type": "string"],
                ])
            }
            var operation: JSONValue = [
                "summary": .string(call.summary), "parameters": .array(parameters),
                "responses": [
                    "200": ["description": "Done.", "content": ["application/json": ["schema": ["type": "object"]]]],
                    "default": [
                        "description": "An error with what, why and fix.",
                        "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Error"]]],
                    ],
                ],
            ]
            if call.method != "GET", call.method != "DELETE" {
                operation["requestBody"] = ["content": ["application/json": ["schema": ["type": "object"]]]]
            }
            var item = paths[path] ?? [:]
            item[call.method.lowercased()] = operation
            paths[path] = item
        }
        let text: JSONValue = ["type": "string"]
        return [
            "openapi": "3.1.0", "info": ["title": "Gyre", "version": "1"], "servers": [["url": "/api/gyre/v1"]],
            "paths": paths,
            "components": [
                "schemas": [
                    "Error": [
                        "type": "object",
                        "properties": [
                            "error": [
                                "type": "object", "properties": ["code": text, "what": text, "why": text, "fix": text],
                            ]
                        ],
                    ]
                ]
            ],
        ]
    }
}

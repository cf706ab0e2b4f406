// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
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

    static let root = API.root

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

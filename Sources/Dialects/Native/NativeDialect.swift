// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
package import GyreApprovals
package import GyreBase
package import GyreDelivery
package import GyreFeatures
package import GyreHTTP
package import GyreIdentity
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
package import GyreVault
package import GyreVersioning

/// Gyre's own API, under `/api/gyre/v1`: what the command line and the console speak.
package struct NativeDialect: Sendable {
    let services: Services

    /// Everything the API offers, as the assembly made it.
    package struct Services: Sendable {
        /// Facts, documents and pointers.
        package let ledger: any LedgerStore
        /// The bytes of files, by digest.
        package let blobs: any BlobStore
        /// Experiments and runs.
        package let tracking: Tracking
        /// Traces of applications and of predictions.
        package let tracing: Tracing
        /// Registered models with their versions and aliases.
        package let registry: Registry
        /// Models that runs logged, registered or not.
        package let loggedModels: LoggedModels
        /// Datasets with their versions.
        package let versioning: Versioning
        /// Checks of data, and training sets.
        package let ingest: Ingest
        /// Feature views, for training and for serving.
        package let features: Features
        /// Runs of pipelines.
        package let pipelines: Pipelines
        /// Pipelines that can be run by name.
        package let pipelineCatalog: PipelineCatalog
        /// When pipelines are run by themselves.
        package let schedules: Schedules
        /// How many tasks hold something at the same time.
        package let lockLimits: LockLimits
        /// How traffic is shared, and what moved it.
        package let rollouts: Rollouts
        /// What went out together.
        package let releases: Releases
        /// What moves the traffic and follows it.
        package let endpoints: Endpoints
        /// Reports on windows of traffic.
        package let monitors: Monitors
        /// What carries out the policies of projects.
        package let conductor: Conductor
        /// What predicts whole datasets.
        package let batches: BatchPredictor
        /// What answers predictions.
        package let predictor: Predictor
        /// The log of predictions and their labels.
        package let predictions: any PredictionLog
        /// The models that are known and loaded.
        package let host: ModelHost
        /// Finds what serves a version.
        package let files: ModelFiles
        /// Registers what comes from a disk.
        package let imports: ModelImport
        /// What removes deleted things for good.
        package let retention: Retention
        /// What signs the ledger.
        package let signing: LedgerSigning
        /// The end of the ledger as it was written down outside of the database; nil where it never was.
        package let recordedHead: @Sendable () -> Head?
        /// What waits until others agree.
        package let approvals: Approvals
        /// Makes the call of something that was approved, as its author.
        package let carryOut: @Sendable (Approval) async throws(GyreError) -> JSONValue
        /// The keys of what facts say of people.
        package let personal: any PersonalKeys
        /// Secrets by name.
        package let vault: Vault
        /// Who there is, and who may do what.
        package let identity: Identity
        /// Whether somebody has to sign in.
        package let asksWhoCalls: Bool
        /// Makes a workspace's folder and serves it.
        package let openWorkspace: @Sendable (String) async throws(GyreError) -> Void
        /// Serves a workspace no longer, and puts its folder aside.
        package let closeWorkspace: @Sendable (String) async throws(GyreError) -> Void
        /// All addresses of the workspace.
        package let routes: @Sendable () -> [Route]
        /// The last calls that were not let in, and how many there were by code.
        package let refusals: @Sendable (Int) -> ([JSONValue], [String: Int64])
        /// What is missing or wrong on this machine.
        package let doctor: @Sendable () async -> JSONValue
        /// Which home this is, and which run of a server.
        package let home: @Sendable () -> JSONValue

        /// All of them, as the assembly made them.
        package init(
            ledger: any LedgerStore, blobs: any BlobStore, tracking: Tracking, tracing: Tracing,
            registry: Registry, loggedModels: LoggedModels,
            versioning: Versioning, ingest: Ingest,
            features: Features, pipelines: Pipelines, pipelineCatalog: PipelineCatalog, schedules: Schedules,
            lockLimits: LockLimits,
            rollouts: Rollouts, releases: Releases, endpoints: Endpoints,
            monitors: Monitors,
            conductor: Conductor, batches: BatchPredictor, predictor: Predictor, predictions: any PredictionLog,
            host: ModelHost,
            files: ModelFiles, imports: ModelImport, retention: Retention,
            approvals: Approvals, carryOut: @escaping @Sendable (Approval) async throws(GyreError) -> JSONValue,
            personal: any PersonalKeys, vault: Vault, identity: Identity, asksWhoCalls: Bool,
            openWorkspace: @escaping @Sendable (String) async throws(GyreError) -> Void,
            closeWorkspace: @escaping @Sendable (String) async throws(GyreError) -> Void,
            routes: @escaping @Sendable () -> [Route],
            refusals: @escaping @Sendable (Int) -> ([JSONValue], [String: Int64]),
            signing: LedgerSigning, recordedHead: @escaping @Sendable () -> Head?,
            doctor: @escaping @Sendable () async -> JSONValue,
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
            self.pipelineCatalog = pipelineCatalog
            self.schedules = schedules
            self.lockLimits = lockLimits
            self.rollouts = rollouts
            self.releases = releases
            self.endpoints = endpoints
            self.monitors = monitors
            self.conductor = conductor
            self.batches = batches
            self.predictor = predictor
            self.predictions = predictions
            self.host = host
            self.files = files
            self.imports = imports
            self.retention = retention
            self.approvals = approvals
            self.carryOut = carryOut
            self.personal = personal
            self.vault = vault
            self.identity = identity
            self.asksWhoCalls = asksWhoCalls
            self.openWorkspace = openWorkspace
            self.closeWorkspace = closeWorkspace
            self.routes = routes
            self.refusals = refusals
            self.signing = signing
            self.recordedHead = recordedHead
            self.doctor = doctor
            self.home = home
        }
    }

    /// Signs the ledger, and proves by what was signed.
    package struct LedgerSigning: Sendable {
        /// What checks the signatures.
        package let key: Checkpoint.PublicKey
        /// Signs the ledger as it is now.
        package let sign: @Sendable () async throws(GyreError) -> String
        /// Proves that a fact is in it.
        package let prove: @Sendable (Int64) async throws(GyreError) -> Inclusion
        /// Compares the chain with what was signed.
        package let verify: @Sendable (Head?) async throws(GyreError) -> JSONValue

        /// A way to sign.
        package init(
            key: Checkpoint.PublicKey, sign: @escaping @Sendable () async throws(GyreError) -> String,
            prove: @escaping @Sendable (Int64) async throws(GyreError) -> Inclusion,
            verify: @escaping @Sendable (Head?) async throws(GyreError) -> JSONValue
        ) {
            self.key = key
            self.sign = sign
            self.prove = prove
            self.verify = verify
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
            + upkeepCalls + identityCalls + secretCalls + approvalCalls
        let document = OpenAPI.document(calls)
        return RouteGroup(
            prefixes: [Self.root], errorResponse: Self.errorResponse,
            routes: runRoutes + calls.map(\.route) + blobRoutes + [
                Route("GET", Self.root + "/openapi.json", .nothing) { _ in .json(document) }
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

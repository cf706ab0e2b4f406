// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreBlobs
internal import GyreCLI
internal import GyreCompute
internal import GyreConsole
internal import GyreDelivery
internal import GyreEvaluation
internal import GyreExecution
internal import GyreFeatures
internal import GyreGX
internal import GyreHTTP
internal import GyreInference
internal import GyreKFP
internal import GyreKServe
internal import GyreLedger
internal import GyreLoop
internal import GyreMLflow
internal import GyreMonitoring
internal import GyreNative
internal import GyreNotification
internal import GyreOIP
internal import GyreOTLP
internal import GyreOutbound
internal import GyrePipelines
internal import GyrePredictions
internal import GyreQuality
internal import GyreRegistry
internal import GyreReleases
internal import GyreRollout
internal import GyreSQLite
internal import GyreScoring
internal import GyreServing
internal import GyreTFServing
internal import GyreTables
internal import GyreTracing
internal import GyreTracking
internal import GyreUpkeep
internal import GyreVersioning
internal import Synchronization

/// The object graph of one home: the only place that knows every adapter.
///
/// Read it to know what runs.
struct Assembly: Sendable {
    let home: HomeFolder
    let database: SQLiteDatabase
    let ledger: SQLiteLedgerStore
    let predictions: JournalPredictionLog
    let pipelines: Pipelines
    let endpoints: Endpoints
    let conductor: Conductor
    let notifier: Notifier
    let retention: Retention
    let reproductions: ReproductionFolder
    let conversions: Conversions
    let repository: ModelRepository
    let inferenceServices: InferenceServices
    /// The models over gRPC.
    let inference: InferenceService
    let router: Router
    /// Where this Gyre listens; tasks are told.
    let address: AddressBox
    /// What a server does by itself.
    let clock: Clock

    static func make(
        home: HomeFolder, settings: Settings, modelRepository: String? = nil, modelMemoryBytes: Int64 = 0,
        trustsModels: Bool = false, sharesMemory: Bool = false, openAddresses: [String] = [],
        surroundings: Surroundings = .live
    ) async throws(GyreError) -> Assembly {
        // Adapters
        let database = try SQLiteDatabase(path: home.database, now: surroundings.now)
        let ledger = SQLiteLedgerStore(database)
        let blobs = try FileBlobStore(root: home.blobs)
        let tables = DuckDBEngine(search: settings.libraries)
        let onnx = OnnxRuntime(search: settings.libraries) { StandardError.write($0.line) }
        let executor = ProcessExecutor(environmentsFolder: settings.environments, uv: settings.uv)
        let predictions = JournalPredictionLog(root: home.predictions, tables: tables, now: surroundings.now)

        // Areas
        let tracking = Tracking(store: SQLiteTrackingStore(database), surroundings: surroundings)
        let tracing = Tracing(store: SQLiteTraceStore(database), surroundings: surroundings) { id throws(GyreError) in
            let experiment = try await tracking.experiment(String(id))
            return (experiment.artifactLocation, experiment.isDeleted)
        }
        let registry = Registry(store: ledger, surroundings: surroundings)
        let webhooks = Webhooks(
            store: ledger, sender: HTTPWebhookSender(allowsPrivate: settings.webhooksMayStayInside),
            surroundings: surroundings, allowedSchemes: settings.webhookSchemes)
        let loggedModels = LoggedModels(store: ledger, surroundings: surroundings)
        let versioning = Versioning(store: ledger, blobs: blobs, tables: tables, surroundings: surroundings)
        let checker = Checker(tables: tables, surroundings: surroundings)
        let features = Features(
            store: ledger, blobs: blobs, tables: tables, online: SQLiteOnlineStore(database), surroundings: surroundings
        )
        let rollouts = Rollouts(store: ledger, surroundings: surroundings)
        let releases = Releases(store: ledger, surroundings: surroundings)
        let host = ModelHost(
            runtimes: [
                onnx, TreeRuntime(.xgboost, search: settings.libraries),
                TreeRuntime(.lightgbm, search: settings.libraries), PythonRuntime(python: settings.python),
                RemoteRuntime(),
            ], budgetBytes: modelMemoryBytes, surroundings: surroundings)
        let address = AddressBox()
        let clock = Clock { StandardError.write($0) }
        let ended = EndedRuns()
        let pipelines = Pipelines(
            store: ledger, blobs: blobs, executor: executor,
            options: pipelineOptions(
                home: home, settings: settings, address: address, versioning: versioning, ended: ended),
            surroundings: surroundings)

        // Loop
        let traces = PredictionTraces(tracing: tracing, tracking: tracking)
        let predictor = Predictor(host: host, log: predictions, traces: traces, surroundings: surroundings)
        let files = ModelFiles(
            tracking: tracking, loggedModels: loggedModels, blobs: blobs, store: ledger,
            converter: trustsModels ? SklearnConverter(python: settings.python) : nil, folders: home.models,
            trustsModels: trustsModels)
        let conversions = Conversions(store: ledger, registry: registry, files: files)
        let readConfiguration: @Sendable (String) throws(GyreError) -> ModelConfiguration = { text throws(GyreError) in
            try ConfigurationFile.read(text)
        }
        let imports = ModelImport(
            registry: registry, tracking: tracking, blobs: blobs, surroundings: surroundings,
            readConfiguration: readConfiguration)
        let ingest = Ingest(
            store: ledger, blobs: blobs, versioning: versioning, checker: checker, features: features,
            readSuite: GXSuite.read,
            writeResult: GXSuite.write)
        let builder = ReleaseBuilder(
            registry: registry, tracking: tracking, pipelines: pipelines, versioning: versioning, ingest: ingest,
            files: files)
        let endpoints = Endpoints(
            rollouts: rollouts, releases: releases, registry: registry, files: files, host: host, predictor: predictor,
            log: predictions, readConfiguration: readConfiguration)
        let monitors = Monitors(
            store: ledger, blobs: blobs, tables: tables, log: predictions, releases: releases, versioning: versioning,
            host: host,
            surroundings: surroundings)
        let reproductions = ReproductionFolder(
            folder: home.reproductions, database: database, blobs: blobs, pipelines: pipelines,
            webhooks: { store in
                Webhooks(
                    store: store, sender: HTTPWebhookSender(allowsPrivate: false), surroundings: surroundings,
                    allowedSchemes: [])
            }, surroundings: surroundings)
        let conductor = Conductor(
            store: ledger, ingest: ingest, versioning: versioning, pipelines: pipelines, registry: registry,
            tracking: tracking,
            releases: releases, builder: builder, rollouts: rollouts, endpoints: endpoints, monitors: monitors,
            spaces: reproductions)
        ended.set(conductor)
        let retention = Retention(
            store: ledger, blobs: blobs, tracking: tracking, registry: registry, loggedModels: loggedModels,
            releases: releases, files: files, surroundings: surroundings)

        // Surfaces
        let doctor = DoctorReport(
            settings: settings, home: home, duckDB: tables, onnx: onnx, openAddresses: openAddresses)
        let services = NativeDialect.Services(
            ledger: ledger, blobs: blobs, tracking: tracking, tracing: tracing, registry: registry,
            loggedModels: loggedModels, versioning: versioning,
            ingest: ingest, features: features,
            pipelines: pipelines, rollouts: rollouts, releases: releases, endpoints: endpoints, monitors: monitors,
            conductor: conductor,
            predictor: predictor, predictions: predictions, host: host, files: files, imports: imports,
            retention: retention,
            recordedHead: { RecordedHead.read(home.recordedHead) },
            doctor: { await doctor.make() },
            home: { address.home ?? ["home": .string(home.path)] })
        let mlflow = MLflowDialect(
            tracking: tracking, registry: registry, loggedModels: loggedModels, tracing: tracing,
            evaluationDatasets: EvaluationDatasets(store: ledger, surroundings: surroundings),
            scorers: Scorers(store: ledger, surroundings: surroundings),
            issues: Issues(store: ledger, surroundings: surroundings), webhooks: webhooks, blobs: blobs)
        let repository = ModelRepository(
            root: modelRepository, uploads: home.models + "/uploaded", host: host, registry: registry, files: files,
            readConfiguration: readConfiguration)
        try await repository.check()
        let inferenceServices = InferenceServices(
            store: ledger, host: host, predictor: predictor, rollouts: rollouts, files: files)
        let tfServing = TFServingDialect(host: host, predictor: predictor).routes
        let modelRouter = Router([tfServing])
        let kserve = KServeDialect(services: inferenceServices, host: host, surroundings: surroundings) {
            model, body, via, id in
            let headers = [Predictor.Request.viaHeader: via, Predictor.Request.idHeader: id]
            return await modelRouter.respond(
                to: HTTPRequest("POST", "/v1/models/\(model):predict", headers: headers, body: body))
        }
        let inference = InferenceCalls(
            host: host, predictor: predictor, repository: repository,
            regions: sharesMemory ? SharedMemory() : nil, traces: traces,
            log: ServingLog { StandardError.write($0) }, version: "0.1.0")
        let health = HealthRoutes(
            ledger: ledger, rollouts: rollouts, predictor: predictor, host: host, monitors: monitors, clock: clock)

        let native = NativeDialect(services).routes
        let inner = Router([native, kserve.routes])
        let call: @Sendable (HTTPRequest) async throws(GyreError) -> JSONValue = { request throws(GyreError) in
            let response = await inner.respond(to: request)
            guard case .bytes(let bytes) = response.body else { return [:] }
            guard response.status == 200 else { throw APIError.read(bytes, status: response.status) }
            return try JSONValue(parsing: bytes)
        }
        let console = Console(
            api: { path throws(GyreError) in try await call(HTTPRequest("GET", "/api/gyre/v1" + path)) },
            act: { path, body throws(GyreError) in
                try await call(
                    HTTPRequest(
                        "POST", "/api/gyre/v1" + path, headers: ["x-gyre-actor": "console"], body: body.bytes))
            },
            staticFile: { name in
                FileManager.default.contents(atPath: "\(settings.staticFiles)/\(name)").map { Array($0) }
            }, mlflowFile: { path in settings.mlflowPages(path) })

        if try await tracking.store.experiment(0) == nil {
            _ = try await tracking.createExperiment("Default", by: "gyre")
        }
        return Assembly(
            home: home, database: database, ledger: ledger, predictions: predictions, pipelines: pipelines,
            endpoints: endpoints,
            conductor: conductor, notifier: Notifier(store: ledger, registry: registry, webhooks: webhooks),
            retention: retention, reproductions: reproductions, conversions: conversions, repository: repository,
            inferenceServices: inferenceServices,
            inference: InferenceService(inference),
            router: Router([
                health.routes, OIPDialect(inference).routes, tfServing, kserve.routes,
                ScoringDialect(predictor: predictor).routes, OTLPDialect(tracing: tracing).routes, mlflow.routes,
                native, reproductions.routes, console.routes,
            ]), address: address, clock: clock
        )
    }

    private static func pipelineOptions(
        home: HomeFolder, settings: Settings, address: AddressBox, versioning: Versioning, ended: EndedRuns
    ) -> PipelineOptions {
        PipelineOptions(
            folder: home.tasks, timeoutSeconds: settings.taskTimeoutSeconds, runningTasks: settings.runningTasks,
            variables: { run, task, inputs in
                // mlflow reads the tags of its runs from this variable, and the ledger its lineage from the tags.
                var tags: JSONValue = [
                    "gyre.pipeline_run": .string(run.id), "gyre.task": .string(task.ref.description),
                    "gyre.input.pipeline_run": .string(run.ref.description),
                ]
                for (name, ref) in inputs { tags["gyre.input.\(name)"] = .string(ref.description) }
                var variables = [
                    "MLFLOW_RUN_CONTEXT": tags.text, "OMP_NUM_THREADS": "1", "GIT_PYTHON_REFRESH": "quiet",
                ]
                if let server = address.value {
                    // What makes a release again tracks and registers apart from everything else.
                    let path = run.purpose.reproduced == nil ? "" : ReproductionFolder.path(of: run.id)
                    variables["MLFLOW_TRACKING_URI"] = "http://\(server)\(path)"
                }
                return variables
            },
            resolve: { text throws(GyreError) in try await versioning.version(try Ref(parsing: text)).ref },
            files: { ref throws(GyreError) in try await versioning.version(ref).tree },
            read: KFPPackage.read, onEnd: { await ended.tell($0) })
    }

    /// Ends everything in order; the next start finds nothing to mend.
    func close() async throws(GyreError) {
        await pipelines.suspend()
        try await reproductions.close()
        try await closeSegments(all: true)
        RecordedHead.write(try await ledger.head(), home.recordedHead)
        try database.close()
    }

    /// Closes full segments of the prediction log and records their digests.
    func closeSegments(all: Bool) async throws(GyreError) {
        for segment in try await predictions.closeSegments(all: all) {
            _ = try await ledger.commit(
                [],
                recording: [
                    Fact(
                        "monitoring.segment.closed", Ref("endpoint", segment.endpoint), by: "gyre",
                        body: [
                            "segment": .string(segment.name), "rows": .int(segment.rows),
                            "sha256": .string(segment.digest.hex),
                        ])
                ])
        }
    }
}

/// The address that is known only once the server listens.
final class AddressBox: Sendable {
    private let content = Mutex<(address: String, home: JSONValue?)?>(nil)
    var value: String? { content.withLock { $0?.address } }
    /// Which home is served there, as the server tells it.
    var home: JSONValue? { content.withLock { $0?.home } }
    func set(_ address: String, home: JSONValue?) { content.withLock { $0 = (address, home) } }
}

/// Carries the end of a pipeline run to the loop, which is made after the pipelines.
final class EndedRuns: Sendable {
    private let conductor = Mutex<Conductor?>(nil)

    func set(_ conductor: Conductor) { self.conductor.withLock { $0 = conductor } }

    func tell(_ run: PipelineRun) async {
        do { try await conductor.withLock({ $0 })?.pipelineEnded(run) } catch {
            StandardError.write("rolling out failed: \(error)")
        }
    }
}

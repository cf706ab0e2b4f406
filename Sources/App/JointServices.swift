// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreDelivery
internal import GyreExecution
internal import GyreGX
internal import GyreInference
internal import GyreLoop
internal import GyreNotification
internal import GyreOIP
internal import GyreOutbound
internal import GyrePipelines
internal import GyreServing
internal import GyreUpkeep
internal import GyreVersioning

/// The third layer of the object graph: from a registered version to an answer.
struct DeliveryServices: Sendable {
    let traces: PredictionTraces
    let predictor: Predictor
    let files: ModelFiles
    let conversions: Conversions
    let imports: ModelImport
    let endpoints: Endpoints
    let repository: ModelRepository
    let inferenceServices: InferenceServices

    init(
        _ stores: Stores, _ areas: AreaServices, home: HomeFolder, settings: Settings, choices: ServeChoices,
        wide: ServerWide, surroundings: Surroundings
    ) {
        let readConfiguration: @Sendable (String) throws(GyreError) -> ModelConfiguration = { text throws(GyreError) in
            try ConfigurationFile.read(text)
        }
        traces = PredictionTraces(tracing: areas.tracing, tracking: areas.tracking)
        predictor = Predictor(host: areas.host, log: stores.predictions, traces: traces, surroundings: surroundings)
        files = ModelFiles(
            tracking: areas.tracking, loggedModels: areas.loggedModels, blobs: stores.blobs, store: stores.ledger,
            converter: choices.trustsModels ? SklearnConverter(python: settings.python) : nil, folders: home.models,
            trustsModels: choices.trustsModels,
            environments: ModelFolderEnvironments(
                folder: settings.environments, uv: settings.uv, shared: settings.python,
                isShared: choices.sharesModelEnvironment, wheels: settings.wheels,
                report: { StandardError.write($0) }))
        let tokens = TaskTokens(wide, workspace: choices.workspace, surroundings: surroundings)
        conversions = Conversions(store: stores.ledger, registry: areas.registry, files: files) {
            tokens.mayRunCode($0)
        }
        imports = ModelImport(
            registry: areas.registry, tracking: areas.tracking, blobs: stores.blobs, surroundings: surroundings,
            readConfiguration: readConfiguration)
        endpoints = Endpoints(
            rollouts: areas.rollouts, releases: areas.releases, registry: areas.registry, files: files,
            host: areas.host, predictor: predictor, log: stores.predictions, readConfiguration: readConfiguration)
        repository = ModelRepository(
            root: choices.modelRepository, uploads: home.models + "/uploaded", host: areas.host,
            registry: areas.registry, files: files, readConfiguration: readConfiguration)
        inferenceServices = InferenceServices(
            store: stores.ledger, host: areas.host, predictor: predictor, rollouts: areas.rollouts, files: files)
    }
}

/// The fourth layer of the object graph: what closes the loop over delivery, and what keeps a home in order.
struct LoopServices: Sendable {
    let ingest: Ingest
    let monitors: Monitors
    let reproductions: ReproductionFolder
    let conductor: Conductor
    let batches: BatchPredictor
    let retention: Retention
    let notifier: Notifier

    init(
        _ stores: Stores, _ areas: AreaServices, _ delivery: DeliveryServices, home: HomeFolder,
        surroundings: Surroundings
    ) {
        let ledger = stores.ledger
        ingest = Ingest(
            store: ledger, blobs: stores.blobs, versioning: areas.versioning, checker: areas.checker,
            features: areas.features, readSuite: GXSuite.read, writeResult: GXSuite.write)
        let builder = ReleaseBuilder(
            registry: areas.registry, tracking: areas.tracking, pipelines: areas.pipelines,
            versioning: areas.versioning, ingest: ingest, files: delivery.files)
        monitors = Monitors(
            store: ledger, blobs: stores.blobs, tables: stores.tables, log: stores.predictions,
            releases: areas.releases, versioning: areas.versioning, host: areas.host, surroundings: surroundings)
        reproductions = ReproductionFolder(
            folder: home.reproductions, database: stores.database, blobs: stores.blobs, pipelines: areas.pipelines,
            webhooks: { store in
                Webhooks(
                    store: store, sender: HTTPWebhookSender(allowsPrivate: false), surroundings: surroundings,
                    allowedSchemes: [])
            }, surroundings: surroundings)
        conductor = Conductor(
            store: ledger, ingest: ingest, versioning: areas.versioning, pipelines: areas.pipelines,
            registry: areas.registry, tracking: areas.tracking, releases: areas.releases, builder: builder,
            rollouts: areas.rollouts, endpoints: delivery.endpoints, monitors: monitors, spaces: reproductions)
        batches = BatchPredictor(
            blobs: stores.blobs, tables: stores.tables, versioning: areas.versioning,
            files: delivery.files, host: areas.host)
        let (reproductions, pipelines, objects) = (reproductions, areas.pipelines, areas.dataRemotes.names)
        retention = Retention(
            store: ledger, blobs: stores.blobs, tracking: areas.tracking, registry: areas.registry,
            loggedModels: areas.loggedModels, releases: areas.releases, files: delivery.files,
            surroundings: surroundings,
            namedElsewhere: { () throws(GyreError) in
                try await reproductions.namedDigests().union(try await pipelines.namedDigests()).union(
                    try await objects.digests())
            })
        notifier = Notifier(store: ledger, registry: areas.registry, webhooks: areas.webhooks)
    }
}

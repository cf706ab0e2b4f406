// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreArgo
internal import GyreBase
internal import GyreCLI
internal import GyreConsole
internal import GyreDataRemotes
internal import GyreDelivery
internal import GyreGate
internal import GyreHTTP
internal import GyreInference
internal import GyreKFP
internal import GyreKServe
internal import GyreLedger
internal import GyreMLflow
internal import GyreMetaflow
internal import GyreNative
internal import GyreOIP
internal import GyreOTLP
internal import GyreScoring
internal import GyreSeldon
internal import GyreServices
internal import GyreTFServing
internal import GyreUpkeep
internal import Synchronization

/// The last layer of the object graph: every protocol that is spoken, and the pages.
struct Surfaces: Sendable {
    /// Every address.
    let router: Router
    /// Services with routes of their own.
    let services: ServicesDialect
    /// The models over gRPC.
    let inference: InferenceService

    /// The layers below, by name.
    struct Layers: Sendable {
        let stores: Stores
        let areas: AreaServices
        let delivery: DeliveryServices
        let loop: LoopServices
        let wide: ServerWide
        let checkpoints: Checkpoints
    }

    init(
        _ layers: Layers, home: HomeFolder, settings: Settings, choices: ServeChoices, address: AddressBox,
        clock: Clock, surroundings: Surroundings
    ) {
        let (stores, areas, delivery) = (layers.stores, layers.areas, layers.delivery)
        let calls = InferenceCalls(
            host: areas.host, predictor: delivery.predictor, repository: delivery.repository,
            regions: choices.sharesMemory ? SharedMemory() : nil, traces: delivery.traces,
            log: ServingLog { StandardError.write($0) }, version: "0.1.0")
        let refusals = layers.wide.refusals
        let gate = ApprovalGate(areas.approvals, identity: layers.wide.identity)
        let admission = Admission(
            find: ThingFinder(areas: areas).find,
            hold: { request, action throws(GyreError) in try await gate.hold(request, action) },
            onRefusal: { refusals.add($0) })
        let tfServing = TFServingDialect(host: areas.host, predictor: delivery.predictor).routes
        let modelRouter = Router([tfServing], admission: admission)
        let kserve = KServeDialect(services: delivery.inferenceServices, host: areas.host, surroundings: surroundings) {
            model, body, via, id in
            let headers = [Predictor.Request.viaHeader: via, Predictor.Request.idHeader: id]
            return await modelRouter.respond(
                to: HTTPRequest("POST", "/v1/models/\(model):predict", headers: headers, body: body))
        }.routes
        let doctor = DoctorReport(
            settings: settings, home: home, duckDB: stores.tables, onnx: stores.onnx,
            openAddresses: choices.openAddresses, asksWhoCalls: layers.wide.asksWhoCalls)
        let routes = RouteBox()
        let native = NativeDialect(
            Self.nativeServices(
                layers, gate: gate, routes: routes, checkpoints: { SignedStates(home: home.path) },
                recordedHead: { RecordedHead.read(home.recordedHead) }, doctor: { await doctor.make() },
                home: { address.home ?? ["home": .string(home.path)] })
        ).routes
        let health = HealthRoutes(
            ledger: stores.ledger, rollouts: areas.rollouts, predictor: delivery.predictor, host: areas.host,
            monitors: layers.loop.monitors, clock: clock)
        let mlflow = MLflowDialect(
            tracking: areas.tracking, registry: areas.registry, loggedModels: areas.loggedModels,
            tracing: areas.tracing, evaluationDatasets: areas.evaluationDatasets, scorers: areas.scorers,
            issues: areas.issues, webhooks: areas.webhooks, blobs: stores.blobs,
            identity: layers.wide.identity, asksWhoCalls: layers.wide.asksWhoCalls)
        inference = InferenceService(calls)
        services = ServicesDialect(predictor: delivery.predictor)
        router = Router(
            [
                health.routes,
                KFPDialect(
                    pipelines: areas.pipelines, catalog: areas.pipelineCatalog,
                    experiments: areas.pipelineExperiments, schedules: areas.schedules
                ).routes,
                ArgoDialect(
                    pipelines: areas.pipelines, manifests: areas.manifests, schedules: areas.schedules,
                    limits: areas.lockLimits, surroundings: surroundings
                ).routes, MetaflowDialect(flows: areas.flows).routes,
                DVCRemoteDialect(remotes: areas.dataRemotes).routes, OIPDialect(calls).routes, tfServing, kserve,
                services.routes, SeldonDialect(predictor: delivery.predictor, log: stores.predictions).routes,
                ScoringDialect(predictor: delivery.predictor).routes,
                OTLPDialect(tracing: areas.tracing).routes,
                mlflow.routes, native, layers.loop.reproductions.routes,
                Self.console(
                    over: Router([native, kserve], admission: admission), settings: settings,
                    openAddresses: choices.openAddresses,
                    desk: layers.wide.asksWhoCalls ? Self.desk(layers.wide, address, surroundings) : nil
                ).routes,
            ], admission: admission)
        routes.set(router.routes)
        gate.set(router)
    }

    private static func desk(_ wide: ServerWide, _ address: AddressBox, _ surroundings: Surroundings) -> SessionDesk {
        let provider = wide.provider.map { ProviderDesk($0, identity: wide.identity, surroundings: surroundings) }
        return SignInDesk(wide.identity, provider: provider) {
            let own = address.value ?? "localhost"
            return own.contains("://") ? own : "http://" + own
        }.desk
    }

    private static func nativeServices(
        _ layers: Layers, gate: ApprovalGate, routes: RouteBox, checkpoints: @escaping @Sendable () -> SignedStates,
        recordedHead: @escaping @Sendable () -> Head?,
        doctor: @escaping @Sendable () async -> JSONValue, home: @escaping @Sendable () -> JSONValue
    ) -> NativeDialect.Services {
        let (stores, areas, delivery, loop) = (layers.stores, layers.areas, layers.delivery, layers.loop)
        let wide = layers.wide
        return NativeDialect.Services(
            ledger: stores.ledger, blobs: stores.blobs, tracking: areas.tracking, tracing: areas.tracing,
            registry: areas.registry, loggedModels: areas.loggedModels, versioning: areas.versioning,
            ingest: loop.ingest, features: areas.features, pipelines: areas.pipelines,
            pipelineCatalog: areas.pipelineCatalog,
            schedules: areas.schedules, lockLimits: areas.lockLimits, rollouts: areas.rollouts,
            releases: areas.releases, endpoints: delivery.endpoints, monitors: loop.monitors,
            conductor: loop.conductor, batches: loop.batches, predictor: delivery.predictor,
            predictions: stores.predictions,
            host: areas.host, files: delivery.files, imports: delivery.imports, retention: loop.retention,
            approvals: areas.approvals,
            carryOut: { approval throws(GyreError) in try await gate.carryOut(approval) }, personal: stores.personal,
            vault: areas.vault,
            identity: wide.identity, asksWhoCalls: wide.asksWhoCalls,
            openWorkspace: { name throws(GyreError) in try await wide.workspaces.open(name) },
            closeWorkspace: { name throws(GyreError) in try await wide.workspaces.close(name) },
            routes: routes.list, refusals: { (wide.refusals.last($0), wide.refusals.counts) },
            signing: NativeDialect.LedgerSigning(
                key: layers.checkpoints.key,
                sign: { () throws(GyreError) in try await layers.checkpoints.sign() },
                prove: { seq throws(GyreError) in try await layers.checkpoints.prove(seq) },
                verify: { head throws(GyreError) in
                    let signed = checkpoints()
                    return signed.told(
                        try await stores.ledger.verify(recordedHead: head, checkpoints: signed.good))
                }),
            recordedHead: recordedHead, doctor: doctor, home: home)
    }

    /// The pages, which ask for everything by the routes that programs ask.
    private static func console(
        over inner: Router, settings: Settings, openAddresses: [String], desk: SessionDesk?
    ) -> Console {
        let call: Console.Call = { method, path, body, caller throws(GyreError) in
            var headers: [String: String] = [:]
            if body != nil { headers["x-gyre-actor"] = "console" }
            let request = HTTPRequest(
                method, "/api/gyre/v1" + path, headers: headers, body: body?.bytes ?? [],
                by: caller)
            let response = await inner.respond(to: request)
            guard case .bytes(let bytes) = response.body else { return [:] }
            guard response.status == 200 else { throw APIError.read(bytes, status: response.status) }
            return try JSONValue(parsing: bytes)
        }
        return Console(
            call: call,
            staticFile: { name in
                FileManager.default.contents(atPath: "\(settings.staticFiles)/\(name)").map { Array($0) }
            }, mlflowFile: { path in settings.mlflowPages(path) },
            warning: openAddresses.isEmpty
                ? nil
                : "Whoever reaches \(openAddresses.joined(separator: " or ")) may run code, delete models and move traffic: "
                    + "this server was started with --no-auth.", desk: desk)
    }
}

/// Carries all routes to the one that lists them, which is among them.
final class RouteBox: Sendable {
    private let content = Mutex<[Route]>([])
    func set(_ routes: [Route]) { content.withLock { $0 = routes } }
    @Sendable func list() -> [Route] { content.withLock { $0 } }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreAccess
internal import GyreAnchors
internal import GyreBase
internal import GyreDelivery
internal import GyreExecution
internal import GyreGate
internal import GyreIdentity
internal import GyreLedger
internal import GyreLoop
internal import GyreMonitoring
internal import GyreOpenID
internal import GyrePipelines
internal import GyrePredictions
internal import GyreSQLite
internal import GyreTracking
internal import GyreUpkeep
internal import Synchronization

/// What whoever serves a home has chosen.
struct ServeChoices: Sendable {
    /// A folder of models in Triton's layout; nil for none.
    var modelRepository: String?
    /// Memory that loaded models may take; 0 for any.
    var modelMemoryBytes: Int64 = 0
    /// Whether registered models may run code of their own.
    var trustsModels = false
    /// Whether all models that Python runs share one environment.
    var sharesModelEnvironment = false
    /// Whether clients may share memory with the server.
    var sharesMemory = false
    /// The dashboard of the Ray cluster that applications of Ray Serve run on; nil for the one of the environment.
    var ray: String?
    /// Whether somebody has to sign in, although nobody was made yet.
    var asksWhoCalls = false
    /// Whether nobody has to sign in, although there are accounts.
    var asksNobody = false
    /// Who says who people are; nil for nobody but this server.
    var provider: OpenIDProvider.Choice?
    /// The workspace whose folder it is.
    var workspace = Caller.defaultWorkspace
    /// What the workspace may use at most.
    var quota = Workspace.Quota()
    /// Addresses that others than this machine may reach.
    var openAddresses: [String] = []
}

/// The object graph of one home, layer over layer: read the initializers of the layers to know what runs.
struct Assembly: Sendable {
    let home: HomeFolder
    let stores: Stores
    let areas: AreaServices
    let delivery: DeliveryServices
    let loop: LoopServices
    let surfaces: Surfaces
    /// What all workspaces have in common.
    let wide: ServerWide
    /// Where this Gyre listens; tasks are told.
    let address: AddressBox
    /// What a server does by itself.
    let clock: Clock
    /// What signs the ledger.
    let checkpoints: Checkpoints

    /// Makes everything and begins nothing.
    static func make(
        home: HomeFolder, settings: Settings, choices: ServeChoices = ServeChoices(), wide: ServerWide? = nil,
        surroundings: Surroundings = .live
    ) async throws(GyreError) -> Assembly {
        let (address, ended) = (AddressBox(), EndedRuns())
        let clock = Clock { StandardError.write($0) }
        let (workspace, known) = (choices.workspace, wide?.identity)
        let stores = try Stores(
            home: home, settings: settings, surroundings: surroundings, people: wide?.people ?? home.people
        ) {
            // A workspace that is gone has no files to limit.
            (try? known?.workspace(workspace))?.quota.blobBytes
        }
        let shared: ServerWide
        if let wide { shared = wide } else { shared = try await Self.wide(stores, choices, surroundings, home.people) }
        let areas = AreaServices(
            stores, home: home, settings: settings, choices: choices, address: address,
            ended: ended, wide: shared, surroundings: surroundings)
        let delivery = DeliveryServices(
            stores, areas, home: home, settings: settings, choices: choices, wide: shared, surroundings: surroundings)
        try await delivery.repository.check()
        let loop = LoopServices(stores, areas, delivery, home: home, surroundings: surroundings)
        ended.set(loop.conductor)
        let checkpoints = try Self.checkpoints(stores, home, settings)
        let surfaces = Surfaces(
            Surfaces.Layers(
                stores: stores, areas: areas, delivery: delivery, loop: loop, wide: shared, checkpoints: checkpoints),
            home: home,
            settings: settings, choices: choices, address: address, clock: clock, surroundings: surroundings)
        if try await areas.tracking.store.experiment(0) == nil {
            _ = try await areas.tracking.createExperiment("Default", by: "gyre")
        }
        return Assembly(
            home: home, stores: stores, areas: areas, delivery: delivery, loop: loop, surfaces: surfaces,
            wide: shared, address: address, clock: clock, checkpoints: checkpoints)
    }

    private static func checkpoints(
        _ stores: Stores, _ home: HomeFolder, _ settings: Settings
    ) throws(GyreError) -> Checkpoints {
        let signer: any CheckpointSigner
        if let (command, key) = settings.ledgerSigner {
            signer = CommandSigner(command: command, key: try Checkpoint.PublicKey(parsing: key))
        } else {
            let secret = try KeyFiles.read(settings.ledgerKeyFile ?? home.ledgerKey)
            signer = try KeySigner(name: settings.ledgerName, secret: secret)
        }
        // Whoever verifies the folder by itself finds the key there; one that was written down elsewhere is better.
        try? Data(signer.key.text.utf8).write(to: URL(fileURLWithPath: home.ledgerPublicKey))
        return Checkpoints(
            ledger: stores.ledger, folder: home.checkpoints, signer: signer,
            anchors: try settings.anchors.map { text throws(GyreError) in try Anchor(text) },
            now: Surroundings.live.now, report: { StandardError.write($0) })
    }

    /// What the first workspace keeps for all of them.
    private static func wide(
        _ stores: Stores, _ choices: ServeChoices, _ surroundings: Surroundings, _ people: String
    ) async throws(GyreError) -> ServerWide {
        let identity = Identity(store: stores.ledger, surroundings: surroundings)
        try await identity.load()
        let asks = choices.asksWhoCalls || (!identity.isEmpty && !choices.asksNobody)
        return ServerWide(
            identity: identity, refusals: Refusals(now: surroundings.now), workspaces: OpenWorkspaces(), people: people,
            asksWhoCalls: asks, provider: choices.provider.map { OpenIDProvider($0, now: surroundings.now) })
    }

    /// Ends everything in order; the next start finds nothing to mend.
    func close() async throws(GyreError) {
        await areas.pipelines.suspend()
        await stores.executor.close()
        try await loop.reproductions.close()
        try await closeSegments(all: true)
        let head = try await stores.ledger.head()
        RecordedHead.write(head, home.recordedHead)
        if head.seq > 0 { _ = try await checkpoints.sign() }
        try stores.database.close()
    }

    /// Writes down how many calls were refused since the last time; by the first workspace alone.
    func recordRefusals() async throws(GyreError) {
        guard wide.workspaces.assembly(of: Caller.defaultWorkspace)?.home === home else { return }
        let counts = wide.refusals.takeUntold()
        guard !counts.isEmpty else { return }
        var body: JSONValue = [:]
        for (code, count) in counts { body[code] = .int(count) }
        _ = try await stores.ledger.commit(
            [],
            recording: [
                Fact(
                    "identity.calls.refused", Ref("workspace", Caller.defaultWorkspace), by: "gyre",
                    body: ["counts": body, "last": .array(wide.refusals.last(20))])
            ])
    }

    /// Closes full segments of the prediction log and records their digests.
    func closeSegments(all: Bool) async throws(GyreError) {
        let ledger = stores.ledger
        try await stores.predictions.closeSegments(all: all) { segment throws(GyreError) in
            if segment.wasMade {
                var query = FactQuery(mentioning: Ref("endpoint", segment.endpoint))
                query.kindPrefix = "monitoring.segment.closed"
                let isKnown = try await ledger.facts(query).contains {
                    $0.fact.body["segment"]?.string == segment.name
                }
                if isKnown { return }
            }
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
    private let content = Mutex<(address: String, home: JSONValue?, isOwnEncrypted: Bool)?>(nil)
    var value: String? { content.withLock { $0?.address } }
    /// Which home is served there, as the server tells it.
    var home: JSONValue? { content.withLock { $0?.home } }
    /// Whether it is this machine's own address of an encrypted port.
    var isOwnEncrypted: Bool { content.withLock { $0?.isOwnEncrypted ?? false } }
    func set(_ address: String, home: JSONValue?, isOwnEncrypted: Bool = false) {
        content.withLock { $0 = (address, home, isOwnEncrypted) }
    }
}

/// Carries the end of a pipeline run to the loop, which is made after the pipelines.
final class EndedRuns: Sendable {
    private let conductor = Mutex<Conductor?>(nil)

    func set(_ conductor: Conductor) { self.conductor.withLock { $0 = conductor } }

    /// - Returns: what the loop did about it, in words.
    func tell(_ run: PipelineRun) async -> String {
        do {
            return try await conductor.withLock({ $0 })?.pipelineEnded(run) ?? "Nothing acts on runs."
        } catch {
            StandardError.write("acting on the end of the pipeline run \(run.id.prefix(8)) failed: \(error)")
            return "That failed: \(error)"
        }
    }
}

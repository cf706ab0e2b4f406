// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger
package import GyreRollout
package import GyreServing

/// Models and graphs that are served as their manifests say: what is wanted is a document, and requests follow it.
///
/// Each change of a service's model makes a new revision, whose files are kept as they were. The share of a canary is split against the
/// revision that was rolled out last.
package actor InferenceServices {
    private let store: any LedgerStore
    private let host: ModelHost
    private let predictor: Predictor
    private let rollouts: Rollouts
    private let files: ModelFiles
    private var last: Task<Void, Never>?
    private static let serviceKind = "inference-service"
    private static let graphKind = "inference-graph"

    /// Over these services.
    package init(
        store: any LedgerStore, host: ModelHost, predictor: Predictor, rollouts: Rollouts, files: ModelFiles
    ) {
        self.store = store
        self.host = host
        self.predictor = predictor
        self.rollouts = rollouts
        self.files = files
    }

    /// What a manifest asks for.
    package struct Wanted: Sendable {
        /// The service's name, which is the model's.
        package let name: String
        /// The manifest, to be told again.
        package let manifest: JSONValue
        /// The file or folder.
        package let path: String
        /// What it is.
        package let format: ModelFormat
        /// How it is served.
        package var settings = ModelSettings()
        /// The share of the newest revision; nil for all.
        package var canaryPercent: Int?
        /// The service that it belongs to; nil for a service of its own.
        package var parent: String?
        /// What makes a new revision where it changes.
        package let fingerprint: JSONValue

        /// A wish.
        package init(name: String, manifest: JSONValue, path: String, format: ModelFormat, fingerprint: JSONValue) {
            self.name = name
            self.manifest = manifest
            self.path = path
            self.format = format
            self.fingerprint = fingerprint
        }
    }

    /// Brings all services back after a start; one that cannot be loaded is told and does not stop the others.
    package func restore() async throws(GyreError) -> [GyreError] {
        var problems: [GyreError] = []
        for document in try await store.documents(Self.serviceKind, prefix: "") {
            do throws(GyreError) { try await follow(document.key, document.body) } catch { problems.append(error) }
        }
        return problems
    }

    // MARK: Services

    /// All services or trained models, or one of them: their manifests with their state.
    package func services(kind: String, _ name: String? = nil) async throws(GyreError) -> [JSONValue] {
        func fits(_ state: JSONValue) -> Bool { state["manifest"]?["kind"]?.string == kind }
        guard let name else { return try await store.documents(Self.serviceKind, prefix: "").map(\.body).filter(fits) }
        guard let state = try await store.document(Self.serviceKind, name)?.body, fits(state) else {
            throw GyreError(.notFound, "No \(kind) is named \"\(name.prefix(200))\".")
        }
        return [state]
    }

    /// One change after another: a second one must see what the first has made.
    private func inTurn<Result: Sendable>(
        _ body: @escaping @Sendable () async throws(GyreError) -> Result
    ) async throws(GyreError) -> Result {
        let before = last
        let task = Task<Swift.Result<Result, GyreError>, Never> {
            await before?.value
            do throws(GyreError) { return .success(try await body()) } catch { return .failure(error) }
        }
        last = Task { _ = await task.value }
        return try await task.value.get()
    }

    /// Makes a service what its manifest says.
    ///
    /// A revision that cannot be loaded gets no traffic, and what served before goes on.
    package func apply(_ wanted: Wanted, by actor: String) async throws(GyreError) -> JSONValue {
        try await inTurn { () async throws(GyreError) in try await self.applyNow(wanted, by: actor) }
    }

    private func applyNow(_ wanted: Wanted, by actor: String) async throws(GyreError) -> JSONValue {
        if try await rollouts.split(wanted.name) != nil {
            throw GyreError(
                .alreadyExists, "An endpoint is named \"\(wanted.name)\" already.", fix: "Choose another metadata.name."
            )
        }
        let before = try await store.document(Self.serviceKind, wanted.name)?.body
        let kinds = (before?["manifest"]?["kind"]?.string, wanted.manifest["kind"]?.string)
        if let old = kinds.0, old != kinds.1 {
            throw GyreError(.alreadyExists, "\"\(wanted.name)\" is the name of another kind of object: \(old).")
        }
        var state = before ?? ["revisions": []]
        var revisions = state["revisions"]?.array ?? []
        let settings = Self.json(wanted.settings)
        let fingerprint = Digest(of: JSONValue.array([wanted.fingerprint, settings]).canonicalBytes).hex
        if revisions.last?["fingerprint"]?.string != fingerprint {
            let digest = try await files.keep(wanted.path, wanted.format)
            revisions.append([
                "number": .int((revisions.last?["number"]?.int ?? 0) + 1), "sha256": .string(digest.hex),
                "fingerprint": .string(fingerprint), "settings": settings,
            ])
        }
        let latest = revisions.last?["number"]?.int ?? 1
        let rolledOut = state["rolled_out"]?.int
        let inUse = [state["rolled_out"]?.int, state["previous"]?.int]
        state["revisions"] = .array(
            revisions.dropLast(10).filter { inUse.contains($0["number"]?.int) } + revisions.suffix(10))
        state["manifest"] = wanted.manifest
        if let parent = wanted.parent { state["parent"] = .string(parent) }
        state["latest"] = .int(latest)
        if let percent = wanted.canaryPercent, let rolledOut, rolledOut != latest {
            state["canary_percent"] = .int(Int64(percent))
        } else if wanted.canaryPercent == 0, let previous = state["previous"]?.int, rolledOut == latest {
            // Nothing new, and no share for the newest: back to the one before.
            state["canary_percent"] = 0
            state["rolled_out"] = .int(previous)
        } else {
            if let rolledOut, rolledOut != latest { state["previous"] = .int(rolledOut) }
            state["rolled_out"] = .int(latest)
            state["canary_percent"] = .null
        }
        try await load(wanted.name, state)
        try await store.commit(
            [.put(Document(Self.serviceKind, wanted.name, state))],
            recording: [
                Fact(
                    "serving.inference-service.applied", Ref("endpoint", wanted.name), by: actor,
                    outputs: [Ref("endpoint", wanted.name)],
                    body: [
                        "revision": .int(latest), "rolled_out": state["rolled_out"] ?? .null,
                        "canary_percent": state["canary_percent"] ?? .null,
                        "sha256": revisions.last?["sha256"] ?? .null,
                    ])
            ])
        route(wanted.name, state)
        return state
    }

    /// Ends a service and the models that belong to it.
    package func delete(_ name: String, by actor: String) async throws(GyreError) {
        try await inTurn { () async throws(GyreError) in
            for document in try await self.store.documents(Self.serviceKind, prefix: "")
            where document.body["parent"]?.string == name {
                try await self.deleteNow(document.key, by: actor)
            }
            try await self.deleteNow(name, by: actor)
        }
    }

    private func deleteNow(_ name: String, by actor: String) async throws(GyreError) {
        guard try await store.document(Self.serviceKind, name) != nil else { throw Self.unknown(name) }
        try await store.commit(
            [.remove(kind: Self.serviceKind, key: name)],
            recording: [Fact("serving.inference-service.removed", Ref("endpoint", name), by: actor, body: [:])])
        predictor.route(name, nil)
        for model in host.models() where model.name == name { host.unload(name, model.number) }
    }

    private func follow(_ name: String, _ state: JSONValue) async throws(GyreError) {
        try await load(name, state)
        route(name, state)
    }

    /// Loads the revisions that have traffic.
    private func load(_ name: String, _ state: JSONValue) async throws(GyreError) {
        let wanted = [state["rolled_out"]?.int, state["latest"]?.int]
        for revision in state["revisions"]?.array ?? [] where wanted.contains(revision["number"]?.int) {
            var source = try await files.source(try Digest(hex: revision["sha256"]?.string ?? ""))
            source.settings = Self.settings(revision["settings"])
            source.isPinned = true
            try await host.load(name, Int(revision["number"]?.int ?? 0), source)
        }
    }

    private func route(_ name: String, _ state: JSONValue) {
        func target(_ member: String) -> TrafficSplit.Target {
            TrafficSplit.Target(version: Int(state[member]?.int ?? 1), release: 0)
        }
        let (stable, newest) = (target("rolled_out"), target("latest"))
        let percent = Int(state["canary_percent"]?.int ?? 0)
        predictor.route(
            name,
            stable == newest
                ? TrafficSplit(stable: stable) : TrafficSplit(stable: stable, canary: newest, canaryPercent: percent))
        for model in host.models() where model.name == name && ![stable.version, newest.version].contains(model.number)
        {
            host.unload(name, model.number)
        }
    }

    private static func unknown(_ name: String) -> GyreError {
        GyreError(.notFound, "No InferenceService is named \"\(name.prefix(200))\".")
    }

    private static func json(_ settings: ModelSettings) -> JSONValue {
        [
            "maximum_batch": .int(Int64(settings.maximumBatch)), "instances": .int(Int64(settings.instances)),
            "maximum_delay_us": .optional(settings.batching.map { $0.maximumDelay }),
            "run_timeout_us": .int(settings.runTimeout), "idle_timeout_us": .int(settings.idleTimeout),
            "memory_limit": .int(settings.memoryLimit), "minimum_instances": .int(Int64(settings.minimumInstances)),
            "run_threads": .int(Int64(settings.runThreads)),
        ]
    }

    private static func settings(_ json: JSONValue?) -> ModelSettings {
        var settings = ModelSettings()
        settings.maximumBatch = Int(json?["maximum_batch"]?.int ?? 0)
        settings.instances = Int(json?["instances"]?.int ?? 1)
        settings.runTimeout = json?["run_timeout_us"]?.int ?? settings.runTimeout
        settings.idleTimeout = json?["idle_timeout_us"]?.int ?? 0
        settings.memoryLimit = json?["memory_limit"]?.int ?? 0
        settings.runThreads = Int(json?["run_threads"]?.int ?? 0)
        settings.minimumInstances = Int(json?["minimum_instances"]?.int ?? 1)
        if let delay = json?["maximum_delay_us"]?.int, settings.maximumBatch > 0 {
            settings.batching = ModelSettings.Batching()
            settings.batching?.maximumDelay = delay
        }
        return settings
    }

    // MARK: Graphs

    /// Keeps a graph's manifest; requests meet it at once.
    package func apply(graph name: String, manifest: JSONValue, by actor: String) async throws(GyreError) {
        try await store.commit(
            [.put(Document(Self.graphKind, name, manifest))],
            recording: [
                Fact(
                    "serving.inference-graph.applied", Ref("graph", name), by: actor, outputs: [Ref("graph", name)],
                    body: manifest)
            ])
    }

    /// A graph's manifest.
    /// - Throws: `.notFound`.
    package func graph(_ name: String) async throws(GyreError) -> JSONValue {
        if let document = try await store.document(Self.graphKind, name) { return document.body }
        throw GyreError(.notFound, "No InferenceGraph is named \"\(name.prefix(200))\".")
    }

    /// All graphs' manifests.
    package func graphs() async throws(GyreError) -> [JSONValue] {
        try await store.documents(Self.graphKind, prefix: "").map(\.body)
    }

    /// Forgets a graph.
    package func delete(graph name: String, by actor: String) async throws(GyreError) {
        _ = try await graph(name)
        try await store.commit(
            [.remove(kind: Self.graphKind, key: name)],
            recording: [Fact("serving.inference-graph.removed", Ref("graph", name), by: actor, body: [:])])
    }
}

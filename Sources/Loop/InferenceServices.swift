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

    /// All services, or one: their manifests with their status.
    package func services(_ name: String? = nil) async throws(GyreError) -> [JSONValue] {
        if let name {
            guard let document = try await store.document(Self.serviceKind, name) else { throw Self.unknown(name) }
            return [document.body]
        }
        return try await store.documents(Self.serviceKind, prefix: "").map(\.body)
    }

    /// Makes a service what its manifest says.
    ///
    /// A revision that cannot be loaded gets no traffic, and what served before goes on.
    package func apply(_ wanted: Wanted, by actor: String) async throws(GyreError) -> JSONValue {
        if try await rollouts.split(wanted.name) != nil {
            throw GyreError(
                .alreadyExists, "An endpoint is named \"\(wanted.name)\" already.", fix: "Choose another metadata.name."
            )
        }
        let before = try await store.document(Self.serviceKind, wanted.name)?.body
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
        state["revisions"] = .array(revisions.suffix(10))
        state["manifest"] = wanted.manifest
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

    /// Ends a service.
    package func delete(_ name: String, by actor: String) async throws(GyreError) {
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
            "memory_limit": .int(settings.memoryLimit),
        ]
    }

    private static func settings(_ json: JSONValue?) -> ModelSettings {
        var settings = ModelSettings()
        settings.maximumBatch = Int(json?["maximum_batch"]?.int ?? 0)
        settings.instances = Int(json?["instances"]?.int ?? 1)
        settings.runTimeout = json?["run_timeout_us"]?.int ?? settings.runTimeout
        settings.idleTimeout = json?["idle_timeout_us"]?.int ?? 0
        settings.memoryLimit = json?["memory_limit"]?.int ?? 0
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

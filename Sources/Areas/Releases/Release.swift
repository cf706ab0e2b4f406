// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// Everything that went out together: it can be shown, compared, made again, and rolled back to, as one thing.
package struct Release: Sendable, Hashable {
    /// The endpoint it is for.
    package let endpoint: String
    /// Its number, from 1.
    package let number: Int
    /// What is pinned.
    package let pins: Pins
    /// When it was made, microseconds since 1970.
    package let at: Int64
    /// Who made it.
    package let actor: String
    /// Why.
    package let reason: String

    /// What a release pins.
    package struct Pins: Sendable, Hashable {
        /// The model version.
        package let model: Ref
        /// The digest of the file that is served.
        package let modelDigest: Digest
        /// The tracking run that made it.
        package var run: Ref?
        /// The training set.
        package var training: Ref?
        /// The dataset versions that it comes from.
        package var datasets: [Ref] = []
        /// The check results of those.
        package var checks: [Ref] = []
        /// The feature views, by their definitions.
        package var featureViews: [Ref] = []
        /// The pipeline, by the digest of its compiled package.
        package var pipeline: Ref?
        /// The blob that holds the compiled package: code and requirements.
        package var compiled: Digest?
        /// The run in which the model was registered.
        package var pipelineRun: Ref?
        /// The parameters of that run.
        package var parameters: JSONValue = [:]
        /// What addresses of its imports that float meant for that run, by address; nil for runs of which that was not kept.
        package var resolved: [String: Ref]?
        /// The digests of what its tasks made, by task and name.
        package var artifacts: JSONValue = [:]
        /// The images and packages its tasks ran in.
        package var environment: JSONValue = [:]
        /// The metrics of the tracking run.
        package var metrics: JSONValue = [:]
        /// The names of the model's columns.
        package var features: [String] = []
        /// How the model is served: its `config.pbtxt`; nil for the usual way.
        package var configuration: String?

        /// Pins of a model alone.
        package init(model: Ref, modelDigest: Digest) {
            self.model = model
            self.modelDigest = modelDigest
        }

        /// Every ref, for lineage.
        package var refs: [Ref] {
            [model] + [run, training, pipeline, pipelineRun].compactMap(\.self) + datasets + checks + featureViews
        }

        /// As stored: one member for each thing that is pinned.
        package var json: JSONValue {
            var json: JSONValue = [
                "model": .string(model.description), "model_sha256": .string(modelDigest.hex),
                "run": .optional(run?.description),
                "training": .optional(training?.description), "datasets": .strings(datasets.map(\.description)),
                "checks": .strings(checks.map(\.description)),
                "feature_views": .strings(featureViews.map(\.description)),
                "pipeline": .optional(pipeline?.description), "compiled": .optional(compiled?.hex),
                "pipeline_run": .optional(pipelineRun?.description), "parameters": parameters, "artifacts": artifacts,
                "environment": environment, "metrics": metrics, "features": .strings(features),
            ]
            if let configuration { json["configuration"] = .string(configuration) }
            if let resolved {
                json["resolved"] = .object(
                    JSONObject(
                        resolved.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value.description)) }))
            }
            return json
        }

        init(json: JSONValue) throws(GyreError) {
            func ref(_ name: String) throws(GyreError) -> Ref? {
                guard let text = json[name]?.string else { return nil }
                return try Ref(parsing: text)
            }
            func refs(_ name: String) throws(GyreError) -> [Ref] {
                var refs: [Ref] = []
                for text in json[name]?.strings ?? [] { refs.append(try Ref(parsing: text)) }
                return refs
            }
            let stored = StoredReader("release", json)
            model = try stored.ref("model")
            modelDigest = try stored.digest("model_sha256")
            run = try ref("run")
            training = try ref("training")
            datasets = try refs("datasets")
            checks = try refs("checks")
            featureViews = try refs("feature_views")
            pipeline = try ref("pipeline")
            if let hex = json["compiled"]?.string { compiled = try Digest(hex: hex) }
            pipelineRun = try ref("pipeline_run")
            parameters = json["parameters"] ?? [:]
            artifacts = json["artifacts"] ?? [:]
            environment = json["environment"] ?? [:]
            metrics = json["metrics"] ?? [:]
            features = json["features"]?.strings ?? []
            configuration = json["configuration"]?.string
            if let members = json["resolved"]?.object?.members {
                var resolved: [String: Ref] = [:]
                for member in members { resolved[member.name] = try Ref(parsing: member.value.string ?? "") }
                self.resolved = resolved
            }
        }
    }

    init(endpoint: String, number: Int, pins: Pins, at: Int64, actor: String, reason: String) {
        self.endpoint = endpoint
        self.number = number
        self.pins = pins
        self.at = at
        self.actor = actor
        self.reason = reason
    }

    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("release", json)
        self.init(
            endpoint: try stored.text("endpoint"), number: Int(try stored.integer("number")),
            pins: try Pins(json: json["pins"] ?? [:]),
            at: try stored.integer("at"), actor: try stored.text("actor"), reason: try stored.text("reason"))
    }

    /// As stored and as the native API tells it.
    package var json: JSONValue {
        [
            "ref": .string(ref.description), "endpoint": .string(endpoint), "number": .int(Int64(number)),
            "pins": pins.json, "at": .int(at),
            "actor": .string(actor), "reason": .string(reason),
        ]
    }

    /// `release/<endpoint>@<number>`.
    package var ref: Ref { Ref("release", endpoint, String(number)) }
}

/// Keeps releases; their numbers are given out in the transaction that writes them.
package struct Releases: Sendable {
    private let store: any LedgerStore
    private let surroundings: Surroundings

    /// Releases in `store`.
    package init(store: any LedgerStore, surroundings: Surroundings) {
        self.store = store
        self.surroundings = surroundings
    }

    /// Makes the next release of an endpoint.
    package func create(
        _ endpoint: Name, _ pins: Release.Pins, reason: String, by actor: String
    ) async throws(GyreError) -> Release {
        let now = surroundings.now()
        return try await store.transact { ledger throws(GyreError) in
            let last = try ledger.documents("release", prefix: "\(endpoint.text)@").last
            let number = try last.map { document throws(GyreError) in try Release(json: document.body).number } ?? 0
            let release = Release(
                endpoint: endpoint.text, number: number + 1, pins: pins, at: now, actor: actor, reason: reason)
            return Proposal(
                release, [.create(Document("release", Self.key(endpoint.text, release.number), release.json))],
                recording: [
                    Fact(
                        "releases.release.created", release.ref, by: actor, inputs: Array(Set(pins.refs)).sorted(),
                        outputs: [release.ref],
                        body: [
                            "reason": .string(reason),
                            "pins_sha256": .string(Digest(of: pins.json.canonicalBytes).hex),
                        ])
                ])
        }
    }

    /// The releases of an endpoint, newest first; of all endpoints for nil.
    package func releases(of endpoint: String?) async throws(GyreError) -> [Release] {
        let documents = try await store.documents("release", prefix: endpoint.map { "\($0)@" } ?? "")
        return try documents.map { document throws(GyreError) in try Release(json: document.body) }.reversed()
    }

    /// A release.
    /// - Throws: `.notFound`.
    package func release(_ endpoint: String, _ number: Int) async throws(GyreError) -> Release {
        if let found = try await store.document("release", Self.key(endpoint, number)) {
            return try Release(json: found.body)
        }
        throw GyreError(
            .notFound, "The endpoint \"\(endpoint)\" has no release \(number).", fix: "gyre release list \(endpoint)")
    }

    /// What two releases pin differently: name, old value, new value.
    package func diff(_ old: Release, _ new: Release) -> [(name: String, old: JSONValue, new: JSONValue)] {
        let (before, after) = (old.pins.json, new.pins.json)
        let names = (after.object?.members ?? []).map(\.name)
        // What only the old one pins is a difference too.
        let gone = (before.object?.members ?? []).map(\.name).filter { after[$0] == nil }
        return (names + gone).compactMap { name in
            let (one, other) = (before[name] ?? .null, after[name] ?? .null)
            return one == other ? nil : (name, one, other)
        }
    }

    private static func key(_ endpoint: String, _ number: Int) -> String { "\(endpoint)@\(number.digits(9))" }
}

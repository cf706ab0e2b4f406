// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger
package import GyreMonitoring
package import GyreRegistry
package import GyreReleases
package import GyreRollout
package import GyreServing
package import GyreTracking

/// Endpoints: loads what their splits name, moves traffic, and lets the judge speak.
package actor Endpoints {
    private let rollouts: Rollouts
    private let releases: Releases
    private let registry: Registry
    private let files: ModelFiles
    private let host: ModelHost
    private let predictor: Predictor
    private let log: any PredictionLog

    /// Endpoints over these services.
    package init(
        rollouts: Rollouts, releases: Releases, registry: Registry, files: ModelFiles, host: ModelHost,
        predictor: Predictor,
        log: any PredictionLog
    ) {
        self.rollouts = rollouts
        self.releases = releases
        self.registry = registry
        self.files = files
        self.host = host
        self.predictor = predictor
        self.log = log
    }

    /// Brings every endpoint back after a start.
    ///
    /// One whose model cannot be loaded is told and does not stop the others.
    package func restore() async throws(GyreError) -> [GyreError] {
        var problems: [GyreError] = []
        for (endpoint, split) in try await rollouts.endpoints() {
            do { try await follow(endpoint, split) } catch { problems.append(error) }
            if let active = try await rollouts.active(endpoint) {
                predictor.watch(endpoint, true)
                var query = PredictionQuery(endpoint: endpoint, from: .min, to: .max)
                query.answeredFrom = active.stepStartedAt
                predictor.recount(endpoint, try await log.rows(query))
            }
        }
        return problems
    }

    /// Gives a release all traffic at once.
    package func deploy(_ release: Release, reason: JSONValue, by actor: String) async throws(GyreError) {
        let target = TrafficSplit.Target(version: Self.version(release), release: release.number)
        try await load(release)
        try await rollouts.setStable(release.endpoint, target, model: release.pins.model, reason: reason, by: actor)
        predictor.watch(release.endpoint, false)
        try await follow(release.endpoint)
    }

    /// Tries a release beside stable, in steps.
    package func startCanary(
        _ release: Release, steps: [Int], judge: Judge, reason: JSONValue, by actor: String
    ) async throws(GyreError) -> Rollout {
        try await load(release)
        let target = TrafficSplit.Target(version: Self.version(release), release: release.number)
        let rollout = try await rollouts.start(
            release.endpoint, canary: target, steps: steps, judge: judge, reason: reason, by: actor)
        predictor.watch(release.endpoint, true)
        try await follow(release.endpoint)
        return rollout
    }

    /// Lets the judge look at the rollout under way; nil where there is none.
    package func judge(_ endpoint: String) async throws(GyreError) -> Rollout? {
        guard let active = try await rollouts.active(endpoint) else { return nil }
        let judgement = active.judge.judge(
            stable: predictor.statistics(endpoint, version: active.stable.version),
            canary: predictor.statistics(endpoint, version: active.canary.version))
        return try await settle(try await rollouts.judged(active, judgement), since: active)
    }

    /// A person's word on the rollout under way.
    package func command(
        _ event: CanaryPlan.Event, _ endpoint: String, reason: String, by actor: String
    ) async throws(GyreError) -> Rollout {
        let before = try await rollouts.active(endpoint)
        return try await settle(try await rollouts.command(event, endpoint, reason: reason, by: actor), since: before)
    }

    /// Makes requests follow the pointer, after somebody moved it.
    package func follow(_ endpoint: String) async throws(GyreError) {
        try await follow(endpoint, try await rollouts.split(endpoint))
    }

    private func settle(_ rollout: Rollout, since before: Rollout?) async throws(GyreError) -> Rollout {
        if rollout.plan != before?.plan {
            try await follow(rollout.endpoint)
            // Each step is judged over its own window, and so is what comes after the last.
            predictor.watch(rollout.endpoint, !rollout.plan.state.isEnd)
        }
        return rollout
    }

    private func follow(_ endpoint: String, _ split: TrafficSplit?) async throws(GyreError) {
        for target in split?.targets ?? [] { try await load(try await releases.release(endpoint, target.release)) }
        predictor.route(endpoint, split)
        let wanted = Set(split?.targets.map(\.version) ?? [])
        for model in host.models() where model.name == endpoint && !wanted.contains(model.number) {
            host.unload(endpoint, model.number)
        }
    }

    private func load(_ release: Release) async throws(GyreError) {
        var source = ModelSource(file: try await files.path(release.pins.modelDigest), format: .onnx)
        source.features = release.pins.features
        // What has traffic stays, whatever other models need.
        source.isPinned = true
        try await host.load(release.endpoint, Self.version(release), source)
    }

    private static func version(_ release: Release) -> Int { Int(release.pins.model.version ?? "") ?? 0 }
}

/// Finds the file that serves a model version.
package struct ModelFiles: Sendable {
    private let tracking: Tracking
    private let loggedModels: LoggedModels
    private let blobs: any BlobStore

    /// Over these stores.
    package init(tracking: Tracking, loggedModels: LoggedModels, blobs: any BlobStore) {
        self.tracking = tracking
        self.loggedModels = loggedModels
        self.blobs = blobs
    }

    func path(_ digest: Digest) async throws(GyreError) -> String { try await blobs.file(digest) }

    /// The blob of the one `.onnx` file of a version.
    /// - Throws: `.invalid` where there is none, or more than one.
    package func onnx(of version: ModelVersion) async throws(GyreError) -> StoredBlob {
        var uri = version.location.isEmpty ? version.source : version.location
        if !version.modelID.isEmpty { uri = try await loggedModels.model(version.modelID).artifactURI }
        guard uri.hasPrefix("mlflow-artifacts:/") else {
            throw GyreError(
                .unsupported, "The files of \(version.ref) are not kept here.", why: "Its source is \(version.source).")
        }
        let folder = try RelativePath(String(uri.dropFirst("mlflow-artifacts:/".count)))
        let models = try await tracking.store.artifacts(below: folder).filter { $0.path.description.hasSuffix(".onnx") }
        guard let model = models.first, models.count == 1 else {
            throw GyreError(
                .invalid, "\(version.ref) cannot be served.", why: "It has \(models.count) .onnx files; one is needed.",
                fix: "Log the model with mlflow.onnx.log_model.")
        }
        return model.blob
    }
}

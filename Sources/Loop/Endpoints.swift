// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger
package import GyreMonitoring
package import GyreRegistry
package import GyreReleases
package import GyreRollout
package import GyreServing

/// Endpoints: loads what their splits name, moves traffic, and lets the judge speak.
package actor Endpoints {
    private let rollouts: Rollouts
    private let releases: Releases
    private let registry: Registry
    private let files: ModelFiles
    private let host: ModelHost
    private let predictor: Predictor
    private let log: any PredictionLog
    private let readConfiguration: @Sendable (String) throws(GyreError) -> ModelConfiguration

    /// Endpoints over these services.
    ///
    /// `readConfiguration`: reads a `config.pbtxt`.
    package init(
        rollouts: Rollouts, releases: Releases, registry: Registry, files: ModelFiles, host: ModelHost,
        predictor: Predictor, log: any PredictionLog,
        readConfiguration: @escaping @Sendable (String) throws(GyreError) -> ModelConfiguration
    ) {
        self.rollouts = rollouts
        self.releases = releases
        self.registry = registry
        self.files = files
        self.host = host
        self.predictor = predictor
        self.log = log
        self.readConfiguration = readConfiguration
    }

    /// Brings every endpoint back after a start.
    ///
    /// One whose model cannot be loaded is told and does not stop the others.
    package func restore() async throws(GyreError) -> [GyreError] {
        var problems: [GyreError] = []
        for (endpoint, split) in try await rollouts.endpoints() {
            do { try await follow(endpoint, split) } catch { problems.append(error) }
            predictor.sample(endpoint, try await rollouts.sample(of: endpoint))
            let active = try await rollouts.active(endpoint)
            if let since = active?.stepStartedAt ?? split.bandit?.startedAt {
                predictor.watch(endpoint, active != nil)
                var query = PredictionQuery(endpoint: endpoint, from: .min, to: .max)
                query.answeredFrom = since
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
        _ release: Release, plan: CanaryPlan, judge: Judge, reason: JSONValue, by actor: String
    ) async throws(GyreError) -> Rollout {
        try await load(release)
        let target = TrafficSplit.Target(version: Self.version(release), release: release.number)
        let rollout = try await rollouts.start(
            release.endpoint, canary: target, plan: plan, judge: judge, reason: reason, by: actor)
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

    /// Sends requests with some attributes to one side of the rollout under way.
    package func setRules(
        _ rules: [TrafficRule], _ endpoint: String, reason: String, by actor: String
    ) async throws(GyreError) -> Rollout {
        let rollout = try await rollouts.setRules(rules, endpoint, reason: reason, by: actor)
        try await follow(endpoint)
        return rollout
    }

    /// Lets a bandit choose among releases, the first of which is stable.
    package func startBandit(
        _ bandit: Bandit, _ endpoint: String, reason: String, by actor: String
    ) async throws(GyreError) {
        for arm in bandit.arms { try await load(try await releases.release(endpoint, arm.release)) }
        try await follow(
            endpoint, try await rollouts.startBandit(bandit, endpoint, reason: reason, by: actor))
    }

    /// Ends a bandit, for the version named or for what was stable.
    package func stopBandit(
        _ endpoint: String, winner: Int?, reason: String, by actor: String
    ) async throws(GyreError) -> TrafficSplit {
        let split = try await rollouts.stopBandit(
            endpoint, winner: winner, learned: predictor.learned(endpoint), reason: reason, by: actor)
        try await follow(endpoint, split)
        return split
    }

    /// Keeps a share of the requests in the prediction log.
    package func sample(_ endpoint: String, _ share: Double, reason: String, by actor: String) async throws(GyreError) {
        try await rollouts.setSample(share, of: endpoint, reason: reason, by: actor)
        predictor.sample(endpoint, share)
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
        var source = try await files.source(release.pins.modelDigest)
        if let text = release.pins.configuration { source.settings = try readConfiguration(text).settings }
        source.features = release.pins.features
        // What has traffic stays, whatever other models need.
        source.isPinned = true
        try await host.load(release.endpoint, Self.version(release), source)
    }

    private static func version(_ release: Release) -> Int { Int(release.pins.model.version ?? "") ?? 0 }
}

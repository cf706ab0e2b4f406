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
    /// The labels of each endpoint's last rollout when it was looked at, and how long they are waited for, microseconds since 1970.
    private var reviews: [String: (labels: LateLabels, until: Int64)] = [:]
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
            do throws(GyreError) {
                predictor.sample(endpoint, try await rollouts.sample(of: endpoint))
                try await recount(endpoint, split)
            } catch {
                problems.append(
                    GyreError(
                        error.code, "What \"\(endpoint)\" answered before the start is not counted for its judge.",
                        why: error.description))
            }
        }
        return problems
    }

    /// Counts what the prediction log has of the rollout that ended last, and of the rollout or bandit under way.
    private func recount(_ endpoint: String, _ split: TrafficSplit) async throws(GyreError) {
        if let ended = try await rollouts.lastEnded(endpoint), let end = ended.endedAt {
            try await recount(ended, until: end)
            predictor.endWatch(endpoint)
        }
        if let active = try await rollouts.active(endpoint) {
            try await recount(active, until: .max)
        } else if let bandit = split.bandit {
            predictor.relearn(endpoint, try await rows(endpoint, from: bandit.startedAt))
        }
    }

    /// Counts a rollout step by step: what is under way in full, what is over as far as labels may still come for it.
    private func recount(_ rollout: Rollout, until end: Int64) async throws(GyreError) {
        for (step, start) in rollout.stepStarts.enumerated() {
            predictor.watch(rollout.endpoint, rollout: rollout.id)
            let next = step + 1 < rollout.stepStarts.count ? rollout.stepStarts[step + 1] : end
            let rows = try await rows(rollout.endpoint, from: start, before: next)
            predictor.recount(rollout.endpoint, rows)
        }
    }

    /// What the log has of a stretch of time: the newest rows of it, as many as labels would find.
    private func rows(
        _ endpoint: String, from start: Int64, before end: Int64 = .max
    ) async throws(GyreError) -> [LoggedRow] {
        var query = PredictionQuery(endpoint: endpoint, from: .min, to: .max)
        query.answeredFrom = start
        query.answeredBefore = end
        query.newest = Limits.predictionBuffer
        query.hasInputs = false
        return try await log.rows(query)
    }

    /// Gives a release all traffic at once.
    package func deploy(_ release: Release, reason: JSONValue, by actor: String) async throws(GyreError) {
        let target = TrafficSplit.Target(version: Self.version(release), release: release.number)
        try await load(release)
        try await rollouts.setStable(release.endpoint, target, model: release.pins.model, reason: reason, by: actor)
        predictor.endWatch(release.endpoint)
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
        predictor.watch(release.endpoint, rollout: rollout.id)
        try await follow(release.endpoint)
        return rollout
    }

    /// Lets the judge look at the rollout under way; nil where there is none.
    package func judge(_ endpoint: String) async throws(GyreError) -> Rollout? {
        guard let active = try await rollouts.active(endpoint) else { return nil }
        let seconds = Double(rollouts.surroundings.now() - active.stepStartedAt) / 1_000_000
        // Labels of the steps before count as well, where labels count at all.
        let judgement =
            (active.judge.minimumLabels > 0 ? contradiction(active) : nil)
            ?? active.judge.judge(
                stable: predictor.statistics(endpoint, version: active.stable.version),
                canary: predictor.statistics(endpoint, version: active.canary.version), elapsedSeconds: seconds,
                windows: active.windows)
        return try await settle(try await rollouts.judged(active, judgement), since: active)
    }

    /// Looks at labels that came for the rollout that ended last, and takes its promotion back where they speak against it and its judge
    /// says so.
    /// - Returns: the rollout whose former version got the traffic back; nil in all other cases.
    package func reviewEnded(_ endpoint: String) async throws(GyreError) -> Rollout? {
        guard let labels = predictor.lateLabels(endpoint) else { return nil }
        if let last = reviews[endpoint], last.labels == labels {
            if rollouts.surroundings.now() > last.until { forget(endpoint) }
            return nil
        }
        guard let ended = try await rollouts.lastEnded(endpoint), let end = ended.endedAt, ended.id == labels.rollout
        else {
            forget(endpoint)
            return nil
        }
        let reviewed = try await rollouts.reviewed(
            ended, numbers: LabelledStep.json(predictor.labelledSteps(of: ended)), contradiction(ended))
        let back = try await takeBack(reviewed)
        reviews[endpoint] = (labels, end + Rollouts.reviewedSeconds * 1_000_000)
        return back
    }

    private func forget(_ endpoint: String) {
        predictor.forget(endpoint)
        reviews[endpoint] = nil
    }

    /// Gives the former version its traffic back, if that is to be done and nothing else was deployed since.
    private func takeBack(_ rollout: Rollout) async throws(GyreError) -> Rollout? {
        guard rollout.isToBeTakenBack,
            try await rollouts.split(rollout.endpoint) == TrafficSplit(stable: rollout.canary)
        else { return nil }
        try await load(try await releases.release(rollout.endpoint, rollout.stable.release))
        let back = try await rollouts.takeBack(rollout)
        try await follow(rollout.endpoint)
        return back
    }

    /// What the labels of a whole rollout say against its canary.
    private func contradiction(_ rollout: Rollout) -> Judge.Judgement? {
        rollout.judge.contradiction(predictor.labelledSteps(of: rollout), windows: rollout.windows)
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
        }
        if rollout.plan.state.isEnd {
            predictor.endWatch(rollout.endpoint)
        } else if let before, rollout.stepStartedAt != before.stepStartedAt {
            // Each step is judged over its own window; a pause is none.
            predictor.watch(rollout.endpoint, rollout: rollout.id)
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
        if !release.pins.features.isEmpty { source.features = release.pins.features }
        // What has traffic stays, whatever other models need.
        source.isPinned = true
        try await host.load(release.endpoint, Self.version(release), source)
    }

    private static func version(_ release: Release) -> Int { Int(release.pins.model.version ?? "") ?? 0 }
}

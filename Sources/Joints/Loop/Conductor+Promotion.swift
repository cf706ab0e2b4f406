// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreLedger
internal import GyreRegistry
internal import GyreReleases
internal import GyreRollout

/// A promotion, and one that is taken back, moves the traffic in one transaction and the alias `champion` in the next; what stops the
/// second is made up for, unless somebody has decided otherwise meanwhile.
extension Conductor {
    /// A move of an endpoint's traffic by the judge or a person.
    struct TrafficMove: Sendable {
        /// What has the traffic since then.
        let target: TrafficSplit.Target
        /// The place in the ledger before which it happened: aliases that were set later are somebody's newer word.
        let seq: Int64
        /// On whose word.
        let actor: String
    }

    /// Points `champion` at the version that was promoted; where that fails it is tried again with each look of the judge.
    func promoted(_ rollout: Rollout) async throws(GyreError) {
        try await moved(rollout.endpoint, to: rollout.canary, "rollout.canary.promoted", rollout)
    }

    /// The same for the version that got its traffic back.
    func tookBack(_ rollout: Rollout) async throws(GyreError) {
        try await moved(rollout.endpoint, to: rollout.stable, "rollout.canary.taken-back", rollout)
    }

    private func moved(
        _ endpoint: String, to target: TrafficSplit.Target, _ kind: String, _ rollout: Rollout
    ) async throws(GyreError) {
        guard let move = try await move(to: target, kind, rollout) else { return }
        unsettled[endpoint] = move
        try await settleAlias(of: endpoint)
    }

    /// The move that a fact of a rollout tells of; nil where there is none.
    private func move(
        to target: TrafficSplit.Target, _ kind: String, _ rollout: Rollout
    ) async throws(GyreError) -> TrafficMove? {
        var query = FactQuery(mentioning: rollout.ref)
        query.kindPrefix = kind
        query.isNewestFirst = true
        guard let fact = try await store.facts(query).first else { return nil }
        return TrafficMove(target: target, seq: fact.seq, actor: fact.fact.actor)
    }

    /// Makes the alias follow a move that it has not followed yet; nothing happens where there is none, or where a newer decision stands.
    func settleAlias(of endpoint: String) async throws(GyreError) {
        guard let move = unsettled[endpoint] else { return }
        let release = try await releases.release(endpoint, move.target.release)
        let isStill = try await rollouts.split(endpoint)?.stable == move.target
        if isStill, try await !isDecided(release.pins.model.name, since: move.seq) {
            do throws(GyreError) { try await moveChampion(to: release, by: move.actor) } catch {
                // A version that is deleted meanwhile has no alias.
                if error.code != .notFound { throw error }
            }
        }
        unsettled[endpoint] = nil
    }

    /// Points `champion` at a release's version, where a project speaks for the endpoint and the model: any other endpoint may serve what
    /// it likes without a word to the project.
    func moveChampion(to release: Release, by actor: String) async throws(GyreError) {
        let model = release.pins.model
        guard let number = model.version.flatMap({ Int($0) }) else { return }
        let speaking = try await projects().filter { $0.model == model.name }
        guard
            speaking.isEmpty
                ? release.endpoint == model.name : speaking.contains(where: { $0.endpoint == release.endpoint })
        else { return }
        try await registry.setAlias("champion", of: model.name, to: number, by: actor)
    }

    /// Whether the alias `champion` of a model was set or removed after a place in the ledger.
    private func isDecided(_ model: String, since seq: Int64) async throws(GyreError) -> Bool {
        var query = FactQuery(mentioning: Ref("model", model))
        query.after = seq
        query.kindPrefix = "registry.alias."
        return try await store.facts(query).contains { $0.fact.body["alias"]?.string == "champion" }
    }

    /// Finds moves whose alias a killed server did not come to.
    func recallPromotions() async throws(GyreError) {
        for (endpoint, _) in try await rollouts.endpoints() {
            guard let last = try await rollouts.lastEnded(endpoint), last.plan.state == .promoted else { continue }
            let wasTakenBack = last.contradicted?.isTakenBack == true
            let target = wasTakenBack ? last.stable : last.canary
            guard (try? await releases.release(endpoint, target.release)) != nil  // gone: nothing to point at
            else { continue }
            let kind = wasTakenBack ? "rollout.canary.taken-back" : "rollout.canary.promoted"
            if let move = try await move(to: target, kind, last) { unsettled[endpoint] = move }
        }
    }
}

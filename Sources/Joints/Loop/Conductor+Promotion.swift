// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreLedger
internal import GyreRegistry
internal import GyreReleases
internal import GyreRollout

/// A promotion moves the traffic in one transaction and the alias `champion` in the next; what stops the second is made up for.
extension Conductor {
    /// Points `champion` at the version that was promoted; where that fails it is tried again with each look of the judge.
    func promoted(_ rollout: Rollout) async throws(GyreError) {
        unsettled[rollout.endpoint] = rollout
        try await settlePromotion(of: rollout.endpoint)
    }

    /// Makes the alias follow a promotion that it has not followed yet; nothing happens where there is none.
    func settlePromotion(of endpoint: String) async throws(GyreError) {
        guard let rollout = unsettled[endpoint] else { return }
        let release = try await releases.release(endpoint, rollout.canary.release)
        do throws(GyreError) {
            try await registry.setAlias(
                "champion", of: release.pins.model.name, to: rollout.canary.version, by: "policy/canary")
        } catch {
            // A version that is deleted meanwhile has no alias.
            if error.code != .notFound { throw error }
        }
        unsettled[endpoint] = nil
    }

    /// Finds promotions whose alias a killed server did not come to.
    func recallPromotions() async throws(GyreError) {
        for (endpoint, _) in try await rollouts.endpoints() {
            guard let last = try await rollouts.lastEnded(endpoint), last.plan.state == .promoted,
                last.contradicted?.isTakenBack != true,
                let release = try? await releases.release(endpoint, last.canary.release)  // gone: nothing to point at
            else { continue }
            let promotion = try await store.facts(FactQuery(mentioning: last.ref)).last {
                $0.fact.kind == "rollout.canary.promoted"
            }
            guard let promotion else { continue }
            var query = FactQuery(mentioning: release.pins.model)
            query.after = promotion.seq
            query.kindPrefix = "registry.alias.set"
            if try await store.facts(query).isEmpty { unsettled[endpoint] = last }
        }
    }
}

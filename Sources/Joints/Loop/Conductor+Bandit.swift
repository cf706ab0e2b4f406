// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreDelivery
internal import GyreRegistry
internal import GyreReleases
package import GyreRollout

extension Conductor {
    /// What a bandit is to do.
    package struct BanditWish: Sendable {
        /// The model; nil for the endpoint's name.
        package var model: String?
        /// The versions beside the one that is stable: numbers, aliases or `latest`.
        package var selectors: [String] = []
        /// How it chooses.
        package var algorithm = Bandit.Algorithm.thompson
        /// The share of requests that are given out evenly, from 0 to 1.
        package var exploration = 0.1
        /// What counts as good.
        package var reward = Bandit.Reward.label

        /// Thompson sampling on labels.
        package init() {}
    }

    /// Releases versions beside the one that is stable and lets a bandit choose among them.
    package func startBandit(
        _ wish: BanditWish, _ endpoint: String, reason: String, by actor: String
    ) async throws(GyreError) -> Bandit {
        guard let split = try await rollouts.split(endpoint) else {
            throw GyreError(
                .notFound, "The endpoint \"\(endpoint)\" serves nothing yet.", fix: "gyre endpoint deploy \(endpoint)")
        }
        try await rollouts.checkCanDeploy(endpoint, asCanary: true)
        var numbers = [split.stable.version]
        var arms = [split.stable]
        for selector in wish.selectors.prefix(Bandit.mostArms) {
            let version = try await registry.resolve(wish.model ?? endpoint, selector)
            if numbers.contains(version.number) { continue }
            numbers.append(version.number)
            let release = try await release(version, endpoint: endpoint, reason: reason, by: actor)
            arms.append(TrafficSplit.Target(version: version.number, release: release.number))
        }
        let bandit = try Bandit(
            wish.algorithm, exploration: wish.exploration, reward: wish.reward, arms: arms,
            startedAt: rollouts.surroundings.now())
        try await endpoints.startBandit(bandit, endpoint, reason: reason, by: actor)
        return bandit
    }

    /// Ends a bandit; the winner becomes champion.
    package func stopBandit(
        _ endpoint: String, winner: Int?, reason: String, by actor: String
    ) async throws(GyreError) -> TrafficSplit {
        let split = try await endpoints.stopBandit(endpoint, winner: winner, reason: reason, by: actor)
        try await moveChampion(to: try await releases.release(endpoint, split.stable.release), by: actor)
        return split
    }
}

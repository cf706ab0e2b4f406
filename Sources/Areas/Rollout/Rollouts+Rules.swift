// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// What shares traffic by other means than a percent: rules about requests, and bandits.
extension Rollouts {
    /// Sets the rules of the rollout under way, in place of those it had.
    ///
    /// Requests that they send to the canary count for the judge like all others.
    /// - Throws: `.conflict` where no rollout is under way.
    package func setRules(
        _ rules: [TrafficRule], _ endpoint: String, reason: String, by actor: String
    ) async throws(GyreError) -> Rollout {
        guard let seen = try await active(endpoint) else {
            throw GyreError(
                .conflict, "No rollout of \"\(endpoint)\" is under way, so there is nothing to choose from.",
                fix: "gyre endpoint deploy \(endpoint) --strategy blue-green")
        }
        try await checkNotFrozen(endpoint)
        return try await store.transact { ledger throws(GyreError) in
            guard let document = try ledger.document("rollout", "\(endpoint)/\(seen.id)"),
                var split = TrafficSplit(json: try ledger.pointer(TrafficSplit.pointer(endpoint)))
            else { throw GyreError(.notFound, "The rollout of \"\(endpoint)\" is gone.") }
            var rollout = try Rollout(json: document.body)
            guard !rollout.plan.state.isEnd else {
                throw GyreError(.conflict, "The rollout of \"\(endpoint)\" has ended: \(rollout.plan.state.rawValue).")
            }
            rollout.rules = rules
            split.rules = rules
            return Proposal(
                rollout,
                [.put(Self.document(rollout)), .move(TrafficSplit.pointer(endpoint), to: split.json)],
                recording: [
                    Fact(
                        "rollout.rules.set", rollout.ref, by: actor, outputs: [Ref("endpoint", endpoint)],
                        body: ["reason": .string(reason), "rules": .array(rules.map(\.json))])
                ])
        }
    }

    /// - Throws: `.conflict` while a bandit has the traffic.
    package func checkNoBandit(_ endpoint: String, _ split: TrafficSplit) throws(GyreError) {
        guard let bandit = split.bandit else { return }
        throw GyreError(
            .conflict, "A bandit has the traffic of \"\(endpoint)\".",
            why: "It chooses among the versions \(bandit.arms.map { String($0.version) }.joined(separator: ", ")).",
            fix: "gyre endpoint bandit stop \(endpoint)")
    }

    /// Gives the traffic of an endpoint to a bandit, whose arms must be loaded and warm.
    /// - Throws: `.conflict` while a rollout or another bandit is under way; `.notFound` for an endpoint that serves nothing.
    package func startBandit(
        _ bandit: Bandit, _ endpoint: String, reason: String, by actor: String
    ) async throws(GyreError) -> TrafficSplit {
        guard let split = try await split(endpoint) else {
            throw GyreError(
                .notFound, "The endpoint \"\(endpoint)\" serves nothing yet.", fix: "gyre endpoint deploy \(endpoint)")
        }
        try await checkNotFrozen(endpoint)
        try checkNoBandit(endpoint, split)
        if try await active(endpoint) != nil {
            throw GyreError(
                .conflict, "A rollout of \"\(endpoint)\" is under way.",
                fix: "gyre endpoint promote \(endpoint), or gyre endpoint abort \(endpoint)")
        }
        var next = TrafficSplit(stable: split.stable)
        next.bandit = bandit
        try await store.commit(
            [.moveIf(TrafficSplit.pointer(endpoint), expecting: split.json, to: next.json)],
            recording: [
                Fact(
                    "rollout.bandit.started", Ref("endpoint", endpoint), by: actor,
                    inputs: bandit.arms.map { Ref("release", endpoint, String($0.release)) },
                    outputs: [Ref("endpoint", endpoint)],
                    body: ["reason": .string(reason), "bandit": bandit.json])
            ])
        return next
    }

    /// Ends a bandit: all traffic goes to the version named, or to what was stable.
    ///
    /// `learned`: what it knew, which the fact keeps.
    /// - Throws: `.conflict` where there is none; `.notFound` for a version that is no arm.
    package func stopBandit(
        _ endpoint: String, winner: Int?, learned: JSONValue, reason: String, by actor: String
    ) async throws(GyreError) -> TrafficSplit {
        guard let split = try await split(endpoint), let bandit = split.bandit else {
            throw GyreError(
                .conflict, "No bandit has the traffic of \"\(endpoint)\".", fix: "gyre endpoint show \(endpoint)")
        }
        try await checkNotFrozen(endpoint)
        guard let target = winner == nil ? split.stable : bandit.arms.first(where: { $0.version == winner }) else {
            throw GyreError(
                .notFound, "Version \(winner ?? 0) is no arm of the bandit.",
                why: "It has \(bandit.arms.map { String($0.version) }.joined(separator: ", ")).")
        }
        let next = TrafficSplit(stable: target)
        try await store.commit(
            [.moveIf(TrafficSplit.pointer(endpoint), expecting: split.json, to: next.json)],
            recording: [
                Fact(
                    "rollout.bandit.stopped", Ref("endpoint", endpoint), by: actor,
                    inputs: [Ref("release", endpoint, String(target.release))], outputs: [Ref("endpoint", endpoint)],
                    body: ["reason": .string(reason), "version": .int(Int64(target.version)), "arms": learned])
            ])
        return next
    }
}

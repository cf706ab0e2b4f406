// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreLoop
internal import GyreRegistry
internal import GyreReleases
internal import GyreRollout

/// What calls about traffic would do: they refuse what the call would refuse, answer in its form, and change nothing.
extension NativeDialect {
    /// A person's word on the rollout under way.
    func tried(_ event: CanaryPlan.Event, _ endpoint: String, reason: String) async throws(GyreError) -> JSONValue {
        guard var rollout = try await services.rollouts.active(endpoint) else { throw Self.noRollout(endpoint) }
        switch event {
        case .promote, .hold, .resume: try await services.rollouts.checkNotFrozen(endpoint)
        case .abort, .pause, .judged: break
        }
        _ = rollout.plan.handle(event)
        rollout.lastReason = reason
        return Self.dry(rollout.json)
    }

    /// Rules in place of those of the rollout under way.
    func triedRules(_ rules: [TrafficRule], _ endpoint: String) async throws(GyreError) -> JSONValue {
        guard var rollout = try await services.rollouts.active(endpoint) else { throw Self.noRollout(endpoint) }
        try await services.rollouts.checkNotFrozen(endpoint)
        rollout.rules = rules
        return Self.dry(rollout.json)
    }

    /// A hold on the traffic.
    func triedFreeze(
        _ endpoint: String, _ split: TrafficSplit, seconds: Int64?, reason: String, by actor: String
    ) async throws(GyreError) -> JSONValue {
        try await services.rollouts.checkNoBandit(endpoint, split)
        let until = seconds.map { services.rollouts.surroundings.now() + $0 * 1_000_000 }
        return ["reason": .string(reason), "actor": .string(actor), "until": .optional(until), "dry_run": true]
    }

    /// The end of a hold.
    func triedUnfreeze(_ endpoint: String) async throws(GyreError) -> JSONValue {
        guard let freeze = try await services.rollouts.freeze(of: endpoint) else {
            throw GyreError(.conflict, "The traffic of \"\(endpoint)\" is not frozen.")
        }
        return ["frozen": false, "was": freeze.json, "dry_run": true]
    }

    /// A bandit's beginning: the versions that would be its arms; those that have no release yet would get one.
    func triedBandit(
        _ wish: Conductor.BanditWish, _ endpoint: String, _ split: TrafficSplit
    ) async throws(GyreError) -> JSONValue {
        try await services.rollouts.checkNotFrozen(endpoint)
        try await services.rollouts.checkNoBandit(endpoint, split)
        if let active = try await services.rollouts.active(endpoint) {
            throw GyreError(
                .conflict, "A rollout of \"\(endpoint)\" is under way.",
                why: "Version \(active.canary.version) has \(active.plan.percent) %.",
                fix: "gyre endpoint promote \(endpoint), or gyre endpoint abort \(endpoint)")
        }
        var numbers = [split.stable.version]
        for selector in wish.selectors.prefix(Bandit.mostArms) {
            let number = try await names.version(wish.model ?? endpoint, selector).number
            if !numbers.contains(number) { numbers.append(number) }
        }
        guard numbers.count > 1 else {
            throw GyreError(
                .invalid, "A bandit needs two versions to choose from.", fix: "Name another: --versions 3,4")
        }
        return [
            "algorithm": .string(wish.algorithm.rawValue), "reward": .string(wish.reward.rawValue),
            "exploration": .double(wish.exploration),
            "arms": .array(numbers.map { ["version": .int(Int64($0))] }), "dry_run": true,
        ]
    }

    /// The end of a bandit.
    func triedStop(of endpoint: String, _ split: TrafficSplit, winner: Int?) async throws(GyreError) -> JSONValue {
        guard let bandit = split.bandit else {
            throw GyreError(
                .conflict, "No bandit has the traffic of \"\(endpoint)\".", fix: "gyre endpoint show \(endpoint)")
        }
        try await services.rollouts.checkNotFrozen(endpoint)
        guard let target = winner == nil ? split.stable : bandit.arms.first(where: { $0.version == winner }) else {
            throw GyreError(
                .notFound, "Version \(winner ?? 0) is no arm of the bandit.",
                why: "It has \(bandit.arms.map { String($0.version) }.joined(separator: ", ")).")
        }
        return Self.dry(TrafficSplit(stable: target).json)
    }

    /// An answer that says that nothing was done.
    static func dry(_ json: JSONValue) -> JSONValue {
        var json = json
        json["dry_run"] = true
        return json
    }

    private static func noRollout(_ endpoint: String) -> GyreError {
        GyreError(.conflict, "No rollout of \"\(endpoint)\" is under way.", fix: "gyre endpoint show \(endpoint)")
    }
}

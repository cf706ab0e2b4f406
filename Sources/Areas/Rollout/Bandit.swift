// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase

/// How the requests of an endpoint are shared among several deployments by what came of earlier ones.
package struct Bandit: Sendable, Hashable {
    /// How it chooses.
    package let algorithm: Algorithm
    /// The share of requests that epsilon-greedy and Exp3 give out evenly, from 0 to 1.
    package let exploration: Double
    /// What counts as good.
    package let reward: Reward
    /// The deployments it chooses from; the first is stable.
    package let arms: [TrafficSplit.Target]
    /// When it began, microseconds since 1970.
    package let startedAt: Int64

    /// How a bandit chooses.
    package enum Algorithm: String, Sendable, Hashable, CaseIterable {
        /// The best so far, but now and then any.
        case epsilonGreedy = "epsilon-greedy"
        /// Each as often as it is likely to be the best: Thompson sampling with Beta distributions.
        case thompson
        /// By weights that grow with rewards, for rewards that change while it runs: Auer and others' Exp3.
        case exp3
    }

    /// What counts as good.
    package enum Reward: String, Sendable, Hashable, CaseIterable {
        /// The label itself, from 0 to 1: whether somebody bought.
        case label
        /// How close the score came to the label: 1 - (score - label)².
        case accuracy
    }

    /// Arms at most.
    package static let mostArms = 20

    /// A bandit.
    /// - Throws: `.invalid` with fewer than two arms, two of the same version, or an exploration outside 0...1.
    package init(
        _ algorithm: Algorithm, exploration: Double = 0.1, reward: Reward, arms: [TrafficSplit.Target], startedAt: Int64
    ) throws(GyreError) {
        guard (2...Self.mostArms).contains(arms.count), Set(arms.map(\.version)).count == arms.count else {
            throw GyreError(
                .invalid, "A bandit chooses between 2 and \(Self.mostArms) different versions.",
                why: "It was given \(arms.map(\.version)).")
        }
        guard (0...1).contains(exploration) else {
            throw GyreError(.invalid, "The exploration \(exploration) is not from 0 to 1.")
        }
        self.algorithm = algorithm
        self.exploration = exploration
        self.reward = reward
        self.arms = arms
        self.startedAt = startedAt
    }

    init?(json: JSONValue?) {
        guard let json, let algorithm = Algorithm(rawValue: json["algorithm"]?.string ?? ""),
            let reward = Reward(rawValue: json["reward"]?.string ?? "")
        else { return nil }
        self.algorithm = algorithm
        self.reward = reward
        exploration = json["exploration"]?.double ?? 0.1
        arms = (json["arms"]?.array ?? []).compactMap { TrafficSplit.Target(json: $0) }
        startedAt = json["started_at"]?.int ?? 0
        guard arms.count > 1 else { return nil }
    }

    /// As the pointer holds it.
    package var json: JSONValue {
        [
            "algorithm": .string(algorithm.rawValue), "exploration": .double(exploration),
            "reward": .string(reward.rawValue), "arms": .array(arms.map(\.json)), "started_at": .int(startedAt),
        ]
    }
}

/// What a bandit has learned: no clock inside, and chance comes from outside.
package struct BanditState: Sendable {
    /// What is known of one arm.
    package struct Arm: Sendable, Hashable {
        /// Requests that it got.
        package fileprivate(set) var requests = 0
        /// Rewards that came for it.
        package fileprivate(set) var rewards = 0
        /// Their sum.
        package fileprivate(set) var sum = 0.0
        /// Exp3's weight, as its logarithm.
        fileprivate var logWeight = 0.0

        /// The mean reward; nil without any.
        package var mean: Double? { rewards > 0 ? sum / Double(rewards) : nil }
    }

    /// One choice.
    package struct Choice: Sendable, Hashable {
        /// The arm's place.
        package let arm: Int
        /// How likely it was; nil where the algorithm cannot tell.
        package let probability: Double?
    }

    /// How it chooses, and among which arms.
    package let bandit: Bandit
    /// Its arms, in the bandit's order.
    package private(set) var arms: [Arm]

    /// Nothing learned yet.
    package init(_ bandit: Bandit) {
        self.bandit = bandit
        arms = [Arm](repeating: Arm(), count: bandit.arms.count)
    }

    /// Chooses an arm for a request.
    ///
    /// `random`: uniform numbers in 0..<1.
    package mutating func choose(_ random: () -> Double) -> Choice {
        let choice: Choice
        switch bandit.algorithm {
        case .epsilonGreedy:
            let best = best()
            let arm = random() < bandit.exploration ? Int(random() * Double(arms.count)) : best
            let even = bandit.exploration / Double(arms.count)
            choice = Choice(
                arm: min(arm, arms.count - 1), probability: arm == best ? 1 - bandit.exploration + even : even)
        case .thompson:
            var drawn = (arm: 0, value: -1.0)
            for (index, arm) in arms.enumerated() {
                let value = Self.beta(1 + arm.sum, 1 + Double(arm.rewards) - arm.sum, random)
                if value > drawn.value { drawn = (index, value) }
            }
            choice = Choice(arm: drawn.arm, probability: nil)
        case .exp3:
            let shares = shares()
            var point = random()
            let arm = shares.firstIndex { share in
                point -= share
                return point < 0
            }
            choice = Choice(arm: arm ?? arms.count - 1, probability: shares[arm ?? arms.count - 1])
        }
        arms[choice.arm].requests += 1
        return choice
    }

    /// Learns what came of a choice.
    ///
    /// `reward`: what is outside of 0...1 counts as its nearer end. `probability`: how likely the choice was.
    package mutating func learn(arm: Int, reward: Double, probability: Double?) {
        guard arms.indices.contains(arm), !reward.isNaN else { return }
        let reward = max(0, min(1, reward))
        arms[arm].rewards += 1
        arms[arm].sum += reward
        guard bandit.algorithm == .exp3 else { return }
        let likely = max(probability ?? shares()[arm], bandit.exploration / Double(arms.count), 1e-6)
        arms[arm].logWeight += bandit.exploration * reward / likely / Double(arms.count)
        // Only their differences count.
        let most = arms.map(\.logWeight).max() ?? 0
        for index in arms.indices { arms[index].logWeight -= most }
    }

    /// Counts a request that was answered before a restart.
    package mutating func recount(arm: Int) { if arms.indices.contains(arm) { arms[arm].requests += 1 } }

    /// The arm with the highest mean; one without any reward yet is left to exploration, the first of all where none has one.
    package func best() -> Int {
        arms.indices.max { (arms[$0].mean ?? -1, -$0) < (arms[$1].mean ?? -1, -$1) } ?? 0
    }

    /// What is known, arm by arm.
    package var json: JSONValue {
        .array(
            zip(bandit.arms, arms).map { target, arm in
                [
                    "version": .int(Int64(target.version)), "release": .int(Int64(target.release)),
                    "requests": .int(Int64(arm.requests)), "rewards": .int(Int64(arm.rewards)),
                    "mean_reward": .optional(arm.mean),
                ]
            })
    }

    /// Exp3's probabilities.
    private func shares() -> [Double] {
        let weights = arms.map { exp($0.logWeight) }
        let sum = weights.reduce(0, +)
        return weights.map {
            (1 - bandit.exploration) * $0 / sum + bandit.exploration / Double(arms.count)
        }
    }

    // MARK: Chance

    private static func beta(_ a: Double, _ b: Double, _ random: () -> Double) -> Double {
        let one = gamma(a, random)
        return one / (one + gamma(b, random))
    }

    /// Marsaglia's and Tsang's way to a gamma distribution of a shape of at least 1.
    private static func gamma(_ shape: Double, _ random: () -> Double) -> Double {
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        for _ in 0..<100 {
            // Box and Muller's way to a normal distribution.
            let normal = (-2 * log(1 - random())).squareRoot() * cos(2 * .pi * random())
            let v = pow(1 + c * normal, 3)
            guard v > 0 else { continue }
            if log(1 - random()) < 0.5 * normal * normal + d - d * v + d * log(v) { return d * v }
        }
        return shape
    }
}

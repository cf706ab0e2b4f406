// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreRollout
import GyreServing
import GyreTestSupport
import Testing

@Suite struct BanditTests {
    private func bandit(_ algorithm: Bandit.Algorithm, arms: Int = 3, exploration: Double = 0.1) throws -> BanditState {
        BanditState(
            try Bandit(
                algorithm, exploration: exploration, reward: .label,
                arms: (1...arms).map { TrafficSplit.Target(version: $0, release: $0) }, startedAt: 0))
    }

    @Test(
        "the best arm gets most of the late requests, and the mean reward comes near to its own",
        arguments: Bandit.Algorithm.allCases, [1, 2, 3] as [UInt64])
    func learns(algorithm: Bandit.Algorithm, seed: UInt64) throws {
        var state = try bandit(algorithm)
        var random = SplitMix(seed: seed)
        let rates = [0.2, 0.5, 0.8]
        var late = [0, 0, 0]
        for turn in 0..<6000 {
            let choice = state.choose { Double.random(in: 0..<1, using: &random) }
            if turn >= 4000 { late[choice.arm] += 1 }
            let reward = Double.random(in: 0..<1, using: &random) < rates[choice.arm] ? 1.0 : 0
            state.learn(arm: choice.arm, reward: reward, probability: choice.probability)
        }
        #expect(late[2] > 1500, "\(algorithm): \(late)")
        #expect(state.best() == 2)
        #expect(abs((state.arms[2].mean ?? 0) - 0.8) < 0.05)
    }

    @Test("probabilities are those of the choices that come", arguments: [Bandit.Algorithm.epsilonGreedy, .exp3])
    func probabilities(algorithm: Bandit.Algorithm) throws {
        var state = try bandit(algorithm, exploration: 0.3)
        state.learn(arm: 1, reward: 1, probability: 0.4)
        var random = SplitMix(seed: 5)
        var counts = [0, 0, 0]
        var told = [0.0, 0, 0]
        for _ in 0..<20_000 {
            let choice = state.choose { Double.random(in: 0..<1, using: &random) }
            counts[choice.arm] += 1
            told[choice.arm] = choice.probability ?? 0
        }
        // Arms without a reward come first with epsilon-greedy, so the best is the first of them.
        for arm in 0..<3 { #expect(abs(Double(counts[arm]) / 20_000 - told[arm]) < 0.02) }
        #expect(abs(told.reduce(0, +) - 1) < 1e-9)
    }

    @Test("Exp3 follows when another arm becomes the better one")
    func changes() throws {
        var state = try bandit(.exp3, arms: 2, exploration: 0.2)
        var random = SplitMix(seed: 9)
        var late = 0
        for turn in 0..<8000 {
            let choice = state.choose { Double.random(in: 0..<1, using: &random) }
            if turn >= 7000, choice.arm == 1 { late += 1 }
            let rate = (turn < 2000) == (choice.arm == 0) ? 0.9 : 0.1
            state.learn(
                arm: choice.arm, reward: Double.random(in: 0..<1, using: &random) < rate ? 1 : 0,
                probability: choice.probability)
        }
        #expect(late > 800)
    }

    @Test("rewards that are none, and arms that are not there, change nothing or count as the nearer end")
    func oddRewards() throws {
        var state = try bandit(.thompson)
        state.learn(arm: 7, reward: 1, probability: nil)
        state.learn(arm: 0, reward: .nan, probability: nil)
        state.learn(arm: 0, reward: 40, probability: nil)
        state.learn(arm: 1, reward: -3, probability: nil)
        #expect(state.arms[0].sum == 1 && state.arms[1].sum == 0 && state.arms[0].rewards == 1)
        #expect(throws: GyreError.self) { try bandit(.thompson, arms: 1) }
        #expect(throws: GyreError.self) { try bandit(.exp3, exploration: -0.1) }
    }

    @Test("a split goes through its pointer as it is")
    func pointer() throws {
        var split = TrafficSplit(
            stable: .init(version: 1, release: 1), canary: .init(version: 2, release: 2), canaryPercent: 7)
        split.rules = [try TrafficRule(attribute: "a", values: ["x", "y"], isForCanary: false)]
        split.bandit = try bandit(.exp3).bandit
        #expect(TrafficSplit(json: split.json) == split)
        #expect(split.targets.map(\.version) == [1, 2, 2, 3])
        let to = split.assign(attributes: ["a": "y"], key: nil, random: { 0 })
        #expect(to.target.version == 1 && to.reason == .rule("a"))
    }

    @Test("the steps of an ensemble come in an order in which each has what it needs")
    func ensembleOrder() throws {
        func step(_ name: String, _ input: String, _ output: String) -> Ensemble.Step {
            Ensemble.Step(model: name, version: nil, inputs: ["IN": input], outputs: ["OUT": output])
        }
        let steps = [step("c", "y", "z"), step("a", "in", "x"), step("b", "x", "y")]
        #expect(try Ensemble(steps, inputs: ["in"], outputs: ["z"]).steps.map(\.model) == ["a", "b", "c"])
        #expect(throws: GyreError.self) { try Ensemble(steps, inputs: ["in"], outputs: ["w"]) }
        #expect(throws: GyreError.self) { try Ensemble(steps + [step("d", "in", "y")], inputs: ["in"], outputs: ["z"]) }
        #expect(throws: GyreError.self) {
            try Ensemble([step("a", "y", "x"), step("b", "x", "y")], inputs: [], outputs: [])
        }
    }

    @Test("answers of several models become one")
    func combiners() {
        let lists: [JSONValue] = [[1, 2, [3, 4]], [3, 2, [5, 8]]]
        #expect(InferenceGraph.Combiner.mean.combine(lists) == [2.0, 2.0, [4.0, 6.0]])
        #expect(InferenceGraph.Combiner.mean.combine([["a"], ["b"]]) == nil)
        #expect(InferenceGraph.Combiner.mean.combine([[1], [1, 2]]) == nil)
        #expect(InferenceGraph.Combiner.majority.combine([["a", 1], ["b", 2], ["b", 3]]) == ["b", 1])
    }
}

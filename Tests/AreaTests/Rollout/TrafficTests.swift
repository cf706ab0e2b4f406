// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreRollout
import GyreTestSupport
import Testing

/// Who may move an endpoint's traffic, when, and what is told of it.
@Suite struct TrafficTests {
    private let ledger = MemoryLedgerStore(now: { 0 })
    private let clock = ManualClock(step: 1_000_000)
    private let rollouts: Rollouts

    init() { rollouts = Rollouts(store: ledger, surroundings: clock.surroundings) }

    private func target(_ version: Int) -> TrafficSplit.Target {
        TrafficSplit.Target(version: version, release: version)
    }

    private func deploy(_ version: Int) async throws {
        try await rollouts.setStable(
            "e", target(version), model: Ref("model", "m", String(version)), reason: "first", by: "ann")
    }

    private func start(
        _ version: Int = 2, steps: [Int] = [10, 50, 100], isMirrored: Bool = false
    ) async throws -> Rollout {
        try await rollouts.start(
            "e", canary: target(version), plan: try CanaryPlan(steps: steps, isMirrored: isMirrored), judge: Judge(),
            reason: "better", by: "ann")
    }

    private func conflict(_ body: () async throws -> Void) async {
        let error = await #expect(throws: GyreError.self) { try await body() }
        #expect(error?.code == .conflict)
    }

    @Test("a rollout goes from its first step to all traffic, and its story is read back as it was")
    func story() async throws {
        await #expect(throws: GyreError.self) { try await start() }
        try await deploy(1)
        var rollout = try await start()
        #expect(try await rollouts.split("e")?.canaryPercent == 10)
        await conflict { _ = try await start(3) }
        let pass = Judge.Judgement(verdict: .pass, reason: "It is better.", numbers: ["n": 1])
        rollout = try await rollouts.judged(rollout, pass)
        #expect(rollout.percent == 50 && rollout.stepStarts.count == 2)
        rollout = try await rollouts.command(.hold(percent: 30), "e", reason: "look", by: "ann")
        #expect(try await rollouts.split("e")?.canaryPercent == 30)
        _ = try await rollouts.command(.resume, "e", reason: "go on", by: "ann")
        rollout = try await rollouts.command(.promote, "e", reason: "good", by: "ann")
        #expect(rollout.plan.state == .promoted && rollout.percent == 100 && rollout.endedBy == "ann")
        #expect(try await rollouts.split("e")?.stable == target(2))
        #expect(try await rollouts.active("e") == nil)
        #expect(try await rollouts.rollouts(of: "e") == [rollout])
        #expect(try await rollouts.endpoints().map(\.name) == ["e"])
        await conflict { _ = try await rollouts.command(.abort, "e", reason: "", by: "ann") }
        let kinds = try await ledger.facts(FactQuery()).map(\.fact.kind)
        #expect(kinds.first == "rollout.traffic.set" && kinds.last == "rollout.canary.promoted")
    }

    @Test("a judgement that comes late, or that says again what was said, moves nothing")
    func lateJudgement() async throws {
        try await deploy(1)
        let rollout = try await start()
        let wait = Judge.Judgement(verdict: .inconclusive, reason: "It waits.", numbers: [:])
        _ = try await rollouts.judged(rollout, wait)
        let before = try await ledger.facts(FactQuery()).count
        _ = try await rollouts.judged(rollout, Judge.Judgement(verdict: .inconclusive, reason: "Still.", numbers: [:]))
        #expect(try await ledger.facts(FactQuery()).count == before)
        #expect(try await rollouts.active("e")?.lastReason == "Still.", "what was said last is shown")
        _ = try await rollouts.command(.abort, "e", reason: "enough", by: "ann")
        let fail = Judge.Judgement(verdict: .fail, reason: "It is worse.", numbers: [:])
        #expect(try await rollouts.judged(rollout, fail) == rollout)
        #expect(try await rollouts.split("e")?.stable == target(1))
    }

    @Test("another deployment ends the rollout under way")
    func another() async throws {
        try await deploy(1)
        _ = try await start()
        try await deploy(3)
        #expect(try await rollouts.rollouts(of: "e").map(\.plan.state) == [.aborted])
        #expect(try await rollouts.split("e") == TrafficSplit(stable: target(3)))
        let kinds = try await ledger.facts(FactQuery()).map(\.fact.kind)
        #expect(kinds.suffix(2) == ["rollout.traffic.set", "rollout.canary.aborted"], "in one transaction")
    }

    @Test("a judge that asks for agreement is refused where nothing is compared")
    func agreement() async throws {
        try await deploy(1)
        var judge = Judge()
        judge.minimumAgreement = 0.9
        let error = await #expect(throws: GyreError.self) {
            _ = try await rollouts.start(
                "e", canary: target(2), plan: try CanaryPlan(steps: [10, 100]), judge: judge, reason: "", by: "ann")
        }
        #expect(error?.code == .invalid && error?.fix?.contains("shadow") == true)
        let shadow = try CanaryPlan(steps: [0, 100], isMirrored: true)
        _ = try await rollouts.start("e", canary: target(2), plan: shadow, judge: judge, reason: "", by: "ann")
    }

    @Test("while traffic is frozen nothing gets more of it, and what fails still loses its share")
    func frozen() async throws {
        await #expect(throws: GyreError.self) { try await rollouts.freeze("e", seconds: nil, reason: "", by: "ann") }
        try await deploy(1)
        let rollout = try await start()
        let freeze = try await rollouts.freeze("e", seconds: 3600, reason: "holidays", by: "ann")
        #expect(try await rollouts.freeze(of: "e") == freeze)
        await conflict { try await deploy(3) }
        await conflict { _ = try await rollouts.command(.promote, "e", reason: "", by: "ann") }
        await conflict { _ = try await rollouts.setRules([], "e", reason: "", by: "ann") }
        let pass = Judge.Judgement(verdict: .pass, reason: "It is better.", numbers: [:])
        let held = try await rollouts.judged(rollout, pass)
        #expect(held.percent == 10 && held.lastReason == "It is better. It stays: holidays")
        let fail = Judge.Judgement(verdict: .fail, reason: "It is worse.", numbers: [:])
        #expect(try await rollouts.judged(rollout, fail).plan.state == .rolledBack)
        clock.advance(seconds: 3600)
        #expect(try await rollouts.freeze(of: "e") == nil)
        await conflict { try await rollouts.unfreeze("e", reason: "", by: "ann") }
        _ = try await rollouts.freeze("e", seconds: nil, reason: "again", by: "ann")
        try await rollouts.unfreeze("e", reason: "over", by: "ann")
        try await deploy(3)
    }

    @Test("rules send requests to their side, whatever the shares are, and last as long as the rollout")
    func rules() async throws {
        await conflict { _ = try await rollouts.setRules([], "e", reason: "", by: "ann") }
        try await deploy(1)
        _ = try await start()
        let rules = [
            try TrafficRule(attribute: "country", values: ["DE", "FR"], isForCanary: true),
            try TrafficRule(attribute: "plan", values: ["gold"], isForCanary: false),
        ]
        _ = try await rollouts.setRules(rules, "e", reason: "flag", by: "ann")
        #expect(try await rollouts.split("e")?.rules == rules)
        let rollout = try #require(try await rollouts.active("e"))
        let pass = Judge.Judgement(verdict: .pass, reason: "Good.", numbers: [:])
        #expect(try await rollouts.judged(rollout, pass).rules == rules)
        #expect(try await rollouts.split("e")?.rules == rules, "the next step keeps them")
        _ = try await rollouts.command(.promote, "e", reason: "", by: "ann")
        #expect(try await rollouts.split("e")?.rules == [])
        #expect(throws: GyreError.self) { try TrafficRule(attribute: "", values: ["x"], isForCanary: true) }
        #expect(throws: GyreError.self) { try TrafficRule.read(.array(Array(repeating: [:], count: 101))) }
    }

    @Test("a bandit has the traffic alone, and ends with the arm that won or with what was stable")
    func bandit() async throws {
        let arms = [target(1), target(2)]
        let bandit = try Bandit(.thompson, reward: .accuracy, arms: arms, startedAt: 0)
        await #expect(throws: GyreError.self) { try await rollouts.startBandit(bandit, "e", reason: "", by: "ann") }
        try await deploy(1)
        await conflict {
            _ = try await rollouts.stopBandit("e", winner: nil, learned: [:], reason: "", by: "ann")
        }
        #expect(try await rollouts.startBandit(bandit, "e", reason: "try", by: "ann").bandit == bandit)
        #expect(try await rollouts.split("e")?.bandit == bandit)
        await conflict { _ = try await rollouts.startBandit(bandit, "e", reason: "", by: "ann") }
        await conflict { _ = try await start() }
        await conflict { _ = try await rollouts.freeze("e", seconds: nil, reason: "", by: "ann") }
        let none = await #expect(throws: GyreError.self) {
            try await rollouts.stopBandit("e", winner: 7, learned: [:], reason: "", by: "ann")
        }
        #expect(none?.why == "It has 1, 2.")
        #expect(
            try await rollouts.stopBandit("e", winner: 2, learned: ["arms": 2], reason: "won", by: "ann")
                == TrafficSplit(stable: target(2)))
        _ = try await rollouts.startBandit(bandit, "e", reason: "again", by: "ann")
        #expect(
            try await rollouts.stopBandit("e", winner: nil, learned: [:], reason: "", by: "ann").stable == target(2))
        _ = try await start(3)
        await conflict { _ = try await rollouts.startBandit(bandit, "e", reason: "", by: "ann") }
    }

    @Test("a share of predictions is kept for an endpoint that is there, from none to all")
    func sampling() async throws {
        await #expect(throws: GyreError.self) { try await rollouts.setSample(0.5, of: "e", reason: "", by: "ann") }
        try await deploy(1)
        #expect(try await rollouts.sample(of: "e") == 1)
        try await rollouts.setSample(0.25, of: "e", reason: "too much", by: "ann")
        #expect(try await rollouts.sample(of: "e") == 0.25)
        for share in [-0.1, 1.1, .nan] {
            await #expect(throws: GyreError.self) { try await rollouts.setSample(share, of: "e", reason: "", by: "a") }
        }
    }

    @Test("a step of 0 percent that is mirrored gives the canary copies and no traffic")
    func mirrored() async throws {
        try await deploy(1)
        let rollout = try await start(steps: [0, 100], isMirrored: true)
        let split = try #require(try await rollouts.split("e"))
        #expect(split.isMirrored && split.canaryPercent == 0 && rollout.plan.mirrorsNow)
    }
}

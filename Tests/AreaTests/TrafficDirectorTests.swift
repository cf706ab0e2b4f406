// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreMonitoring
import GyreRollout
import GyreTestSupport
import Testing

@testable import GyreDelivery

@Suite struct TrafficDirectorTests {
    private static let stable = TrafficSplit.Target(version: 1, release: 1)
    private static let canary = TrafficSplit.Target(version: 2, release: 2)

    /// A director that expectations may ask.
    private final class Desk {
        private var director = TrafficDirector()

        func direct(_ question: TrafficDirector.Question, random: () -> Double) -> Direction? {
            director.direct(question, random: random)
        }
        func route(_ endpoint: String, _ split: TrafficSplit?) { director.route(endpoint, split) }
        func sample(_ endpoint: String, _ share: Double) { director.sample(endpoint, share) }
        func setJudged(_ endpoint: String, _ isJudged: Bool) { director.setJudged(endpoint, isJudged) }
        func learn(_ id: String, version: Int) {
            director.learn("m", id: id, version: version, probability: 0.5, score: nil, kind: nil, isError: false)
        }
        func label(_ id: String, _ value: Double) -> Bool { director.label("m", Label(id: id, value: value)) }
        var learned: JSONValue { director.learned("m") }
    }

    private static func question(
        _ endpoint: String = "m", key: String? = nil, attributes: [String: String] = [:]
    ) -> TrafficDirector.Question {
        TrafficDirector.Question(endpoint: endpoint, attributes: attributes, stickyKey: key)
    }

    @Test("a name without a split is no endpoint, and one whose split is taken away is none any more")
    func unknown() {
        let desk = Desk()
        #expect(desk.direct(Self.question(), random: { 0.5 }) == nil)
        desk.route("m", TrafficSplit(stable: Self.stable))
        #expect(desk.direct(Self.question(), random: { 0.5 })?.target == Self.stable)
        desk.route("m", nil)
        #expect(desk.direct(Self.question(), random: { 0.5 }) == nil)
    }

    @Test(
        "each side gets its share, the probability that is told is that share, and keys stay on their side",
        arguments: [1, 10, 50, 99])
    func shares(percent: Int) throws {
        let desk = Desk()
        desk.route("m", TrafficSplit(stable: Self.stable, canary: Self.canary, canaryPercent: percent))
        var random = SplitMix(seed: UInt64(percent))
        var met = 0
        for _ in 0..<20_000 {
            let direction = try #require(
                desk.direct(Self.question(), random: { Double.random(in: 0..<1, using: &random) }))
            let share = Double(direction.target == Self.canary ? percent : 100 - percent) / 100
            #expect(direction.reason == .share && abs((direction.probability ?? 0) - share) < 1e-12)
            if direction.target == Self.canary { met += 1 }
        }
        #expect(abs(Double(met) / 20_000 - Double(percent) / 100) < 0.02)
        for key in (0..<200).map({ "user-\($0)" }) {
            let first = try #require(desk.direct(Self.question(key: key), random: { 0 }))
            let second = try #require(desk.direct(Self.question(key: key), random: { 0.999 }))
            #expect(first.target == second.target && first.reason == .key)
        }
    }

    @Test("whoever is on the canary's side of a small share stays there when the share grows")
    func growing() throws {
        let keys = (0..<500).map { "user-\($0)" }
        var before: Set<String> = []
        for percent in [1, 5, 25, 50, 100] {
            let desk = Desk()
            desk.route("m", TrafficSplit(stable: Self.stable, canary: Self.canary, canaryPercent: percent))
            let now = Set(
                keys.filter { desk.direct(Self.question(key: $0), random: { 0.5 })?.target == Self.canary })
            #expect(before.isSubset(of: now), "at \(percent) %")
            before = now
        }
        #expect(before.count == keys.count)
    }

    @Test("a mirrored canary gets a copy of what stable answers, and none of what it answers itself")
    func mirrors() throws {
        let desk = Desk()
        var split = TrafficSplit(stable: Self.stable, canary: Self.canary, canaryPercent: 0, isMirrored: true)
        split.rules = try TrafficRule.read([["attribute": "team", "values": ["qa"], "to": "canary"]])
        desk.route("m", split)
        let usual = try #require(desk.direct(Self.question(), random: { 0 }))
        #expect(usual.target == Self.stable && usual.mirror == Self.canary)
        let ruled = try #require(desk.direct(Self.question(attributes: ["team": "qa"]), random: { 0.9 }))
        #expect(ruled.target == Self.canary && ruled.mirror == nil && ruled.reason == .rule("team"))
    }

    @Test("a sample keeps its share of answers, and all of them while they are judged")
    func samples() throws {
        let desk = Desk()
        desk.route("m", TrafficSplit(stable: Self.stable))
        desk.sample("m", 0.25)
        func kept(_ number: Double) -> Bool? { desk.direct(Self.question(), random: { number })?.isKept }
        #expect(kept(0.2) == true && kept(0.3) == false)
        desk.setJudged("m", true)
        #expect(kept(0.3) == true)
        desk.setJudged("m", false)
        #expect(kept(0.3) == false)
        desk.sample("m", 1)
        #expect(kept(0.999) == true)
    }

    @Test("a bandit keeps what it learned while it stays, and begins anew when it is another one")
    func bandits() throws {
        let desk = Desk()
        func split(exploration: Double) throws -> TrafficSplit {
            var split = TrafficSplit(stable: Self.stable)
            split.bandit = try Bandit(
                .epsilonGreedy, exploration: exploration, reward: .label, arms: [Self.stable, Self.canary], startedAt: 0
            )
            return split
        }
        desk.route("m", try split(exploration: 0.2))
        #expect(desk.direct(Self.question(), random: { 0.5 })?.reason == .bandit)
        desk.learn("a", version: 2)
        #expect(desk.label("a", 1))
        #expect(!desk.label("a", 1), "a label counts once")
        let learned = desk.learned
        desk.route("m", try split(exploration: 0.2))
        #expect(desk.learned == learned)
        desk.route("m", try split(exploration: 0.3))
        #expect(desk.learned != learned)
        desk.route("m", TrafficSplit(stable: Self.stable))
        #expect(desk.learned == .null)
    }
}

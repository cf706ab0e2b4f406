// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreRollout
import GyreTestSupport
import Testing

@Suite struct CanaryPlanTests {
    @Test(
        "for any sequence of events, traffic only rises until it ends, and nothing happens after the end",
        arguments: 0..<100)
    func traffic(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var plan = try CanaryPlan(steps: [1, 10, 50, 100])
        var last = plan.percent
        var hasEnded = false
        for _ in 0..<30 {
            let events: [CanaryPlan.Event] = [
                .judged(.pass), .judged(.pass), .judged(.inconclusive), .judged(.fail), .pause, .resume, .abort,
                .promote,
            ]
            switch plan.handle(events[Int.random(in: 0..<events.count, using: &random)]) {
            case .setTraffic(let percent):
                #expect(!hasEnded && percent > last, "seed \(seed)")
                last = percent
            case .promote, .rollBack:
                #expect(!hasEnded, "seed \(seed)")
                hasEnded = true
            case .none: break
            }
            #expect(plan.state.isEnd == hasEnded, "seed \(seed)")
        }
    }

    @Test("no data never moves a canary on")
    func inconclusive() throws {
        var plan = try CanaryPlan(steps: [10, 100])
        for _ in 0..<1000 { #expect(plan.handle(.judged(.inconclusive)) == .none) }
        #expect(plan.percent == 10)
    }

    @Test("a paused canary holds when it passes, and still goes back when it fails")
    func paused() throws {
        var plan = try CanaryPlan(steps: [10, 100])
        _ = plan.handle(.pause)
        #expect(plan.handle(.judged(.pass)) == .none)
        #expect(plan.handle(.judged(.fail)) == .rollBack)
    }

    @Test("what is loaded beside stable without traffic waits for a person, whatever the judge says; a shadow does not")
    func blueGreen() throws {
        var plan = try CanaryPlan(steps: [0, 100])
        #expect(plan.handle(.judged(.pass)) == .none && plan.state == .running)
        #expect(plan.handle(.promote) == .promote)
        var shadow = try CanaryPlan(steps: [0, 100], isMirrored: true)
        #expect(shadow.handle(.judged(.pass)) == .promote)
    }

    @Test("steps that do not rise are refused", arguments: [[], [0], [10, 10], [50, 10], [10, 101]])
    func steps(steps: [Int]) {
        #expect(throws: GyreError.self) { try CanaryPlan(steps: steps) }
    }
}

@Suite struct JudgeTests {
    private func side(
        requests: Int, errors: Int = 0, latency: Int64 = 1000, brier: (Double, Int) = (0.15, 0)
    ) -> SideStatistics {
        var side = SideStatistics()
        for number in 0..<requests { side.add(latencyMicroseconds: latency, isError: number < errors) }
        // Two values around the mean, so that there is a variance.
        for number in 0..<brier.1 { side.brier.add(brier.0 + (number % 2 == 0 ? 0.1 : -0.1)) }
        return side
    }

    private func verdict(
        _ judge: Judge = withoutLabels, stable: SideStatistics, canary: SideStatistics, after seconds: Double = 600
    ) -> Verdict { judge.judge(stable: stable, canary: canary, elapsedSeconds: seconds).verdict }

    private static let withoutLabels: Judge = {
        var judge = Judge()
        judge.quality = .errorsAndLatency
        return judge
    }()

    private func labels(_ minimum: Int) -> Judge {
        var judge = Judge()
        judge.quality = .labels(minimum: minimum)
        return judge
    }

    @Test("without requests there is no verdict")
    func noData() {
        #expect(verdict(stable: side(requests: 0), canary: side(requests: 0)) == .inconclusive)
        #expect(verdict(stable: side(requests: 5000), canary: side(requests: 10)) == .inconclusive)
    }

    @Test("equal sides pass")
    func equal() { #expect(verdict(stable: side(requests: 500), canary: side(requests: 500)) == .pass) }

    @Test("by default a canary passes only after ten minutes and with labels, and says what it waits for")
    func defaults() {
        let (judge, good) = (Judge(), side(requests: 500, brier: (0.14, 300)))
        #expect(verdict(judge, stable: good, canary: good) == .pass)
        #expect(verdict(judge, stable: good, canary: good, after: 599) == .inconclusive)
        let early = judge.judge(stable: good, canary: good, elapsedSeconds: 130).reason
        #expect(early == "It waits: the step has lasted 2 min, and lasts at least 10 min.")
        let bare = judge.judge(stable: side(requests: 500), canary: side(requests: 500), elapsedSeconds: 6000)
        #expect(bare.verdict == .inconclusive)
        #expect(bare.reason.contains("no labels yet, and each side needs 200"))
        #expect(bare.reason.contains("gyre endpoint promote"))
    }

    @Test("who judges without labels says so, and every verdict repeats it")
    func withoutLabels() throws {
        let saidSo: [JSONValue] = [["minimum_labels": 0], ["quality": "errors_and_latency"]]
        for json in saidSo {
            let judge = try Judge(json: json)
            #expect(judge.quality == .errorsAndLatency)
            let few = judge.judge(stable: side(requests: 5), canary: side(requests: 5), elapsedSeconds: 0)
            let bad = judge.judge(stable: side(requests: 50), canary: side(requests: 50, errors: 50), elapsedSeconds: 0)
            let good = judge.judge(stable: side(requests: 500), canary: side(requests: 500), elapsedSeconds: 600)
            #expect([few.verdict, bad.verdict, good.verdict] == [.inconclusive, .fail, .pass])
            for judgement in [few, bad, good] {
                #expect(
                    judgement.reason.hasSuffix("Judged by errors and latency only; no labels were asked for."))
            }
        }
    }

    @Test("more errors fail at once, before every minimum")
    func errors() {
        let few = side(requests: 60, errors: 20)
        #expect(verdict(Judge(), stable: side(requests: 1000), canary: few, after: 0) == .fail)
        let (stable, canary) = (side(requests: 1000, errors: 10), side(requests: 1000, errors: 11))
        #expect(verdict(stable: stable, canary: canary) == .pass)
    }

    @Test("what looks worse without being sure waits")
    func suspicion() {
        let (stable, canary) = (side(requests: 1000, errors: 10), side(requests: 300, errors: 9))
        let judgement = Self.withoutLabels.judge(stable: stable, canary: canary, elapsedSeconds: 600)
        #expect(judgement.verdict == .inconclusive && judgement.reason.contains("may be chance"))
    }

    @Test("a much slower canary fails at once, a little slower one passes")
    func latency() {
        let stable = side(requests: 500)
        #expect(verdict(stable: stable, canary: side(requests: 60, latency: 90_000), after: 0) == .fail)
        #expect(verdict(stable: stable, canary: side(requests: 500, latency: 1500)) == .pass)
    }

    @Test("quality waits for labels, then decides")
    func quality() {
        let stable = side(requests: 1000, brier: (0.14, 1000))
        func judged(_ mean: Double, _ count: Int) -> Verdict {
            verdict(labels(600), stable: stable, canary: side(requests: 1000, brier: (mean, count)))
        }
        #expect(judged(0.14, 90) == .inconclusive)
        #expect(judged(0.18, 700) == .fail)
        #expect(judged(0.141, 700) == .pass)
        #expect(judged(0.10, 700) == .pass)
    }

    @Test("labels that come after the end show that a promoted version is worse, or show nothing")
    func contradiction() {
        func said(_ canary: (Double, Int)) -> Judge.Judgement? {
            let (stable, canary) = (side(requests: 0, brier: (0.14, 1000)), side(requests: 0, brier: canary))
            return Judge().contradiction([LabelledStep(stable: stable.brier, canary: canary.brier)], windows: 4)
        }
        let worse = said((0.2, 300))
        #expect(worse?.verdict == .fail && worse?.reason.contains("predicts worse") == true)
        #expect(said((0.145, 300)) == nil && said((0, 0)) == nil)
    }

    @Test("a harder day with another share of the traffic speaks against neither side")
    func strata() {
        let easy = LabelledStep(
            stable: side(requests: 0, brier: (0.12, 900)).brier, canary: side(requests: 0, brier: (0.12, 100)).brier)
        let hard = LabelledStep(
            stable: side(requests: 0, brier: (0.2, 500)).brier, canary: side(requests: 0, brier: (0.2, 500)).brier)
        #expect(Judge().contradiction([easy, hard]) == nil)
        let worse = LabelledStep(stable: hard.stable, canary: side(requests: 0, brier: (0.24, 500)).brier)
        #expect(Judge().contradiction([easy, worse])?.verdict == .fail)
    }

    @Test("answers that differ from stable's fail once that is sure, and wait before")
    func agreement() {
        var judge = Self.withoutLabels
        judge.minimumAgreement = 0.9
        var canary = side(requests: 300)
        (canary.compared, canary.agreed) = (300, 262)
        #expect(verdict(judge, stable: side(requests: 300), canary: canary) == .inconclusive)
        canary.agreed = 200
        #expect(verdict(judge, stable: side(requests: 300), canary: canary, after: 0) == .fail)
        canary.agreed = 280
        #expect(verdict(judge, stable: side(requests: 300), canary: canary) == .pass)
    }

    @Test("what there are no requests or labels for is null, never 0")
    func nothing() {
        let json = side(requests: 0).json
        for name in ["brier", "latency_us_p50", "latency_us_p99"] { #expect(json[name] == .null, "\(name)") }
        #expect(side(requests: 1, errors: 1).json["latency_us_p50"] == .null)
        #expect(side(requests: 1, brier: (0.1, 1)).json["brier"] == 0.2)
        let judgement = Judge().judge(stable: side(requests: 9), canary: side(requests: 9), elapsedSeconds: 0)
        #expect(judgement.numbers["brier_p"] == .null)
    }

    @Test("a judge comes back from its JSON as it was")
    func stored() throws {
        var judge = Judge()
        #expect(try Judge(json: judge.json) == judge && Judge(json: nil) == judge)
        judge.quality = .errorsAndLatency
        judge.minimumStepSeconds = 0
        judge.onContradiction = .rollBack
        judge.significance = 0.05
        #expect(try Judge(json: judge.json) == judge)
        #expect(try Judge(json: ["minimum_requests": 7], over: judge).quality == .errorsAndLatency)
        #expect(try Judge(json: ["quality": "labels"], over: judge).quality == .labels(minimum: 200))
    }

    @Test(
        "what a judge does not know, or cannot use, is refused and the nearest is named",
        arguments: [
            (["minimum_label": 3], "minimum_labels"), (["quality": "errors_and_latenci"], "errors_and_latency"),
            (["on_contradiction": "rollback"], "roll_back"), (["significance": 0.9], "0.5"),
            (["minimum_requests": 0], "1"), (["minimum_step_seconds": -1], "0"), (["maximum_error_rate": "5 %"], ""),
            (["minimum_requests": 2.5], ""), (["minimum_labels": 5, "quality": "errors_and_latency"], ""),
            (["minimum_labels": 0, "quality": "labels"], ""), ([1], ""), (["minimum_agreement": 90], "1"),
        ] as [(JSONValue, String)])
    func refused(json: JSONValue, nearest: String) {
        let error = #expect(throws: GyreError.self) { try Judge(json: json) }
        #expect(error?.code == .invalid)
        if !nearest.isEmpty { #expect(error?.fix?.contains(nearest) == true, "\(error?.fix ?? "")") }
    }

    @Test("the same key always meets the same side, and keys spread evenly")
    func sticky() {
        let points = (0..<10_000).map { TrafficSplit.point(of: "customer-\($0)") }
        #expect(points == (0..<10_000).map { TrafficSplit.point(of: "customer-\($0)") })
        let share = Double(points.count { $0 < 10 }) / 10_000
        #expect((0.08...0.12).contains(share))
    }
}

@Suite struct RolloutsTests {
    private let store = MemoryLedgerStore(now: { 0 })

    private func rollouts(at now: Int64 = 0) -> Rollouts {
        Rollouts(
            store: store, surroundings: Surroundings(now: { now }, newID: { "0123456789" }, random: { 0.5 }))
    }

    private let good = TrafficSplit.Target(version: 1, release: 1)
    private let other = TrafficSplit.Target(version: 2, release: 2)

    /// A canary of version 2 beside version 1.
    private func begun(_ contradiction: Judge.Contradiction = .tell) async throws -> (Rollouts, Rollout) {
        let rollouts = rollouts()
        try await rollouts.setStable(
            "m", good, model: Ref("model", "m", "1"), reason: "first", by: "test")
        var judge = Judge()
        judge.onContradiction = contradiction
        let rollout = try await rollouts.start(
            "m", canary: other, plan: try CanaryPlan(steps: [10, 100]), judge: judge, reason: "try", by: "test")
        return (rollouts, rollout)
    }

    private func judgement(_ verdict: Verdict, _ reason: String = "so") -> Judge.Judgement {
        Judge.Judgement(verdict: verdict, reason: reason, numbers: ["canary": ["requests": 5]])
    }

    private func facts(_ kind: String) async throws -> Int {
        try await store.facts(FactQuery()).count { $0.fact.kind == "rollout.canary.\(kind)" }
    }

    @Test("looks that move nothing leave one fact and are shown as they were last")
    func looks() async throws {
        let (rollouts, rollout) = try await begun()
        for look in 0..<20 { _ = try await rollouts.judged(rollout, judgement(.inconclusive, "look \(look)")) }
        #expect(try await facts("held") == 1)
        let shown = try #require(try await rollouts.rollouts(of: "m").first)
        #expect(shown.lastReason == "look 19" && shown.lastVerdict == .inconclusive)
        let ended = try await rollouts.command(.promote, "m", reason: "trust me", by: "ann")
        #expect(ended.endedBy == "ann" && ended.lastNumbers["canary"]?["requests"] == 5)
    }

    @Test("a contradicted promotion is told once, and taken back where that is asked for")
    func takenBack() async throws {
        let (rollouts, rollout) = try await begun(.rollBack)
        let ended = try await rollouts.judged(rollout, judgement(.pass))
        #expect(ended.plan.state == .promoted && ended.endedBy == "policy/canary")
        for _ in 0..<2 {
            let current = try #require(try await rollouts.lastEnded("m"))
            let reviewed = try await rollouts.reviewed(current, numbers: ["stable": 1], judgement(.fail, "worse"))
            #expect(reviewed.contradicted?.reason.contains("worse") == true)
        }
        #expect(try await facts("contradicted") == 1)
        let contradicted = try #require(try await rollouts.lastEnded("m"))
        #expect(contradicted.isToBeTakenBack && contradicted.json["review"] == ["stable": 1])
        let back = try #require(try await rollouts.takeBack(contradicted))
        #expect(back.contradicted?.isTakenBack == true && ended.percent == 100 && back.percent == 0)
        #expect(try await rollouts.split("m") == TrafficSplit(stable: good))
        #expect(try await rollouts.takeBack(back) == nil)
        #expect(try await facts("taken-back") == 1)
    }

    @Test("where only telling is asked for nothing is taken back")
    func notTakenBack() async throws {
        let (told, first) = try await begun(.tell)
        _ = try await told.judged(first, judgement(.pass))
        let ended = try #require(try await told.lastEnded("m"))
        #expect(try await !told.reviewed(ended, numbers: [:], judgement(.fail)).isToBeTakenBack)
    }

    @Test("what a person promoted is only told of")
    func promotedByHand() async throws {
        let (rollouts, _) = try await begun(.rollBack)
        let ended = try await rollouts.command(.promote, "m", reason: "I know", by: "ann")
        let reviewed = try await rollouts.reviewed(ended, numbers: [:], judgement(.fail))
        #expect(reviewed.contradicted != nil)
        #expect(try await rollouts.takeBack(reviewed) == nil)
    }

    @Test("what was deployed since stays")
    func replaced() async throws {
        let (rollouts, rollout) = try await begun(.rollBack)
        let ended = try await rollouts.judged(rollout, judgement(.pass))
        let third = TrafficSplit.Target(version: 3, release: 3)
        try await rollouts.setStable("m", third, model: Ref("model", "m", "3"), reason: "newer", by: "test")
        let reviewed = try await rollouts.reviewed(ended, numbers: [:], judgement(.fail))
        #expect(reviewed.isToBeTakenBack)
        #expect(try await rollouts.takeBack(reviewed) == nil)
        #expect(try await rollouts.split("m")?.stable == third)
    }

    @Test("a rollout is looked back at for a day, and one that was rolled back is never contradicted")
    func limits() async throws {
        let (rollouts, rollout) = try await begun()
        let ended = try await rollouts.judged(rollout, judgement(.fail))
        #expect(try await rollouts.reviewed(ended, numbers: [:], judgement(.fail)).contradicted == nil)
        #expect(try await rollouts.lastEnded("m")?.id == ended.id)
        #expect(try await self.rollouts(at: 86_401_000_000).lastEnded("m") == nil)
    }
}

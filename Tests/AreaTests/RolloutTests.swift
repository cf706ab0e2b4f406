// SPDX-License-Identifier: Apache-2.0

import GyreBase
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

    private func judge(labels: Int = 0) -> Judge {
        var judge = Judge()
        judge.minimumLabels = labels
        return judge
    }

    @Test("without requests there is no verdict")
    func noData() {
        #expect(judge().judge(stable: side(requests: 0), canary: side(requests: 0)).verdict == .inconclusive)
        #expect(judge().judge(stable: side(requests: 5000), canary: side(requests: 10)).verdict == .inconclusive)
    }

    @Test("equal sides pass")
    func equal() {
        #expect(judge().judge(stable: side(requests: 500), canary: side(requests: 500)).verdict == .pass)
    }

    @Test("more errors fail, even before the minimum of requests")
    func errors() {
        #expect(judge().judge(stable: side(requests: 1000), canary: side(requests: 60, errors: 20)).verdict == .fail)
        #expect(
            judge().judge(stable: side(requests: 1000, errors: 10), canary: side(requests: 1000, errors: 11)).verdict
                == .pass)
    }

    @Test("a much slower canary fails, a little slower one passes")
    func latency() {
        #expect(
            judge().judge(stable: side(requests: 500), canary: side(requests: 500, latency: 90_000)).verdict == .fail)
        #expect(judge().judge(stable: side(requests: 500), canary: side(requests: 500, latency: 1500)).verdict == .pass)
    }

    @Test("quality waits for labels, then decides")
    func quality() {
        let stable = side(requests: 1000, brier: (0.14, 1000))
        #expect(
            judge(labels: 600).judge(stable: stable, canary: side(requests: 1000, brier: (0.14, 90))).verdict
                == .inconclusive)
        #expect(
            judge(labels: 600).judge(stable: stable, canary: side(requests: 1000, brier: (0.18, 700))).verdict == .fail)
        #expect(
            judge(labels: 600).judge(stable: stable, canary: side(requests: 1000, brier: (0.141, 700))).verdict == .pass
        )
        #expect(
            judge(labels: 600).judge(stable: stable, canary: side(requests: 1000, brier: (0.10, 700))).verdict == .pass)
    }

    @Test("the same key always meets the same side, and keys spread evenly")
    func sticky() {
        let points = (0..<10_000).map { TrafficSplit.point(of: "customer-\($0)") }
        #expect(points == (0..<10_000).map { TrafficSplit.point(of: "customer-\($0)") })
        let share = Double(points.count { $0 < 10 }) / 10_000
        #expect((0.08...0.12).contains(share))
    }
}

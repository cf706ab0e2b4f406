// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreTestSupport
import Testing

@testable import GyreRollout

/// How the judge errs when it is looked at all the time: seeded rollouts, looked at after every few requests.
///
/// Some hundreds of each as part of all tests; the environment's `GYRE_SIMULATION_RUNS=10` multiplies them.
@Suite struct JudgeSimulationTests {
    private static let factor = Int(ProcessInfo.processInfo.environment["GYRE_SIMULATION_RUNS"] ?? "") ?? 1
    /// Requests between two looks.
    private static let pace = 50

    /// Runs of which the alarm of a look may come true.
    private struct Tally {
        var runs = 0
        var alarms = 0
        /// Requests, or labels, of the canary up to the alarm.
        var needed: [Int] = []

        mutating func take(_ found: Int?) {
            runs += 1
            if let found {
                alarms += 1
                needed.append(found)
            }
        }

        var share: Double { Double(alarms) / Double(runs) }
        /// What a share of `level` is told from with three standard deviations.
        func most(_ level: Double) -> Double { level + 3 * (level * (1 - level) / Double(runs)).squareRoot() }
        /// The share of runs with an alarm within so many.
        func share(within count: Int) -> Double { Double(needed.count { $0 <= count }) / Double(runs) }
    }

    /// Failures among requests, drawn as the distances between them.
    private struct Failures {
        let rate: Double
        private var next = 0
        private var seen = 0

        init(_ rate: Double, _ random: inout SplitMix) {
            self.rate = rate
            next = distance(&random)
        }

        private func distance(_ random: inout SplitMix) -> Int {
            1 + Int(log(1 - Double.random(in: 0..<1, using: &random)) / log(1 - rate))
        }

        mutating func among(_ count: Int, _ random: inout SplitMix) -> Int {
            var failures = 0
            seen += count
            while next <= seen {
                failures += 1
                next += distance(&random)
            }
            return failures
        }
    }

    /// When a test of errors alarms for the first time: ours, and a plain z-test that is looked at as often.
    private func errors(
        _ canaryRate: Double, _ stableRate: Double, canaryShare: Int, level: Double, runs: Int
    ) -> (ours: Tally, peeking: Tally) {
        var random = SplitMix(seed: 11)
        var (ours, peeking) = (Tally(), Tally())
        for _ in 0..<runs * Self.factor {
            var canary = Failures(canaryRate, &random)
            var stable = Failures(stableRate, &random)
            var (hits, count, otherHits, otherCount) = (0, 0, 0, 0)
            var found: (ours: Int?, peeking: Int?)
            while count < 5000, found.ours == nil || found.peeking == nil {
                let given = Self.pace * canaryShare / 100
                hits += canary.among(given, &random)
                otherHits += stable.among(Self.pace - given, &random)
                (count, otherCount) = (count + given, otherCount + Self.pace - given)
                if found.ours == nil, SequentialTest.moreOften(hits, count, than: otherHits, otherCount) <= level {
                    found.ours = count
                }
                let pooled = Double(hits + otherHits) / Double(count + otherCount)
                let deviation = (pooled * (1 - pooled) * (1 / Double(count) + 1 / Double(otherCount))).squareRoot()
                let z = (Double(hits) / Double(count) - Double(otherHits) / Double(otherCount)) / deviation
                if found.peeking == nil, 0.5 * erfc(z / 2.0.squareRoot()) <= level { found.peeking = count }
            }
            ours.take(found.ours)
            peeking.take(found.peeking)
        }
        return (ours, peeking)
    }

    @Test(
        "equal errors raise an alarm no more often than the level says, at any of hundreds of looks",
        arguments: [10, 50])
    func errorAlarms(canaryShare: Int) {
        let (ours, peeking) = errors(0.02, 0.02, canaryShare: canaryShare, level: 0.01, runs: 1000)
        #expect(ours.share <= ours.most(0.01))
        // This is what the test is for: the plain one is wrong many times as often as it says.
        #expect(peeking.share > 0.05, "peeking alarmed in \(peeking.share)")
    }

    @Test("6 % errors beside 2 % are found within 1,200 requests to a canary with a tenth of the traffic")
    func errorPower() {
        // The level that one of four tests has in one of the four windows of a rollout in three steps.
        let (ours, _) = errors(0.06, 0.02, canaryShare: 10, level: 0.01 / 16, runs: 200)
        #expect(ours.share(within: 1200) >= 0.9)
        #expect(errors(1, 0.01, canaryShare: 10, level: 0.01 / 16, runs: 50).ours.share(within: 10) >= 0.9)
    }

    /// When the test of scores alarms: the canary's are off by `shift`, which adds its square to the Brier score.
    private func scores(
        shift: Double, canaryShare: Int, level: Double, runs: Int, most: Int, rare: Double? = nil
    ) -> Tally {
        var random = SplitMix(seed: 12)
        var tally = Tally()
        func loss(_ shift: Double) -> Double {
            let chance = Double.random(in: 0..<1, using: &random)
            let truth = Double.random(in: 0..<1, using: &random)
            // Scores that are nearly always right, and now and then quite wrong.
            if let rare { return chance < rare ? 0.95 : 0.002 }
            let difference = chance + shift - (truth < chance ? 1 : 0)
            return difference * difference
        }
        for _ in 0..<runs * Self.factor {
            var (canary, stable) = (Moments(), Moments())
            var found: Int?
            while found == nil, canary.count < most {
                for label in 0..<Self.pace {
                    if label < Self.pace * canaryShare / 100 { canary.add(loss(shift)) } else { stable.add(loss(0)) }
                }
                if SequentialTest.greater(canary, than: stable) <= level { found = canary.count }
            }
            tally.take(found)
        }
        return tally
    }

    @Test("equal scores raise an alarm no more often than the level says", arguments: [10, 50, 90])
    func scoreAlarms(canaryShare: Int) {
        let most = canaryShare == 10 ? 300 : 2000
        let even = scores(shift: 0, canaryShare: canaryShare, level: 0.05, runs: 300, most: most)
        #expect(even.share <= even.most(0.05))
        let skewed = scores(shift: 0, canaryShare: canaryShare, level: 0.05, runs: 300, most: most, rare: 0.01)
        #expect(skewed.share <= skewed.most(0.05))
    }

    @Test("a Brier score that is worse by 0.03 is found within 3,500 labels of a canary with half of the traffic")
    func scorePower() {
        let tally = scores(shift: 0.03.squareRoot(), canaryShare: 50, level: 0.01 / 16, runs: 150, most: 3500)
        #expect(tally.share >= 0.9, "\(tally.share)")
    }

    /// When the test of latencies alarms; durations are log-normal, and a share of the canary's takes `factor` times as long.
    private func latencies(
        factor: Double, share: Double, allows: (Double, Double) -> Bool, level: Double, runs: Int, most: Int
    ) -> Tally {
        var random = SplitMix(seed: 13)
        var tally = Tally()
        func duration() -> Double {
            let (u, v) = (Double.random(in: 0..<1, using: &random), Double.random(in: 0..<1, using: &random))
            return 20_000 * exp((-2 * log(1 - u)).squareRoot() * cos(2 * .pi * v) * 0.7)
        }
        for _ in 0..<runs * Self.factor {
            var (canary, stable) = (LatencyHistogram(), LatencyHistogram())
            var (count, found) = (0, Int?.none)
            while found == nil, count < most {
                for request in 0..<Self.pace {
                    if request % 5 == 0 {
                        let isSlow = Double.random(in: 0..<1, using: &random) < share
                        canary.add(Int64(duration() * (isSlow ? factor : 1)))
                    } else {
                        stable.add(Int64(duration()))
                    }
                }
                count += Self.pace / 5
                if SequentialTest.longer(canary, than: stable, allows: allows) <= level { found = count }
            }
            tally.take(found)
        }
        return tally
    }

    @Test("equal latencies raise an alarm no more often than the level says, even without any tolerance")
    func latencyAlarms() {
        let tally = latencies(factor: 1, share: 1, allows: { $0 <= $1 }, level: 0.05, runs: 200, most: 600)
        #expect(tally.share <= tally.most(0.05))
    }

    @Test("ten times the latency is found within 100 requests, a slow tenth within 800")
    func latencyPower() {
        let judge = Judge()
        let all = latencies(factor: 10, share: 1, allows: judge.allows, level: 0.01 / 16, runs: 200, most: 100)
        #expect(all.share >= 0.9, "\(all.share)")
        let tail = latencies(factor: 30, share: 0.1, allows: judge.allows, level: 0.01 / 16, runs: 100, most: 800)
        #expect(tail.share >= 0.9, "\(tail.share)")
    }

    @Test("a judge of everything calls an equal canary worse no more often than its level says, over a whole rollout")
    func rollouts() throws {
        var random = SplitMix(seed: 14)
        var judge = Judge()
        judge.significance = 0.05
        var tally = Tally()
        var passed = 0
        for _ in 0..<100 * Self.factor {
            var verdict = Verdict.inconclusive
            for share in [10, 50] where verdict != .fail {
                var sides = [SideStatistics(), SideStatistics()]
                for request in 0..<6000 {
                    let side = Int.random(in: 0..<100, using: &random) < share ? 1 : 0
                    let chance = Double.random(in: 0..<1, using: &random)
                    let latency = Int64(2000 / (1.001 - chance))
                    sides[side].add(latencyMicroseconds: latency, isError: Int.random(in: 0..<100, using: &random) < 2)
                    sides[side].brier.add(chance * chance)
                    guard request % 300 == 299 else { continue }
                    verdict =
                        judge.judge(
                            stable: sides[0], canary: sides[1], elapsedSeconds: Double(request), windows: 4
                        ).verdict
                    if verdict != .inconclusive { break }
                }
            }
            if verdict == .pass { passed += 1 }
            tally.take(verdict == .fail ? 1 : nil)
        }
        #expect(tally.share <= tally.most(0.05))
        #expect(Double(passed) >= 0.9 * Double(tally.runs), "\(passed) of \(tally.runs) passed")
    }
}

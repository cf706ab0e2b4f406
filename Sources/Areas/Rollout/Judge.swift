// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Compares a canary with stable over the same window, as often as one likes.
///
/// No clock inside: how long the step has lasted is handed in. `Docs/decisions/0003-judging-a-canary.md` says what a pass means.
package struct Judge: Sendable, Hashable {
    /// Requests that each side must have had.
    package var minimumRequests = 200
    /// Seconds that a step lasts at least before it can be passed; a canary that is worse is stopped at once.
    package var minimumStepSeconds = 600
    /// What a canary is judged by beside errors and latency.
    package var quality = Quality.labels(minimum: 200)
    /// Chance of calling a good canary worse at any time of its rollout, over all tests, steps and looks.
    package var significance = 0.01
    /// The greatest share of errors that is ever accepted.
    package var maximumErrorRate = 0.05
    /// How many times stable's quantiles of latency the canary's may be.
    package var maximumLatencyRatio = 3.0
    /// Milliseconds that the canary's quantiles of latency may be above stable's whatever the ratio says.
    package var latencyToleranceMilliseconds = 20.0
    /// The least share of mirrored requests whose answers must be stable's; 0 judges without it.
    package var minimumAgreement = 0.0
    /// What is done when labels that come after a promotion show that the former version was better.
    package var onContradiction = Contradiction.tell

    /// What a canary is judged by beside errors and latency.
    package enum Quality: Sendable, Hashable {
        /// By how near its scores come to the labels: each side must have so many labelled predictions.
        case labels(minimum: Int)
        /// By nothing else, because somebody chose so.
        case errorsAndLatency
    }

    /// What is done when late labels speak against a promotion.
    package enum Contradiction: String, Sendable, Hashable, CaseIterable {
        /// It is told by a fact and with the rollout.
        case tell
        /// The former version gets the traffic back too, unless a person promoted or something else was deployed since.
        case rollBack = "roll_back"
    }

    /// A judge with the usual limits.
    package init() {}

    /// Labelled predictions that each side must have; 0 where none are asked for.
    package var minimumLabels: Int {
        if case .labels(let minimum) = quality { minimum } else { 0 }
    }

    /// A verdict with the numbers that led to it.
    package struct Judgement: Sendable, Hashable {
        /// What is to happen to the canary.
        package let verdict: Verdict
        /// It in words.
        package let reason: String
        /// The numbers of both sides.
        package let numbers: JSONValue

        /// A verdict.
        package init(verdict: Verdict, reason: String, numbers: JSONValue) {
            self.verdict = verdict
            self.reason = reason
            self.numbers = numbers
        }
    }

    /// Judges `canary` against `stable`, both over the same window.
    ///
    /// `elapsedSeconds`: how long the window has lasted. `windows`: how many windows of one rollout share the level, this one included.
    package func judge(
        stable: SideStatistics, canary: SideStatistics, elapsedSeconds: Double, windows: Int = 1
    ) -> Judgement {
        let comparison = Comparison(judge: self, stable: stable, canary: canary)
        let level = significance / Double(max(1, windows) * comparison.tests)
        let addition =
            quality == .errorsAndLatency ? " Judged by errors and latency only; no labels were asked for." : ""
        let (verdict, reason): (Verdict, String) =
            if let harm = comparison.harm(level) { (.fail, harm) } else if let wait = comparison.wait(elapsedSeconds) {
                (.inconclusive, wait)
            } else { (.pass, comparison.pass) }
        return Judgement(verdict: verdict, reason: reason + addition, numbers: comparison.numbers)
    }

    /// What labels say of a rollout as a whole, also after its end; nil unless they show that the canary is worse.
    ///
    /// The steps are compared one by one and put together: the traffic of another day, in other shares, may be harder for both sides.
    /// `steps`: the labelled predictions of each step, those included whose labels came later. `windows`: how many windows of the
    /// rollout share the level, this one included.
    package func contradiction(_ steps: [LabelledStep], windows: Int = 1) -> Judgement? {
        let p = LabelledStep.p(steps)
        guard p <= significance / Double(max(1, windows)) else { return nil }
        let count = steps.reduce((stable: 0, canary: 0)) { ($0.stable + $1.stable.count, $0.canary + $1.canary.count) }
        return Judgement(
            verdict: .fail,
            reason: "The canary predicts worse: over the rollout its Brier score is higher by "
                + "\(Number.readable(LabelledStep.difference(steps) ?? 0)), on \(count.canary) labels beside \(count.stable) of stable "
                + "(p \(Number.readable(p))).",
            numbers: LabelledStep.json(steps))
    }
}

/// What labels said of both sides during one step of a rollout: squared differences of score and label.
package struct LabelledStep: Sendable, Hashable {
    /// Of the former version.
    package let stable: Moments
    /// Of the version that was rolled out.
    package let canary: Moments

    /// A step.
    package init(stable: Moments, canary: Moments) {
        self.stable = stable
        self.canary = canary
    }

    /// The steps as a rollout shows them: labels of both sides, by how much the canary's Brier score is higher, and each step.
    package static func json(_ steps: [LabelledStep]) -> JSONValue {
        func side(_ moments: Moments) -> JSONValue {
            ["labels": .int(Int64(moments.count)), "brier": .optional(moments.count > 0 ? moments.mean : nil)]
        }
        return [
            "stable": ["labels": .int(Int64(steps.reduce(0) { $0 + $1.stable.count }))],
            "canary": ["labels": .int(Int64(steps.reduce(0) { $0 + $1.canary.count }))],
            "brier_difference": .optional(difference(steps)), "brier_p": .double(p(steps)),
            "steps": .array(steps.map { ["stable": side($0.stable), "canary": side($0.canary)] }),
        ]
    }

    fileprivate static func p(_ steps: [LabelledStep]) -> Double {
        SequentialTest.greater(steps.map { ($0.canary, $0.stable) })
    }

    fileprivate static func difference(_ steps: [LabelledStep]) -> Double? {
        SequentialTest.estimate(steps.map { ($0.canary, $0.stable) })?.difference
    }
}

/// Both sides of a split beside each other, and what is to be said of them.
private struct Comparison {
    let judge: Judge
    let stable: SideStatistics
    let canary: SideStatistics
    /// p-values that are valid at any time.
    let errors: Double
    let quality: Double
    let latency: Double

    init(judge: Judge, stable: SideStatistics, canary: SideStatistics) {
        self.judge = judge
        self.stable = stable
        self.canary = canary
        errors = SequentialTest.moreOften(canary.errors, canary.requests, than: stable.errors, stable.requests)
        quality = SequentialTest.greater(canary.brier, than: stable.brier)
        latency = SequentialTest.longer(canary.latency, than: stable.latency, allows: judge.allows)
    }

    /// How many tests share a window's level.
    var tests: Int { 3 + (judge.minimumLabels > 0 ? 1 : 0) + (judge.minimumAgreement > 0 ? 1 : 0) }

    var numbers: JSONValue {
        [
            "stable": stable.json, "canary": canary.json, "error_rate_p": .double(errors),
            "brier_p": .optional(
                min(canary.brier.count, stable.brier.count) >= SequentialTest.leastValues ? quality : nil),
            "latency_p": .double(latency),
        ]
    }

    // MARK: Harm

    /// Why the canary is surely worse; nil where it is not.
    ///
    /// Whatever the minima: waiting would only serve more bad answers.
    func harm(_ level: Double) -> String? {
        let limit = judge.maximumErrorRate
        if SequentialTest.moreOften(canary.errors, canary.requests, than: limit) <= level {
            return "The canary fails \(percent(canary.errorRate)) of its requests; \(percent(limit)) is the most."
        }
        if errors <= level {
            return "The canary fails \(percent(canary.errorRate)) of its requests, stable \(percent(stable.errorRate)) "
                + "(p \(Number.readable(errors)))."
        }
        let different = SequentialTest.moreOften(
            canary.compared - canary.agreed, canary.compared, than: 1 - judge.minimumAgreement)
        if judge.minimumAgreement > 0, different <= level { return disagreement }
        if judge.minimumLabels > 0, quality <= level { return predictsWorse }
        return latency <= level
            ? "The canary is slower: \(slowness ?? quantiles) (p \(Number.readable(latency)))." : nil
    }

    var predictsWorse: String {
        "The canary predicts worse: Brier score \(Number.readable(canary.brier.mean)) on \(canary.brier.count) labels against "
            + "\(Number.readable(stable.brier.mean)) on \(stable.brier.count) (p \(Number.readable(quality)))."
    }

    private var disagreement: String {
        "The canary agrees with stable on \(percent(Double(canary.agreed) / Double(max(1, canary.compared)))) of "
            + "\(canary.compared) requests; \(percent(judge.minimumAgreement)) is the least."
    }

    /// The first quantile of latency that is longer than it may be, as it looks now.
    private var slowness: String? {
        for (share, name) in [(0.5, "median"), (0.9, "90th percentile"), (0.99, "99th percentile")] {
            guard let own = canary.latency.quantile(share), let usual = stable.latency.quantile(share) else {
                return nil
            }
            if !judge.allows(own, usual) {
                return "its \(name) is \(milliseconds(own)) against \(milliseconds(usual))"
            }
        }
        return nil
    }

    private var quantiles: String {
        "its median is \(milliseconds(canary.latency.quantile(0.5) ?? 0)) against "
            + milliseconds(stable.latency.quantile(0.5) ?? 0)
    }

    // MARK: Waiting

    /// What a pass still waits for; nil for nothing.
    func wait(_ elapsedSeconds: Double) -> String? {
        var missing: [String] = []
        let minimum = judge.minimumRequests
        if canary.requests < minimum || stable.requests < minimum {
            missing.append(
                "\(canary.requests) requests to the canary and \(stable.requests) to stable, and each needs \(minimum)")
        }
        let labels = judge.minimumLabels
        let lacksLabels = canary.brier.count < labels || stable.brier.count < labels
        if lacksLabels {
            missing.append(
                canary.brier.count + stable.brier.count == 0
                    ? "no labels yet, and each side needs \(labels)"
                    : "\(canary.brier.count) labelled predictions of the canary and \(stable.brier.count) of stable, "
                        + "and each needs \(labels)")
        }
        if elapsedSeconds < Double(judge.minimumStepSeconds) {
            missing.append(
                "the step has lasted \(Self.stretch(max(0, elapsedSeconds))), and lasts at least "
                    + Self.stretch(Double(judge.minimumStepSeconds)))
        }
        guard missing.isEmpty else {
            let isShort = lacksLabels && canary.requests >= minimum && stable.requests >= minimum
            return "It waits: \(missing.joined(separator: "; ")).\(isShort ? Self.withoutLabels : "")"
        }
        return suspicion.map { "It waits: \($0). More requests will tell." }
    }

    /// What a person can do where requests come and labels do not.
    private static let withoutLabels =
        " Send what became of the predictions as labels, or promote it yourself (gyre endpoint promote)."

    /// What looks worse now without being sure: such a canary is not passed.
    private var suspicion: String? {
        if canary.errorRate > judge.maximumErrorRate {
            return "the canary fails \(percent(canary.errorRate)) of its requests, which may be chance; "
                + "\(percent(judge.maximumErrorRate)) is the most"
        }
        if SequentialTest.seemsMoreOften(canary.errors, canary.requests, than: stable.errors, stable.requests) {
            return
                "the canary fails \(percent(canary.errorRate)) of its requests and stable \(percent(stable.errorRate)), "
                + "which may be chance"
        }
        let minimum = judge.minimumAgreement
        if minimum > 0, Double(canary.agreed) < minimum * Double(canary.compared) {
            return "the canary agrees with stable on \(percent(Double(canary.agreed) / Double(canary.compared))) of "
                + "\(canary.compared) requests, which may be chance; \(percent(minimum)) is the least"
        }
        if judge.minimumLabels > 0, SequentialTest.seemsGreater(canary.brier, than: stable.brier) {
            return "the canary's Brier score is \(Number.readable(canary.brier.mean)) and stable's "
                + "\(Number.readable(stable.brier.mean)), which may be chance"
        }
        return slowness.map { "the canary looks slower: \($0), which may be chance" }
    }

    // MARK: Passing

    var pass: String {
        let brier =
            judge.minimumLabels > 0
            ? ", Brier score \(Number.readable(canary.brier.mean)) against \(Number.readable(stable.brier.mean))" : ""
        return
            "The canary is not worse: errors \(percent(canary.errorRate)) against \(percent(stable.errorRate))\(brier)."
    }

    // MARK: Words

    private func percent(_ share: Double) -> String { "\(Number.readable(share * 100)) %" }

    private func milliseconds(_ microseconds: Double) -> String { "\(Number.readable(microseconds / 1000)) ms" }

    private static func stretch(_ seconds: Double) -> String {
        seconds < 120 ? "\(Int(seconds)) s" : "\(Int(seconds / 60)) min"
    }
}

extension Judge {
    /// Whether a quantile of the canary's latency, in microseconds, may stand beside stable's.
    func allows(_ own: Double, _ usual: Double) -> Bool {
        own <= usual * maximumLatencyRatio || own - usual <= latencyToleranceMilliseconds * 1000
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase

/// Compares a canary with stable over the same window.
package struct Judge: Sendable, Hashable {
    /// Requests that each side must have had.
    package var minimumRequests = 200
    /// Labelled predictions that each side must have; 0 judges without quality.
    package var minimumLabels = 0
    /// Chance of calling a good canary bad, for each comparison.
    package var significance = 0.01
    /// The greatest share of errors that is ever accepted.
    package var maximumErrorRate = 0.05
    /// How many times stable's 99th percentile the canary's may be.
    package var maximumLatencyRatio = 3.0
    /// Milliseconds that the canary's 99th percentile may be above stable's whatever the ratio says.
    package var latencyToleranceMilliseconds = 20.0

    /// The least share of mirrored requests whose answers must be stable's; 0 judges without it.
    package var minimumAgreement = 0.0

    /// A judge with the usual limits.
    package init() {}

    /// A judge as `gyre.yaml` has it; what is not said stays usual.
    package init(json: JSONValue?) {
        minimumRequests = json?["minimum_requests"]?.int.map(Int.init) ?? minimumRequests
        minimumLabels = json?["minimum_labels"]?.int.map(Int.init) ?? minimumLabels
        significance = json?["significance"]?.double ?? significance
        maximumErrorRate = json?["maximum_error_rate"]?.double ?? maximumErrorRate
        maximumLatencyRatio = json?["maximum_latency_ratio"]?.double ?? maximumLatencyRatio
        minimumAgreement = json?["minimum_agreement"]?.double ?? minimumAgreement
        latencyToleranceMilliseconds = json?["latency_tolerance_ms"]?.double ?? latencyToleranceMilliseconds
    }

    /// As stored with a rollout.
    package var json: JSONValue {
        [
            "minimum_requests": .int(Int64(minimumRequests)), "minimum_labels": .int(Int64(minimumLabels)),
            "significance": .double(significance),
            "maximum_error_rate": .double(maximumErrorRate), "maximum_latency_ratio": .double(maximumLatencyRatio),
            "latency_tolerance_ms": .double(latencyToleranceMilliseconds),
            "minimum_agreement": .double(minimumAgreement),
        ]
    }

    /// A verdict with the numbers that led to it.
    package struct Judgement: Sendable, Hashable {
        /// The verdict.
        package let verdict: Verdict
        /// It in words.
        package let reason: String
        /// The numbers of both sides.
        package let numbers: JSONValue
    }

    /// Judges `canary` against `stable`, both over the same window.
    package func judge(stable: SideStatistics, canary: SideStatistics) -> Judgement {
        var numbers: JSONValue = ["stable": stable.json, "canary": canary.json]
        func say(_ verdict: Verdict, _ reason: String) -> Judgement {
            Judgement(verdict: verdict, reason: reason, numbers: numbers)
        }

        // Failures count as soon as they are significant: waiting for more would only serve more errors.
        let errors = Self.twoProportions(canary.errors, canary.requests, stable.errors, stable.requests)
        numbers["error_rate_p"] = .double(errors)
        if canary.requests >= 20, canary.errorRate > maximumErrorRate, canary.errors >= 5 {
            return say(
                .fail,
                "The canary fails \(Self.percent(canary.errorRate)) of its requests; \(Self.percent(maximumErrorRate)) is the most."
            )
        }
        if canary.requests >= 20, errors < significance, canary.errorRate > stable.errorRate {
            return say(
                .fail,
                "The canary fails \(Self.percent(canary.errorRate)) of its requests, stable \(Self.percent(stable.errorRate)) (p \(Self.short(errors)))."
            )
        }
        let quality = Self.welch(canary.brier, stable.brier)
        numbers["brier_p"] = .double(quality)
        if minimumLabels > 0, min(canary.brier.count, stable.brier.count) >= min(minimumLabels, 100),
            quality < significance / 10,
            canary.brier.mean > stable.brier.mean
        {
            return say(.fail, worse(canary, stable, quality))
        }
        guard canary.requests >= minimumRequests, stable.requests >= minimumRequests else {
            return say(
                .inconclusive,
                "\(canary.requests) requests to the canary and \(stable.requests) to stable; each needs \(minimumRequests)."
            )
        }
        numbers["latency_p"] = .double(canary.latency.longerThan(stable.latency))
        if let worse = disagreement(canary) ?? slowness(canary, stable) { return say(.fail, worse) }
        if minimumLabels > 0 {
            guard canary.brier.count >= minimumLabels, stable.brier.count >= minimumLabels else {
                return say(
                    .inconclusive,
                    "\(canary.brier.count) labelled predictions of the canary and \(stable.brier.count) of stable; each needs \(minimumLabels)."
                )
            }
            if quality < significance, canary.brier.mean > stable.brier.mean {
                return say(.fail, worse(canary, stable, quality))
            }
        }
        let brier =
            minimumLabels > 0
            ? ", Brier score \(Self.short(canary.brier.mean)) against \(Self.short(stable.brier.mean))" : ""
        return say(
            .pass,
            "The canary is not worse: errors \(Self.percent(canary.errorRate)) against \(Self.percent(stable.errorRate))\(brier)."
        )
    }

    /// Why the mirrored answers count against the canary; nil where they do not.
    private func disagreement(_ canary: SideStatistics) -> String? {
        guard minimumAgreement > 0, canary.compared > 0 else { return nil }
        let share = Double(canary.agreed) / Double(canary.compared)
        guard share < minimumAgreement else { return nil }
        return
            "The canary agrees with stable on \(Self.percent(share)) of \(canary.compared) requests; \(Self.percent(minimumAgreement)) is the least."
    }

    /// Why the canary is too slow; nil where it is not.
    private func slowness(_ canary: SideStatistics, _ stable: SideStatistics) -> String? {
        func isSlower(_ own: Double, _ usual: Double) -> Bool {
            own > usual * maximumLatencyRatio && own - usual > latencyToleranceMilliseconds * 1000
        }
        let (middle, usualMiddle) = (canary.latency.quantile(0.5), stable.latency.quantile(0.5))
        let longer = canary.latency.longerThan(stable.latency)
        if longer < significance, isSlower(middle, usualMiddle) {
            return
                "The canary's median is \(Self.short(middle / 1000)) ms, stable's \(Self.short(usualMiddle / 1000)) ms (p \(Self.short(longer)))."
        }
        let (slow, usual) = (canary.latency.quantile(0.99), stable.latency.quantile(0.99))
        guard isSlower(slow, usual) else { return nil }
        return
            "The canary's 99th percentile is \(Self.short(slow / 1000)) ms, stable's \(Self.short(usual / 1000)) ms."
    }

    private func worse(_ canary: SideStatistics, _ stable: SideStatistics, _ p: Double) -> String {
        "The canary predicts worse: Brier score \(Self.short(canary.brier.mean)) on \(canary.brier.count) labels against "
            + "\(Self.short(stable.brier.mean)) on \(stable.brier.count) (p \(Self.short(p)))."
    }

    // MARK: Tests

    /// One-sided p-value that the first proportion is greater than the second, by the pooled normal approximation.
    static func twoProportions(_ hits: Int, _ count: Int, _ otherHits: Int, _ otherCount: Int) -> Double {
        guard count > 0, otherCount > 0 else { return 1 }
        let pooled = Double(hits + otherHits) / Double(count + otherCount)
        let deviation = (pooled * (1 - pooled) * (1 / Double(count) + 1 / Double(otherCount))).squareRoot()
        guard deviation > 0 else { return 1 }
        return upperTail((Double(hits) / Double(count) - Double(otherHits) / Double(otherCount)) / deviation)
    }

    /// One-sided p-value that the first mean is greater than the second, by Welch's statistic and the normal approximation.
    static func welch(_ one: Moments, _ other: Moments) -> Double {
        guard one.count > 1, other.count > 1 else { return 1 }
        let deviation = (one.variance / Double(one.count) + other.variance / Double(other.count)).squareRoot()
        guard deviation > 0 else { return one.mean > other.mean ? 0 : 1 }
        return upperTail((one.mean - other.mean) / deviation)
    }

    private static func upperTail(_ z: Double) -> Double { 0.5 * erfc(z / 2.0.squareRoot()) }

    private static func percent(_ share: Double) -> String { "\((share * 10_000).rounded() / 100) %" }

    /// Three significant digits, for sentences.
    static func short(_ number: Double) -> String {
        guard number.isFinite, number != 0 else { return "\(number)" }
        if abs(number) < 0.0001 { return String(format: "%.1e", number) }
        return String(format: abs(number) < 10 ? "%.4f" : "%.1f", number)
    }
}

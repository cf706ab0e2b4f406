// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Tests that may be looked at after every request: each gives a p-value that is valid at all times.
///
/// Under the hypothesis that is tested, the chance that such a p-value is ever at or below a level, at any of any number of looks, is
/// at most the level. Each is one over an e-value, a quantity that is at most 1 in the mean and, by Ville's inequality, exceeds
/// 1/level at some time with at most that chance. All are computed from running counts and moments; nothing else is kept.
///
/// Sources: Johari, Koomen, Pekelis and Walsh, "Always Valid Inference", Operations Research 70(3), 2022; Howard, Ramdas, McAuliffe and
/// Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49(2), 2021.
enum SequentialTest {
    /// Values that each side needs before `greater` says anything: it is exact only for many.
    static let leastValues = 50

    /// That the first of two shares is greater than the second.
    ///
    /// The e-value is the likelihood of both sides mixed over all shares by Jeffreys's prior, over the greatest likelihood that the
    /// hypothesis "not greater" has (Wasserman, Ramdas and Balakrishnan, "Universal inference", PNAS 117(29), 2020). Exact for any
    /// counts, however small, and however the requests are divided.
    static func moreOften(_ hits: Int, _ count: Int, than otherHits: Int, _ otherCount: Int) -> Double {
        guard count > 0, otherCount > 0, hits * otherCount > otherHits * count else { return 1 }
        let pooled = Double(hits + otherHits) / Double(count + otherCount)
        return p(
            mixed(hits, count) + mixed(otherHits, otherCount) - likelihood(hits, count, pooled)
                - likelihood(otherHits, otherCount, pooled))
    }

    /// That a share is greater than `limit`, in the same way.
    static func moreOften(_ hits: Int, _ count: Int, than limit: Double) -> Double {
        guard count > 0, Double(hits) > limit * Double(count) else { return 1 }
        return p(mixed(hits, count) - likelihood(hits, count, limit))
    }

    /// That the first of two means is greater than the second.
    ///
    /// The difference over its variance moves like Brownian motion whose time is one over the variance (Jennison and Turnbull, "Group
    /// Sequential Methods", 2000), and the e-value mixes its likelihood ratio over a half-normal prior (Robbins, "Statistical methods
    /// related to the law of the iterated logarithm", 1970). With variances that are estimated this holds for many values
    /// (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences",
    /// Annals of Statistics 52(6), 2024), so it is 1 below `leastValues`.
    static func greater(_ one: Moments, than other: Moments) -> Double { greater([(one, other)]) }

    /// That the first means are greater than the second, over several strata: what was seen at other times and in other shares is never
    /// compared with each other.
    static func greater(_ strata: [(one: Moments, other: Moments)]) -> Double {
        let sums = strata.reduce((one: 0, other: 0)) { ($0.one + $1.one.count, $0.other + $1.other.count) }
        guard min(sums.one, sums.other) >= leastValues, let (difference, variance, spread) = estimate(strata),
            difference > 0, spread > 0
        else { return 1 }
        // A fifth of the spread of single values: tuned to be found within some hundreds of values; others only take a little longer.
        let prior = 0.04 * spread
        let both = variance + prior
        let tail = 0.5 * erfc(-difference * (prior / (2 * variance * both)).squareRoot())
        return p(log(2 * tail) + 0.5 * log(variance / both) + prior * difference * difference / (2 * variance * both))
    }

    /// That durations are longer than they may be beside others, at the median, the 90th or the 99th percentile.
    ///
    /// A quantile is at or above an edge as long as the share of values there is (Howard and Ramdas, "Sequential estimation of quantiles
    /// with applications to A/B testing and best-arm identification", Bernoulli 28(3), 2022): one such test bounds the quantile of
    /// `here` from below, another that of `there` from above, and the p-value is the least at which the two bounds contradict `allows`.
    /// `allows`: whether a quantile here, in microseconds, may stand beside one there.
    static func longer(
        _ here: LatencyHistogram, than there: LatencyHistogram, allows: (_ own: Double, _ usual: Double) -> Bool
    ) -> Double {
        let (own, usual) = (here.cumulated, there.cumulated)
        guard let count = own.last, let otherCount = usual.last, count > 0, otherCount > 0 else { return 1 }
        let quantiles = [0.5, 0.9, 0.99]
        var least = 1.0
        for quantile in quantiles {
            // The higher the edge that bounds `there`, the surer it is, and the less sure the one that `here` must have passed.
            var (low, high) = (0, LatencyHistogram.edges.count - 1)
            while low < high {
                let edge = (low + high) / 2
                let bounded = moreOften(usual[edge], otherCount, than: quantile)
                var passed = 1.0
                if let other = LatencyHistogram.edges.firstIndex(where: {
                    !allows($0, LatencyHistogram.edges[edge + 1])
                }) {
                    passed = moreOften(count - (other > 0 ? own[other - 1] : 0), count, than: 1 - quantile)
                }
                // Each side has half of the level, each quantile its part.
                least = min(least, 2 * Double(quantiles.count) * max(bounded, passed))
                if bounded > passed { low = edge + 1 } else { high = edge }
            }
        }
        return least
    }

    /// The mean difference over strata, its variance, and that of single values; nil where no stratum has values of both sides.
    ///
    /// Each stratum weighs by its information, so that the weighted difference keeps moving like Brownian motion. The variance is the
    /// greater of what one common spread and what two spreads give, since the smaller side of a skewed measure often shows too little of it.
    static func estimate(
        _ strata: [(one: Moments, other: Moments)]
    ) -> (difference: Double, variance: Double, spread: Double)? {
        var (weights, difference, common, separate) = (0.0, 0.0, 0.0, 0.0)
        for (one, other) in strata where one.count > 0 && other.count > 0 {
            let (count, otherCount) = (Double(one.count), Double(other.count))
            let weight = count * otherCount / (count + otherCount)
            weights += weight
            difference += weight * (one.mean - other.mean)
            common += weight * one.merged(with: other).variance
            separate += weight * weight * (one.variance / count + other.variance / otherCount)
        }
        guard weights > 0 else { return nil }
        let squared = weights * weights
        return (difference / weights, max(common, separate) / squared, common / weights)
    }

    /// Whether a plain test of a single look would call the first share greater at 5 %: a hint, and no proof.
    static func seemsMoreOften(_ hits: Int, _ count: Int, than otherHits: Int, _ otherCount: Int) -> Bool {
        guard count > 0, otherCount > 0 else { return false }
        let pooled = Double(hits + otherHits) / Double(count + otherCount)
        let variance = pooled * (1 - pooled) * (1 / Double(count) + 1 / Double(otherCount))
        return Double(hits) / Double(count) - Double(otherHits) / Double(otherCount) > hint * variance.squareRoot()
    }

    /// Whether a plain test of a single look would call the first mean greater at 5 %: a hint, and no proof.
    static func seemsGreater(_ one: Moments, than other: Moments) -> Bool {
        guard let (difference, variance, _) = estimate([(one, other)]) else { return false }
        return difference > hint * variance.squareRoot()
    }

    /// The deviation that a standard normal variable passes with a chance of 5 %.
    private static let hint = 1.6449

    /// The p-value of the logarithm of an e-value.
    private static func p(_ logarithm: Double) -> Double { min(1, exp(-logarithm)) }

    /// The logarithm of the likelihood of hits in a given order, mixed over all shares by Jeffreys's prior, Beta(½, ½).
    private static func mixed(_ hits: Int, _ count: Int) -> Double {
        gamma(Double(hits) + 0.5) + gamma(Double(count - hits) + 0.5) - gamma(Double(count) + 1) - log(.pi)
    }

    private static func likelihood(_ hits: Int, _ count: Int, _ share: Double) -> Double {
        let misses = count - hits
        return (hits > 0 ? Double(hits) * log(share) : 0) + (misses > 0 ? Double(misses) * log(1 - share) : 0)
    }

    private static func gamma(_ value: Double) -> Double { lgamma(value) }
}

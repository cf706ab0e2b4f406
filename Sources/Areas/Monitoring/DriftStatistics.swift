// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase

/// How far two samples of one column are apart.
///
/// Formulas and defaults are those of evidently 0.7.
package enum DriftStatistics {
    /// Population stability index of `current` against `reference`; 0 is identical, above 0.25 is usually called a major shift.
    ///
    /// More than 20 distinct reference values are binned: ceil(log2(n + m) + 1) equal widths (Sturges) over both samples; fewer are
    /// levels. A share of 0 counts as 0.0001.
    /// - Throws: `.invalid` if a sample is empty.
    package static func populationStabilityIndex(reference: [Double], current: [Double]) throws(GyreError) -> Double {
        let (left, right) = try shares(reference, current)
        return zip(filled(left), filled(right)).reduce(0) { $0 + ($1.0 - $1.1) * log($1.0 / $1.1) }
    }

    /// Two-sample Kolmogorov-Smirnov: the greatest distance of the two distribution functions, and the two-sided p-value by the
    /// asymptotic distribution with Stephens's correction.
    /// - Throws: `.invalid` if a sample is empty.
    package static func kolmogorovSmirnov(
        reference: [Double], current: [Double]
    ) throws(GyreError) -> (distance: Double, p: Double) {
        try checkNotEmpty(reference, current)
        let (one, other) = (reference.sorted(), current.sorted())
        var (i, j) = (0, 0)
        var distance = 0.0
        while i < one.count, j < other.count {
            let value = min(one[i], other[j])
            while i < one.count, one[i] == value { i += 1 }
            while j < other.count, other[j] == value { j += 1 }
            distance = max(distance, abs(Double(i) / Double(one.count) - Double(j) / Double(other.count)))
        }
        let size = (Double(one.count) * Double(other.count) / Double(one.count + other.count)).squareRoot()
        let lambda = (size + 0.12 + 0.11 / size) * distance
        return (distance, kolmogorovTail(lambda))
    }

    /// Pearson's chi-square of the levels of `current` against the shares of `reference`, with its p-value.
    ///
    /// A level that the reference does not have gives p = 0.
    /// - Throws: `.invalid` if a sample is empty.
    package static func chiSquare(
        reference: [Double], current: [Double]
    ) throws(GyreError) -> (statistic: Double, p: Double) {
        try checkNotEmpty(reference, current)
        var expected: [Double: Double] = [:]
        for value in reference { expected[value, default: 0] += 1 }
        var observed: [Double: Double] = [:]
        for value in current { observed[value, default: 0] += 1 }
        if observed.keys.contains(where: { expected[$0] == nil }) { return (.infinity, 0) }
        let scale = Double(current.count) / Double(reference.count)
        let statistic = expected.reduce(0) { sum, level in
            let count = level.value * scale
            let difference = (observed[level.key] ?? 0) - count
            return sum + difference * difference / count
        }
        guard expected.count > 1 else { return (statistic, 1) }
        return (statistic, upperGamma(Double(expected.count - 1) / 2, statistic / 2))
    }

    // MARK: Binning

    private static func shares(_ reference: [Double], _ current: [Double]) throws(GyreError) -> ([Double], [Double]) {
        try checkNotEmpty(reference, current)
        let levels = Set(reference)
        guard levels.count > 20 else {
            let all = levels.union(current).sorted()
            return (share(reference, of: all), share(current, of: all))
        }
        let count = Int((log2(Double(reference.count + current.count)) + 1).rounded(.up))
        let low = min(reference.min() ?? 0, current.min() ?? 0)
        let high = max(reference.max() ?? 0, current.max() ?? 0)
        let edges = (0...count).map { low + (high - low) * Double($0) / Double(count) }
        return (histogram(reference, edges), histogram(current, edges))
    }

    private static func share(_ sample: [Double], of levels: [Double]) -> [Double] {
        var counts: [Double: Double] = [:]
        for value in sample { counts[value, default: 0] += 1 }
        return levels.map { (counts[$0] ?? 0) / Double(sample.count) }
    }

    /// Shares by comparison with the edges, as NumPy does: rounding cannot push a value over an edge.
    ///
    /// The last bin is closed.
    private static func histogram(_ sample: [Double], _ edges: [Double]) -> [Double] {
        var counts = [Double](repeating: 0, count: edges.count - 1)
        for value in sample {
            var (low, high) = (0, counts.count - 1)
            while low < high {
                let middle = (low + high + 1) / 2
                if edges[middle] <= value { low = middle } else { high = middle - 1 }
            }
            counts[low] += 1
        }
        return counts.map { $0 / Double(sample.count) }
    }

    private static func filled(_ shares: [Double]) -> [Double] {
        let least = shares.filter { $0 > 0 }.min() ?? 1
        let fill = least <= 0.0001 ? least / 1e6 : 0.0001
        return shares.map { $0 == 0 ? fill : $0 }
    }

    private static func checkNotEmpty(_ reference: [Double], _ current: [Double]) throws(GyreError) {
        guard !reference.isEmpty, !current.isEmpty else {
            throw GyreError(
                .invalid, "A sample without values cannot be compared.",
                why: "\(reference.count) and \(current.count) values.")
        }
    }

    // MARK: Distributions

    /// P(K > lambda) of the Kolmogorov distribution.
    static func kolmogorovTail(_ lambda: Double) -> Double {
        guard lambda > 0.2 else { return 1 }
        var sum = 0.0
        for k in 1...100 {
            let term = exp(-2 * Double(k * k) * lambda * lambda)
            sum += k % 2 == 1 ? term : -term
            if term < 1e-16 { break }
        }
        return max(0, min(1, 2 * sum))
    }

    /// The regularised upper incomplete gamma function Q(a, x): by its series below a + 1, by Lentz's continued fraction above.
    static func upperGamma(_ a: Double, _ x: Double) -> Double {
        guard x > 0 else { return 1 }
        let front = exp(-x + a * log(x) - lgamma(a))
        if x < a + 1 {
            var (term, sum, n) = (1 / a, 1 / a, a)
            while abs(term) > abs(sum) * 1e-15, n < a + 10_000 {
                n += 1
                term *= x / n
                sum += term
            }
            return max(0, 1 - front * sum)
        }
        var b = x + 1 - a
        var c = 1 / 1e-300
        var d = 1 / b
        var h = d
        for i in 1..<10_000 {
            let an = -Double(i) * (Double(i) - a)
            b += 2
            d = 1 / nonZero(an * d + b)
            c = nonZero(b + an / c)
            h *= d * c
            if abs(d * c - 1) < 1e-15 { break }
        }
        return min(1, front * h)
    }

    private static func nonZero(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }
}

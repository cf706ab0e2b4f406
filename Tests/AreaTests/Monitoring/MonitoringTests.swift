// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreMonitoring
import Testing

/// The expected numbers come from NumPy, SciPy and scikit-learn on the same samples.
@Suite struct DriftStatisticsTests {
    static let reference = (0..<400).map { Double(($0 * 37) % 101) / 10 }
    static let current = (0..<300).map { Double(($0 * 53) % 97) / 9 + 1 }

    @Test("the stability index is evidently's")
    func psi() throws {
        let psi = try DriftStatistics.populationStabilityIndex(reference: Self.reference, current: Self.current)
        #expect(abs(psi - 0.9407191143296996) < 1e-12)
        #expect(try DriftStatistics.populationStabilityIndex(reference: Self.reference, current: Self.reference) == 0)
    }

    @Test("the Kolmogorov-Smirnov distance is SciPy's, and its p-value near the asymptotic one")
    func ks() throws {
        let (distance, p) = try DriftStatistics.kolmogorovSmirnov(reference: Self.reference, current: Self.current)
        #expect(abs(distance - 0.15333333333333343) < 1e-12)
        #expect((0.0004...0.0007).contains(p))
    }

    @Test("chi-square is SciPy's, and a new level is certain drift")
    func chiSquare() throws {
        let reference = (0..<400).map { Double($0 % 4) }
        let current = (0..<200).map { Double(($0 * $0) % 4) } + (0..<200).map { Double($0 % 4) }
        let (statistic, p) = try DriftStatistics.chiSquare(reference: reference, current: current)
        #expect(abs(statistic - 100) < 1e-9)
        #expect(abs(p - 1.5541594313896026e-21) < 1e-27)
        #expect(try DriftStatistics.chiSquare(reference: reference, current: [9]).p == 0)
    }

    @Test("an empty sample is an error, not no drift")
    func empty() {
        #expect(throws: GyreError.self) { try DriftStatistics.populationStabilityIndex(reference: [], current: [1]) }
        #expect(throws: GyreError.self) { try DriftStatistics.kolmogorovSmirnov(reference: [1], current: []) }
    }

    @Test("performance is scikit-learn's")
    func performance() throws {
        let scores = (0..<200).map { Double(($0 * 29) % 83) / 83 }
        let labels = (0..<200).map { ($0 * 29) % 83 + ($0 % 7) * 8 > 60 ? 1.0 : 0.0 }
        let performance = try #require(Performance(scores: scores, labels: labels))
        #expect(abs((performance.areaUnderCurve ?? 0) - 0.9311124510099488) < 1e-12)
        #expect(abs((performance.brierScore ?? .nan) - 0.11960661924807664) < 1e-12)
        #expect(abs((performance.logLoss ?? .nan) - 0.3828440855188735) < 1e-12)
        #expect(performance.accuracy == 0.85)
        #expect(Performance(scores: [0.2, 0.3], labels: [1, 1])?.areaUnderCurve == nil)
    }

    @Test("metrics are escaped and end as their format asks")
    func openMetrics() {
        var text = OpenMetrics(.openMetrics)
        text.counter("gyre_requests", "A \"help\"\nline.", [([("name", "a\"b\\c\nd")], 3)])
        let written = text.finish()
        #expect(written.contains("# TYPE gyre_requests counter\n"))
        #expect(written.contains("gyre_requests_total{name=\"a\\\"b\\\\c\\nd\"} 3.0\n"))
        #expect(written.hasSuffix("# EOF\n"))
    }
}

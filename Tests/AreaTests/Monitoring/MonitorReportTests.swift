// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreMonitoring
import GyreTestSupport
import Testing

/// What a window of traffic looked like.
@Suite struct MonitorReportTests {
    private func row(
        _ value: Double?, score: Double?, label: Double? = nil, kind: ScoreKind? = .probability
    ) -> LoggedRow {
        LoggedRow(
            id: "r", version: 1, inputs: [value], score: score, label: label, latencyMicroseconds: 5, isError: false,
            scoreKind: kind)
    }

    private func report(_ rows: [LoggedRow], _ reference: [String: [Double]]) throws -> MonitorReport {
        try MonitorReport.make(
            endpoint: "e", version: 1, release: 2, window: "w", rows: rows, features: ["x"], reference: reference,
            at: 9)
    }

    @Test("traffic like the training data has no drift, traffic unlike it has, and each test fits its column")
    func drift() throws {
        let wide = (0..<200).map { Double($0) }
        let same = try report(wide.map { row($0, score: 0.5) }, ["x": wide, "score": [0.5, 0.25]])
        #expect(same.drift.map(\.test) == ["ks", "chisquare"])
        #expect(same.drift[0].psi == 0 && same.drift[0].p == 1 && same.drift[0].statistic == 0)
        let moved = try report(wide.map { row($0 + 1000, score: 0.5) }, ["x": wide])
        #expect(moved.drift.map(\.column) == ["x"] && moved.drift[0].psi > 1 && moved.drift[0].p < 1e-9)
        let levels = try report((0..<100).map { row(Double($0 % 4), score: nil) }, ["x": [0, 1, 2, 3, 0, 1, 2, 3]])
        #expect(levels.drift[0].test == "chisquare" && levels.drift[0].p == 1)
    }

    @Test("what is missing or not finite is not compared, and a column without values is left out")
    func missing() throws {
        let report = try report([row(nil, score: .none), row(.nan, score: nil)], ["x": [1, .infinity]])
        #expect(report.drift.isEmpty && report.performance == nil && report.rows == 2)
        #expect(report.json["performance"] == .null && report.json["window"] == "w")
    }

    @Test("quality is of the rows with labels, and of the kind that their scores are")
    func performance() throws {
        let rows = [row(1, score: 0.9, label: 1), row(1, score: 0.1, label: 0), row(1, score: 0.5)]
        #expect(try report(rows, [:]).performance?.areaUnderCurve == 1)
        #expect(try report(rows, [:]).performance?.count == 2)
        // Rows of earlier versions do not say what their scores are.
        let classes = [row(1, score: 1, label: 1, kind: nil), row(1, score: 0, label: 1, kind: nil)]
        #expect(try report(classes, [:]).performance?.kind == .hardClass)
        let numbers = [row(1, score: 17, label: 16, kind: nil), row(1, score: 3, label: 5, kind: nil)]
        let regression = try #require(try report(numbers, [:]).performance)
        #expect(regression.kind == .number && regression.rootMeanSquaredError == 2.5.squareRoot())
        #expect(regression.json["not_available"]?["auc"] == "The labels are not 0 and 1.")
    }

    @Test("the stability index is never negative, and nothing against itself", arguments: 1...30)
    func psi(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        func sample() -> [Double] {
            (0..<Int.random(in: 1...200, using: &random)).map { _ in Double(Int.random(in: -50...50, using: &random)) }
        }
        let (one, other) = (sample(), sample())
        #expect(try DriftStatistics.populationStabilityIndex(reference: one, current: one) == 0, "seed \(seed)")
        #expect(try DriftStatistics.populationStabilityIndex(reference: one, current: other) >= 0, "seed \(seed)")
        let (distance, p) = try DriftStatistics.kolmogorovSmirnov(reference: one, current: other)
        #expect((0...1).contains(distance) && (0...1).contains(p), "seed \(seed)")
        let (statistic, q) = try DriftStatistics.chiSquare(reference: one, current: one)
        #expect(statistic == 0 && q == 1, "seed \(seed)")
    }

    @Test("the older text format has its own heads and no end")
    func prometheus() {
        var text = OpenMetrics(.prometheus)
        text.counter("requests", "All \"of\" them.", [([], 3)])
        text.gauge("models", "Loaded.", [([("name", "a")], 1)])
        #expect(
            text.finish() == """
                # TYPE requests_total counter
                # HELP requests_total All "of" them.
                requests_total 3.0
                # TYPE models gauge
                # HELP models Loaded.
                models{name="a"} 1.0

                """)
        #expect(OpenMetrics.Format.prometheus.contentType.hasPrefix("text/plain"))
        #expect(OpenMetrics.Format.openMetrics.contentType.hasPrefix("application/openmetrics-text"))
    }
}

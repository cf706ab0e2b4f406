// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreMonitoring
import Testing

@Suite struct PerformanceTests {
    @Test("hard classes have accuracy and F1; what needs a ranking or a probability says that there are classes only")
    func classes() throws {
        let performance = try #require(
            Performance(scores: [1, 1, 0, 0, 1], labels: [1, 0, 0, 1, 1], kind: .hardClass))
        #expect(performance.areaUnderCurve == nil && performance.brierScore == nil && performance.logLoss == nil)
        #expect(performance.accuracy == 0.6)
        #expect(abs((performance.f1 ?? 0) - 2.0 / 3) < 1e-12)
        #expect(performance.json["not_available"]?["auc"] == "The model gives classes only.")
        #expect(performance.json["auc"] == .null && performance.json["score"] == "class")
    }

    @Test("a score that only ranks has an AUC, and no figure that takes it for a probability")
    func ranking() throws {
        let performance = try #require(
            Performance(scores: [0.1, 0.4, 0.35, 0.8], labels: [0, 0, 1, 1], kind: .number))
        #expect(performance.areaUnderCurve == 0.75)
        #expect(performance.brierScore == nil && performance.logLoss == nil && performance.accuracy == nil)
        #expect(performance.notAvailable["log_loss"] == "The model gives no probabilities.")
    }

    @Test("numbers against numbers have an error in their own unit, and no figure of classes")
    func regression() throws {
        let performance = try #require(Performance(scores: [1, 2, 5], labels: [1, 2, 2], kind: .number))
        #expect(performance.rootMeanSquaredError == 3.0.squareRoot())
        #expect(performance.areaUnderCurve == nil && performance.notAvailable["auc"] == "The labels are not 0 and 1.")
    }

    @Test("several classes have an accuracy by the class itself, and no F1")
    func severalClasses() throws {
        let performance = try #require(Performance(scores: [2, 1, 0, 2], labels: [2, 1, 1, 0], kind: .hardClass))
        #expect(performance.accuracy == 0.5 && performance.f1 == nil)
        #expect(performance.notAvailable["f1"] == "There are more than two classes.")
    }

    @Test("a report takes the kind that was written down; scores of an earlier version are classes or numbers")
    func kinds() throws {
        func report(_ scores: [Double], _ kind: ScoreKind?) throws -> Performance? {
            let rows = scores.enumerated().map {
                LoggedRow(
                    id: "\($0)", version: 1, inputs: [], score: $1, label: Double($0 % 2), latencyMicroseconds: 1,
                    isError: false, scoreKind: kind)
            }
            return try MonitorReport.make(
                endpoint: "m", version: 1, release: 1, window: "w", rows: rows, features: [], reference: [:], at: 0
            ).performance
        }
        #expect(try report([0.2, 0.7], .probability)?.kind == .probability)
        #expect(try report([0, 1], nil)?.kind == .hardClass)
        #expect(try report([0.2, 0.7], nil)?.kind == .number)
    }
}

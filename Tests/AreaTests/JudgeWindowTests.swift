// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreMonitoring
import GyreRollout
import Testing

@testable import GyreDelivery

@Suite struct JudgeWindowTests {
    private func row(
        _ id: String, _ version: Int, score: Double, label: Double? = nil, row: Int = 0, isMirrored: Bool = false
    ) -> LoggedRow {
        LoggedRow(
            id: id, version: version, inputs: [], score: score, label: label, latencyMicroseconds: 10, isError: false,
            row: row, isMirrored: isMirrored)
    }

    private func answer(
        _ id: String, version: Int = 2, score: Double? = 0.5, kind: ScoreKind? = nil, row: Int = 0
    ) -> RolloutObservations.Observed {
        RolloutObservations.Observed(
            endpoint: "e", id: id, version: version, score: score, scoreKind: kind, row: row, latencyMicroseconds: 10,
            isError: false)
    }

    private func window(_ ids: [String]) -> JudgeWindow {
        var window = JudgeWindow(rollout: "r")
        for id in ids { window.count(answer(id)) }
        return window
    }

    /// Whether the labels were joined, in turn.
    private func label(_ window: inout JudgeWindow, _ labels: [(String, Double)]) -> [Bool] {
        labels.map { window.label(Label(id: $0.0, value: $0.1)) }
    }

    @Test("a label counts for the step that answered, and always for the rollout")
    func steps() {
        var window = window(["a", "b"])
        let first = label(&window, [("a", 1)])
        window.beginStep()
        #expect(window.sides[2] == nil)
        let later = label(&window, [("b", 1), ("b", 1), ("c", 1)])
        #expect(first == [true] && later == [true, false, false])
        #expect(window.sides[2] == nil && window.labels == 2)
        #expect(window.labelledSteps(stable: 1, canary: 2).map(\.canary.count) == [2])
    }

    @Test("neither a score nor a label that is no number is counted")
    func notFinite() {
        var window = window(["a"])
        window.count(answer("b", score: .nan))
        #expect(label(&window, [("b", 1), ("a", .infinity)]) == [false, false])
        #expect(window.labels == 0 && window.sides[2]?.requests == 2)
    }

    @Test("the label of a mirrored request is about both answers, also of the rows of a batch")
    func mirrored() {
        for (original, copy) in [("a", "a~mirrored"), ("a#3", "a~mirrored#3"), ("a#3", "a#3~mirrored")] {
            var window = window([copy])
            window.count(answer(original, version: 1, score: 0.25))
            #expect(label(&window, [(original, 0)]) == [true])
            #expect(window.sides[1]?.brier.mean == 0.0625 && window.sides[2]?.brier.mean == 0.25, "\(copy)")
        }
    }

    @Test("a request of many rows counts once, however its client names it; its rows are scored one by one")
    func rows() {
        var window = JudgeWindow(rollout: "r")
        for row in 0..<50 { window.count(answer(row == 0 ? "a" : "a#\(row)", row: row)) }
        window.count(answer("order#7"))
        #expect(window.sides[2]?.requests == 2)
        #expect(label(&window, [("a", 1), ("a#49", 1), ("order#7", 1)]) == [true, true, true])
        #expect(window.sides[2]?.brier.count == 3)
        var recounted = JudgeWindow(rollout: "r")
        recounted.recount(
            (0..<50).map { row($0 == 0 ? "a" : "a#\($0)", 2, score: 0.5, row: $0) } + [row("order#7", 2, score: 0.5)])
        #expect(recounted.sides[2]?.requests == 2)
    }

    @Test("classes are right or wrong: how far apart their numbers are says nothing")
    func classes() {
        var window = JudgeWindow(rollout: "r")
        window.count(answer("near", score: 2, kind: .hardClass))
        window.count(answer("far", score: 9, kind: .hardClass))
        window.count(answer("right", score: 9, kind: .hardClass))
        #expect(label(&window, [("near", 1), ("far", 1), ("right", 9)]) == [true, true, true])
        #expect(abs((window.sides[2]?.brier.mean ?? 0) - 2.0 / 3) < 1e-12)
    }

    @Test("the log gives the window that there was, its mirrored answers and their labels included")
    func recounted() {
        var window = JudgeWindow(rollout: "r")
        window.recount([
            row("a", 1, score: 0.25, label: 0), row("a#1", 1, score: 0.75, row: 1),
            row("a~mirrored", 2, score: 0.5, isMirrored: true),
            row("a~mirrored#1", 2, score: 0.75, row: 1, isMirrored: true),
        ])
        #expect(window.sides[1]?.requests == 1 && window.sides[2]?.requests == 1)
        #expect(window.sides[2]?.compared == 1 && window.sides[2]?.agreed == 0)
        #expect(window.sides[1]?.brier.mean == 0.0625 && window.sides[2]?.brier.mean == 0.25)
        #expect(label(&window, [("a#1", 1)]) == [true] && window.sides[2]?.brier.count == 2)
    }
}

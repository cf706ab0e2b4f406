// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreMonitoring
import GyreRollout
import Testing

@testable import GyreDelivery

@Suite struct JudgeWindowTests {
    private func row(_ id: String, _ version: Int, score: Double, label: Double? = nil) -> LoggedRow {
        LoggedRow(
            id: id, version: version, inputs: [], score: score, label: label, latencyMicroseconds: 10, isError: false)
    }

    private func window(_ ids: [String]) -> JudgeWindow {
        var window = JudgeWindow(rollout: "r")
        for id in ids { window.count(id, version: 2, score: 0.5, latencyMicroseconds: 10, isError: false) }
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
        window.count("b", version: 2, score: .nan, latencyMicroseconds: 10, isError: false)
        #expect(label(&window, [("b", 1), ("a", .infinity)]) == [false, false])
        #expect(window.labels == 0 && window.sides[2]?.requests == 2)
    }

    @Test("the label of a mirrored request is about both answers, also of the rows of a batch")
    func mirrored() {
        for (original, copy) in [("a", "a~mirrored"), ("a#3", "a~mirrored#3"), ("a#3", "a#3~mirrored")] {
            var window = window([copy])
            window.count(original, version: 1, score: 0.25, latencyMicroseconds: 10, isError: false)
            #expect(label(&window, [(original, 0)]) == [true])
            #expect(window.sides[1]?.brier.mean == 0.0625 && window.sides[2]?.brier.mean == 0.25, "\(copy)")
        }
    }

    @Test("the log gives the window that there was, its mirrored answers and their labels included")
    func recounted() {
        var window = JudgeWindow(rollout: "r")
        window.recount([
            row("a", 1, score: 0.25, label: 0), row("a#1", 1, score: 0.75), row("a~mirrored", 2, score: 0.5),
            row("a~mirrored#1", 2, score: 0.75),
        ])
        #expect(window.sides[1]?.requests == 2 && window.sides[2]?.requests == 2)
        #expect(window.sides[2]?.compared == 2 && window.sides[2]?.agreed == 1)
        #expect(window.sides[1]?.brier.mean == 0.0625 && window.sides[2]?.brier.mean == 0.25)
        #expect(label(&window, [("a#1", 1)]) == [true] && window.sides[2]?.brier.count == 2)
    }
}

// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLoop
import GyreMonitoring
import GyrePipelines
import GyreTestSupport
import Testing

/// What windows of traffic make a project do.
@Suite struct MonitoringLoopTests {
    private static let policies: JSONValue = [
        ["name": "out", "when": "model_trained", "do": "roll_out"],
        ["name": "watch", "when": "psi", "do": "alert", "threshold": 0.2, "column": "x"],
        ["name": "again", "when": "auc_fell", "do": "retrain", "threshold": 0.1],
    ]

    @Test("traffic like the training data makes no alarm; traffic of other values does, with the column named")
    func drift() async throws {
        let (world, project) = try await LoopWorld.ready(["policies": Self.policies])
        try await world.train(project, "scale 1")
        try await ask(world, at: 100, (0..<40).map { Float($0) / 40 })
        try await ask(world, at: 200, (0..<40).map { _ in 0.9 })
        let same = try await monitor(world, "same", 100)
        #expect(same.actions == [])
        #expect(same.report.drift.map(\.column).contains("score"), "scores are compared where the model is loaded")
        let other = try await monitor(world, "other", 200)
        #expect(other.actions.count == 1 && other.actions[0].contains("x "), "\(other.actions)")
        let acted = try #require(try await world.facts("loop.policy.acted").last)
        #expect(acted.actor == "policy/watch" && acted.body["action"] == "alert")
        #expect(try await world.monitors.reports(world.endpoint).count == 2)
    }

    @Test("quality that fell since the first window of the release starts a training, once")
    func quality() async throws {
        let (world, project) = try await LoopWorld.ready(["policies": Self.policies])
        try await world.train(project, "scale 1")
        let values = (0..<40).map { Float($0) / 40 }
        try await ask(world, at: 100, values, labels: { $0 > 0.5 ? 1 : 0 })
        try await ask(world, at: 200, values, labels: { $0 > 0.5 ? 0 : 1 })
        #expect(try await monitor(world, "first", 100).actions == [])
        let fell = try await monitor(world, "second", 200)
        #expect(fell.actions.count == 1 && fell.actions[0].hasPrefix("retrain"), "\(fell.actions)")
        let runs = try await world.pipelines.runs()
        #expect(runs.count == 2)
        #expect(runs.contains { $0.actor == "policy/again" && $0.reason.contains("AUC fell") })
        for run in runs { try await world.conductor.pipelineEnded(try await world.pipelines.wait(for: run.id)) }
        // Its model is being tried now: another training would start from the same place.
        #expect(try await monitor(world, "second", 200).actions == [])
    }

    @Test("a window without answers cannot be judged, and an endpoint that is not there has none")
    func nothing() async throws {
        let (world, project) = try await LoopWorld.ready()
        try await world.train(project, "scale 1")
        let empty = await #expect(throws: GyreError.self) { _ = try await monitor(world, "w", 100) }
        #expect(empty?.code == .conflict)
        let unknown = await #expect(throws: GyreError.self) {
            _ = try await world.conductor.monitor("nowhere", window: "w", from: 0, to: 1, by: "ann")
        }
        #expect(unknown?.code == .notFound)
    }

    /// The window that begins at `start` seconds and is a hundred long.
    private func monitor(
        _ world: LoopWorld, _ window: String, _ start: Int64
    ) async throws -> (report: MonitorReport, actions: [String]) {
        try await world.conductor.monitor(
            world.endpoint, window: window, from: start * 1_000_000, to: (start + 100) * 1_000_000, by: "ann")
    }

    /// Asks for each value; the event is at `seconds`.
    private func ask(
        _ world: LoopWorld, at seconds: Int64, _ values: [Float], labels: ((Float) -> Double)? = nil
    ) async throws {
        var given: [Label] = []
        for (index, value) in values.enumerated() {
            var request = DeliveryWorld.request([value])
            request.id = "\(seconds)-\(index)"
            request.eventAt = seconds * 1_000_000
            _ = try await world.delivery.predictor.predict(request)
            if let labels { given.append(Label(id: "\(seconds)-\(index)", value: labels(value))) }
        }
        try await world.delivery.disk.log.append(given, endpoint: world.endpoint)
    }
}

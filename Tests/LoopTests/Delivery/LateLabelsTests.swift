// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreDelivery
import GyreLedger
import GyreMonitoring
import GyreRollout
import GyreTestSupport
import Testing

/// Labels that come when a rollout is over.
@Suite struct LateLabelsTests {
    @Test("labels that speak against a promotion give the former version its traffic back, where its judge says so")
    func takenBack() async throws {
        let world = try await promoted(.rollBack)
        let name = DeliveryWorld.endpoint
        // Stable was right each time and the canary wrong.
        label(world, from: 100) { $0.version == 1 ? $0.score ?? 0 : 1 - ($0.score ?? 0) }
        let back = try await world.endpoints.reviewEnded(name)
        #expect(back?.contradicted?.isTakenBack == true)
        #expect(world.predictor.split(name)?.stable.version == 1)
        #expect(try await world.predict([0.5]) == [0.25])
        var query = FactQuery()
        query.kindPrefix = "rollout.canary.taken-back"
        #expect(try await world.disk.ledger.facts(query).count == 1)
        #expect(try await world.endpoints.reviewEnded(name) == nil, "it is taken back once")
    }

    @Test("where the judge only tells, the traffic stays and the contradiction is on record")
    func told() async throws {
        let world = try await promoted(.tell)
        let name = DeliveryWorld.endpoint
        label(world, from: 100) { $0.version == 1 ? $0.score ?? 0 : 1 - ($0.score ?? 0) }
        #expect(try await world.endpoints.reviewEnded(name) == nil)
        #expect(world.predictor.split(name)?.stable.version == 2)
        let ended = try #require(try await world.rollouts.rollouts(of: name).first)
        #expect(ended.contradicted != nil && ended.contradicted?.isTakenBack == false)
    }

    @Test("labels that agree with a promotion change nothing; after a day nobody waits for more")
    func agreed() async throws {
        let world = try await promoted(.rollBack)
        let name = DeliveryWorld.endpoint
        label(world, from: 100) { $0.score ?? 0 }
        #expect(try await world.endpoints.reviewEnded(name) == nil)
        #expect(try await world.rollouts.rollouts(of: name).first?.review != nil)
        world.disk.clock.advance(seconds: 2 * 86_400)
        #expect(try await world.endpoints.reviewEnded(name) == nil)
        let late = Label(id: "r399", value: 1)
        #expect(world.predictor.label([late], endpoint: name) == 0, "it is forgotten")
    }

    @Test("a restart remembers the answers that labels may still come for")
    func restart() async throws {
        let world = try await promoted(.rollBack)
        let again = try DeliveryWorld(world.disk)
        #expect(try await again.endpoints.restore().isEmpty)
        label(again, from: 100) { $0.version == 1 ? $0.score ?? 0 : 1 - ($0.score ?? 0) }
        #expect(try await again.endpoints.reviewEnded(DeliveryWorld.endpoint)?.contradicted?.isTakenBack == true)
    }

    /// A world in which the judge promoted a canary on the labels of its first hundred answers.
    private func promoted(_ contradiction: Judge.Contradiction) async throws -> DeliveryWorld {
        let world = try DeliveryWorld()
        let name = DeliveryWorld.endpoint
        try await world.deploy("scale 0.5")
        var judge = DeliveryWorld.quickJudge
        judge.quality = .labels(minimum: 20)
        judge.onContradiction = contradiction
        _ = try await world.endpoints.startCanary(
            try await world.release("scale 1.9"), plan: try CanaryPlan(steps: [50, 100]), judge: judge, reason: "",
            by: "ann")
        await world.ask(400)
        label(world, from: 0, to: 100) { $0.score ?? 0 }
        let judged = try await world.endpoints.judge(name)
        #expect(judged?.plan.state == .promoted, "\(judged?.lastReason ?? "")")
        return world
    }

    private func label(
        _ world: DeliveryWorld, from first: Int, to last: Int = 400, _ truth: (Prediction) -> Double
    ) {
        let lines = world.disk.log.lines.filter { line in
            Int(line.id.dropFirst()).map { (first..<last).contains($0) } ?? false
        }
        _ = world.predictor.label(
            lines.map { Label(id: $0.id, value: truth($0)) }, endpoint: DeliveryWorld.endpoint)
    }
}

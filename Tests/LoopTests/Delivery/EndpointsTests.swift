// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreDelivery
import GyreLedger
import GyreMonitoring
import GyreReleases
import GyreRollout
import GyreServing
import GyreTestSupport
import Testing

/// Releases that get traffic, lose it, and share it.
@Suite struct EndpointsTests {
    @Test("a deployed release answers, and the log says which version and release did")
    func deploy() async throws {
        let world = try DeliveryWorld()
        let release = try await world.deploy("scale 2")
        #expect(try await world.predict([0.25]) == [0.5])
        let line = try #require(world.disk.log.lines.first)
        #expect(line.version == 1 && line.release == release.number && line.circumstances.chosenBy == "alone")
        #expect(line.score == 0.5 && line.inputs == [0.25])
    }

    @Test("a release whose model cannot be loaded gets no traffic, and the one before answers on")
    func broken() async throws {
        let world = try DeliveryWorld()
        try await world.deploy("scale 2")
        let broken = try await world.release("no model at all")
        await #expect(throws: GyreError.self) {
            try await world.endpoints.deploy(broken, reason: "", by: "ann")
        }
        #expect(try await world.predict([1]) == [2])
        #expect(try await world.rollouts.split(DeliveryWorld.endpoint)?.stable.version == 1)
    }

    @Test("a version that lost its traffic leaves the memory")
    func unloads() async throws {
        let world = try DeliveryWorld()
        try await world.deploy("scale 2")
        try await world.deploy("scale 3")
        #expect(world.host.models().map(\.number) == [2])
        #expect(try await world.predict([1]) == [3])
    }

    @Test("a canary that does well goes through its steps and becomes stable; the judge did it")
    func promoted() async throws {
        let world = try DeliveryWorld()
        let rollout = try await canary(world, "scale 3", steps: [30, 60, 100])
        #expect(world.predictor.split(DeliveryWorld.endpoint)?.canaryPercent == 30)
        var states: [Int] = []
        for round in 0..<3 {
            await world.ask(400, from: round * 400)
            let judged = try await world.endpoints.judge(DeliveryWorld.endpoint)
            if judged?.plan.state == .running { states.append(judged?.percent ?? -1) }
            if judged?.plan.state.isEnd ?? true { break }
        }
        let ended = try #require(try await world.rollouts.rollouts(of: DeliveryWorld.endpoint).first)
        #expect(ended.id == rollout.id && ended.plan.state == .promoted && ended.endedBy == "policy/canary")
        #expect(states == [60])
        #expect(try await world.predict([1]) == [3])
        #expect(try await world.endpoints.judge(DeliveryWorld.endpoint) == nil, "nothing is under way any more")
    }

    @Test("a canary that fails loses its traffic, and only stable answers from then on")
    func rolledBack() async throws {
        let world = try DeliveryWorld()
        _ = try await canary(world, "fail", steps: [50, 100])
        await world.ask(300)
        let judged = try await world.endpoints.judge(DeliveryWorld.endpoint)
        #expect(judged?.plan.state == .rolledBack)
        let before = world.disk.log.lines.count { $0.error != nil }
        #expect(before > 50)
        await world.ask(100, from: 300)
        #expect(world.disk.log.lines.count { $0.error != nil } == before)
        #expect(world.host.models().map(\.number) == [1])
    }

    @Test("too few requests decide nothing, whatever they were")
    func tooFew() async throws {
        let world = try DeliveryWorld()
        _ = try await canary(world, "scale 3", steps: [50, 100])
        await world.ask(20)
        let judged = try await world.endpoints.judge(DeliveryWorld.endpoint)
        #expect(judged?.plan.state == .running && judged?.plan.step == 0)
    }

    @Test("a person's word moves the traffic: hold, resume, promote")
    func commands() async throws {
        let world = try DeliveryWorld()
        _ = try await canary(world, "scale 3", steps: [10, 100])
        let name = DeliveryWorld.endpoint
        var rollout = try await world.endpoints.command(.hold(percent: 40), name, reason: "compare", by: "ann")
        #expect(rollout.plan.state == .paused && world.predictor.split(name)?.canaryPercent == 40)
        rollout = try await world.endpoints.command(.resume, name, reason: "go on", by: "ann")
        #expect(rollout.plan.state == .running)
        rollout = try await world.endpoints.command(.promote, name, reason: "good", by: "ann")
        #expect(rollout.plan.state == .promoted && rollout.endedBy == "ann")
        #expect(try await world.predict([1]) == [3])
        let error = await #expect(throws: GyreError.self) {
            try await world.endpoints.command(.abort, name, reason: "", by: "ann")
        }
        #expect(error?.code == .conflict)
    }

    @Test("a frozen endpoint refuses more traffic for a canary, and still lets it be stopped")
    func frozen() async throws {
        let world = try DeliveryWorld()
        _ = try await canary(world, "scale 3", steps: [10, 100])
        let name = DeliveryWorld.endpoint
        _ = try await world.rollouts.freeze(name, seconds: 60, reason: "holidays", by: "ann")
        let error = await #expect(throws: GyreError.self) {
            try await world.endpoints.command(.promote, name, reason: "", by: "bob")
        }
        #expect(error?.code == .conflict && error?.why?.contains("holidays") == true)
        await world.ask(800)
        let judged = try await world.endpoints.judge(name)
        #expect(judged?.plan.step == 0 && judged?.lastReason.contains("holidays") == true)
        let aborted = try await world.endpoints.command(.abort, name, reason: "", by: "bob")
        #expect(aborted.plan.state == .aborted && world.predictor.split(name)?.canary == nil)
        world.disk.clock.advance(seconds: 61)
        #expect(try await world.rollouts.freeze(of: name) == nil, "it ends by itself")
    }

    @Test("a rule sends requests with its attribute to the canary, whatever its share is")
    func rules() async throws {
        let world = try DeliveryWorld()
        _ = try await canary(world, "scale 3", steps: [0, 100])
        let rule = try TrafficRule(attribute: "country", values: ["DE"], isForCanary: true)
        _ = try await world.endpoints.setRules([rule], DeliveryWorld.endpoint, reason: "Germany first", by: "ann")
        var request = DeliveryWorld.request([1])
        request.take { ["gyre-attributes": "plan=pro, country=DE"][$0] }
        #expect(try await world.answer(request) == [3])
        #expect(try await world.predict([1]) == [1])
        #expect(world.disk.log.lines.map(\.circumstances.chosenBy) == ["rule country", "alone"])
    }

    @Test(
        "a bandit gives the arm that is rewarded more and more of the traffic, and its end gives it all to the winner")
    func bandit() async throws {
        let world = try DeliveryWorld()
        let name = DeliveryWorld.endpoint
        let first = try await world.deploy("scale 1")
        let second = try await world.release("scale 3")
        let arms = [first, second].map {
            TrafficSplit.Target(version: Int($0.pins.model.version ?? "") ?? 0, release: $0.number)
        }
        let bandit = try Bandit(.thompson, reward: .label, arms: arms, startedAt: world.disk.clock.now)
        try await world.endpoints.startBandit(bandit, name, reason: "which sells", by: "ann")
        for number in 0..<300 {
            var request = DeliveryWorld.request()
            request.id = "b\(number)"
            let version = try await world.predictor.predict(request).version
            let label = Label(id: "b\(number)", value: version == 2 ? 1 : 0)
            #expect(world.predictor.label([label], endpoint: name) == 1)
        }
        let late = world.disk.log.lines.suffix(100)
        #expect(late.count { $0.version == 2 } > 80)
        #expect(late.allSatisfy { $0.circumstances.chosenBy == "bandit" })
        let freeze = await #expect(throws: GyreError.self) {
            _ = try await world.rollouts.freeze(name, seconds: nil, reason: "", by: "ann")
        }
        #expect(freeze?.code == .conflict, "a bandit moves traffic with every answer")
        let split = try await world.endpoints.stopBandit(name, winner: 2, reason: "sells", by: "ann")
        #expect(split == TrafficSplit(stable: arms[1]))
        #expect(try await world.predict([1]) == [3])
        var query = FactQuery()
        query.kindPrefix = "rollout.bandit.stopped"
        let fact = try #require(try await world.disk.ledger.facts(query).first?.fact)
        #expect(fact.body["arms"]?.isNull == false, "what it learned is on record")
    }

    @Test("an endpoint that keeps no predictions keeps failures all the same")
    func sampling() async throws {
        let world = try DeliveryWorld()
        try await world.deploy("scale 2")
        try await world.endpoints.sample(DeliveryWorld.endpoint, 0, reason: "too many", by: "ann")
        await world.ask(20)
        #expect(world.disk.log.lines.isEmpty)
        try await world.deploy("fail")
        await world.ask(3)
        #expect(world.disk.log.lines.count == 3)
        await #expect(throws: GyreError.self) {
            try await world.endpoints.sample(DeliveryWorld.endpoint, 2, reason: "", by: "ann")
        }
    }

    @Test("after a restart the canary has its share, its counts and its sample back")
    func restart() async throws {
        let world = try DeliveryWorld()
        let name = DeliveryWorld.endpoint
        _ = try await canary(world, "scale 3", steps: [40, 100])
        await world.ask(200)
        let counted = world.predictor.statistics(name, version: 2)
        let again = try DeliveryWorld(world.disk)
        #expect(try await again.endpoints.restore().isEmpty)
        #expect(again.predictor.split(name) == world.predictor.split(name))
        #expect(again.predictor.statistics(name, version: 2).requests == counted.requests)
        #expect(counted.requests > 40)
        #expect(try await again.predict([1]).first.map { [1, 3].contains($0) } == true)
        await again.ask(800, from: 200)
        #expect(try await again.endpoints.judge(name)?.plan.state == .promoted)
    }

    @Test("a model that is gone after a restart is told, and the other endpoints are there")
    func restartWithoutModel() async throws {
        let world = try DeliveryWorld()
        try await world.deploy("scale 2")
        var pins = Release.Pins(model: Ref("model", "lost", "1"), modelDigest: Digest(of: "nowhere"))
        pins.features = ["x"]
        let lost = try await world.releases.create(try Name("lost", of: "endpoint"), pins, reason: "", by: "ann")
        try await world.rollouts.setStable(
            "lost", TrafficSplit.Target(version: 1, release: lost.number), model: pins.model, reason: "", by: "ann")
        let again = try DeliveryWorld(world.disk)
        let problems = try await again.endpoints.restore()
        #expect(problems.map(\.code) == [.notFound])
        #expect(try await again.predict([1]) == [2])
    }

    /// A rollout of a new version beside one that answers its input.
    private func canary(_ world: DeliveryWorld, _ content: String, steps: [Int]) async throws -> Rollout {
        try await world.deploy("scale 1")
        return try await world.endpoints.startCanary(
            try await world.release(content), plan: try CanaryPlan(steps: steps), judge: DeliveryWorld.quickJudge,
            reason: "test", by: "ann")
    }
}

// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreDelivery
import GyreMonitoring
import GyreRollout
import GyreServing
import GyreTestSupport
import Testing

@Suite struct PredictorTests {
    @Test("each row of a request has a line of its own in the log, with its number behind the id")
    func rows() async throws {
        let world = try DeliveryWorld()
        try await world.deploy("scale 2")
        var request = DeliveryWorld.request([0.125, 0.25, 0.5])
        request.id = "r"
        let answer = try await world.predictor.predict(request)
        #expect(answer.id == "r" && DeliveryWorld.numbers(answer) == [0.25, 0.5, 1])
        #expect(world.disk.log.lines.map(\.id) == ["r", "r#1", "r#2"])
        #expect(world.disk.log.lines.map(\.score) == [0.25, 0.5, 1])
        #expect(world.disk.log.lines.map(\.scoreKind) == [.probability, .probability, .probability])
    }

    @Test("a short run is answered at once, and what it takes to be awaited keeps where it was to go")
    func now() async throws {
        let world = try DeliveryWorld()
        try await world.deploy("scale 2")
        var request = DeliveryWorld.request([1])
        let answer = try world.predictor.predictNow(&request)
        if let answer {
            #expect(DeliveryWorld.numbers(answer) == [2])
        } else {
            #expect(try await world.answer(request) == [2])
        }
        #expect(world.disk.log.lines.count == 1)
    }

    @Test("a version that is named is asked past the split, and is not in the endpoint's log")
    func named() async throws {
        let world = try DeliveryWorld()
        try await world.deploy("scale 2")
        _ = try await world.endpoints.startCanary(
            try await world.release("scale 5"), plan: try CanaryPlan(steps: [0, 100]), judge: Judge(), reason: "",
            by: "ann")
        var request = DeliveryWorld.request([1])
        request.version = 2
        #expect(try await world.answer(request) == [5])
        #expect(world.disk.log.lines.isEmpty)
    }

    @Test("a request that does not fit the model is the client's fault: refused, and no failure of the version")
    func misfit() async throws {
        let world = try DeliveryWorld()
        try await world.deploy("scale 2")
        let wrong = Predictor.Request(
            name: DeliveryWorld.endpoint,
            inputs: [
                NamedTensor(
                    name: "y",
                    tensor: Tensor(datatype: .int64, shape: [1, 3], storage: .raw(Array(repeating: 0, count: 24))))
            ])
        let error = await #expect(throws: GyreError.self) { try await world.predictor.predict(wrong) }
        #expect(error?.code == .invalid)
        #expect(world.predictor.totals(DeliveryWorld.endpoint, version: 1).errors == 0)
        #expect(world.disk.log.lines.isEmpty)
    }

    @Test(
        "a request that stable takes and the canary does not counts against the canary; one that neither takes counts for nobody"
    )
    func narrowerCanary() async throws {
        let world = try DeliveryWorld()
        let name = DeliveryWorld.endpoint
        try await world.deploy("scale 2")
        let plan = try CanaryPlan(steps: [50, 100])
        _ = try await world.endpoints.startCanary(
            try await world.release("wide 2"), plan: plan, judge: Judge(), reason: "", by: "ann")
        await world.ask(40)
        let refused = world.predictor.statistics(name, version: 2)
        #expect(refused.requests > 0 && refused.errors == refused.requests)
        #expect(world.predictor.statistics(name, version: 1).errors == 0)
        for _ in 0..<40 {
            var request = DeliveryWorld.request()
            request = Predictor.Request(
                name: name,
                inputs: [
                    NamedTensor(
                        name: "z",
                        tensor: Tensor(
                            datatype: .bytes, shape: [1, 7], storage: .texts(Array(repeating: [], count: 7))))
                ])
            _ = try? await world.predictor.predict(request)  // refused by both
        }
        #expect(world.predictor.statistics(name, version: 2) == refused)
    }

    @Test("a model that breaks counts as a failure of its version, with the reason in the log")
    func failure() async throws {
        let world = try DeliveryWorld()
        try await world.deploy("fail")
        await #expect(throws: GyreError.self) { try await world.predict([1]) }
        #expect(world.predictor.totals(DeliveryWorld.endpoint, version: 1).errors == 1)
        #expect(world.disk.log.lines.first?.error?.contains("broke") == true)
        var request = DeliveryWorld.request([1])
        #expect(throws: GyreError.self) { try world.predictor.predictNow(&request) }
        #expect(world.disk.log.lines.count == 2)
    }

    @Test("an endpoint whose model cannot be loaded counts the request as failed")
    func notLoaded() async throws {
        let world = try DeliveryWorld()
        world.predictor.route("ghost", TrafficSplit(stable: TrafficSplit.Target(version: 1, release: 1)))
        let error = await #expect(throws: GyreError.self) {
            try await world.predictor.predict(DeliveryWorld.request(to: "ghost"))
        }
        #expect(error?.code == .notFound)
        #expect(world.disk.log.lines.map(\.endpoint) == ["ghost"])
    }

    @Test("the same key meets the same side of a split each time")
    func sticky() async throws {
        let world = try DeliveryWorld()
        try await world.deploy("scale 1")
        _ = try await world.endpoints.startCanary(
            try await world.release("scale 2"), plan: try CanaryPlan(steps: [50, 100]), judge: Judge(), reason: "",
            by: "ann")
        var sides: Set<Int> = []
        for key in 0..<20 {
            var versions: Set<Int> = []
            for _ in 0..<5 {
                var request = DeliveryWorld.request()
                request.take { $0 == "gyre-key" ? "user \(key)" : nil }
                versions.insert(try await world.predictor.predict(request).version)
            }
            #expect(versions.count == 1, "user \(key)")
            sides.formUnion(versions)
        }
        #expect(sides == [1, 2])
    }

    @Test("a shadow gets a copy of each request, callers see stable's answer alone, and the two are compared")
    func shadow() async throws {
        let world = try DeliveryWorld()
        let name = DeliveryWorld.endpoint
        try await world.deploy("scale 1")
        let plan = try #require(try DeployStrategy("shadow", steps: nil).plan(usualSteps: [10, 100]))
        _ = try await world.endpoints.startCanary(
            try await world.release("scale 2"), plan: plan, judge: Judge(), reason: "", by: "ann")
        for number in 0..<10 {
            var request = DeliveryWorld.request([number < 4 ? 0 : 1])
            request.id = "r\(number)"
            #expect(try await world.answer(request) == [number < 4 ? 0 : 1])
        }
        await world.disk.log.wait(for: 20)
        let copies = world.disk.log.lines.filter { $0.circumstances.chosenBy == "mirror" }
        #expect(Set(copies.map(\.id)) == Set((0..<10).map { "r\($0)~mirrored" }))
        #expect(copies.allSatisfy { $0.version == 2 })
        // One label is about both answers: stable's and the copy's.
        #expect(world.predictor.label([Label(id: "r5", value: 1)], endpoint: name) == 1)
    }

    @Test("headers name the request, its key and its attributes; what is no pair is passed over")
    func headers() {
        var request = DeliveryWorld.request()
        let given = [
            "x-request-id": "abc", "gyre-key": "k", "gyre-via": "g/root/0", "gyre-attributes": "a = 1,b,c=2=3",
        ]
        request.take { given[$0] }
        #expect(request.id == "abc" && request.stickyKey == "k" && request.via == "g/root/0")
        #expect(request.attributes == ["a": "1", "c": "2=3"])
        request.take { $0 == "x-request-id" ? "other" : nil }
        #expect(request.id == "abc", "an id in the body counts")
    }

    @Test("the strategies that a person can name have the plans they say")
    func strategies() throws {
        #expect(try DeployStrategy("all-at-once", steps: nil).plan(usualSteps: [10]) == nil)
        #expect(try DeployStrategy(nil, steps: nil).plan(usualSteps: [5, 100])?.steps == [5, 100])
        #expect(try DeployStrategy("canary", steps: [7]).plan(usualSteps: [5, 100])?.steps == [7])
        #expect(try DeployStrategy("blue-green", steps: nil).plan(usualSteps: [5])?.steps == [0, 100])
        let shadow = try DeployStrategy("shadow", steps: [0, 20]).plan(usualSteps: [])
        #expect(shadow?.steps == [0, 20] && shadow?.mirrorsNow == true)
        #expect(throws: GyreError.self) { try DeployStrategy("yolo", steps: nil) }
    }
}

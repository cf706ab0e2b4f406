// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreDelivery
import GyreServing
import GyreTestSupport
import Testing

/// Services that are what their manifests say.
@Suite struct InferenceServicesTests {
    @Test("an applied service answers, and the same manifest again makes no new revision")
    func apply() async throws {
        let manifests = try Manifests("scale 2")
        let world = try DeliveryWorld()
        let state = try await world.services.apply(manifests.wanted("one"), by: "ann")
        #expect(state["latest"] == 1 && state["rolled_out"] == 1)
        #expect(try await ask(world) == [2])
        #expect(try await world.services.apply(manifests.wanted("one"), by: "ann")["latest"] == 1)
        #expect(try await world.services.services(kind: "InferenceService", "svc").count == 1)
        #expect(try await world.services.services(kind: "TrainedModel").isEmpty)
    }

    @Test("a share for the newest revision is split against the one rolled out last, and then it gets all")
    func canary() async throws {
        let manifests = try Manifests("scale 2")
        let world = try DeliveryWorld()
        _ = try await world.services.apply(manifests.wanted("one"), by: "ann")
        try manifests.write("scale 3")
        var state = try await world.services.apply(manifests.wanted("two", percent: 25), by: "ann")
        #expect(state["rolled_out"] == 1 && state["latest"] == 2 && state["canary_percent"] == 25)
        let split = try #require(world.predictor.split("svc"))
        #expect(split.stable.version == 1 && split.canary?.version == 2 && split.canaryPercent == 25)
        state = try await world.services.apply(manifests.wanted("two"), by: "ann")
        #expect(state["rolled_out"] == 2 && state["canary_percent"]?.isNull == true)
        #expect(try await ask(world) == [3])
        #expect(world.host.models().map(\.number) == [2])
        state = try await world.services.apply(manifests.wanted("two", percent: 0), by: "ann")
        #expect(state["rolled_out"] == 1, "no share for the newest, and nothing new: back to the one before")
        #expect(try await ask(world) == [2])
    }

    @Test("a revision that cannot be loaded gets no traffic, and what served before goes on")
    func broken() async throws {
        let manifests = try Manifests("scale 2")
        let world = try DeliveryWorld()
        _ = try await world.services.apply(manifests.wanted("one"), by: "ann")
        try manifests.write("nothing")
        await #expect(throws: GyreError.self) { try await world.services.apply(manifests.wanted("two"), by: "ann") }
        #expect(try await ask(world) == [2])
        #expect(try await world.services.services(kind: "InferenceService", "svc").first?["latest"] == 1)
    }

    @Test("after a restart services answer from the files as they were kept")
    func restart() async throws {
        let manifests = try Manifests("scale 2")
        let world = try DeliveryWorld()
        var wanted = manifests.wanted("one")
        wanted.settings.maximumBatch = 8
        wanted.settings.batching = ModelSettings.Batching()
        wanted.settings.batching?.maximumDelay = 100
        _ = try await world.services.apply(wanted, by: "ann")
        try manifests.write("gone")
        let again = try DeliveryWorld(world.disk)
        #expect(try await again.services.restore().isEmpty)
        #expect(try await ask(again) == [2])
        #expect(again.host.models().first?.source.settings.batching?.maximumDelay == 100)
    }

    @Test("changes at the same time come one after another: no revision is lost")
    func concurrent() async throws {
        let manifests = try Manifests("scale 2")
        let world = try DeliveryWorld()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask { _ = try await world.services.apply(manifests.wanted("\(number)"), by: "ann") }
            }
            try await group.waitForAll()
        }
        let state = try #require(try await world.services.services(kind: "InferenceService", "svc").first)
        #expect(state["latest"] == 8)
    }

    @Test("a service goes with the models that belong to it, and its name is free")
    func delete() async throws {
        let manifests = try Manifests("scale 2")
        let world = try DeliveryWorld()
        _ = try await world.services.apply(manifests.wanted("one"), by: "ann")
        var part = manifests.wanted("part", name: "part", kind: "TrainedModel")
        part.parent = "svc"
        _ = try await world.services.apply(part, by: "ann")
        let other = await #expect(throws: GyreError.self) {
            try await world.services.apply(manifests.wanted("x", kind: "TrainedModel"), by: "ann")
        }
        #expect(other?.code == .alreadyExists, "a name has one kind of object")
        try await world.services.delete("svc", by: "ann")
        #expect(world.host.models().isEmpty)
        #expect(try await world.services.services(kind: "TrainedModel").isEmpty)
        let gone = await #expect(throws: GyreError.self) { try await world.services.delete("svc", by: "ann") }
        #expect(gone?.code == .notFound)
        let unknown = await #expect(throws: GyreError.self) {
            try await world.services.services(kind: "InferenceService", "svc")
        }
        #expect(unknown?.code == .notFound)
    }

    @Test("a service cannot take the name of an endpoint")
    func endpointName() async throws {
        let manifests = try Manifests("scale 2")
        let world = try DeliveryWorld()
        try await world.deploy("scale 2")
        let error = await #expect(throws: GyreError.self) {
            try await world.services.apply(manifests.wanted("one", name: DeliveryWorld.endpoint), by: "ann")
        }
        #expect(error?.code == .alreadyExists)
    }

    @Test("graphs are kept, told and forgotten by name")
    func graphs() async throws {
        let world = try DeliveryWorld()
        let manifest: JSONValue = ["kind": "InferenceGraph", "spec": ["nodes": [:]]]
        try await world.services.apply(graph: "g", manifest: manifest, by: "ann")
        #expect(try await world.services.graph("g") == manifest)
        #expect(try await world.services.graphs() == [manifest])
        try await world.services.delete(graph: "g", by: "ann")
        let error = await #expect(throws: GyreError.self) { try await world.services.graph("g") }
        #expect(error?.code == .notFound)
    }

    private func ask(_ world: DeliveryWorld) async throws -> [Float] {
        try await world.answer(DeliveryWorld.request([1], to: "svc"))
    }

    /// A model on this machine's disk, and manifests that name it.
    private struct Manifests {
        let folder: TemporaryFolder

        init(_ content: String) throws {
            folder = try TemporaryFolder()
            try write(content)
        }

        func write(_ content: String) throws { _ = try folder.write("model.onnx", content) }

        func wanted(
            _ fingerprint: String, name: String = "svc", kind: String = "InferenceService", percent: Int? = nil
        ) -> InferenceServices.Wanted {
            var wanted = InferenceServices.Wanted(
                name: name, manifest: ["kind": .string(kind), "metadata": ["name": .string(name)]],
                path: folder.path + "/model.onnx", format: .onnx, fingerprint: .string(fingerprint))
            wanted.canaryPercent = percent
            return wanted
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreDelivery
import GyreServing
import GyreTestSupport
import Testing

/// Models that are served without an endpoint.
@Suite struct ModelRepositoryTests {
    @Test("all models of the folder are served from the start; one that is broken is told and does not stop the others")
    func start() async throws {
        let folder = try Folder(["good/1/model.onnx": "scale 2", "broken/1/model.onnx": "nothing", "empty/x.txt": ""])
        let world = try folder.world()
        #expect(!world.repository.hasStarted)
        let problems = await world.repository.start([], isLazy: false)
        #expect(problems.count == 2 && world.repository.hasStarted)
        #expect(try await folder.ask(world, "good") == [2])
        let listed = await world.repository.index()
        #expect(listed.first { $0.name == "empty" }?.state == .unavailable)
        #expect(listed.first { $0.name == "good" }?.state == .ready)
    }

    @Test("a lazy start makes models known, and the first request loads them")
    func lazy() async throws {
        let folder = try Folder(["a/1/model.onnx": "scale 2", "b/1/model.onnx": "scale 3"])
        let world = try folder.world()
        #expect(await world.repository.start(["a"], isLazy: true).isEmpty)
        #expect(world.host.models().isEmpty)
        #expect(try await folder.ask(world, "a") == [2])
        let states = await world.repository.index()
        #expect(states.first { $0.name == "b" }?.isKnown == false)
    }

    @Test("the version policy chooses the versions that are served; the newest is the usual one")
    func versions() async throws {
        var files = ["m/1/model.onnx": "scale 1", "m/2/model.onnx": "scale 2", "m/3/model.onnx": "scale 3"]
        let newest = try Folder(files)
        var world = try newest.world()
        try await world.repository.load("m")
        #expect(world.host.models().map(\.number) == [3])
        files["m/config.pbtxt"] = "versions 1 2"
        let chosen = try Folder(files)
        world = try chosen.world()
        try await world.repository.load("m")
        #expect(world.host.models().map(\.number) == [1, 2])
        #expect(try await chosen.ask(world, "m") == [2])
        let none = try Folder(["m/config.pbtxt": "versions 9", "m/1/model.onnx": "scale 1"])
        world = try none.world()
        let error = await #expect(throws: GyreError.self) { try await world.repository.load("m") }
        #expect(error?.why?.contains("leaves none") == true)
    }

    @Test("a model that is mended is served by the next request")
    func mended() async throws {
        let folder = try Folder(["m/config.pbtxt": "nonsense", "m/1/model.onnx": "scale 2"])
        let world = try folder.world()
        #expect(await world.repository.start([], isLazy: true).count == 1)
        let error = await #expect(throws: GyreError.self) { try await folder.ask(world, "m") }
        #expect(error?.code == .unavailable)
        try folder.write("m/config.pbtxt", "batch 4")
        #expect(try await folder.ask(world, "m") == [2])
    }

    @Test("loading again takes the files as they are now, and what is gone from the folder leaves")
    func reload() async throws {
        let folder = try Folder(["m/1/model.onnx": "scale 2"])
        let world = try folder.world()
        try await world.repository.load("m")
        #expect(try await folder.ask(world, "m") == [2])
        try folder.write("m/2/model.onnx", "scale 5")
        try await world.repository.load("m")
        #expect(try await folder.ask(world, "m") == [5])
        #expect(world.host.models().map(\.number) == [2])
        try await world.repository.unload("m")
        #expect(world.host.models().isEmpty)
        let unknown = await #expect(throws: GyreError.self) { try await world.repository.unload("nobody") }
        #expect(unknown?.code == .notFound)
    }

    @Test("a file, a format and labels may be named by the configuration")
    func configuration() async throws {
        let folder = try Folder([
            "m/config.pbtxt": "file odd.onnx\nlabels probability names.txt", "m/1/odd.onnx": "scale 2",
            "m/names.txt": "yes\n no \n",
        ])
        let world = try folder.world()
        try await world.repository.load("m")
        #expect(world.host.models().first?.source.settings.labels == ["probability": ["yes", "no"]])
        let missing = try Folder(["m/config.pbtxt": "file gone.onnx", "m/1/x": ""])
        let other = try missing.world()
        let error = await #expect(throws: GyreError.self) { try await other.repository.load("m") }
        #expect(error?.code == .notFound && error?.why?.contains("gone.onnx") == true)
        let labels = try Folder(["m/config.pbtxt": "labels y gone.txt", "m/1/model.onnx": "scale 2"])
        let third = try labels.world()
        await #expect(throws: GyreError.self) { try await third.repository.load("m") }
    }

    @Test("files of a request are served until the next ones come, and a name or path cannot lead out of their folder")
    func uploads() async throws {
        let folder = try Folder([:])
        let world = try folder.world()
        try await world.repository.load("m", files: ["1/model.onnx": Array("scale 2".utf8)])
        #expect(try await folder.ask(world, "m") == [2])
        try await world.repository.load("m", files: ["1/model.onnx": Array("scale 3".utf8)])
        #expect(try await folder.ask(world, "m") == [3])
        let kept = try FileManager.default.contentsOfDirectory(atPath: world.disk.folder.path + "/uploads/m")
        #expect(kept.count == 1)
        for (name, path) in [("../m", "1/model.onnx"), ("m", "../../model.onnx"), ("a/b", "1/model.onnx")] {
            await #expect(throws: GyreError.self, "\(name) \(path)") {
                try await world.repository.load(name, files: [path: [1]])
            }
        }
        await #expect(throws: GyreError.self) {
            try await world.repository.load("m", files: ["1/model.onnx": Array("nothing".utf8)])
        }
        #expect(try await folder.ask(world, "m") == [3], "what served goes on")
    }

    @Test("a server that does not trust models takes no code and no other server's model from a request")
    func distrust() async throws {
        let folder = try Folder([:])
        let world = try folder.world(trustsModels: false)
        let code = await #expect(throws: GyreError.self) {
            try await world.repository.load("m", files: ["1/model.py": [1]])
        }
        #expect(code?.code == .denied)
        var disguised = ModelConfiguration()
        disguised.format = .python
        disguised.file = "model.txt"
        let given = disguised
        let masked = await #expect(throws: GyreError.self) {
            try await world.repository.load("m", configuration: given, files: ["1/model.txt": [1]])
        }
        #expect(masked?.code == .denied, "a configuration may call any file Python")
        var remote = ModelConfiguration()
        remote.settings.remote = "http://127.0.0.1:1/v2/models/x"
        let elsewhere = remote
        let far = await #expect(throws: GyreError.self) {
            try await world.repository.load("m", configuration: elsewhere)
        }
        #expect(far?.code == .denied)
    }

    @Test("a registered model is served by its name: versions with an alias, else the newest")
    func registered() async throws {
        let folder = try Folder([:])
        let world = try folder.world()
        _ = try await world.register("scale 1", as: "reg", configuration: "batch 4")
        _ = try await world.register("scale 2", as: "reg")
        try await world.repository.load("reg")
        #expect(try await folder.ask(world, "reg") == [2])
        try await world.registry.setAlias("champion", of: "reg", to: 1, by: "ann")
        try await world.repository.load("reg")
        #expect(try await folder.ask(world, "reg") == [1])
        #expect(world.host.models().map(\.source.settings.maximumBatch) == [4])
        #expect(try world.host.version("reg", label: "champion") == 1)
        let unknown = await #expect(throws: GyreError.self) { try await world.repository.load("nobody") }
        #expect(unknown?.code == .notFound)
    }

    @Test("what has the traffic of an endpoint is changed by deployments alone")
    func pinned() async throws {
        let folder = try Folder([:])
        let world = try folder.world()
        try await world.deploy("scale 2")
        for attempt in 0..<2 {
            let error = await #expect(throws: GyreError.self) {
                if attempt == 0 {
                    try await world.repository.load(DeliveryWorld.endpoint)
                } else {
                    try await world.repository.unload(DeliveryWorld.endpoint)
                }
            }
            #expect(error?.code == .conflict)
        }
        #expect(try await world.predict([1]) == [2])
    }

    @Test("a repository that is no folder is told at the start")
    func missingFolder() async throws {
        let world = try DeliveryWorld(repositoryFolder: "/nowhere/at/all")
        let error = await #expect(throws: GyreError.self) { try await world.repository.check() }
        #expect(error?.code == .notFound)
        try await DeliveryWorld().repository.check()
    }

    /// A folder in Triton's layout.
    private struct Folder {
        let root: TemporaryFolder

        init(_ files: [String: String]) throws {
            root = try TemporaryFolder()
            for (path, text) in files { try write(path, text) }
        }

        func write(_ path: String, _ text: String) throws {
            let url = URL(fileURLWithPath: "\(root.path)/\(path)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }

        func world(trustsModels: Bool = true) throws -> DeliveryWorld {
            try DeliveryWorld(trustsModels: trustsModels, repositoryFolder: root.path)
        }

        func ask(_ world: DeliveryWorld, _ name: String) async throws -> [Float] {
            try await world.answer(DeliveryWorld.request([1], to: name))
        }
    }
}

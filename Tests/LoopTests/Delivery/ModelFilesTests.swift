// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreDelivery
import GyreLedger
import GyreRegistry
import GyreServing
import GyreTestSupport
import GyreTracking
import Synchronization
import Testing

/// What serves a version, pinned by one digest.
@Suite struct ModelFilesTests {
    @Test("one ONNX file is pinned by its own digest and loaded as it lies in the store")
    func oneFile() async throws {
        let world = try DeliveryWorld()
        let version = try await world.register("scale 2")
        let digest = try await world.files.servable(version)
        #expect(digest == Digest(of: "scale 2"))
        let source = try await world.files.source(digest)
        #expect(source.format == .onnx && FileManager.default.contents(atPath: source.file) == Data("scale 2".utf8))
        #expect(try await world.files.members(of: digest) == [])
    }

    @Test("a folder that Python runs is pinned by the list of its files and laid out from it")
    func folder() async throws {
        let world = try DeliveryWorld()
        let version = try await folderVersion(world, ["model.pkl": "scale 2", "deep/extra.txt": "x"])
        let content = try await world.files.content(of: version)
        #expect(content.format == .python && Set(content.paths) == ["model.pkl", "deep/extra.txt"])
        let digest = try await world.files.servable(version)
        #expect(digest == content.digest)
        let source = try await world.files.source(digest)
        #expect(source.file.hasSuffix("/model.pkl"))
        let extra = source.file.dropLast("model.pkl".count) + "deep/extra.txt"
        #expect(FileManager.default.contents(atPath: String(extra)) == Data("x".utf8))
        #expect(Set(try await world.files.members(of: digest)) == [Digest(of: "scale 2"), Digest(of: "x")])
        #expect(try await world.files.source(digest) == source, "a second time nothing is laid out anew")
    }

    @Test("a server that does not trust models serves no code that clients brought")
    func distrust() async throws {
        let trusting = try DeliveryWorld()
        let version = try await folderVersion(trusting, ["model.pkl": "scale 2"])
        let digest = try await trusting.files.servable(version)
        let careful = try DeliveryWorld(trusting.disk, trustsModels: false)
        let refused = await #expect(throws: GyreError.self) { try await careful.files.servable(version) }
        #expect(refused?.code == .denied)
        let error = await #expect(throws: GyreError.self) { try await careful.files.source(digest) }
        #expect(error?.code == .denied && error?.fix?.contains("--trust-models") == true)
        let named = await #expect(throws: GyreError.self) { try await careful.files.keep("/etc/passwd", .onnx) }
        #expect(named?.code == .denied)
    }

    @Test("a version without one model, or whose files are elsewhere, cannot be served and says why")
    func notServable() async throws {
        let world = try DeliveryWorld()
        let two = try await folderVersion(world, ["a.onnx": "scale 1", "b.onnx": "scale 2"])
        let error = await #expect(throws: GyreError.self) { try await world.files.servable(two) }
        #expect(error?.why?.contains("2 .onnx files") == true)
        _ = try await world.registry.createModel("far", by: "ann")
        let far = try await world.registry.createVersion(
            of: "far", Registry.VersionDraft(source: "s3://bucket/model"), by: "ann")
        let elsewhere = await #expect(throws: GyreError.self) { try await world.files.servable(far) }
        #expect(elsewhere?.code == .unsupported)
    }

    @Test("a version of a logged model is served from where that keeps its files")
    func loggedModel() async throws {
        let world = try DeliveryWorld()
        let logged = try await world.loggedModels.create(
            name: "m", experimentID: "0", runID: "", modelType: "", params: [:], tags: [:], by: "ann"
        ) { "mlflow-artifacts:/models/\($0)" }
        let blob = try await world.disk.blobs.put(Array("scale 4".utf8))
        try await world.tracking.putArtifact(try RelativePath("models/\(logged.id)/model.onnx"), blob, by: "ann")
        _ = try await world.registry.createModel("m", by: "ann")
        var draft = Registry.VersionDraft(source: "models:/\(logged.id)")
        draft.modelID = logged.id
        let version = try await world.registry.createVersion(of: "m", draft, by: "ann")
        #expect(try await world.files.servable(version) == Digest(of: "scale 4"))
    }

    @Test("files of this machine are kept as they are now, whatever happens to them later")
    func keep() async throws {
        let world = try DeliveryWorld()
        let folder = try TemporaryFolder()
        let file = try folder.write("model.onnx", "scale 2")
        let digest = try await world.files.keep(folder.path, .onnx)
        try "scale 9".write(toFile: file, atomically: true, encoding: .utf8)
        #expect(FileManager.default.contents(atPath: try await world.files.source(digest).file) == Data("scale 2".utf8))
        _ = try folder.write("second.onnx", "scale 3")
        await #expect(throws: GyreError.self) { try await world.files.keep(folder.path, .onnx) }
        let python = try TemporaryFolder()
        _ = try python.write("model.py", "scale 5")
        _ = try python.write(".hidden", "secret")
        let kept = try await world.files.keep(python.path, .python)
        #expect(try await world.files.members(of: kept) == [Digest(of: "scale 5")])
        let none = await #expect(throws: GyreError.self) { try await world.files.keep(python.path, .xgboost) }
        #expect(none?.code == .invalid)
        let missing = await #expect(throws: GyreError.self) { try await world.files.keep("/nowhere/at/all", .onnx) }
        #expect(missing?.code == .notFound)
    }

    // MARK: Conversion

    @Test("a model of scikit-learn that converts and answers alike is served as ONNX, and the record says so")
    func converted() async throws {
        let converter = FakeConverter(agrees: true)
        let world = try DeliveryWorld(converter: converter)
        let version = try await folderVersion(world, ["model.pkl": "scale 2"])
        let digest = try await world.files.servable(version)
        let source = try await world.files.source(digest)
        #expect(source.format == .onnx && source.isLenient && source.features == ["a", "b"])
        _ = try await world.files.servable(version)
        #expect(converter.count == 1, "it is tried once")
        #expect(try await world.files.conversion(of: digest)?["agrees"] == true)
        var query = FactQuery()
        query.kindPrefix = "serving.model.converted"
        #expect(try await world.disk.ledger.facts(query).count == 1)
    }

    @Test("a conversion that answers differently leaves the model to Python")
    func disagrees() async throws {
        let world = try DeliveryWorld(converter: FakeConverter(agrees: false))
        let version = try await folderVersion(world, ["model.pkl": "scale 2"])
        let source = try await world.files.source(try await world.files.servable(version))
        #expect(source.format == .python)
    }

    @Test("a converter that was not there is tried again; one that cannot convert this model is not")
    func failures() async throws {
        let busy = FakeConverter(agrees: true, error: GyreError(.timeout, "Too slow."))
        let world = try DeliveryWorld(converter: busy)
        let version = try await folderVersion(world, ["model.pkl": "scale 2"])
        let digest = try await world.files.servable(version)
        _ = try await world.files.servable(version)
        #expect(busy.count == 2)
        #expect(try await world.files.conversion(of: digest) == nil)
        let unable = FakeConverter(agrees: true, error: GyreError(.unsupported, "No such estimator."))
        let other = try DeliveryWorld(world.disk, converter: unable)
        _ = try await other.files.servable(version)
        _ = try await other.files.servable(version)
        #expect(unable.count == 1)
        #expect(try await other.files.conversion(of: digest)?["reason"]?.string?.contains("estimator") == true)
    }

    @Test("the owner of a model may say that Python serves it, and other flavours are left alone")
    func refusals() async throws {
        let converter = FakeConverter(agrees: true)
        let world = try DeliveryWorld(converter: converter)
        let own = "flavors:\n  sklearn:\n    x: 1\nmetadata:\n  gyre_serve: python\n"
        _ = try await world.files.servable(try await folderVersion(world, ["MLmodel": own]))
        _ = try await world.files.servable(try await folderVersion(world, ["MLmodel": "flavors:\n  pytorch:\n"]))
        #expect(converter.count == 0)
        _ = try await world.files.servable(try await folderVersion(world, ["MLmodel": "flavors:\n  sklearn:\n"]))
        #expect(converter.count == 1)
    }

    @Test("what is registered is converted in the background, and what is no model is passed over")
    func background() async throws {
        let converter = FakeConverter(agrees: true)
        let world = try DeliveryWorld(converter: converter)
        let conversions = Conversions(store: world.disk.ledger, registry: world.registry, files: world.files)
        #expect(try await conversions.tick().isEmpty)
        _ = try await folderVersion(world, ["model.pkl": "scale 2"])
        _ = try await world.registry.createModel("prompt", by: "ann")
        _ = try await world.registry.createVersion(
            of: "prompt", Registry.VersionDraft(source: "dummy-source"), by: "ann")
        #expect(try await conversions.tick().isEmpty)
        #expect(converter.count == 1)
        #expect(try await conversions.tick().isEmpty)
        #expect(converter.count == 1)
    }

    private func folderVersion(_ world: DeliveryWorld, _ files: [String: String]) async throws -> ModelVersion {
        var given: [(path: String, digest: Digest)] = []
        for (path, text) in files.sorted(by: { $0.key < $1.key }) {
            given.append((path, try await world.disk.blobs.put(Array(text.utf8)).digest))
        }
        return try await world.imports.add("folder", files: given, configuration: nil, description: "", by: "ann")
    }
}

/// Writes a model that doubles, or fails.
private final class FakeConverter: ModelConverter {
    private let agrees: Bool
    private let error: GyreError?
    private let calls = Mutex(0)

    init(agrees: Bool, error: GyreError? = nil) {
        self.agrees = agrees
        self.error = error
    }

    var count: Int { calls.withLock { $0 } }

    func convert(_ model: String, to target: String) throws(GyreError) -> ModelConversion {
        calls.withLock { $0 += 1 }
        if let error { throw error }
        if agrees { _ = FileManager.default.createFile(atPath: target, contents: Data("scale 2".utf8)) }
        return ModelConversion(agrees: agrees, numbers: ["rows": 10, "features": ["a", "b"]])
    }
}

// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreDelivery
import GyreTestSupport
import Testing

@Suite struct ModelImportTests {
    @Test("files from a disk become the next version, with their digests on record")
    func add() async throws {
        let world = try DeliveryWorld()
        let first = try await world.register("scale 1", configuration: "batch 4")
        let second = try await world.register("scale 2")
        #expect(first.number == 1 && second.number == 2)
        #expect(first.tags[ModelImport.tag] == "batch 4" && second.tags[ModelImport.tag] == nil)
        #expect(try await world.files.servable(second) == Digest(of: "scale 2"))
    }

    @Test("nothing is registered of files that were not sent, of none, or with a configuration that is none")
    func refused() async throws {
        let world = try DeliveryWorld()
        let blob = try await world.disk.blobs.put([1])
        func add(_ files: [(path: String, digest: Digest)], _ configuration: String? = nil) async throws {
            _ = try await world.imports.add("m", files: files, configuration: configuration, description: "", by: "ann")
        }
        let missing = await #expect(throws: GyreError.self) { try await add([("m.onnx", Digest(of: "unsent"))]) }
        #expect(missing?.code == .notFound)
        await #expect(throws: GyreError.self) { try await add([]) }
        await #expect(throws: GyreError.self) { try await add([("../m.onnx", blob.digest)]) }
        await #expect(throws: GyreError.self) { try await add([("m.onnx", blob.digest)], "nonsense") }
        #expect(try await world.registry.models().isEmpty)
    }

    @Test("a configuration that is set later is kept with the version, and taken back")
    func configure() async throws {
        let world = try DeliveryWorld()
        let version = try await world.register("scale 1")
        try await world.imports.configure(version, "batch 8", by: "ann")
        #expect(try await world.registry.version(version.name, 1).tags[ModelImport.tag] == "batch 8")
        await #expect(throws: GyreError.self) { try await world.imports.configure(version, "nonsense", by: "ann") }
        try await world.imports.configure(version, nil, by: "ann")
        #expect(try await world.registry.version(version.name, 1).tags[ModelImport.tag] == nil)
        #expect(throws: GyreError.self) { try world.imports.check("nonsense") }
        #expect(throws: Never.self) { try world.imports.check(nil) }
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreBlobs
import GyreLedger
import GyreTestSupport
import Testing

/// What every blob store must do; another adapter is one more kind.
@Suite struct BlobStoreTests {
    static let kinds = ["files"]

    private static func store(_ kind: String, in folder: TemporaryFolder) throws -> any BlobStore {
        try FileBlobStore(root: folder.path + "/blobs")
    }

    @Test("bytes come back as they were, whatever their length and however they were written", arguments: kinds)
    func roundTrip(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        var random = SplitMix(seed: 7)
        for length in [0, 1, 1 << 20, (1 << 20) + 1, 3_000_000] {
            let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let writer = try await store.writer()
            var start = 0
            while start < length {
                let end = min(length, start + Int.random(in: 1...700_000, using: &random))
                try await writer.write(Array(bytes[start..<end]))
                start = end
            }
            let blob = try await writer.finish()
            #expect(blob.digest == Digest(of: bytes) && blob.sizeBytes == Int64(length))
            #expect(try await store.bytes(blob.digest) == bytes, "\(length) bytes")
            #expect(try await store.size(blob.digest) == Int64(length))
        }
    }

    @Test("the same bytes are one blob, and what was abandoned is none", arguments: kinds)
    func once(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        let first = try await store.put(Array("a".utf8))
        #expect(try await store.put(Array("a".utf8)) == first)
        let writer = try await store.writer()
        try await writer.write(Array("b".utf8))
        await writer.abandon()
        #expect(try await store.all() == [first.digest])
        #expect(await store.contains(Digest(of: "b")) == false)
    }

    @Test("a part of a blob is read from where it begins to where it ends", arguments: kinds)
    func parts(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        let blob = try await store.put(Array("0123456789".utf8))
        for (start, count, expected) in [(0, 3, "012"), (4, 2, "45"), (8, 2, "89"), (0, 10, "0123456789")] {
            let reader = try await store.reader(blob.digest, from: Int64(start), count: Int64(count))
            var bytes: [UInt8] = []
            while let piece = try await reader.next() { bytes += piece }
            #expect(String(decoding: bytes, as: UTF8.self) == expected)
        }
    }

    @Test(
        "a blob that is not there is told by each call, and one that is too large to be read at once too",
        arguments: kinds)
    func missing(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        let none = Digest(of: "none")
        let calls: [@Sendable () async throws -> Void] = [
            { _ = try await store.size(none) }, { _ = try await store.reader(none) },
            { _ = try await store.file(none) },
            { _ = try await store.reader(none, from: 0, count: 1) },
            { try await store.copy(none, to: folder.path + "/x") },
        ]
        for call in calls {
            let error = await #expect(throws: GyreError.self) { try await call() }
            #expect(error?.code == .notFound)
        }
        let blob = try await store.put(Array("12345".utf8))
        let error = await #expect(throws: GyreError.self) { try await store.bytes(blob.digest, limit: 4) }
        #expect(error?.code == .limitExceeded)
    }

    @Test(
        "a file becomes a blob and stays, one at a temporary path goes, and a copy is a file of its own",
        arguments: kinds)
    func files(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        let file = try folder.write("a.txt", "hello")
        let blob = try await store.add(file: file)
        #expect(FileManager.default.fileExists(atPath: file))
        try await store.copy(blob.digest, to: folder.path + "/deep/er/copy.txt")
        #expect(try String(contentsOfFile: folder.path + "/deep/er/copy.txt", encoding: .utf8) == "hello")
        let temporary = store.makeTemporaryPath()
        try "more".write(toFile: temporary, atomically: false, encoding: .utf8)
        #expect(try await store.adopt(temporaryPath: temporary).digest == Digest(of: "more"))
        #expect(!FileManager.default.fileExists(atPath: temporary))
        #expect(try String(contentsOfFile: try await store.file(blob.digest), encoding: .utf8) == "hello")
    }

    @Test("only what nobody wanted for long enough is removed, and says what became free", arguments: kinds)
    func remove(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        let blob = try await store.put(Array("12345".utf8))
        #expect(try await store.remove(blob.digest, unusedFor: 3600) == nil)
        #expect(try await store.remove(blob.digest, unusedFor: -1) == 5)
        #expect(await store.contains(blob.digest) == false)
        #expect(try await store.all().isEmpty)
    }

    @Test("bytes that changed on disk are told as damage, not given as if they were whole", arguments: kinds)
    func damage(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        let blob = try await store.put(Array("12345".utf8))
        let file = try await store.file(blob.digest)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        let handle = try #require(FileHandle(forWritingAtPath: file))
        try handle.write(contentsOf: Data("54321".utf8))
        try handle.close()
        let error = await #expect(throws: GyreError.self) { try await store.bytes(blob.digest) }
        #expect(error?.code == .corrupt)
    }
}

// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreBlobs
import GyreLedger
import GyreTables
import GyreTestSupport
import GyreVersioning
import Testing

/// Datasets and their versions.
@Suite struct VersioningTests {
    private let folder: TemporaryFolder
    private let ledger = MemoryLedgerStore(now: { 0 })
    private let blobs: FileBlobStore
    private let clock = ManualClock(step: 1_000_000)

    init() throws {
        folder = try TemporaryFolder()
        blobs = try FileBlobStore(root: folder.path + "/blobs")
    }

    private var versioning: Versioning {
        Versioning(
            store: ledger, blobs: blobs, tables: QualityTests.engine, surroundings: clock.surroundings)
    }

    private func tree(_ files: [String: String]) async throws -> Tree {
        var entries: [Tree.Entry] = []
        for (path, text) in files {
            entries.append(Tree.Entry(path: try RelativePath(path), blob: try await blobs.put(Array(text.utf8))))
        }
        return try Tree(entries)
    }

    private func add(
        _ files: [String: String], name: String = "toy", message: String = ""
    ) async throws -> DatasetVersion {
        try await versioning.add(try Name(name, of: "dataset"), try await tree(files), message: message, by: "ann")
            .version
    }

    @Test("the same content is the same version: adding it again changes nothing")
    func same() async throws {
        let first = try await add(["a.txt": "1"], message: "first")
        let again = try await versioning.add(
            try Name("toy", of: "dataset"), try await tree(["a.txt": "1"]), message: "again", by: "bob")
        #expect(!again.isNew && again.version == first)
        #expect(try await ledger.facts(FactQuery()).count == 1)
    }

    @Test("the newest version is what was added last, also where it was there before")
    func newest() async throws {
        let first = try await add(["a.txt": "1"])
        let second = try await add(["a.txt": "2"])
        #expect(try await versioning.version("toy").id == second.id)
        _ = try await add(["a.txt": "1"])
        #expect(try await versioning.version("toy").id == first.id)
        #expect(try await versioning.log("toy").map(\.id) == [second.id, first.id])
    }

    @Test("a version is found by its first digits, by latest and by accepted")
    func selectors() async throws {
        let version = try await add(["a.txt": "1"])
        _ = try await add(["a.txt": "1"], name: "toy2")
        #expect(try await versioning.version("toy", String(version.id.prefix(5))) == version)
        #expect(try await versioning.version(Ref("dataset", "toy")) == version)
        let none = await #expect(throws: GyreError.self) { try await versioning.version("toy", "accepted") }
        #expect(none?.why == "No version passed its checks yet.")
        try await versioning.accept(version, reason: ["check": "passed"], by: "ann")
        #expect(try await versioning.version("toy", "accepted") == version)
        #expect(try await versioning.log(nil).count == 2)
        let unknown = await #expect(throws: GyreError.self) { try await versioning.version("toy", "zzz") }
        #expect(unknown?.code == .notFound)
        let empty = await #expect(throws: GyreError.self) { try await versioning.version("none") }
        #expect(empty?.why == "Nothing was added to it.")
        await #expect(throws: GyreError.self) { try await versioning.version(Ref("model", "toy")) }
    }

    @Test("digits that several versions begin with are not guessed")
    func ambiguous() async throws {
        _ = try await add(["a.txt": "1"])
        _ = try await add(["a.txt": "2"])
        let error = await #expect(throws: GyreError.self) { try await versioning.version("toy", "") }
        #expect(error?.code == .invalid)
    }

    @Test("an empty dataset, and one whose blobs are not as large as it says, are refused")
    func refused() async throws {
        let name = try Name("toy", of: "dataset")
        await #expect(throws: GyreError.self) { try await versioning.add(name, try Tree([]), by: "ann") }
        let blob = try await blobs.put(Array("12345".utf8))
        let lying = try Tree([
            Tree.Entry(path: try RelativePath("a"), blob: StoredBlob(digest: blob.digest, sizeBytes: 4))
        ])
        let error = await #expect(throws: GyreError.self) { try await versioning.add(name, lying, by: "ann") }
        #expect(error?.code == .invalid)
    }

    @Test("a diff tells the files that differ, and of tables how many rows came and went")
    func diff() async throws {
        let old = try await add([
            "same.txt": "x", "gone.txt": "1", "data.csv": "a,b\n1,x\n2,y\n2,y\n", "old.csv": "a\n1\n",
            "columns.csv": "a\n1\n2\n",
        ])
        let new = try await add([
            "same.txt": "x", "more.txt": "22", "data.csv": "a,b\n1,x\n2,y\n3,z\n4,z\n", "new.csv": "a\n1\n2\n3\n",
            "columns.csv": "a,b\n1,2\n",
        ])
        let diff = try await versioning.diff(old, new)
        func change(_ path: String) throws -> Versioning.Diff.FileChange {
            try #require(diff.files.first { $0.path == path })
        }
        #expect(diff.files.map(\.path) == ["columns.csv", "data.csv", "gone.txt", "more.txt", "new.csv", "old.csv"])
        #expect(try change("gone.txt").kind == "removed" && change("gone.txt").addedRows == nil)
        #expect(try change("more.txt").kind == "added" && change("more.txt").newBytes == 2)
        #expect(try change("data.csv").addedRows == 2 && change("data.csv").removedRows == 1)
        #expect(try change("new.csv").addedRows == 3 && change("new.csv").removedRows == 0)
        #expect(try change("old.csv").addedRows == 0 && change("old.csv").removedRows == 1)
        #expect(try change("columns.csv").addedRows == 1 && change("columns.csv").removedRows == 2)
        #expect(diff.json["added_rows"] == 6 && diff.json["removed_rows"] == 4)
        #expect(try await versioning.diff(old, old).files.isEmpty)
    }
}

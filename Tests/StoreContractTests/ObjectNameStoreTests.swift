// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreBlobs
import GyreLedger
import GyreSQLite
import GyreTestSupport
import GyreVersioning
import Testing

@Suite struct ObjectNameStoreTests {
    private func name(_ number: UInt8, isFolder: Bool = false) -> ObjectName {
        ObjectName(bytes: [UInt8](repeating: number, count: 16), isFolder: isFolder)
    }

    private func object(_ number: UInt8, isFolder: Bool = false) -> NamedObject {
        NamedObject(
            name: name(number, isFolder: isFolder),
            blob: StoredBlob(digest: Digest(of: [number]), sizeBytes: Int64(number)))
    }

    @Test("names are kept for each remote by itself, found, listed in order, recorded once and removed with a fact")
    func names() async throws {
        let folder = try TemporaryFolder()
        let database = try SQLiteDatabase(path: folder.path + "/gyre.db", now: { 7 })
        let (store, ledger) = (SQLiteObjectNameStore(database), SQLiteLedgerStore(database))
        try await store.add([object(3), object(1), object(2, isFolder: true)], to: "a", by: "ann")
        try await store.add([object(1)], to: "b", by: "bob")
        try await store.add([object(1)], to: "a", by: "bob")
        #expect(try await store.find(name(1), in: "a")?.sizeBytes == 1)
        #expect(try await store.find(name(3), in: "b") == nil)
        #expect(try await store.find(name(2), in: "a") == nil, "a file and a listing are two things")
        #expect(try await store.names(in: "a", after: nil, limit: 2).map(\.name) == [name(1), name(2, isFolder: true)])
        #expect(try await store.names(in: "a", after: name(2, isFolder: true), limit: 2).map(\.name) == [name(3)])
        #expect(try await store.record())
        #expect(try await store.record() == false)
        let facts = try await ledger.facts(FactQuery()).map(\.fact)
        #expect(facts.map(\.kind).filter { $0 == "versioning.objects.pushed" }.count == 2)
        #expect(facts.contains { $0.actor == "ann" && $0.body["objects"]?.int == 3 && $0.outputs.count == 1 })
        try await store.remove([name(1), name(9)], from: "a", by: "ann")
        #expect(try await store.find(name(1), in: "a") == nil)
        #expect(try await store.digests() == [Digest(of: [1]), Digest(of: [2]), Digest(of: [3])])
    }

    @Test("many blobs at once are the blobs they would be one by one") func batch() async throws {
        let folder = try TemporaryFolder()
        let store = try FileBlobStore(root: folder.path + "/blobs")
        let contents = (0..<300).map { Array("content \($0 % 100)".utf8) } + [[]]
        let stored = try await store.add(contents)
        #expect(stored.map(\.digest) == contents.map { Digest(of: $0) })
        #expect(try await store.all().count == 101)
        for (blob, content) in zip(stored, contents).suffix(3) {
            #expect(try await store.bytes(blob.digest) == content)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreTestSupport
import Testing

/// Facts name what was read, never a name that means something else tomorrow.
@Suite struct PinnedFactTests {
    @Test(
        "a fact whose input or output floats is refused, and nothing is written",
        arguments: LedgerStoreTests.kinds,
        [
            "dataset/toy", "dataset/toy@latest", "dataset/toy@accepted", "dataset/toy@3f2a", "model/delay@champion",
            "model/delay@latest", "release/delay@newest", "pipeline-run/9c1e", "suite/a@latest",
        ])
    func floating(kind: String, text: String) async throws {
        let folder = try TemporaryFolder()
        let store = try LedgerStoreTests.store(kind, in: folder)
        let ref = try Ref(parsing: text)
        for fact in [
            Fact("test.made", LedgerStoreTests.thing, by: "t", inputs: [ref]),
            Fact("test.made", LedgerStoreTests.thing, by: "t", outputs: [ref]),
        ] {
            let error = await #expect(throws: GyreError.self) {
                try await store.commit([.put(Document("d", "k", 1))], recording: [fact])
            }
            #expect(error?.code == .internal)
        }
        #expect(try await store.head().seq == 0)
        #expect(try await store.document("d", "k") == nil)
    }

    @Test(
        "names that stay what they are may stand in a fact",
        arguments: [
            "dataset/toy@3f2a00000000", "model/delay", "model/delay@7", "release/delay@2", "endpoint/delay",
            "run/any-id",
            "pipeline-run/0123456789abcdef0123456789abcdef", "model/champion@1", "model/latest@2",
        ])
    func pinned(text: String) throws { #expect(try Ref(parsing: text).floating == nil) }
}

/// A reader of the ledger that goes on where it stopped.
@Suite struct LedgerCursorTests {
    private func take(_ cursor: LedgerCursor) async throws -> [Int64] {
        let taken = Taken()
        try await cursor.advance { recorded throws(GyreError) in
            await taken.add(recorded.seq)
            return true
        }
        return await taken.all
    }

    private actor Taken {
        var all: [Int64] = []
        func add(_ seq: Int64) { all.append(seq) }
    }

    @Test(
        "the first time it begins at the end; then each fact comes once and in order", arguments: LedgerStoreTests.kinds
    )
    func once(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try LedgerStoreTests.store(kind, in: folder)
        try await store.commit([], recording: [LedgerStoreTests.fact()])
        let cursor = LedgerCursor("reader", in: store)
        #expect(try await take(cursor) == [])
        try await store.commit([], recording: [LedgerStoreTests.fact(), LedgerStoreTests.fact()])
        #expect(try await take(cursor) == [2, 3])
        #expect(try await take(cursor) == [])
    }

    @Test(
        "more facts than a page holds are all handed on, those of other kinds passed over",
        arguments: LedgerStoreTests.kinds)
    func pages(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try LedgerStoreTests.store(kind, in: folder)
        let cursor = LedgerCursor("reader", in: store, kindPrefix: "test.")
        #expect(try await take(cursor) == [])
        for _ in 0..<5 {
            try await store.commit(
                [], recording: (0..<500).map { LedgerStoreTests.fact($0 % 2 == 0 ? "test.made" : "other.made") })
        }
        #expect(try await take(cursor) == (0..<2500).filter { $0 % 2 == 0 }.map { Int64($0 + 1) })
    }

    @Test(
        "one made anew goes on where the last one stopped, and a fact that was not taken comes again",
        arguments: LedgerStoreTests.kinds)
    func again(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try LedgerStoreTests.store(kind, in: folder)
        #expect(try await take(LedgerCursor("reader", in: store)) == [])
        try await store.commit([], recording: (0..<3).map { _ in LedgerStoreTests.fact() })
        await #expect(throws: GyreError.self) {
            try await LedgerCursor("reader", in: store).advance { recorded throws(GyreError) in
                if recorded.seq == 2 { throw GyreError(.unavailable, "not now") }
                return recorded.seq == 1
            }
        }
        #expect(try await take(LedgerCursor("reader", in: store)) == [2, 3])
    }

    @Test(
        "pages of documents come in the order of their bytes, letters of all kinds among them",
        arguments: LedgerStoreTests.kinds)
    func order(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try LedgerStoreTests.store(kind, in: folder)
        let keys = ["a", "Z", "é", "ß", "日本", "🙂", "z", "a/b", "a.b"]
        for key in keys { try await store.commit([.put(Document("d", key, 1))], recording: [LedgerStoreTests.fact()]) }
        var found: [String] = []
        while true {
            let page = try await store.documents("d", prefix: "", after: found.last, limit: 3)
            found += page.map(\.key)
            if page.count < 3 { break }
        }
        let sorted = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(found.map { Array($0.utf8) } == sorted.map { Array($0.utf8) })
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreLedger
import GyreSQLite
import GyreTestSupport
import Testing

/// What every ledger store must do.
@Suite struct LedgerStoreTests {
    static let kinds = ["memory", "sqlite"]

    static func store(_ kind: String, in folder: TemporaryFolder) throws -> any LedgerStore {
        if kind == "memory" { return MemoryLedgerStore(now: { 1000 }) }
        return SQLiteLedgerStore(try SQLiteDatabase(path: folder.path + "/gyre.db", now: { 1000 }))
    }

    static let thing = Ref("thing", "a")
    static func fact(_ kind: String = "test.made") -> Fact { Fact(kind, thing, by: "test") }

    @Test("facts form a chain without gaps", arguments: kinds)
    func chain(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        for _ in 0..<5 { try await store.commit([], recording: [Self.fact(), Self.fact()]) }
        let facts = try await store.facts(FactQuery())
        #expect(facts.map(\.seq) == Array(1...10))
        #expect(zip(facts, facts.dropFirst()).allSatisfy { $0.hash == $1.previousHash })
        #expect(try await store.verify().findings == [])
        #expect(try await store.head() == Head(seq: 10, hash: facts[9].hash))
    }

    @Test("a change that is refused leaves nothing behind", arguments: kinds)
    func refused(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        try await store.commit([.create(Document("d", "k", 1))], recording: [Self.fact()])
        let error = await #expect(throws: GyreError.self) {
            try await store.commit(
                [.put(Document("d", "other", 2)), .move("p", to: 1), .create(Document("d", "k", 3))],
                recording: [Self.fact()])
        }
        #expect(error?.code == .alreadyExists)
        #expect(try await store.documents("d").map(\.key) == ["k"])
        #expect(try await store.pointer("p") == nil)
        #expect(try await store.head().seq == 1)
    }

    @Test("a move is noted with the value before and after", arguments: kinds)
    func moves(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        try await store.commit([.move("p", to: "one")], recording: [Self.fact()])
        let recorded = try await store.commit([.moveIf("p", expecting: "one", to: "two")], recording: [Self.fact()])
        #expect(recorded[0].moves == [PointerMove("p", old: "one", new: "two")])
        let error = await #expect(throws: GyreError.self) {
            try await store.commit([.moveIf("p", expecting: "one", to: "three")], recording: [Self.fact()])
        }
        #expect(error?.code == .conflict)
        #expect(try await store.pointer("p") == "two")
    }

    @Test("documents are listed by key, by prefix and page by page", arguments: kinds)
    func documents(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        for key in ["b@2", "a@1", "b@1", "é@1"] {
            try await store.commit([.put(Document("d", key, .string(key)))], recording: [Self.fact()])
        }
        #expect(try await store.documents("d").map(\.key) == ["a@1", "b@1", "b@2", "é@1"])
        #expect(try await store.documents("d", prefix: "b@").map(\.key) == ["b@1", "b@2"])
        #expect(try await store.documents("d", prefix: "", after: "a@1", limit: 1).map(\.key) == ["b@1"])
        #expect(try await store.documents("d", prefix: "é").count == 1)
    }

    @Test("facts are found by what they mention and by kind", arguments: kinds)
    func queries(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        let made = Ref("model", "m", "1")
        try await store.commit(
            [], recording: [Fact("a.one", Self.thing, by: "x", outputs: [made]), Fact("b.two", Self.thing, by: "x")])
        #expect(try await store.facts(FactQuery(mentioning: made)).map(\.fact.kind) == ["a.one"])
        var query = FactQuery()
        query.kindPrefix = "b."
        #expect(try await store.facts(query).map(\.seq) == [2])
        query = FactQuery()
        query.isNewestFirst = true
        query.limit = 1
        #expect(try await store.facts(query).map(\.seq) == [2])
    }

    @Test("writers at the same time lose nothing and keep the chain", arguments: kinds)
    func concurrent(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for number in 0..<25 {
                        try await store.commit(
                            [.create(Document("d", "\(writer)-\(number)", 1))], recording: [Self.fact()])
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.documents("d").count == 200)
        #expect(try await store.verify().findings == [])
        #expect(try await store.head().seq == 200)
    }

    @Test("a rollback restores the pointers that were live before, also the removed", arguments: kinds)
    func rollback(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        try await store.commit([.move("a", to: 1), .move("b", to: 1)], recording: [Self.fact()])
        try await store.commit([.move("a", to: 2)], recording: [Self.fact()])
        try await store.commit([.move("a", to: 3), .move("b", to: nil), .move("c", to: 1)], recording: [Self.fact()])
        let plan = try await RollbackPlan.compute(to: 1, in: store)
        try await store.commit(plan.changes, recording: [Self.fact("ledger.rolled-back")])
        #expect(try await store.pointer("a") == 1)
        #expect(try await store.pointer("b") == 1)
        #expect(try await store.pointer("c") == nil)
        #expect(try await store.facts(FactQuery()).last?.moves.count == 3)
    }

    @Test("lineage is walked up and down, and as of a time", arguments: kinds)
    func lineage(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        let (data, run, model) = (Ref("dataset", "d", "3f2a00000000"), Ref("run", "r"), Ref("model", "m", "1"))
        try await store.commit([], recording: [Fact("x", run, by: "t", inputs: [data], outputs: [run])])
        try await store.commit([], recording: [Fact("y", model, by: "t", inputs: [run], outputs: [model])])
        let lineage = Lineage(store: store)
        #expect(try await Set(lineage.walk(.up, from: model).nodes) == [model, run, data])
        #expect(try await Set(lineage.walk(.down, from: data).nodes) == [data, run, model])
        #expect(try await lineage.walk(.down, from: data, asOf: 1).nodes == [data, run])
        #expect(try await lineage.path(from: data, to: model).map(\.output) == [run, model])
        #expect(try await lineage.path(from: model, to: data) == [])
    }

    @Test("what a transaction read is still so when it writes", arguments: kinds)
    func transact(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        try await store.commit([.create(Document("d", "count", 0))], recording: [Self.fact()])
        try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    try await store.transact { ledger throws(GyreError) in
                        let next = (try ledger.document("d", "count")?.body.int ?? 0) + 1
                        return Proposal(next, [.put(Document("d", "count", .int(next)))], recording: [Self.fact()])
                    }
                }
            }
            var given: Set<Int64> = []
            for try await number in group { given.insert(number) }
            #expect(given == Set(1...200))
        }
        let error = await #expect(throws: GyreError.self) {
            try await store.transact { ledger throws(GyreError) -> Proposal<Void> in
                #expect(try ledger.documents("d", prefix: "").map(\.key) == ["count"])
                throw GyreError(.invalid, "no")
            }
        }
        #expect(error?.code == .invalid)
        #expect(try await store.document("d", "count")?.body == 200)
        #expect(try await store.head().seq == 201)
    }
}

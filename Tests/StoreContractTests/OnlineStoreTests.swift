// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreFeatures
import GyreSQLite
import GyreTestSupport
import Testing

/// What every store of online features must do; another adapter is one more kind.
@Suite struct OnlineStoreTests {
    static let kinds = ["sqlite"]

    private static func store(_ kind: String, in folder: TemporaryFolder) throws -> any OnlineStore {
        SQLiteOnlineStore(try SQLiteDatabase(path: folder.path + "/gyre.db", now: { 0 }))
    }

    private static func row(_ entity: String, _ value: JSONValue) -> OnlineRow {
        OnlineRow(entity: entity, eventMicroseconds: 5, values: ["v": value])
    }

    @Test("a generation is read by its number, whatever else is written beside it", arguments: kinds)
    func generations(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        try await store.write([Self.row("a", 1), Self.row("b", "text")], view: "v", generation: 1)
        try await store.write([Self.row("a", 2)], view: "v", generation: 2)
        try await store.write([Self.row("a", 9)], view: "other", generation: 1)
        #expect(try await store.read(view: "v", generation: 1, entity: "a") == Self.row("a", 1))
        #expect(try await store.read(view: "v", generation: 1, entity: "b") == Self.row("b", "text"))
        #expect(try await store.read(view: "v", generation: 2, entity: "a") == Self.row("a", 2))
        #expect(try await store.read(view: "v", generation: 2, entity: "b") == nil)
        #expect(try await store.read(view: "v", generation: 3, entity: "a") == nil)
        #expect(try await store.read(view: "none", generation: 1, entity: "a") == nil)
    }

    @Test("generations before a number go, those from it on and those of other views stay", arguments: kinds)
    func prune(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        for generation in Int64(1)...3 {
            try await store.write([Self.row("a", .int(generation))], view: "v", generation: generation)
        }
        try await store.write([Self.row("a", 9)], view: "other", generation: 1)
        try await store.prune(view: "v", before: 3)
        #expect(try await store.read(view: "v", generation: 2, entity: "a") == nil)
        #expect(try await store.read(view: "v", generation: 3, entity: "a") == Self.row("a", 3))
        #expect(try await store.read(view: "other", generation: 1, entity: "a") != nil)
    }

    @Test("entities are told apart byte by byte, and a generation may be large or empty", arguments: kinds)
    func entities(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        let names = ["a", "A", "a ", "ä", "a\u{0308}", "", "[\"a\",\"b\"]"] + (0..<3000).map { "e\($0)" }
        try await store.write(names.map { Self.row($0, .string($0)) }, view: "v", generation: 1)
        for name in names {
            let found = try #require(try await store.read(view: "v", generation: 1, entity: name))
            #expect(found.values["v"]?.string.map { Array($0.utf8) } == Array(name.utf8))
        }
        try await store.write([], view: "v", generation: 2)
        #expect(try await store.read(view: "v", generation: 2, entity: "a") == nil)
    }
}

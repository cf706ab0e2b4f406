// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreBlobs
import GyreFeatures
import GyreLedger
import GyreSQLite
import GyreTestSupport
import Testing

/// How views are defined, and what they are read by.
@Suite struct FeatureViewTests {
    private static func json(_ change: (inout JSONValue) -> Void = { _ in }) -> JSONValue {
        var json: JSONValue = [
            "name": "load", "dataset": "load", "entities": ["origin", "hour"], "timestamp": "known",
            "features": ["n", "twice"],
            "query": "SELECT origin, hour, known, n, 2 * n AS twice FROM source",
        ]
        change(&json)
        return json
    }

    @Test("a view that lacks a part is refused by that part")
    func parts() {
        let changes: [(@Sendable (inout JSONValue) -> Void, String)] = [
            ({ $0["dataset"] = nil }, "dataset"), ({ $0["timestamp"] = nil }, "timestamp"),
            ({ $0["entities"] = [] }, "entities"), ({ $0["features"] = nil }, "features"),
            ({ $0["ttl_seconds"] = 0 }, "positive ttl_seconds"),
        ]
        for (change, part) in changes {
            let error = #expect(throws: GyreError.self) { try FeatureView(json: Self.json(change)) }
            #expect(error?.what == "The feature view \"load\" has no \(part).")
        }
        #expect(throws: GyreError.self) { try FeatureView(json: Self.json { $0["name"] = "a/b" }) }
    }

    @Test("a view over a query is read by all of its entity's columns, and applying it again is no news")
    func read() async throws {
        let folder = try TemporaryFolder()
        let ledger = MemoryLedgerStore(now: { 0 })
        let blobs = try FileBlobStore(root: folder.path + "/blobs")
        let features = Features(
            store: ledger, blobs: blobs, tables: QualityTests.engine,
            online: SQLiteOnlineStore(try SQLiteDatabase(path: folder.path + "/db", now: { 0 })), surroundings: .still)
        let view = try FeatureView(json: Self.json())
        try await features.apply(view, by: "ann")
        try await features.apply(view, by: "ann")
        #expect(try await ledger.facts(FactQuery()).count == 1)
        #expect(try await features.views() == [view])
        let blob = try await blobs.put(
            Array("origin,hour,known,n\nA,7,2020-01-01 10:00:00,5\nA,8,2020-01-01 10:00:00,6\n".utf8))
        let tree = try Tree([Tree.Entry(path: try RelativePath("load.csv"), blob: blob)])
        let source = Features.Source(ref: Ref("dataset", "load", tree.digest.short), tree: tree)
        #expect(try await features.read("load", entity: ["A", "7"])["status"] == "NOT_FOUND")
        #expect(try await features.materialize("load", from: source, asOf: nil, by: "ann") == 2)
        let found = try await features.read("load", entity: ["A", "8"])
        #expect(found["status"] == "PRESENT" && found["values"]?["twice"]?.int == 12)
        let error = await #expect(throws: GyreError.self) { try await features.read("load", entity: ["A"]) }
        #expect(error?.what == "The view \"load\" is read by origin, hour.")
        let unknown = await #expect(throws: GyreError.self) { try await features.read("none", entity: ["A"]) }
        #expect(unknown?.code == .notFound)
        let spine = await #expect(throws: GyreError.self) {
            try await features.join(spine: source, query: nil, timestampColumn: "known", views: ["load"], sources: [:])
        }
        #expect(spine?.what.contains("of which no version was given") == true)
        // What an earlier version brought online stands under keys that nobody asks for: that is said, and not that there is nothing.
        let pointer = Features.onlinePointer("load")
        let old: JSONValue = ["generation": try await ledger.pointer(pointer)?["generation"] ?? .null]
        try await ledger.commit(
            [.move(pointer, to: old)], recording: [Fact("test.old", Ref("feature-view", "load"), by: "t")])
        let keyed = await #expect(throws: GyreError.self) { try await features.read("load", entity: ["A", "8"]) }
        #expect(keyed?.code == .conflict && keyed?.fix == "gyre feature materialize load")
    }
}

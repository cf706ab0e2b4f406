// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreBlobs
import GyreFeatures
import GyreLedger
import GyreSQLite
import GyreTables
import GyreTestSupport
import Testing

@Suite struct FeaturesTests {
    private struct World {
        let folder: TemporaryFolder
        let blobs: FileBlobStore
        let features: Features

        init() throws {
            folder = try TemporaryFolder()
            blobs = try FileBlobStore(root: folder.path + "/blobs")
            features = Features(
                store: MemoryLedgerStore(now: { 0 }), blobs: blobs, tables: QualityTests.engine,
                online: SQLiteOnlineStore(try SQLiteDatabase(path: folder.path + "/db", now: { 0 })),
                surroundings: .still)
        }

        func source(_ name: String, _ csv: String) async throws -> Features.Source {
            let blob = try await blobs.put(Array(csv.utf8))
            let tree = try Tree([Tree.Entry(path: try RelativePath("\(name).csv"), blob: blob)])
            return Features.Source(ref: Ref("dataset", name, tree.digest.short), tree: tree)
        }
    }

    private static let view: JSONValue = [
        "name": "weather", "dataset": "weather", "entities": ["origin"], "timestamp": "known", "ttl_seconds": 7200,
        "features": ["temp"],
    ]

    @Test("a join takes the latest value that was known, none that is too old, and never one from the future")
    func pointInTime() async throws {
        let world = try World()
        try await world.features.apply(try FeatureView(json: Self.view), by: "t")
        let weather = try await world.source(
            "weather", "origin,known,temp\nA,2020-01-01 10:00:00,1\nA,2020-01-01 11:00:00,2\nB,2020-01-01 10:00:00,9\n")
        let spine = try await world.source(
            "spine",
            """
            id,origin,at
            1,A,2020-01-01 09:59:59
            2,A,2020-01-01 10:00:00
            3,A,2020-01-01 10:59:59
            4,A,2020-01-01 11:00:01
            5,A,2020-01-01 13:00:00
            6,C,2020-01-01 11:00:00
            """)
        let joined = try await world.features.join(
            spine: spine, query: nil, timestampColumn: "at", views: ["weather"], sources: ["weather": weather])
        let rows = try await QualityTests.engine.open().run(
            "SELECT id, temp FROM read_parquet('\(try await world.blobs.file(joined.blob.digest))') ORDER BY id")
        #expect(rows.rows.map { $0[1].int } == [nil, 1, 1, 2, nil, nil])
        #expect(joined.madeFrom.contains(weather.ref) && joined.madeFrom.contains(spine.ref))
    }

    @Test("for random rows no joined value was known later than its row's time", arguments: 0..<5)
    func noLeak(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let world = try World()
        try await world.features.apply(try FeatureView(json: Self.view), by: "t")
        // The value of the feature is the minute from which on it was known.
        var weather = "origin,known,temp\n"
        for minute in Set((0..<60).map { _ in Int.random(in: 0..<1000, using: &random) }) {
            weather += "A,\(Timestamp.readable(Int64(minute) * 60_000_000)),\(minute)\n"
        }
        var spine = "minute,origin,at\n"
        for _ in 0..<200 {
            let minute = Int.random(in: 0..<1000, using: &random)
            spine += "\(minute),A,\(Timestamp.readable(Int64(minute) * 60_000_000))\n"
        }
        let joined = try await world.features.join(
            spine: try await world.source("spine", spine), query: nil, timestampColumn: "at", views: ["weather"],
            sources: ["weather": try await world.source("weather", weather)])
        let bad = try await QualityTests.engine.open().run(
            "SELECT count(*) FROM read_parquet('\(try await world.blobs.file(joined.blob.digest))') WHERE temp > minute OR temp <= minute - 120"
        )
        #expect(bad.scalar == 0, "seed \(seed)")
    }

    @Test("materialised values are the latest known, read by key, and marked when too old")
    func online() async throws {
        let world = try World()
        try await world.features.apply(try FeatureView(json: Self.view), by: "t")
        let weather = try await world.source(
            "weather", "origin,known,temp\nA,2020-01-01 10:00:00,1\nA,2020-01-01 11:00:00,2\n")
        let early = try Timestamp.parse("2020-01-01T10:30:00Z")
        #expect(try await world.features.materialize("weather", from: weather, asOf: early, by: "t") == 1)
        #expect(try await world.features.read("weather", entity: ["A"], now: early)["values"]?["temp"]?.int == 1)
        #expect(try await world.features.materialize("weather", from: weather, asOf: nil, by: "t") == 1)
        #expect(try await world.features.read("weather", entity: ["A"], now: early)["values"]?["temp"]?.int == 2)
        let late = try await world.features.read("weather", entity: ["A"])
        #expect(late["status"] == "OUTSIDE_MAX_AGE")
        #expect(late["values"]?["temp"] == .null)
        #expect(try await world.features.read("weather", entity: ["Z"])["status"] == "NOT_FOUND")
    }
}

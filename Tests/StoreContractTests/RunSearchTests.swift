// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreLedger
import GyreSQLite
import GyreSearch
import GyreTestSupport
import GyreTracking
import Testing

/// Searching, page by page, gives what sorting everything by hand gives.
@Suite struct RunSearchTests {
    private struct Known {
        let id: String
        let start: Int64
        let metric: Double?
        let param: String
    }

    private static let seed: UInt64 = 20_261_123

    /// More runs than a probe of an index looks at, with many equal values, NaN and gaps.
    private static func fill(_ store: SQLiteTrackingStore, _ count: Int) async throws -> [Known] {
        var random = SplitMix(seed: seed)
        let draft = ExperimentDraft(name: "e", artifactLocation: nil, tags: [], atMilliseconds: 1)
        let experiment = try await store.createExperiment(draft) { id in
            Fact("test.made", Ref("experiment", String(id)), by: "test")
        }
        var known: [Known] = []
        for index in 0..<count {
            let metric: Double? =
                switch random.next() % 10 {
                case 0: nil
                case 1: .nan
                default: Double(random.next() % 40) / 4
                }
            known.append(
                Known(
                    id: String(format: "run%05d", Int(random.next() % 90_000) + index * 100_000),
                    start: Int64(random.next() % 500),
                    metric: metric, param: "v\(random.next() % 5)"))
        }
        let made = known
        try await withThrowingTaskGroup(of: Void.self) { group in
            for run in made {
                group.addTask {
                    _ = try await store.createRun(in: experiment.id) { parent throws(GyreError) in
                        let run = Run(
                            id: run.id, experimentID: parent.id, name: run.id, userID: "", status: .running,
                            startMilliseconds: run.start, endMilliseconds: nil, isDeleted: false, artifactURI: "")
                        return (run, Fact("test.made", run.ref, by: "test"))
                    }
                    var entries = RunEntries()
                    entries.params = [KeyValue("p", run.param)]
                    if let value = run.metric {
                        entries.metrics = [MetricPoint(key: "m", value: value, timestampMilliseconds: 1, step: 0)]
                    }
                    try await store.log(run.id, entries)
                }
            }
            try await group.waitForAll()
        }
        return known
    }

    private static func expected(_ known: [Known], filter: (Known) -> Bool, byMetric isAscending: Bool?) -> [String] {
        func rank(_ run: Known) -> Int { run.metric.map { $0.isNaN ? 1 : 0 } ?? 2 }
        return known.filter(filter).sorted { left, right in
            if let isAscending {
                if rank(left) != rank(right) { return rank(left) < rank(right) }
                if rank(left) == 0, let one = left.metric, let other = right.metric, one != other {
                    return (one < other) == isAscending
                }
            }
            return left.start != right.start ? left.start > right.start : left.id < right.id
        }.map(\.id)
    }

    @Test("pages of any order and filter are those of the whole list")
    func pages() async throws {
        let folder = try TemporaryFolder()
        let store = SQLiteTrackingStore(try SQLiteDatabase(path: folder.path + "/gyre.db", now: { 1000 }))
        let known = try await Self.fill(store, 5000)
        let filters: [(text: String, holds: (Known) -> Bool)] = [
            ("", { _ in true }), ("params.p = 'v1'", { $0.param == "v1" }),
            ("metrics.m > 9.5", { ($0.metric ?? -1) > 9.5 }),
            ("metrics.m != 3", { $0.metric.map { $0 != 3 } ?? false }),
            ("params.p LIKE 'v%' AND metrics.m <= 1", { $0.metric.map { $0 <= 1 } ?? false }),
            ("params.p = 'nothing'", { _ in false }),
        ]
        for (text, holds) in filters {
            for order in [nil, true, false] as [Bool?] {
                var query = RunQuery(experimentIDs: [0], filter: try Filter(text))
                if let order { query.order = [try OrderBy("metrics.m \(order ? "ASC" : "DESC")")] }
                query.limit = 700
                var found: [String] = []
                repeat {
                    let page = try await store.searchRuns(query)
                    found += try await store.runs(page.rows).map(\.id)
                    query.after = page.next
                } while query.after != nil
                let wanted = Self.expected(known, filter: holds, byMetric: order)
                #expect(found == wanted, "seed \(Self.seed), filter \(text), order \(String(describing: order))")
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreSQLite
import GyreTestSupport
import GyreTracking
import Testing

@testable import GyreNative

@Suite struct RunWatcherTests {
    private func tracking(_ folder: TemporaryFolder) async throws -> (Tracking, Run) {
        let database = try SQLiteDatabase(path: folder.path + "/gyre.db", now: { 1000 })
        let tracking = Tracking(store: SQLiteTrackingStore(database), surroundings: .still)
        let experiment = try await tracking.createExperiment("e", by: "test")
        var draft = Tracking.RunDraft()
        draft.experimentID = String(experiment.id)
        return (tracking, try await tracking.createRun(draft, by: "test"))
    }

    private func log(_ tracking: Tracking, _ run: Run, _ key: String, _ steps: Range<Int>) async throws {
        var entries = RunEntries()
        entries.metrics = steps.map {
            MetricPoint(key: key, value: Double($0) * 1e-7, timestampMilliseconds: Int64(1000 + $0), step: Int64($0))
        }
        try await tracking.store.log(run.id, entries)
    }

    /// The steps that events tell of one metric.
    private func steps(_ events: String?, _ metric: String) throws -> [Int] {
        try (events ?? "").split(separator: "\n").filter { $0.hasPrefix("data: {\"metric\"") }.flatMap { line in
            let event = try JSONValue(parsing: String(line.dropFirst(6)))
            guard event["metric"]?.string == metric else { return [Int]() }
            return (event["points"]?.array ?? []).compactMap { $0.array?.first?.int.map { Int($0) } }
        }
    }

    @Test("what is logged between the history and the stream is told by the stream")
    func cursor() async throws {
        let folder = try TemporaryFolder()
        let (tracking, run) = try await tracking(folder)
        try await log(tracking, run, "loss", 0..<10)
        let history = try await tracking.store.history(of: "loss", in: run.id, after: nil, limit: 100)
        let cursor = HistoryCursor(try #require(history.last))
        try await log(tracking, run, "loss", 10..<1300)

        let now = try await tracking.run(run.id)
        let watcher = RunWatcher(store: tracking.store, run: now, after: [try HistoryCursor(cursor.text)])
        #expect(try steps(try await watcher.news(), "loss") == Array(10..<1300))
        #expect(try await watcher.news() == "")
    }

    @Test(
        "a metric that begins while the run is watched is told from its first point on, one without a cursor from now on"
    )
    func new() async throws {
        let folder = try TemporaryFolder()
        let (tracking, run) = try await tracking(folder)
        try await log(tracking, run, "loss", 0..<10)
        let watcher = RunWatcher(store: tracking.store, run: try await tracking.run(run.id), after: [])
        try await log(tracking, run, "loss", 10..<12)
        try await log(tracking, run, "auc", 0..<3)
        let events = try await watcher.news()
        #expect(try steps(events, "loss") == [10, 11])
        #expect(try steps(events, "auc") == [0, 1, 2])
    }

    @Test("a cursor is read as it was written, whatever the metric is called", arguments: ["loss", "a,b", "", "ü/1 2"])
    func text(key: String) throws {
        let point = MetricPoint(key: key, value: 3e-7, timestampMilliseconds: 5, step: -2)
        #expect(try HistoryCursor(HistoryCursor(point).text).point == point)
        #expect(throws: GyreError.self) { try HistoryCursor("1,2,three,\(key)") }
        #expect(throws: GyreError.self) { try HistoryCursor("1,2") }
    }
}

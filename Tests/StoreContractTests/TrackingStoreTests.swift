// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreSQLite
import GyreSearch
import GyreTestSupport
import GyreTracking
import Testing

/// What every tracking store must do; another adapter is one more kind.
@Suite struct TrackingStoreTests {
    static let kinds = ["sqlite"]

    private static func store(_ kind: String, in folder: TemporaryFolder) throws -> any TrackingStore {
        SQLiteTrackingStore(try SQLiteDatabase(path: folder.path + "/gyre.db", now: { 0 }))
    }

    private static let fact = Fact("test.done", Ref("thing", "a"), by: "test")

    private static func experiment(_ store: any TrackingStore, _ name: String = "e") async throws -> Experiment {
        try await store.createExperiment(
            ExperimentDraft(name: name, artifactLocation: nil, tags: [KeyValue("k", "v")], atMilliseconds: 5)
        ) { _ in fact }
    }

    @discardableResult
    private static func run(
        _ store: any TrackingStore, _ id: String, in experiment: Experiment, start: Int64 = 1
    ) async throws -> Run {
        try await store.createRun(in: experiment.id) { parent throws(GyreError) in
            let run = Run(
                id: id, experimentID: parent.id, name: id, userID: "ann", status: .running, startMilliseconds: start,
                endMilliseconds: nil, isDeleted: false, artifactURI: "mlflow-artifacts:/\(parent.id)/\(id)/artifacts")
            return (run, fact)
        }
    }

    private static func entries(_ change: (inout RunEntries) -> Void) -> RunEntries {
        var entries = RunEntries()
        change(&entries)
        return entries
    }

    @Test("a name is taken by one experiment, deleted or not, until it is removed for good", arguments: kinds)
    func names(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        let first = try await Self.experiment(store)
        for isDeleted in [false, true] {
            if isDeleted { try await store.updateExperiment(first.id, .delete, at: 9, recording: Self.fact) }
            let error = await #expect(throws: GyreError.self) { try await Self.experiment(store) }
            #expect(error?.code == .alreadyExists)
        }
        #expect(try await store.deletedExperiments(before: 9).map(\.id) == [first.id])
        #expect(try await store.deletedExperiments(before: 8).isEmpty)
        let gone = try #require(try await store.experiment(first.id))
        try await store.remove(gone, recording: Self.fact)
        #expect(try await Self.experiment(store).id != first.id)
        #expect(try await store.experiment(first.id) == nil)
    }

    @Test("deleting an experiment takes its runs along, and restoring brings them back", arguments: kinds)
    func deleting(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        let experiment = try await Self.experiment(store)
        try await Self.run(store, "r1", in: experiment)
        try await store.updateExperiment(experiment.id, .delete, at: 9, recording: Self.fact)
        #expect(try await store.run("r1")?.isDeleted == true)
        #expect(try await store.experiments(.active).contains { $0.id == experiment.id } == false)
        let deleted = try #require(try await store.experiment(experiment.id))
        let error = await #expect(throws: GyreError.self) { try await store.remove(deleted, recording: Self.fact) }
        #expect(error?.code == .conflict, "it has runs")
        try await store.updateExperiment(experiment.id, .restore, at: 10, recording: Self.fact)
        #expect(try await store.run("r1")?.isDeleted == false)
    }

    @Test("what is logged at once is all there or nothing, and a param keeps its first value", arguments: kinds)
    func log(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        try await Self.run(store, "r1", in: try await Self.experiment(store))
        try await store.log("r1", Self.entries { $0.params = [KeyValue("p", "1")] })
        try await store.log("r1", Self.entries { $0.params = [KeyValue("p", "1")] })
        let error = await #expect(throws: GyreError.self) {
            try await store.log(
                "r1",
                Self.entries {
                    $0.tags = [KeyValue("t", "x")]
                    $0.metrics = [MetricPoint(key: "m", value: 1, timestampMilliseconds: 1, step: 0)]
                    $0.params = [KeyValue("q", "1"), KeyValue("p", "2")]
                })
        }
        #expect(error?.code == .invalid)
        let run = try #require(try await store.run("r1"))
        #expect(run.params == [KeyValue("p", "1")] && run.metrics.isEmpty && run.tag("t") == nil)
        let unknown = await #expect(throws: GyreError.self) { try await store.log("none", RunEntries()) }
        #expect(unknown?.code == .notFound)
        let taken = await #expect(throws: GyreError.self) {
            try await Self.run(store, "r1", in: try #require(try await store.experiment(named: "e")))
        }
        #expect(taken?.code == .alreadyExists)
    }

    @Test("pages of a metric's history hold each point once, in order, while more are logged", arguments: kinds)
    func history(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        try await Self.run(store, "r1", in: try await Self.experiment(store))
        var random = SplitMix(seed: 3)
        let points = (0..<100).map { _ in
            MetricPoint(
                key: "m", value: Double(Int.random(in: 0...3, using: &random)),
                timestampMilliseconds: Int64.random(in: 0...20, using: &random),
                step: Int64.random(in: 0...5, using: &random))
        }
        try await store.log("r1", Self.entries { $0.metrics = points })
        var seen: [MetricPoint] = []
        var last: MetricPoint?
        repeat {
            let page = try await store.history(of: "m", in: "r1", after: last, limit: 7)
            seen += page
            last = page.count == 7 ? page.last : nil
            // What comes later than all stands at the end, and takes nobody's place.
            if seen.count < 50 {
                let late = MetricPoint(key: "m", value: 0, timestampMilliseconds: 1000 + Int64(seen.count), step: 99)
                try await store.log("r1", Self.entries { $0.metrics = [late] })
            }
        } while last != nil
        let early = seen.filter { $0.step < 99 }
        #expect(Set(early) == Set(points) && early.count == Set(points).count, "seed 3")
        let order = zip(seen, seen.dropFirst()).allSatisfy { one, other in
            (one.timestampMilliseconds, one.step, one.value) < (other.timestampMilliseconds, other.step, other.value)
        }
        #expect(order)
        let sample = try await store.sample(of: "m", in: "r1", count: 10)
        #expect(sample.count <= 20 && sample.last == seen.last)
        #expect(try await store.history(of: "m", in: "none", after: nil, limit: 7).isEmpty)
    }

    @Test("pages of a search hold each run once, in order, while runs are added", arguments: kinds)
    func search(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        let experiment = try await Self.experiment(store)
        for number in 0..<30 { try await Self.run(store, "r\(number)", in: experiment, start: Int64(number % 7)) }
        var query = RunQuery(experimentIDs: [experiment.id], filter: try Filter(""))
        query.limit = 4
        var seen: [String] = []
        repeat {
            let page = try await store.searchRuns(query)
            seen += try await store.runs(page.rows).map(\.id)
            query.after = page.next
            // A run that is newer than all stands before the first page.
            try await Self.run(store, "new\(seen.count)", in: experiment, start: 1000)
        } while query.after != nil
        #expect(Set(seen) == Set((0..<30).map { "r\($0)" }) && seen.count == 30)
    }

    @Test("a removed run leaves nothing, and only runs that were deleted long enough ago are listed", arguments: kinds)
    func remove(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        let experiment = try await Self.experiment(store)
        let run = try await Self.run(store, "r1", in: experiment)
        try await store.log("r1", Self.entries { $0.tags = [KeyValue("t", "x")] })
        let path = try RelativePath("\(experiment.id)/r1/artifacts/a.txt")
        try await store.putArtifact(path, StoredBlob(digest: Digest(of: "a"), sizeBytes: 1)) { _ in Self.fact }
        #expect(try await store.artifactDigests() == [Digest(of: "a")])
        #expect(try await store.deletedRuns(before: .max, limit: 10).isEmpty)
        var change = RunChange()
        change.isDeleted = true
        try await store.updateRun("r1", change, recording: Self.fact)
        #expect(try await store.deletedRuns(before: .max, limit: 10).map(\.id) == ["r1"])
        try await store.remove([run], recording: [Self.fact])
        #expect(try await store.run("r1") == nil)
        #expect(try await store.artifact(path) == nil)
        #expect(try await store.artifactDigests().isEmpty)
    }

    @Test("artifacts are listed below their folder, and go with it", arguments: kinds)
    func artifacts(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        for name in ["a/b/1", "a/b/2", "a/bc", "a.b/3"] {
            try await store.putArtifact(
                try RelativePath(name), StoredBlob(digest: Digest(of: name), sizeBytes: 1)
            ) { _ in Self.fact }
        }
        func below(_ path: String?) async throws -> [String] {
            try await store.artifacts(below: try path.map { try RelativePath($0) }).map(\.path.description)
        }
        #expect(try await below("a/b") == ["a/b/1", "a/b/2"])
        #expect(try await below(nil).count == 4)
        #expect(try await store.deleteArtifacts(try RelativePath("a/b"), recording: Self.fact))
        #expect(try await !store.deleteArtifacts(try RelativePath("a/b"), recording: Self.fact))
        #expect(Set(try await below(nil)) == ["a/bc", "a.b/3"])
    }

    @Test("a tag that holds a list grows, and one that is not there cannot be removed", arguments: kinds)
    func tags(kind: String) async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(kind, in: folder)
        try await Self.run(store, "r1", in: try await Self.experiment(store))
        for number in 1...2 { try await store.appendToTag("list", .int(Int64(number)), of: "r1") }
        let text = try #require(try await store.run("r1")?.tag("list"))
        #expect(try JSONValue(parsing: text) == [1, 2])
        try await store.deleteTag("list", of: "r1")
        let error = await #expect(throws: GyreError.self) { try await store.deleteTag("list", of: "r1") }
        #expect(error?.code == .notFound)
    }
}

// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreSQLite
import GyreTestSupport
import GyreTracking
import Testing

/// Experiments and runs, and the rules on them.
@Suite struct TrackingTests {
    private let folder: TemporaryFolder
    private let database: SQLiteDatabase
    private let tracking: Tracking

    init() throws {
        folder = try TemporaryFolder()
        database = try SQLiteDatabase(path: folder.path + "/gyre.db", now: { 0 })
        tracking = Tracking(store: SQLiteTrackingStore(database), surroundings: .still)
    }

    private func facts() async throws -> [Fact] { try await SQLiteLedgerStore(database).facts(FactQuery()).map(\.fact) }

    private func run(_ change: (inout Tracking.RunDraft) -> Void = { _ in }) async throws -> Run {
        var draft = Tracking.RunDraft()
        draft.experimentID = String(try await experiment().id)
        change(&draft)
        return try await tracking.createRun(draft, by: "ann")
    }

    private func experiment(_ name: String = "e") async throws -> Experiment {
        do { return try await tracking.createExperiment(name, by: "ann") } catch {
            guard error.code == .alreadyExists else { throw error }
            return try #require(try await tracking.store.experiment(named: name))
        }
    }

    @Test("an experiment is renamed, deleted, restored and tagged, each with its fact")
    func experiments() async throws {
        let id = String(try await experiment().id)
        try await tracking.updateExperiment(id, .rename("f"), by: "ann")
        try await tracking.updateExperiment(id, .setTag(KeyValue("k", "v")), by: "ann")
        try await tracking.updateExperiment(id, .delete, by: "ann")
        #expect(try await tracking.experiment(id).isDeleted)
        for change in [ExperimentChange.rename("g"), .setTag(KeyValue("k", "w")), .deleteTag("k")] {
            let error = await #expect(throws: GyreError.self) {
                try await tracking.updateExperiment(id, change, by: "ann")
            }
            #expect(error?.code == .invalid)
        }
        let twice = await #expect(throws: GyreError.self) {
            try await tracking.updateExperiment(id, .delete, by: "ann")
        }
        #expect(twice?.what.hasSuffix("exists that is active.") == true)
        try await tracking.updateExperiment(id, .restore, by: "ann")
        try await tracking.updateExperiment(id, .deleteTag("k"), by: "ann")
        #expect(try await tracking.experiment(id).name == "f")
        let kinds = try await facts().map(\.kind)
        #expect(
            kinds.suffix(5) == [
                "tracking.experiment.renamed", "tracking.experiment.tagged", "tracking.experiment.deleted",
                "tracking.experiment.restored", "tracking.experiment.untagged",
            ])
    }

    @Test("an experiment without a name, with a number that is none, or that is not there is told")
    func experimentErrors() async throws {
        for name in ["", String(repeating: "n", count: 501)] {
            await #expect(throws: GyreError.self) { try await tracking.createExperiment(name, by: "ann") }
        }
        let text = await #expect(throws: GyreError.self) { try await tracking.experiment("x") }
        #expect(text?.code == .invalid)
        let missing = await #expect(throws: GyreError.self) { try await tracking.experiment("77") }
        #expect(missing?.code == .notFound)
        let id = String(try await experiment().id)
        await #expect(throws: GyreError.self) {
            try await tracking.updateExperiment(
                id, .setTag(KeyValue("k", String(repeating: "v", count: 20_001))), by: "ann")
        }
    }

    @Test("a run without a name is given one, and a name that is told twice must be the same")
    func names() async throws {
        #expect(try await run().name == "glad-kite-500")
        #expect(try await run { $0.tags = [KeyValue("mlflow.runName", "tagged")] }.name == "tagged")
        await #expect(throws: GyreError.self) {
            try await run {
                $0.name = "one"
                $0.tags = [KeyValue("mlflow.runName", "two")]
            }
        }
    }

    @Test("a run that cannot be is refused, and says why")
    func refused() async throws {
        let changes: [@Sendable (inout Tracking.RunDraft) -> Void] = [
            { $0.experimentID = "x" }, { $0.experimentID = "99" }, { $0.id = "-a" }, { $0.id = "a/b" },
            { $0.tags = [KeyValue("", "v")] }, { $0.name = String(repeating: "n", count: 8001) },
        ]
        for change in changes { await #expect(throws: GyreError.self) { try await run(change) } }
        let experiment = String(try await experiment().id)
        try await tracking.updateExperiment(experiment, .delete, by: "ann")
        let error = await #expect(throws: GyreError.self) { try await run { $0.experimentID = experiment } }
        #expect(error?.why == "It was deleted.")
    }

    @Test("the end of a run pins what it logged and what it read; what floats is said not to be pinned")
    func ended() async throws {
        let data = Ref("dataset", "d", "111111111111")
        let run = try await run {
            $0.tags = [
                KeyValue("gyre.input.data", data.description), KeyValue("gyre.input.other", "dataset/x@latest"),
                KeyValue("gyre.input.text", "only words"),
            ]
        }
        var entries = RunEntries()
        entries.params = [KeyValue("rate", "0.1")]
        entries.metrics = (0..<5).map {
            MetricPoint(key: "loss", value: 1 / Double($0 + 1), timestampMilliseconds: 5, step: Int64($0))
        }
        try await tracking.log(run.id, entries)
        var change = RunChange()
        change.status = .finished
        #expect(try await tracking.updateRun(run.id, change, by: "ann").status == .finished)
        let first = try #require(try await facts().last)
        #expect(first.kind == "tracking.run.ended" && first.inputs == [data] && first.outputs == [run.ref])
        #expect(first.body["inputs_not_pinned"] == ["dataset/x@latest"])
        // The digest is of all that was logged: one point more is another.
        var more = RunEntries()
        more.metrics = [MetricPoint(key: "loss", value: 0, timestampMilliseconds: 6, step: 9)]
        try await tracking.log(run.id, more)
        _ = try await tracking.updateRun(run.id, change, by: "ann")
        #expect(try await facts().last?.body["data_sha256"] != first.body["data_sha256"])
    }

    @Test("a deleted run is not written to until it is restored")
    func deleted() async throws {
        let run = try await run()
        try await tracking.setDeleted(true, run: run.id, by: "ann")
        await #expect(throws: GyreError.self) { try await tracking.updateRun(run.id, RunChange(), by: "ann") }
        try await tracking.setDeleted(false, run: run.id, by: "ann")
        _ = try await tracking.updateRun(run.id, RunChange(), by: "ann")
        let error = await #expect(throws: GyreError.self) { try await tracking.run("none") }
        #expect(error?.code == .notFound)
    }

    @Test("what is logged is all kept or nothing of it, and long values are cut as clients do")
    func log() async throws {
        let run = try await run()
        func attempt(_ change: @Sendable (inout RunEntries) -> Void) async throws {
            var entries = RunEntries()
            change(&entries)
            try await tracking.log(run.id, entries)
        }
        await #expect(throws: GyreError.self) {
            try await attempt {
                $0.params = [KeyValue("fine", "1"), KeyValue("twice", "1"), KeyValue("twice", "1")]
            }
        }
        await #expect(throws: GyreError.self) {
            try await attempt { $0.metrics = [MetricPoint(key: "m", value: 1, timestampMilliseconds: -1, step: 0)] }
        }
        for key in ["", "a//b", "../a", "a#b"] {
            await #expect(throws: GyreError.self) { try await attempt { $0.tags = [KeyValue(key, "v")] } }
        }
        try await attempt {
            $0.params = [KeyValue("long", String(repeating: "x", count: 7000))]
            $0.tags = [KeyValue("ö/long", String(repeating: "x", count: 9000))]
        }
        let kept = try await tracking.run(run.id)
        #expect(kept.params.map(\.key) == ["long"] && kept.params[0].value.count == 6000)
        #expect(kept.tag("ö/long")?.count == 8000)
    }

    @Test("a file that takes another's place is told with both digests, one that is put again is not")
    func artifacts() async throws {
        let path = try RelativePath("1/r/artifacts/a.txt")
        for (text, isTold) in [("one", false), ("one", false), ("two", true)] {
            let before = try await facts().count
            try await tracking.putArtifact(path, StoredBlob(digest: Digest(of: text), sizeBytes: 3), by: "ann")
            #expect(try await facts().count - before == (isTold ? 1 : 0), "\(text)")
        }
        #expect(try await facts().last?.body["old_sha256"] == .string(Digest(of: "one").hex))
        try await tracking.deleteArtifacts(path, by: "ann")
        try await tracking.deleteArtifacts(path, by: "ann")
        #expect(try await facts().filter { $0.kind == "tracking.artifact.deleted" }.count == 1)
    }
}

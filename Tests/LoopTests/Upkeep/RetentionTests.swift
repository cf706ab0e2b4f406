// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreBlobs
import GyreDelivery
import GyreLedger
import GyreRegistry
import GyreReleases
import GyreSQLite
import GyreTestSupport
import GyreTracking
import GyreUpkeep
import Testing

/// What is removed for good, and what is not.
@Suite struct RetentionTests {
    @Test("a folder's files are kept as long as its list of files is named, and go with it")
    func folderModels() async throws {
        let folder = try TemporaryFolder()
        let ledger = MemoryLedgerStore(now: { 0 })
        let blobs = try FileBlobStore(root: folder.path + "/blobs")
        let tracking = Tracking(
            store: SQLiteTrackingStore(try SQLiteDatabase(path: folder.path + "/gyre.db", now: { 0 })),
            surroundings: .still)
        let loggedModels = LoggedModels(store: ledger, surroundings: .still)
        let files = ModelFiles(
            tracking: tracking, loggedModels: loggedModels, blobs: blobs, store: ledger, converter: nil,
            folders: folder.path + "/models", trustsModels: true)
        let retention = Retention(
            store: ledger, blobs: blobs, tracking: tracking, registry: Registry(store: ledger, surroundings: .still),
            loggedModels: loggedModels, releases: Releases(store: ledger, surroundings: .still), files: files,
            surroundings: .still)
        try FileManager.default.createDirectory(atPath: folder.path + "/service", withIntermediateDirectories: true)
        _ = try folder.write("service/model.joblib", "weights")
        _ = try folder.write("service/settings.json", "{}")
        let digest = try await files.keep(folder.path + "/service", .python)
        try await ledger.commit(
            [.put(Document("inference-service", "a", ["sha256": .string(digest.hex)]))],
            recording: [Fact("test.applied", Ref("endpoint", "a"), by: "t")])

        let kept = try await retention.collect(deletedFor: 0, graceSeconds: -1, by: "t")
        #expect(kept.blobs == 0)
        let members = try await files.members(of: digest)
        #expect(members.count == 2)
        for member in members { #expect(await blobs.contains(member)) }

        try await ledger.commit(
            [.remove(kind: "inference-service", key: "a")],
            recording: [Fact("test.removed", Ref("endpoint", "a"), by: "t")])
        #expect(try await retention.collect(deletedFor: 0, graceSeconds: -1, by: "t").blobs == 3)
    }

    @Test("what was deleted long enough ago goes for good, with a fact each; what was deleted lately stays")
    func deleted() async throws {
        let world = try World()
        let (old, young) = (try await world.run(), try await world.run())
        try await world.tracking.setDeleted(true, run: old.id, by: "ann")
        world.clock.advance(seconds: 100)
        try await world.tracking.setDeleted(true, run: young.id, by: "ann")
        let plan = try await world.retention.plan(deletedFor: 50)
        #expect(plan.runs.map(\.id) == [old.id] && plan.kept.isEmpty)
        _ = try await world.retention.collect(deletedFor: 50, graceSeconds: 3600, by: "ann")
        await #expect(throws: GyreError.self) { try await world.tracking.run(old.id) }
        #expect(try await world.tracking.run(young.id).isDeleted)
        try await world.retention.carryOut(deletedFor: [])
        #expect(try await world.tracking.run(young.id).isDeleted, "no project asks for anything")
        world.clock.advance(seconds: 1000)
        try await world.retention.carryOut(deletedFor: [1, 100_000])
        #expect(try await world.tracking.run(young.id).isDeleted, "the longest wish counts")
        try await world.retention.carryOut(deletedFor: [1])
        await #expect(throws: GyreError.self) { try await world.tracking.run(young.id) }
        #expect(try await world.database.facts("retention.run.removed").count == 2)
    }

    @Test("a run that a version or a release stands on stays although it was deleted, and so does its experiment")
    func needed() async throws {
        let world = try World()
        let experiment = try await world.experiment()
        let (versioned, released) = (try await world.run(experiment.id), try await world.run(experiment.id))
        var draft = Registry.VersionDraft(source: "mlflow-artifacts:/x")
        draft.runID = versioned.id
        _ = try await world.registry.createModel("m", by: "ann")
        let version = try await world.registry.createVersion(of: "m", draft, by: "ann")
        var pins = Release.Pins(model: version.ref, modelDigest: .zero)
        pins.run = released.ref
        let release = try await world.releases.create(try Name("e", of: "endpoint"), pins, reason: "", by: "ann")
        try await world.tracking.updateExperiment(String(experiment.id), .delete, by: "ann")
        for run in [versioned, released] where try await !world.tracking.run(run.id).isDeleted {
            try await world.tracking.setDeleted(true, run: run.id, by: "ann")
        }
        world.clock.advance(seconds: 100)
        let plan = try await world.retention.plan(deletedFor: 1)
        #expect(plan.runs.isEmpty && plan.experiments.isEmpty)
        #expect(Set(plan.kept.map(\.neededBy)).isSuperset(of: [version.ref, release.ref]))
        #expect(plan.kept.contains { $0.what == experiment.ref })
    }

    @Test("a deleted experiment goes with its last run, and its name is free again")
    func experiments() async throws {
        let world = try World()
        let experiment = try await world.experiment()
        _ = try await world.run(experiment.id)
        try await world.tracking.updateExperiment(String(experiment.id), .delete, by: "ann")
        world.clock.advance(seconds: 100)
        let outcome = try await world.retention.collect(deletedFor: 1, graceSeconds: 3600, by: "ann")
        #expect(outcome.plan.experiments.map(\.id) == [experiment.id] && outcome.plan.runs.count == 1)
        _ = try await world.tracking.createExperiment("e", by: "ann")
    }

    @Test("a deleted logged model goes with its files, unless a version is made of it")
    func loggedModels() async throws {
        let world = try World()
        func logged(_ name: String) async throws -> LoggedModel {
            let model = try await world.loggedModels.create(
                name: name, experimentID: "0", runID: "", modelType: "", params: [:], tags: [:], by: "ann"
            ) { "mlflow-artifacts:/models/\($0)" }
            let blob = try await world.blobs.put(Array(name.utf8))
            try await world.tracking.putArtifact(try RelativePath("models/\(model.id)/model.onnx"), blob, by: "ann")
            return model
        }
        let (used, unused) = (try await logged("used"), try await logged("unused"))
        _ = try await world.registry.createModel("m", by: "ann")
        var draft = Registry.VersionDraft(source: "models:/\(used.id)")
        draft.modelID = used.id
        _ = try await world.registry.createVersion(of: "m", draft, by: "ann")
        for model in [used, unused] { try await world.loggedModels.delete(model.id, by: "ann") }
        world.clock.advance(seconds: 100)
        let outcome = try await world.retention.collect(deletedFor: 1, graceSeconds: -1, by: "ann")
        #expect(outcome.plan.loggedModels.map(\.id) == [unused.id] && outcome.plan.kept.map(\.what) == [used.ref])
        #expect(outcome.blobs == 1 && outcome.freedBytes == 6)
        #expect(await world.blobs.contains(Digest(of: "used")))
        await #expect(throws: GyreError.self) { try await world.loggedModels.model(unused.id, allowsDeleted: true) }
    }

    @Test("a version that names a logged model which is not here does not keep everything else from being removed")
    func foreignModel() async throws {
        let world = try World()
        _ = try await world.registry.createModel("m", by: "ann")
        var draft = Registry.VersionDraft(source: "models:/m-elsewhere")
        draft.modelID = "m-elsewhere"
        _ = try await world.registry.createVersion(of: "m", draft, by: "ann")
        let run = try await world.run()
        try await world.tracking.setDeleted(true, run: run.id, by: "ann")
        world.clock.advance(seconds: 100)
        #expect(try await world.retention.plan(deletedFor: 1).runs.map(\.id) == [run.id])
    }

    /// Tracking, registry and blobs with one clock.
    private struct World {
        let folder: TemporaryFolder
        let clock = ManualClock()
        let database: SQLiteLedgerStore
        let blobs: FileBlobStore
        let tracking: Tracking
        let registry: Registry
        let loggedModels: LoggedModels
        let releases: Releases
        let retention: Retention

        init() throws {
            folder = try TemporaryFolder()
            let surroundings = clock.surroundings
            let file = try SQLiteDatabase(path: folder.path + "/gyre.db", now: surroundings.now)
            database = SQLiteLedgerStore(file)
            blobs = try FileBlobStore(root: folder.path + "/blobs")
            tracking = Tracking(store: SQLiteTrackingStore(file), surroundings: surroundings)
            registry = Registry(store: database, surroundings: surroundings)
            loggedModels = LoggedModels(store: database, surroundings: surroundings)
            releases = Releases(store: database, surroundings: surroundings)
            retention = Retention(
                store: database, blobs: blobs, tracking: tracking, registry: registry, loggedModels: loggedModels,
                releases: releases,
                files: ModelFiles(
                    tracking: tracking, loggedModels: loggedModels, blobs: blobs, store: database, converter: nil,
                    folders: folder.path + "/models", trustsModels: true), surroundings: surroundings)
        }

        /// An experiment beside the first, which is never removed.
        func experiment() async throws -> Experiment {
            _ = try await tracking.createExperiment("Default", by: "ann")
            return try await tracking.createExperiment("e", by: "ann")
        }

        func run(_ experiment: Int64 = 0) async throws -> Run {
            if experiment == 0, try await tracking.store.experiment(0) == nil {
                _ = try await tracking.createExperiment("Default", by: "ann")
            }
            var draft = Tracking.RunDraft()
            draft.experimentID = String(experiment)
            return try await tracking.createRun(draft, by: "ann")
        }
    }
}

extension SQLiteLedgerStore {
    /// The facts of a kind, oldest first.
    fileprivate func facts(_ kind: String) async throws -> [RecordedFact] {
        var query = FactQuery()
        query.kindPrefix = kind
        return try await facts(query)
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreBlobs
import GyreDelivery
import GyreFeatures
import GyreKFP
import GyreLedger
import GyreLoop
import GyrePipelines
import GyreQuality
import GyreRegistry
import GyreReleases
import GyreSQLite
import GyreServing
import GyreTables
import GyreTestSupport
import GyreTracking
import GyreVersioning
import Synchronization
import Testing

@testable import GyreLoop

/// What a release says about the data behind its model.
@Suite struct ProvenanceTests {
    @Test("a run that asks for @latest keeps the version that was newest when it started, whatever comes after")
    func latest() async throws {
        let world = try World()
        let first = try await world.addData("a")
        world.executor.holdsTasks.withLock { $0 = true }
        let run = try await world.start("dataset/toy@latest")
        let second = try await world.addData("b")
        world.executor.release()
        let ended = try await world.pipelines.wait(for: run.id)
        #expect(ended.state == .succeeded, "\(ended.message ?? "")")
        #expect(ended.parameters["training"] == .string(first.description))
        let pins = try await world.pins(of: run.id)
        #expect(pins.training == first)
        #expect(pins.datasets == [first])
        #expect(first != second)
        let started = try await world.ledger.facts(FactQuery()).first { $0.fact.kind == "pipelines.run.started" }
        #expect(started?.fact.body["resolved"]?["dataset/toy@latest"]?.string == first.description)
    }

    @Test("a parameter that only looks like a dataset is no data of the model")
    func text() async throws {
        let world = try World()
        let read = try await world.addData("a")
        _ = try await world.addData("other", name: "other")
        let run = try await world.start(read.description, note: "dataset/other@latest")
        _ = try await world.pipelines.wait(for: run.id)
        let pins = try await world.pins(of: run.id)
        #expect(pins.datasets == [read])
        #expect(pins.parameters["note"] == "dataset/other@latest")
    }

    @Test("a run whose data is not there does not start")
    func missing() async throws {
        let world = try World()
        let error = await #expect(throws: GyreError.self) { try await world.start("dataset/toy@latest") }
        #expect(error?.code == .notFound)
        #expect(try await world.pipelines.runs().isEmpty)
    }

    @Test("a set of the same content names what it was made of for this run")
    func madeAgain() async throws {
        let world = try World()
        let sources = [Ref("dataset", "raw", "111111111111"), Ref("dataset", "raw", "222222222222")]
        let first = try await world.addData("a", madeFrom: [sources[0]])
        let second = try await world.addData("a", madeFrom: [sources[1]])
        #expect(first == second)
        let run = try await world.start(second.description, purpose: .training(second, madeFrom: [sources[1]]))
        _ = try await world.pipelines.wait(for: run.id)
        let pins = try await world.pins(of: run.id)
        #expect(pins.datasets == [sources[1]])
        #expect(pins.training == second)
        let told = try await world.ledger.facts(FactQuery(mentioning: second)).map(\.fact)
        #expect(told.contains { $0.kind == "versioning.dataset.made-again" && $0.inputs == [sources[1]] })
    }

    @Test(
        "in any order of adding, running, registering and deploying, a release names exactly what its run read",
        arguments: 1...12)
    func anyOrder(seed: Int) async throws {
        var random = SplitMix(seed: UInt64(seed))
        let world = try World()
        var newest = try await world.addData("0")
        /// What each run must have read.
        var expected: [String: Ref] = [:]
        var isRunning: [String] = []
        for step in 1...24 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: newest = try await world.addData("\(Int.random(in: 0..<4, using: &random))")
            case 1:
                let floats = Bool.random(using: &random)
                let pinned = "dataset/toy@\(newest.version?.prefix(6) ?? "")"
                let run = try await world.start(floats ? "dataset/toy@latest" : pinned, note: "\(step)")
                expected[run.id] = newest
                isRunning.append(run.id)
            case 2:
                if let run = isRunning.randomElement(using: &random) {
                    isRunning.removeAll { $0 == run }
                    _ = try await world.pipelines.wait(for: run)
                }
            default:
                let ended = expected.keys.filter { !isRunning.contains($0) }.sorted()
                if let run = ended.randomElement(using: &random) {
                    let release = try await world.releases.create(
                        try Name("toy", of: "endpoint"), try await world.pins(of: run), reason: "", by: "test")
                    #expect(release.pins.datasets == [expected[run]], "seed \(seed), step \(step)")
                }
            }
        }
        for (run, read) in expected {
            _ = try await world.pipelines.wait(for: run)
            #expect(try await world.pins(of: run).datasets == [read], "seed \(seed)")
        }
        #expect(try await world.ledger.verify().findings.isEmpty)
    }
}

/// Everything a release is made from, over real stores, with tasks that register a model at once.
private final class World: Sendable {
    let folder: TemporaryFolder
    let ledger: SQLiteLedgerStore
    let blobs: FileBlobStore
    let versioning: Versioning
    let tracking: Tracking
    let registry: Registry
    let pipelines: Pipelines
    let releases: Releases
    let builder: ReleaseBuilder
    let executor: RegisteringExecutor

    init() throws {
        folder = try TemporaryFolder()
        blobs = try FileBlobStore(root: folder.path + "/blobs")
        let tables = NoTables()
        let database = try SQLiteDatabase(path: folder.path + "/gyre.db", now: { 0 })
        ledger = SQLiteLedgerStore(database)
        let versioning = Versioning(store: ledger, blobs: blobs, tables: tables, surroundings: .still)
        self.versioning = versioning
        tracking = Tracking(store: SQLiteTrackingStore(database), surroundings: .still)
        registry = Registry(store: ledger, surroundings: .still)
        executor = RegisteringExecutor(tracking: tracking, registry: registry, blobs: blobs)
        pipelines = Pipelines(
            ledger: ledger, store: SQLitePipelineStore(database), blobs: blobs, executor: executor,
            options: PipelineOptions(
                folder: folder.path + "/tasks",
                variables: { run, task, _ in
                    let tags: JSONValue = [
                        "gyre.pipeline_run": .string(run.id), "gyre.task": .string(task.ref.description),
                    ]
                    return ["TAGS": tags.text]
                },
                resolve: { text throws(GyreError) in try await versioning.version(try Ref(parsing: text)).ref },
                files: { ref throws(GyreError) in try await versioning.version(ref).tree },
                read: { bytes throws(GyreError) in try Self.pipeline(bytes) }, onEnd: { _ in "Nothing." }),
            surroundings: .still)
        releases = Releases(store: ledger, surroundings: .still)
        let features = Features(
            store: ledger, blobs: blobs, tables: tables, online: SQLiteOnlineStore(database), surroundings: .still)
        let ingest = Ingest(
            store: ledger, blobs: blobs, versioning: versioning,
            checker: Checker(tables: tables, surroundings: .still), features: features,
            readSuite: { _ throws(GyreError) in throw GyreError(.unsupported, "no suite") }, writeResult: { _ in [:] })
        let files = ModelFiles(
            tracking: tracking, loggedModels: LoggedModels(store: ledger, surroundings: .still), blobs: blobs,
            store: ledger, converter: nil, folders: folder.path + "/models", trustsModels: false)
        builder = ReleaseBuilder(
            registry: registry, tracking: tracking, pipelines: pipelines, versioning: versioning, ingest: ingest,
            files: files)
    }

    /// An import and a training: the import reads the parameter `training`, and the task after it is told `note`.
    private static func pipeline(_ bytes: [UInt8]) throws(GyreError) -> Pipeline {
        func text(_ fallback: JSONValue?) -> ParameterDefinition {
            ParameterDefinition(type: .string, defaultValue: fallback, isOptional: false)
        }
        func component(
            _ parameters: [String: ParameterDefinition], in inputs: [String: String] = [:],
            out outputs: [String: String] = [:], _ body: Component.Body
        ) -> Component {
            Component(
                inputParameters: parameters, inputArtifacts: inputs.mapValues { ArtifactDefinition($0) },
                outputArtifacts: outputs.mapValues { ArtifactDefinition($0) }, body: body)
        }
        var bring = TaskDefinition(component: "bring")
        bring.parameters["uri"] = .input("training")
        var train = TaskDefinition(component: "train")
        train.upstream = ["bring"]
        train.artifacts["data"] = .output(task: "bring", name: "artifact")
        train.parameters["note"] = .input("note")
        let graph = TaskGraph(tasks: ["bring": bring, "train": train], parameterOutputs: [:], artifactOutputs: [:])
        return try Pipeline(
            name: "toy",
            components: [
                "bring": component(
                    ["uri": text(nil)], out: ["artifact": "system.Dataset"],
                    .importer(Importer(source: .parameter("uri"), type: "system.Dataset", metadata: [:]))),
                "train": component(
                    ["note": text("")], in: ["data": "system.Dataset"],
                    .container(Container(image: "python:3.11", command: ["train"], arguments: [], environment: [:]))),
            ], root: component(["training": text(nil), "note": text("")], .graph(graph)), digest: Digest(of: bytes),
            language: KFPLanguage())
    }

    func addData(_ content: String, name: String = "toy", madeFrom: [Ref] = []) async throws -> Ref {
        let blob = try await blobs.put(Array(content.utf8))
        let tree = try Tree([Tree.Entry(path: try RelativePath("data.csv"), blob: blob)])
        return try await versioning.add(
            try Name(name, of: "dataset"), tree, madeFrom: madeFrom, by: "test"
        ).version.ref
    }

    func start(
        _ training: String, note: String = "", purpose: PipelineRun.Purpose = .ordinary
    ) async throws -> PipelineRun {
        var request = Pipelines.Request(compiled: Array("toy".utf8))
        request.parameters = ["training": .string(training), "note": .string(note)]
        request.purpose = purpose
        return try await pipelines.start(request, by: "test")
    }

    func pins(of run: String) async throws -> Release.Pins {
        for version in try await registry.versions() {
            if try await tracking.run(version.runID).tag("gyre.pipeline_run") == run {
                return try await builder.pins(of: version)
            }
        }
        throw GyreError(.notFound, "The run \(run) registered nothing.")
    }
}

/// Runs a task by doing what a training script does: it tracks a run with the tags it was given and registers a model.
private final class RegisteringExecutor: TaskExecutor {
    let tracking: Tracking
    let registry: Registry
    let blobs: FileBlobStore
    /// Whether tasks wait until they are let go.
    let holdsTasks = Mutex(false)
    private let waiting = Mutex<[CheckedContinuation<Void, Never>]>([])

    init(tracking: Tracking, registry: Registry, blobs: FileBlobStore) {
        self.tracking = tracking
        self.registry = registry
        self.blobs = blobs
    }

    func release() {
        holdsTasks.withLock { $0 = false }
        for continuation in waiting.withLock({ waiting in
            defer { waiting = [] }
            return waiting
        }) {
            continuation.resume()
        }
    }

    func run(
        _ launch: TaskLaunch, onStart: nonisolated(nonsending) @escaping @Sendable (Int32?) async -> Void
    ) async throws(GyreError) -> Int32 {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let mustWait = holdsTasks.withLock { holds in
                if holds { waiting.withLock { $0.append(continuation) } }
                return holds
            }
            if !mustWait { continuation.resume() }
        }
        if try await tracking.store.experiment(0) == nil {
            do { _ = try await tracking.createExperiment("Default", by: "test") } catch {
                if error.code != .alreadyExists { throw error }
            }
        }
        var draft = Tracking.RunDraft()
        for member in try JSONValue(parsing: launch.environment["TAGS"] ?? "{}").object?.members ?? [] {
            draft.tags.append(KeyValue(member.name, member.value.string ?? ""))
        }
        let run = try await tracking.createRun(draft, by: "test")
        let blob = try await blobs.put(Array("model".utf8))
        let folder = String(run.artifactURI.dropFirst("mlflow-artifacts:/".count))
        try await tracking.putArtifact(try RelativePath("\(folder)/model/model.onnx"), blob, by: "test")
        var version = Registry.VersionDraft(source: "mlflow-artifacts:/\(folder)/model")
        version.runID = run.id
        do { _ = try await registry.createModel("toy", by: "test") } catch {
            if error.code != .alreadyExists { throw error }
        }
        _ = try await registry.createVersion(of: "toy", version, by: "test")
        return 0
    }

    func stop(process: Int32?, ofTaskIn folder: String) async {}
}

/// Nothing here reads a table.
private struct NoTables: TableEngine {
    func open() async throws(GyreError) -> any TableSession { throw GyreError(.unsupported, "no tables") }
}

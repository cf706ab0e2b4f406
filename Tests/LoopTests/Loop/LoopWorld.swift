// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreCompute
import GyreDelivery
import GyreFeatures
import GyreKFP
import GyreLedger
import GyreMonitoring
import GyreNativeLibraries
import GyrePipelines
import GyreQuality
import GyreRegistry
import GyreReleases
import GyreSQLite
import GyreTables
import GyreTestSupport
import GyreTracking
import GyreVersioning

@testable import GyreLoop

/// The whole loop over real stores: data, checks, training sets, pipelines, releases, rollouts and monitors.
struct LoopWorld: Sendable {
    let delivery: DeliveryWorld
    let versioning: Versioning
    let ingest: Ingest
    let pipelines: Pipelines
    let builder: ReleaseBuilder
    let monitors: Monitors
    let conductor: Conductor
    let executor: TrainingExecutor
    let spaces: MemorySpaces

    static let engine = DuckDBEngine(
        search: NativeLibrary.Search(toolsFolder: Installed.toolsFolder, overrides: [:]), memoryLimitBytes: 1 << 30)

    var ledger: SQLiteLedgerStore { delivery.disk.ledger }
    var endpoint: String { DeliveryWorld.endpoint }

    /// A server that has just been started over what `delivery` has.
    init(_ delivery: DeliveryWorld? = nil) throws {
        let delivery = try delivery ?? DeliveryWorld()
        self.delivery = delivery
        let (disk, surroundings) = (delivery.disk, delivery.disk.clock.surroundings)
        let versioning = Versioning(
            store: disk.ledger, blobs: disk.blobs, tables: Self.engine, surroundings: surroundings)
        self.versioning = versioning
        let executor = TrainingExecutor(blobs: disk.blobs)
        self.executor = executor
        let features = Features(
            store: disk.ledger, blobs: disk.blobs, tables: Self.engine, online: SQLiteOnlineStore(disk.database),
            surroundings: surroundings)
        ingest = Ingest(
            store: disk.ledger, blobs: disk.blobs, versioning: versioning,
            checker: Checker(tables: Self.engine, surroundings: surroundings), features: features,
            readSuite: { json throws(GyreError) in try Self.suite(json) },
            writeResult: { ["success": .bool($0.isSuccess)] })
        pipelines = Pipelines(
            ledger: disk.ledger, store: SQLitePipelineStore(disk.database), blobs: disk.blobs, executor: executor,
            options: PipelineOptions(
                folder: disk.folder.path + "/tasks",
                variables: { run, task, _ in
                    ["RUN": run.id, "TASK": task.ref.description]
                },
                resolve: { text throws(GyreError) in try await versioning.version(try Ref(parsing: text)).ref },
                files: { ref throws(GyreError) in try await versioning.version(ref).tree },
                read: { bytes throws(GyreError) in try Self.pipeline(bytes) }, onEnd: { _ in "Nothing." }),
            surroundings: surroundings)
        builder = ReleaseBuilder(
            registry: delivery.registry, tracking: delivery.tracking, pipelines: pipelines, versioning: versioning,
            ingest: ingest, files: delivery.files)
        monitors = Monitors(
            store: disk.ledger, blobs: disk.blobs, tables: Self.engine, log: disk.log, releases: delivery.releases,
            versioning: versioning, host: delivery.host, surroundings: surroundings)
        let spaces = MemorySpaces(delivery)
        self.spaces = spaces
        conductor = Conductor(
            store: disk.ledger, ingest: ingest, versioning: versioning, pipelines: pipelines,
            registry: delivery.registry, tracking: delivery.tracking, releases: delivery.releases, builder: builder,
            rollouts: delivery.rollouts, endpoints: delivery.endpoints, monitors: monitors, spaces: spaces)
        let pipelines = pipelines
        executor.place.withLock {
            $0 = { run throws(GyreError) in
                guard try await pipelines.run(run).purpose.reproduced != nil else {
                    return (delivery.tracking, delivery.registry)
                }
                let space = try await spaces.open(run)
                return (space.tracking, space.registry)
            }
        }
    }

    /// A suite is a name and a list of `{type, column, severity}`.
    private static func suite(_ json: JSONValue) throws(GyreError) -> Suite {
        guard let name = json["name"]?.string else { throw GyreError(.invalid, "This is no suite.") }
        return Suite(
            name: name,
            expectations: (json["expectations"]?.array ?? []).map {
                Expectation(
                    type: $0["type"]?.string ?? "", arguments: ["column": $0["column"] ?? .null],
                    severity: .init(rawValue: $0["severity"]?.string ?? "") ?? .critical, id: nil)
            })
    }

    /// An import of what the parameter `training` names, and a training on it.
    private static func pipeline(_ bytes: [UInt8]) throws(GyreError) -> Pipeline {
        func component(
            _ parameters: [String], in inputs: [String: String] = [:], out outputs: [String: String] = [:],
            _ body: Component.Body
        ) -> Component {
            let definition = ParameterDefinition(type: .string, defaultValue: nil, isOptional: false)
            return Component(
                inputParameters: Dictionary(uniqueKeysWithValues: parameters.map { ($0, definition) }),
                inputArtifacts: inputs.mapValues { ArtifactDefinition($0) },
                outputArtifacts: outputs.mapValues { ArtifactDefinition($0) }, body: body)
        }
        var bring = TaskDefinition(component: "bring")
        bring.parameters["uri"] = .input("training")
        var train = TaskDefinition(component: "train")
        train.upstream = ["bring"]
        train.artifacts["data"] = .output(task: "bring", name: "artifact")
        return try Pipeline(
            name: "delay",
            components: [
                "bring": component(
                    ["uri"], out: ["artifact": "system.Dataset"],
                    .importer(Importer(source: .parameter("uri"), type: "system.Dataset", metadata: [:]))),
                "train": component(
                    [], in: ["data": "system.Dataset"],
                    .container(Container(image: "python:3.11", command: ["train"], arguments: [], environment: [:]))),
            ],
            root: component(
                ["training"],
                .graph(
                    TaskGraph(
                        tasks: ["bring": bring, "train": train], parameterOutputs: [:], artifactOutputs: [:]))),
            digest: Digest(of: bytes), language: KFPLanguage())
    }

    /// What the project of these tests says; `changes` take the place of members.
    static func project(_ changes: [String: JSONValue] = [:]) throws -> Project {
        var json: JSONValue = [
            "project": "flights", "model": "delay", "endpoint": .string(DeliveryWorld.endpoint),
            "datasets": [
                "flights": [
                    "suite": [
                        "name": "complete",
                        "expectations": [["type": "expect_column_values_to_not_be_null", "column": "x"]],
                    ]
                ],
                "weather": [:],
            ],
            "feature_views": [
                [
                    "name": "weather", "dataset": "weather", "entities": ["origin"], "timestamp": "known",
                    "features": ["temp"],
                ]
            ],
            "training": ["dataset": "set", "spine": "flights", "timestamp": "at", "views": ["weather"]],
            "pipeline": ["package": "compiled"],
            "rollout": [
                "steps": [50, 100],
                "judge": ["minimum_requests": 50, "minimum_step_seconds": 0, "quality": "errors_and_latency"],
            ],
            "policies": [
                ["name": "gate", "when": "check_failed", "do": "stop"],
                ["name": "out", "when": "model_trained", "do": "roll_out"],
            ],
        ]
        for (name, value) in changes { json[name] = value }
        return try Project.read(json)
    }

    /// Flights with these values of `x`; nil leaves one empty.
    @discardableResult
    func addFlights(_ values: [Double?]) async throws -> DatasetVersion {
        var csv = "origin,at,x\n"
        for (index, value) in values.enumerated() {
            csv += "A,2020-01-01 10:\(10 + index % 50):00,\(value.map { "\($0)" } ?? "")\n"
        }
        return try await add("flights", csv)
    }

    /// One reading of the weather.
    @discardableResult
    func addWeather() async throws -> DatasetVersion {
        try await add("weather", "origin,known,temp\nA,2020-01-01 10:00:00,7\n")
    }

    private func add(_ name: String, _ csv: String) async throws -> DatasetVersion {
        let blob = try await delivery.disk.blobs.put(Array(csv.utf8))
        let tree = try Tree([Tree.Entry(path: try RelativePath("\(name).csv"), blob: blob)])
        return try await versioning.add(try Name(name, of: "dataset"), tree, by: "ann").version
    }

    /// A world with a project and checked data.
    static func ready(_ changes: [String: JSONValue] = [:]) async throws -> (world: LoopWorld, project: Project) {
        let world = try LoopWorld()
        let project = try project(changes)
        try await world.conductor.apply(project, by: "ann")
        let flights = try await world.addFlights((0..<40).map { Double($0) / 40 })
        _ = try await world.conductor.dataAdded(flights, by: "ann")
        try await world.addWeather()
        return (world, project)
    }

    /// Trains, and lets the loop act on the run's end.
    @discardableResult
    func train(_ project: Project, _ model: String?, areaUnderCurve: Double = 0.75) async throws -> PipelineRun {
        executor.train(model, areaUnderCurve: areaUnderCurve)
        let started = try await conductor.train(project, reason: "", by: "ann")
        let run = try await pipelines.wait(for: started.id)
        try await conductor.pipelineEnded(run)
        return run
    }

    /// The facts of a kind, oldest first.
    func facts(_ kind: String) async throws -> [Fact] {
        var query = FactQuery()
        query.kindPrefix = kind
        return try await ledger.facts(query).map(\.fact)
    }
}

// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreBlobs
import GyreDelivery
import GyreLedger
import GyreMonitoring
import GyreRegistry
import GyreReleases
import GyreRollout
import GyreSQLite
import GyreServing
import GyreTestSupport
import GyreTracing
import GyreTracking

/// What stays when a server is stopped.
final class DeliveryDisk: Sendable {
    let folder: TemporaryFolder
    let clock = ManualClock(step: 1000)
    let ledger: SQLiteLedgerStore
    let blobs: FileBlobStore
    let log = MemoryPredictionLog()
    let database: SQLiteDatabase

    init() throws {
        folder = try TemporaryFolder()
        let clock = clock
        blobs = try FileBlobStore(root: folder.path + "/blobs")
        database = try SQLiteDatabase(path: folder.path + "/gyre.db", now: { clock.now })
        ledger = SQLiteLedgerStore(database)
    }
}

/// From a registered version to an answer, over real stores and with models that need no library.
struct DeliveryWorld: Sendable {
    let disk: DeliveryDisk
    let tracking: Tracking
    let tracing: Tracing
    let registry: Registry
    let loggedModels: LoggedModels
    let releases: Releases
    let rollouts: Rollouts
    let files: ModelFiles
    let host: ModelHost
    let traces: PredictionTraces
    let predictor: Predictor
    let endpoints: Endpoints
    let imports: ModelImport
    let services: InferenceServices
    let repository: ModelRepository

    static let endpoint = "delay"

    /// A server that has just been started over `disk`.
    init(
        _ disk: DeliveryDisk? = nil, trustsModels: Bool = true, converter: (any ModelConverter)? = nil,
        repositoryFolder: String? = nil, runtimes: [any ModelRuntime] = []
    ) throws {
        let disk = try disk ?? DeliveryDisk()
        self.disk = disk
        let surroundings = disk.clock.surroundings
        let tracking = Tracking(store: SQLiteTrackingStore(disk.database), surroundings: surroundings)
        self.tracking = tracking
        tracing = Tracing(store: SQLiteTraceStore(disk.database), surroundings: surroundings) { id throws(GyreError) in
            (try await tracking.experiment(String(id)).artifactLocation, false)
        }
        registry = Registry(store: disk.ledger, surroundings: surroundings)
        loggedModels = LoggedModels(store: disk.ledger, surroundings: surroundings)
        releases = Releases(store: disk.ledger, surroundings: surroundings)
        rollouts = Rollouts(store: disk.ledger, surroundings: surroundings)
        files = ModelFiles(
            tracking: tracking, loggedModels: loggedModels, blobs: disk.blobs, store: disk.ledger,
            converter: converter, folders: disk.folder.path + "/models", trustsModels: trustsModels)
        host = ModelHost(
            runtimes: [ScaleRuntime(format: .onnx), ScaleRuntime(format: .python), ScaleRuntime(format: .xgboost)]
                + runtimes,
            surroundings: surroundings)
        traces = PredictionTraces(tracing: tracing, tracking: tracking)
        predictor = Predictor(host: host, log: disk.log, traces: traces, surroundings: surroundings)
        endpoints = Endpoints(
            rollouts: rollouts, releases: releases, registry: registry, files: files, host: host,
            predictor: predictor, log: disk.log, readConfiguration: Self.read)
        imports = ModelImport(
            registry: registry, tracking: tracking, blobs: disk.blobs, surroundings: surroundings,
            readConfiguration: Self.read)
        services = InferenceServices(
            store: disk.ledger, host: host, predictor: predictor, rollouts: rollouts, files: files)
        repository = ModelRepository(
            root: repositoryFolder, uploads: disk.folder.path + "/uploads", host: host, registry: registry,
            files: files, readConfiguration: Self.read)
    }

    /// A configuration is lines of a word and its values: `batch 4`, `versions 1 2`, `file model.bin`, `format python`.
    @Sendable static func read(_ text: String) throws(GyreError) -> ModelConfiguration {
        var configuration = ModelConfiguration()
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            let rest = Array(words.dropFirst())
            switch words.first {
            case "batch": configuration.settings.maximumBatch = Int(rest[0]) ?? 0
            case "versions": configuration.policy = .specific(rest.compactMap { Int($0) })
            case "file": configuration.file = rest[0]
            case "format": configuration.format = ModelFormat(rawValue: rest[0])
            case "labels": configuration.labelFiles[rest[0]] = rest[1]
            case "remote": configuration.settings.remote = rest[0]
            default: throw GyreError(.invalid, "\"\(line)\" is no configuration.")
            }
        }
        return configuration
    }

    /// Registers a version whose one file has this content.
    func register(
        _ content: String, as name: String = endpoint, file: String = "model.onnx", configuration: String? = nil
    ) async throws -> ModelVersion {
        let blob = try await disk.blobs.put(Array(content.utf8))
        return try await imports.add(
            name, files: [(file, blob.digest)], configuration: configuration, description: "", by: "ann")
    }

    /// Releases a new version for the endpoint.
    func release(
        _ content: String, as name: String = endpoint, file: String = "model.onnx", configuration: String? = nil
    ) async throws -> Release {
        let version = try await register(content, as: name, file: file)
        var pins = Release.Pins(model: version.ref, modelDigest: try await files.servable(version))
        pins.configuration = configuration
        return try await releases.create(try Name(name, of: "endpoint"), pins, reason: "", by: "ann")
    }

    /// Releases a new version and gives it all traffic.
    @discardableResult
    func deploy(
        _ content: String, as name: String = endpoint, file: String = "model.onnx"
    ) async throws -> Release {
        let release = try await release(content, as: name, file: file)
        try await endpoints.deploy(release, reason: "first", by: "ann")
        return release
    }

    /// A request with one number a row.
    static func request(_ values: [Float] = [0.5], to name: String = endpoint) -> Predictor.Request {
        Predictor.Request(
            name: name,
            inputs: [
                NamedTensor(
                    name: "x",
                    tensor: Tensor(datatype: .fp32, shape: [values.count, 1], storage: .floats(values)))
            ])
    }

    /// The numbers that the endpoint answers.
    func predict(_ values: [Float] = [0.5]) async throws -> [Float] { try await answer(Self.request(values)) }

    /// The numbers that a request is answered with.
    func answer(_ request: Predictor.Request) async throws -> [Float] {
        Self.numbers(try await predictor.predict(request))
    }

    /// Asks many times, with ids `r0`, `r1` and so on; failures are passed over.
    func ask(_ count: Int, from first: Int = 0) async {
        for number in first..<first + count {
            var request = Self.request()
            request.id = "r\(number)"
            _ = try? await predictor.predict(request)  // the log has the failures
        }
    }

    static func numbers(_ answer: Predictor.Answer) -> [Float] {
        guard case .floats(let values) = answer.outputs.first?.tensor.storage else { return [] }
        return values
    }

    /// A judge that decides by errors and latency on few requests, as often as it is asked.
    static var quickJudge: Judge {
        var judge = Judge()
        judge.minimumRequests = 50
        judge.minimumStepSeconds = 0
        judge.quality = .errorsAndLatency
        return judge
    }
}

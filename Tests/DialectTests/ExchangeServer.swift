// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreBlobs
import GyreCompute
import GyreDelivery
import GyreEvaluation
import GyreHTTP
import GyreIdentity
import GyreKServe
import GyreLedger
import GyreMLflow
import GyreNativeLibraries
import GyreNotification
import GyreOIP
import GyreOTLP
import GyreOutbound
import GyrePredictions
import GyreRegistry
import GyreRollout
import GyreSQLite
import GyreScoring
import GyreServing
import GyreTFServing
import GyreTestSupport
import GyreTracing
import GyreTracking

/// All protocols over stores of their own in a folder of its own, without a network; the one double is the model `sum`.
struct ExchangeServer {
    let folder: TemporaryFolder
    let ledger: SQLiteLedgerStore
    let router: Router

    init() async throws {
        folder = try TemporaryFolder()
        let database = try SQLiteDatabase(path: folder.path + "/gyre.db", now: { 1000 })
        ledger = SQLiteLedgerStore(database)
        let blobs = try FileBlobStore(root: folder.path + "/blobs")
        let tracking = Tracking(store: SQLiteTrackingStore(database), surroundings: .still)
        let registry = Registry(store: ledger, surroundings: .still)
        let loggedModels = LoggedModels(store: ledger, surroundings: .still)
        let tracing = Tracing(store: SQLiteTraceStore(database), surroundings: .still) { id throws(GyreError) in
            let experiment = try await tracking.experiment(String(id))
            return (experiment.artifactLocation, experiment.isDeleted)
        }
        let mlflow = MLflowDialect(
            tracking: tracking, registry: registry, loggedModels: loggedModels, tracing: tracing,
            evaluationDatasets: EvaluationDatasets(store: ledger, surroundings: .still),
            scorers: Scorers(store: ledger, surroundings: .still), issues: Issues(store: ledger, surroundings: .still),
            webhooks: Webhooks(
                store: ledger, sender: HTTPWebhookSender(allowsPrivate: false), surroundings: .still,
                allowedSchemes: ["https"]), blobs: blobs,
            identity: Identity(store: ledger, surroundings: .still))

        let engine = DuckDBEngine(
            search: NativeLibrary.Search(toolsFolder: Installed.toolsFolder, overrides: [:]), memoryLimitBytes: 1 << 30)
        let log = JournalPredictionLog(
            root: folder.path + "/predictions", tables: engine, segments: engine, now: { 20 })
        let host = ModelHost(runtimes: [SumRuntime()], surroundings: .still)
        _ = try await host.load("sum", 1, ModelSource(file: try folder.write("sum.onnx", "sum"), format: .onnx))
        let traces = PredictionTraces(tracing: tracing, tracking: tracking)
        let predictor = Predictor(host: host, log: log, traces: traces, surroundings: .still)
        let files = ModelFiles(
            tracking: tracking, loggedModels: loggedModels, blobs: blobs, store: ledger, converter: nil,
            folders: folder.path + "/models", trustsModels: true)
        let repository = ModelRepository(
            root: nil, uploads: folder.path + "/uploaded", host: host, registry: registry, files: files
        ) { text throws(GyreError) in try ConfigurationFile.read(text) }
        _ = await repository.start([], isLazy: false)
        let calls = InferenceCalls(
            host: host, predictor: predictor, repository: repository, regions: nil, traces: traces,
            log: ServingLog { _ in }, version: "0.1.0")
        let tfServing = TFServingDialect(host: host, predictor: predictor).routes
        let models = Router([tfServing])
        let services = InferenceServices(
            store: ledger, host: host, predictor: predictor,
            rollouts: Rollouts(store: ledger, surroundings: .still), files: files)
        let kserve = KServeDialect(services: services, host: host, surroundings: .still) { model, body, via, id in
            await models.respond(to: HTTPRequest("POST", "/v1/models/\(model):predict", body: body))
        }
        router = Router([
            OIPDialect(calls).routes, tfServing, kserve.routes, ScoringDialect(predictor: predictor).routes,
            OTLPDialect(tracing: tracing).routes, mlflow.routes,
        ])
    }
}

/// A model of two columns, `a` and `b`, that gives their sum.
private struct Sum: RunnableModel {
    let inputs = [TensorSpec(name: "x", datatype: .fp32, shape: [-1, 2])]
    let outputs = [TensorSpec(name: "sum", datatype: .fp32, shape: [-1, 1])]
    let platform = "test_sum"
    let features = ["a", "b"]

    func run(_ inputs: [Tensor]) throws(GyreError) -> [Tensor] {
        guard case .floats(let values) = inputs[0].storage else { return [] }
        let sums = stride(from: 0, to: values.count, by: 2).map { values[$0] + values[$0 + 1] }
        return [Tensor(datatype: .fp32, shape: [sums.count, 1], storage: .floats(sums))]
    }
}

private struct SumRuntime: ModelRuntime {
    let format = ModelFormat.onnx

    func load(_ source: ModelSource) throws(GyreError) -> any RunnableModel { Sum() }
}

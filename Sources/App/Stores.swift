// SPDX-License-Identifier: Apache-2.0

internal import GyreArgo
internal import GyreBase
internal import GyreBlobs
internal import GyreCompute
internal import GyreExecution
internal import GyreInference
internal import GyreLedger
internal import GyreOutbound
internal import GyrePipelines
internal import GyrePredictions
internal import GyreSQLite

/// The first layer of the object graph: everything that touches a disk, a library, a process or the network.
struct Stores: Sendable {
    let database: SQLiteDatabase
    let ledger: SQLiteLedgerStore
    let personal: PersonalData
    let blobs: any BlobStore
    let tables: DuckDBEngine
    let onnx: OnnxRuntime
    let executor: LocalExecutors
    let predictions: JournalPredictionLog
    let webhooks: HTTPWebhookSender

    init(
        home: HomeFolder, settings: Settings, surroundings: Surroundings, people: String,
        blobBytes: @escaping @Sendable () -> Int64? = { nil }
    ) throws(GyreError) {
        personal = PersonalData(folder: people, surroundings: surroundings)
        database = try SQLiteDatabase(path: home.database, now: surroundings.now, personal: personal)
        ledger = SQLiteLedgerStore(database)
        blobs = QuotaBlobStore(try FileBlobStore(root: home.blobs), limit: blobBytes)
        tables = DuckDBEngine(search: settings.libraries)
        onnx = OnnxRuntime(search: settings.libraries) { StandardError.write($0.line) }
        executor = LocalExecutors(
            processes: ProcessExecutor(
                environmentsFolder: settings.environments, uv: settings.uv, tasks: home.tasks,
                isWarm: settings.keepsPythonsUp, sandbox: try settings.sandbox(hiding: home.path)),
            hosts: HostImages(HostImages.usual + ArgoLanguage.images + settings.taskImages),
            choice: try settings.taskExecutor(),
            ray: try settings.rayExecutor(),
            containers: { settings.containers() })
        predictions = JournalPredictionLog(
            root: home.predictions, tables: tables, segments: DuckDBProcess(), now: surroundings.now)
        webhooks = HTTPWebhookSender(allowsPrivate: settings.webhooksMayStayInside)
    }
}

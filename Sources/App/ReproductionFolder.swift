// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreAccess
internal import GyreBase
internal import GyreDelivery
internal import GyreEvaluation
internal import GyreHTTP
internal import GyreIdentity
internal import GyreLedger
internal import GyreLoop
internal import GyreMLflow
internal import GyreNotification
internal import GyrePipelines
internal import GyreRegistry
internal import GyreSQLite
internal import GyreTracing
internal import GyreTracking

/// The spaces of reproductions as files of the home: each a copy of the database, which MLflow's clients reach below an address of
/// its own.
///
/// Blobs are shared, since their names are their content; what only a removed space named is removed by the next collection.
actor ReproductionFolder: ReproductionSpaces {
    private let folder: String
    private let database: SQLiteDatabase
    private let blobs: any BlobStore
    private let webhooks: @Sendable (SQLiteLedgerStore) -> Webhooks
    private let pipelines: Pipelines
    private let surroundings: Surroundings
    private var opened: [String: Task<Result<Opened, GyreError>, Never>] = [:]

    private struct Opened: Sendable {
        let database: SQLiteDatabase
        let ledger: SQLiteLedgerStore
        let space: ReproductionSpace
        let router: Router
    }

    /// Spaces below `folder`, copied from `database`.
    ///
    /// `webhooks`: the webhooks of a copy, which tell nobody.
    init(
        folder: String, database: SQLiteDatabase, blobs: any BlobStore, pipelines: Pipelines,
        webhooks: @escaping @Sendable (SQLiteLedgerStore) -> Webhooks, surroundings: Surroundings
    ) {
        self.folder = folder
        self.database = database
        self.blobs = blobs
        self.pipelines = pipelines
        self.webhooks = webhooks
        self.surroundings = surroundings
    }

    /// The path below which the tasks of a run find MLflow's API of their space.
    static func path(of run: String) -> String { "/reproductions/\(run)" }

    /// The requests of the tasks, handed to the space of their run.
    nonisolated var routes: RouteGroup {
        RouteGroup(
            prefixes: ["/reproductions"],
            errorResponse: { error in
                .json(
                    ["error_code": "RESOURCE_DOES_NOT_EXIST", "message": .string(error.description)],
                    status: error.code.httpStatus)
            },
            routes: ["GET", "POST", "PUT", "PATCH", "DELETE"].map { method in
                Route(method, "/reproductions/{run}/{path...}", .write) { request throws(GyreError) in
                    let run = request.parameter("run")
                    let router = try await self.router(of: run)
                    return await router.respond(to: request.below(Self.path(of: run)))
                }
            })
    }

    private func router(of run: String) async throws(GyreError) -> Router {
        guard try await !pipelines.run(run).state.isEnd else {
            throw GyreError(
                .notFound, "The pipeline run \(run.prefix(80)) has ended, and what it made is kept apart no longer.")
        }
        return try await opening(run).router
    }

    func open(_ run: String) async throws(GyreError) -> ReproductionSpace { try await opening(run).space }

    private func opening(_ run: String) async throws(GyreError) -> Opened {
        if let known = opened[run] { return try await known.value.get() }
        let known = try await pipelines.run(run)
        guard known.id == run, known.purpose.reproduced != nil else {
            throw GyreError(.notFound, "The pipeline run \(run.prefix(80)) reproduces nothing.")
        }
        // Another call may have been first while this one looked.
        if let known = opened[run] { return try await known.value.get() }
        // Owned by this actor under the run's id; it ends when the copy is made, for which all calls wait.
        let making = Task { () -> Result<Opened, GyreError> in
            do throws(GyreError) { return .success(try await self.make(run)) } catch { return .failure(error) }
        }
        opened[run] = making
        let made = await making.value
        if case .failure = made { opened[run] = nil }
        return try made.get()
    }

    private func make(_ run: String) async throws(GyreError) -> Opened {
        let path = "\(folder)/\(run).db"
        if !FileManager.default.fileExists(atPath: path) {
            guard try await !pipelines.run(run).state.isEnd else {
                throw GyreError(.notFound, "The space of the pipeline run \(run) is gone.")
            }
            do {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            } catch {
                throw GyreError.wrapping(error, "Making the folder of a reproduction")
            }
            let database = database
            try await Background.run { () throws(GyreError) in try database.copy(to: path) }
        }
        let copy = try SQLiteDatabase(path: path, now: surroundings.now)
        let ledger = SQLiteLedgerStore(copy)
        let tracking = Tracking(store: SQLiteTrackingStore(copy), surroundings: surroundings)
        let tracing = Tracing(store: SQLiteTraceStore(copy), surroundings: surroundings) { id throws(GyreError) in
            let experiment = try await tracking.experiment(String(id))
            return (experiment.artifactLocation, experiment.isDeleted)
        }
        let registry = Registry(store: ledger, surroundings: surroundings)
        let loggedModels = LoggedModels(store: ledger, surroundings: surroundings)
        let files = ModelFiles(
            tracking: tracking, loggedModels: loggedModels, blobs: blobs, store: ledger, converter: nil,
            folders: "\(folder)/\(run).models", trustsModels: false)
        let mlflow = MLflowDialect(
            tracking: tracking, registry: registry, loggedModels: loggedModels, tracing: tracing,
            evaluationDatasets: EvaluationDatasets(store: ledger, surroundings: surroundings),
            scorers: Scorers(store: ledger, surroundings: surroundings),
            issues: Issues(store: ledger, surroundings: surroundings), webhooks: webhooks(ledger), blobs: blobs,
            identity: Identity(store: ledger, surroundings: surroundings))
        return Opened(
            database: copy, ledger: ledger,
            space: ReproductionSpace(tracking: tracking, registry: registry, files: files),
            router: Router([mlflow.routes]))
    }

    func remove(_ run: String) async throws(GyreError) {
        if let open = opened.removeValue(forKey: run), case .success(let space) = await open.value {
            try space.database.close()
        }
        for ending in [".db", ".db-wal", ".db-shm", ".models"] {
            // A file that was never made is no trouble.
            try? FileManager.default.removeItem(atPath: "\(folder)/\(run)\(ending)")
        }
    }

    func removeAll(but runs: Set<String>) async throws(GyreError) {
        for run in spaces() where !runs.contains(run) { try await remove(run) }
    }

    /// The runs that have a space here.
    private func spaces() -> Set<String> {
        // Without a folder there was no reproduction yet.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return Set(names.map { String($0.prefix { $0 != "." }) })
    }

    func namedDigests() async throws(GyreError) -> Set<Digest> {
        var named: Set<Digest> = []
        for run in spaces() {
            let open = try await opening(run)
            named.formUnion(try await open.ledger.namedDigests())
            named.formUnion(try await open.space.tracking.store.artifactDigests())
        }
        return named
    }

    /// Closes what is open; the files stay for runs that go on after the next start.
    func close() async throws(GyreError) {
        let all = opened
        opened = [:]
        for open in all.values { if case .success(let space) = await open.value { try space.database.close() } }
    }
}

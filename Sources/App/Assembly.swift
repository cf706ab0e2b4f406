// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreBlobs
internal import GyreHTTP
internal import GyreLedger
internal import GyreMLflow
internal import GyreRegistry
internal import GyreSQLite
internal import GyreTracking

/// The object graph of one home: the only place that knows every adapter. Read it to know what runs.
struct Assembly: Sendable {
    let home: HomeFolder
    let database: SQLiteDatabase
    let router: Router

    static func make(home: HomeFolder, surroundings: Surroundings = .live) async throws(GyreError) -> Assembly {
        let database = try SQLiteDatabase(path: home.database, now: surroundings.now)
        let ledger = SQLiteLedgerStore(database)
        let blobs = try FileBlobStore(root: home.blobs)
        let tracking = Tracking(store: SQLiteTrackingStore(database), surroundings: surroundings)
        let registry = Registry(store: ledger, surroundings: surroundings)
        let loggedModels = LoggedModels(store: ledger, surroundings: surroundings)
        if try await tracking.store.experiment(0) == nil { _ = try await tracking.createExperiment("Default", by: "gyre") }
        let mlflow = MLflowDialect(
            tracking: tracking, registry: registry, loggedModels: loggedModels, blobs: blobs, onVersionCreated: { _ in })
        let health = RouteGroup(
            prefixes: [], errorResponse: { .json(["error": .string($0.description)], status: $0.code.httpStatus) },
            routes: [Route("GET", "/health") { _ in .text("OK") }])
        return Assembly(home: home, database: database, router: Router([health, mlflow.routes]))
    }
}

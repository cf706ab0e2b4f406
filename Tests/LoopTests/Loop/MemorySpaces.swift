// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreDelivery
import GyreLedger
import GyreLoop
import GyreRegistry
import GyreSQLite
import GyreTestSupport
import GyreTracking

/// The spaces of reproductions: each has an empty database of its own.
actor MemorySpaces: ReproductionSpaces {
    private let delivery: DeliveryWorld
    private var spaces: [String: ReproductionSpace] = [:]

    init(_ delivery: DeliveryWorld) { self.delivery = delivery }

    /// Spaces that are there now.
    var count: Int { spaces.count }

    func open(_ run: String) async throws(GyreError) -> ReproductionSpace {
        if let known = spaces[run] { return known }
        let disk = delivery.disk
        let ledger = MemoryLedgerStore(now: { 0 })
        do {
            let database = try SQLiteDatabase(path: "\(disk.folder.path)/space-\(run).db", now: { 0 })
            let tracking = Tracking(store: SQLiteTrackingStore(database), surroundings: .still)
            let space = ReproductionSpace(
                tracking: tracking, registry: Registry(store: ledger, surroundings: .still),
                files: ModelFiles(
                    tracking: tracking, loggedModels: LoggedModels(store: ledger, surroundings: .still),
                    blobs: disk.blobs, store: ledger, converter: nil, folders: disk.folder.path + "/models",
                    trustsModels: true))
            spaces[run] = space
            return space
        } catch {
            throw GyreError.wrapping(error, "Opening a space")
        }
    }

    func remove(_ run: String) { spaces[run] = nil }

    func removeAll(but runs: Set<String>) { spaces = spaces.filter { runs.contains($0.key) } }

    func namedDigests() async throws(GyreError) -> Set<Digest> {
        var named: Set<Digest> = []
        for space in spaces.values { named.formUnion(try await space.tracking.store.artifactDigests()) }
        return named
    }
}

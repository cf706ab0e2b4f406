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
import Synchronization
import Testing

@testable import GyreUpkeep

/// What a server does by itself.
@Suite struct UpkeepTests {
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

    @Test("a job that fails does not keep the others from theirs, is counted, and is told once")
    func clock() async {
        let log = Log()
        let clock = Clock { log.add($0) }
        let jobs = [
            Clock.Job("judging") { () throws(GyreError) in throw GyreError(.unavailable, "No.") },
            Clock.Job("telling", everyRounds: 2) { () throws(GyreError) in log.add("told") },
        ]
        for round in 1...4 { await clock.tick(jobs, round: round) }
        #expect(log.lines == ["judging failed and is tried again: No.", "told", "told"])
        #expect(clock.failureCounts == ["judging": 4])
    }

    private final class Log: Sendable {
        private let content = Mutex<[String]>([])
        var lines: [String] { content.withLock { $0 } }
        func add(_ line: String) { content.withLock { $0.append(line) } }
    }
}

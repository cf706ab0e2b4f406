// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB
package import GyreBase
package import GyreLedger

/// The ledger in the file of a home folder, read as it lies there: nothing is written, and no server is asked.
package struct LedgerFile: Sendable {
    private let path: String

    /// The ledger of the home folder `home`.
    /// - Throws: `.notFound` for a folder without one.
    package init(home: String) throws(GyreError) {
        path = home + "/gyre.db"
        guard FileManager.default.fileExists(atPath: path) else {
            throw GyreError(
                .notFound, "There is no Gyre home at \(home).", why: "It has no file gyre.db.",
                fix: "Check --home and GYRE_HOME.")
        }
    }

    /// Re-hashes the whole chain.
    ///
    /// `recordedHead`: an end that was written down elsewhere, which shows a tail that was cut off.
    package func verify(recordedHead: Head?, checkpoints: [Checkpoint] = []) async throws(GyreError) -> ChainVerifier {
        do {
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(10)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let verifier = try await queue.read { db in
                var verifier = ChainVerifier(recordedHead: recordedHead, checkpoints: checkpoints)
                try SQLiteLedgerStore.scan(db) { verifier.add($0) }
                verifier.finish()
                return verifier
            }
            try queue.close()
            return verifier
        } catch let error as DatabaseError
            where error.resultCode == .SQLITE_NOTADB || error.resultCode == .SQLITE_CORRUPT
        {
            throw GyreError(
                .corrupt, "\(path) is not a readable database.", why: error.message,
                fix: "Restore the file from a backup.")
        } catch {
            throw GyreError.wrapping(error, "Reading \(path)")
        }
    }
}

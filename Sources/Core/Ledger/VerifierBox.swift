// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Carries the verifier through a store's callback.
final class VerifierBox: Sendable {
    private let verifier: Mutex<ChainVerifier>

    init(recordedHead: Head?, checkpoints: [Checkpoint]) {
        verifier = Mutex(ChainVerifier(recordedHead: recordedHead, checkpoints: checkpoints))
    }

    func add(_ row: ChainVerifier.Row) { verifier.withLock { $0.add(row) } }

    func finish() -> ChainVerifier {
        verifier.withLock {
            $0.finish()
            return $0
        }
    }
}

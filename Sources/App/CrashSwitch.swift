// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import GyrePipelines
internal import Synchronization

/// Kills this process at a moment that a test asks for.
final class CrashSwitch: Sendable {
    private let left: Mutex<Int?>

    /// After so many moments; never for nil.
    init(_ moments: Int?) { left = Mutex(moments) }

    @Sendable func passed(_ moment: EngineMoment) {
        let isOver = left.withLock { left -> Bool in
            guard let count = left else { return false }
            left = count - 1
            return count <= 1
        }
        guard isOver else { return }
        StandardError.write("killed at: \(moment.rawValue)")
        kill(getpid(), SIGKILL)
    }
}

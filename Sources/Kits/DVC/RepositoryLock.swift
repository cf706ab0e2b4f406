// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import GyreBase

/// The lock that whoever changes a repository holds, Gyre or dvc; let go of when it is freed or the process ends.
package final class RepositoryLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock of the repository whose `.dvc` is here; waits some seconds for another command.
    /// - Throws: `.conflict` with who has it.
    package init(folder: String) throws(GyreError) {
        let path = "\(folder)/tmp/lock"
        try Files.makeFolder("\(folder)/tmp")
        // O_NOFOLLOW: a repository from elsewhere must not have other files written to.
        let opened = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard opened >= 0 else { throw systemFailure("Locking", path) }
        var waits = 0
        while flock(opened, LOCK_EX | LOCK_NB) != 0 {
            waits += 1
            guard errno == EWOULDBLOCK || errno == EINTR, waits < 60 else {
                let holder = (try? Files.text(path))?.filter { !$0.isWhitespace } ?? ""
                close(opened)
                throw GyreError(
                    .conflict, "The repository is in use by another command.",
                    why: holder.isEmpty ? "\(path) is locked." : "The process \(holder) holds \(path).",
                    fix: "Wait until it is done, or end it.")
            }
            usleep(50_000)
        }
        descriptor = opened
        ftruncate(opened, 0)
        // A failure here only leaves out who holds the lock.
        try? Files.write(Array(" \(getpid())\n".utf8), to: opened, path)
    }

    deinit { close(descriptor) }
}

// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc
internal import GyreBase
internal import Synchronization

/// A large file that is copied on a thread of its own while somebody else reads it.
final class FileCopy: Sendable {
    private let source: Int32
    private let path: String
    private let before: (modified: Int64, sizeBytes: Int64)
    private let failure = Mutex<GyreError?>(nil)
    private let done = DispatchSemaphore(value: 0)

    /// Begins to copy an open file, which the caller reads too, to another one.
    init(from source: Int32, _ path: String, to target: Int32, _ targetPath: String) throws(GyreError) {
        self.source = source
        self.path = path
        before = Self.state(source)
        DispatchQueue.global().async { [self] in
            // A place of its own: the caller moves the file's.
            var place: off_t = 0
            while true {
                let count = unsafe sendfile(target, source, &place, 1 << 24)
                if count < 0, errno == EINTR { continue }
                if count < 0 { failure.withLock { $0 = systemFailure("Writing", targetPath) } }
                if count <= 0 { break }
            }
            done.signal()
        }
    }

    /// Waits for the end.
    /// - Throws: `.conflict` where the file was changed meanwhile: what was hashed may not be what was copied.
    func finish() throws(GyreError) {
        wait()
        if let error = failure.withLock({ $0 }) { throw error }
        guard Self.state(source) == before else {
            throw GyreError(
                .conflict, "\"\(path)\" was changed while it was read.",
                fix: "Wait until it is written, and run the command again.")
        }
    }

    /// Waits until nothing more is written.
    func wait() {
        done.wait()
        done.signal()
    }

    private static func state(_ descriptor: Int32) -> (modified: Int64, sizeBytes: Int64) {
        var status = stat()
        unsafe fstat(descriptor, &status)
        return (status.modified, Int64(status.st_size))
    }
}

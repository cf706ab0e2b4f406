// SPDX-License-Identifier: Apache-2.0

@unsafe @preconcurrency internal import Dispatch
internal import Foundation
internal import Glibc
internal import GyreBase

/// What a process of another parent prints: it writes to a pipe with a name, and what comes goes to the log.
final class LogPipe: Sendable {
    /// The pipe's name.
    let path: String
    private let log: TaskLog
    private let descriptor: Int32
    private let queue = DispatchQueue(label: "gyre.task-log")
    private let source: any DispatchSourceRead

    init(path: String, log: TaskLog) throws {
        self.path = path
        self.log = log
        unsafe unlink(path)
        guard unsafe mkfifo(path, 0o600) == 0 else {
            throw GyreError(
                .unavailable, "The pipe \(path) cannot be made.", why: unsafe String(cString: strerror(errno)))
        }
        // Open for writing too, so that it has no end as long as anybody may still write.
        descriptor = unsafe open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw GyreError(
                .unavailable, "The pipe \(path) cannot be opened.", why: unsafe String(cString: strerror(errno)))
        }
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler { [weak self] in self?.drain() }
        let descriptor = descriptor
        source.setCancelHandler { close(descriptor) }
        source.resume()
    }

    /// Takes what is left, once nobody writes any more.
    func finish() throws {
        queue.sync {
            drain()
            source.cancel()
        }
        unsafe unlink(path)
        try log.finish()
    }

    private func drain() {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe piece.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            // A log that cannot be written keeps no task from its work.
            unsafe piece.withUnsafeBytes { bytes in
                try? unsafe log.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            }
        }
    }
}

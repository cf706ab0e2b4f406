// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import Synchronization

/// The log of one task: the first bytes up to a limit, then a line that tells how the rest was dropped.
final class TaskLog: Sendable {
    private struct State: Sendable {
        var written = 0
        var isFull = false
    }

    private let file: FileHandle
    private let limit: Int
    private let state = Mutex(State())

    init(path: String, limit: Int) throws {
        try Data().write(to: URL(fileURLWithPath: path))
        guard let file = FileHandle(forWritingAtPath: path) else {
            throw GyreError(.unavailable, "The log \(path) cannot be written.")
        }
        self.file = file
        self.limit = limit
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try state.withLock { state in
            if state.isFull { return }
            let room = limit - state.written
            try file.write(contentsOf: unsafe Data(bytes.prefix(room)))
            state.written += min(room, bytes.count)
            if bytes.count > room {
                state.isFull = true
                try file.write(
                    contentsOf: Data("\n[the log is longer than \(limit) bytes; the rest was dropped]\n".utf8))
            }
        }
    }
}

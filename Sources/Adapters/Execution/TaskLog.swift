// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import Synchronization

/// The log of one task: the first bytes up to a limit, then a line that tells how the rest was dropped.
final class TaskLog: Sendable {
    private struct State: Sendable {
        var written = 0
        /// The end of what came, which may be the beginning of a secret.
        var held: [UInt8] = []
        var isFull = false
    }

    private let file: FileHandle
    private let limit: Int
    /// Whether a line tells that the rest was dropped.
    private let isMarked: Bool
    private let state = Mutex(State())

    /// What is written as stars.
    private let secrets: [[UInt8]]
    private static let stars = Array("********".utf8)
    /// What is shorter stands in every log by chance.
    private static let shortest = 4

    init(path: String, limit: Int, hiding secrets: [String] = [], isMarked: Bool = true) throws {
        var hidden: [[UInt8]] = []
        // Programs print the lines of a long one by themselves.
        for secret in secrets {
            hidden.append(Array(secret.utf8))
            for line in secret.split(whereSeparator: \.isNewline) { hidden.append(Array(line.utf8)) }
        }
        self.secrets = hidden.filter { $0.count >= Self.shortest }.sorted { $0.count > $1.count }

        try Data().write(to: URL(fileURLWithPath: path))
        guard let file = FileHandle(forWritingAtPath: path) else {
            throw GyreError(.unavailable, "The log \(path) cannot be written.")
        }
        self.file = file
        self.limit = limit
        self.isMarked = isMarked
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try state.withLock { state in
            guard !secrets.isEmpty else { return try append(unsafe Data(bytes), &state) }
            unsafe state.held.append(contentsOf: bytes)
            let longest = secrets[0].count
            guard state.held.count >= longest else { return }
            let hidden = hide(state.held)
            // As much as a secret may have begun with stays until more comes.
            let kept = min(hidden.count, longest - 1)
            state.held = Array(hidden.suffix(kept))
            try append(Data(hidden.dropLast(kept)), &state)
        }
    }

    /// Writes what was held back.
    func finish() throws {
        try state.withLock { state in
            let rest = hide(state.held)
            state.held = []
            try append(Data(rest), &state)
        }
    }

    private func append(_ data: Data, _ state: inout State) throws {
        if state.isFull { return }
        let room = limit - state.written
        try file.write(contentsOf: data.prefix(room))
        state.written += min(room, data.count)
        if data.count > room {
            state.isFull = true
            if isMarked {
                try file.write(
                    contentsOf: Data("\n[the log is longer than \(limit) bytes; the rest was dropped]\n".utf8))
            }
        }
    }

    /// `bytes` with stars in place of secrets.
    private func hide(_ bytes: [UInt8]) -> [UInt8] {
        secrets.reduce(bytes) { $0.replacing($1, with: Self.stars) }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import GyreBase
internal import Synchronization

/// The lines of one endpoint, in a file that becomes a segment when it is full.
final class Journal: Sendable {
    private let folder: String
    private let now: @Sendable () -> Int64
    private let state = Mutex(State())
    private let longest = Atomic(0)

    private struct State: Sendable {
        var descriptor: Int32?
        var rows = 0
        /// Bytes of the file: all of its lines are whole up to there.
        var bytes = 0
        /// The lines of this process by the hash of their id, so that a label finds its prediction without a search; at most as many as
        /// a segment has.
        var ids: Set<UInt64> = []
    }

    /// The journal in a folder, which is made when the first line comes.
    init(folder: String, now: @escaping @Sendable () -> Int64) {
        self.folder = folder
        self.now = now
    }

    deinit { state.withLock { if let descriptor = $0.descriptor { _ = Glibc.close(descriptor) } } }

    /// Bytes of the longest line so far; nil before the first one.
    var longestLine: Int? {
        let bytes = longest.load(ordering: .relaxed)
        return bytes == 0 ? nil : bytes
    }

    /// Those of `ids` that this process has written to the file.
    func written(_ ids: [String]) -> Set<String> {
        state.withLock { state in Set(ids.filter { state.ids.contains(Self.hash($0)) }) }
    }

    /// FNV-1a in 64 bits: two of a segment's ids have the same one by a chance of one in a thousand million.
    private static func hash(_ id: String) -> UInt64 {
        id.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// Hands the line of a prediction to the kernel.
    func append(_ line: [UInt8], id: String) throws(GyreError) {
        longest.max(line.count, ordering: .relaxed)
        try state.withLock { state throws(GyreError) in
            let descriptor = if let known = state.descriptor { known } else { try open(&state) }
            do throws(GyreError) { try Self.write(line, to: descriptor) } catch {
                // Part of a line would make the whole file unreadable; where even cutting fails, the next opening does it.
                if ftruncate(descriptor, state.bytes) != 0 {
                    _ = Glibc.close(descriptor)
                    state = State()
                }
                throw error
            }
            state.rows += 1
            state.bytes += line.count
            state.ids.insert(Self.hash(id))
            if state.rows >= Limits.predictionSegment { try close(&state) }
        }
    }

    /// Makes the file of an earlier process readable before anybody reads it; nothing happens where there is none.
    func mend() throws(GyreError) {
        try state.withLock { state throws(GyreError) in
            guard state.descriptor == nil, FileManager.default.fileExists(atPath: folder + "/open.jsonl") else {
                return
            }
            _ = try open(&state)
        }
    }

    /// Ends the file, if there is one with lines, so that it can be made a segment.
    func close() throws(GyreError) {
        try state.withLock { state throws(GyreError) in
            if state.rows > 0 { try close(&state) }
        }
    }

    private func open(_ state: inout State) throws(GyreError) -> Int32 {
        let path = folder + "/open.jsonl"
        do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
            throw GyreError.wrapping(error, "Making the prediction log")
        }
        if FileManager.default.fileExists(atPath: path) {
            let scan = try JournalScan(mending: path)
            (state.rows, state.bytes) = (scan.lines, scan.wholeBytes)
            longest.max(scan.longestLine, ordering: .relaxed)
        }
        let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure("Opening the prediction log") }
        state.descriptor = descriptor
        return descriptor
    }

    private func close(_ state: inout State) throws(GyreError) {
        guard let descriptor = state.descriptor else { return }
        // A file of that name may be there still, when segments are closed faster than the clock goes on.
        var time = now()
        while ["closing-\(time).jsonl", "segment-\(time).parquet"].contains(where: {
            FileManager.default.fileExists(atPath: "\(folder)/\($0)")
        }) { time += 1 }
        guard unsafe rename(folder + "/open.jsonl", folder + "/closing-\(time).jsonl") == 0 else {
            throw Self.failure("Closing a segment of the prediction log")
        }
        _ = Glibc.close(descriptor)
        state = State()
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) throws(GyreError) {
        var written = 0
        while written < bytes.count {
            let result = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
            }
            if result < 0, errno == EINTR { continue }
            if result < 0 { throw failure("Writing to the prediction log") }
            written += result
        }
    }

    static func failure(_ doing: String) -> GyreError {
        let isFull = errno == ENOSPC
        return GyreError(
            .unavailable, isFull ? "\(doing) failed: the disk is full." : "\(doing) failed.",
            why: unsafe String(cString: strerror(errno)))
    }
}

/// What a file of lines looks like, read in small pieces.
struct JournalScan: Sendable, Hashable {
    private(set) var bytes = 0
    /// Bytes up to the end of the last whole line.
    private(set) var wholeBytes = 0
    private(set) var lines = 0
    private(set) var longestLine = 0

    /// Reads the file at `path`; blocks.
    init(_ path: String) throws(GyreError) {
        try unsafe Self.read(path) { piece in
            for index in piece.indices where unsafe piece[index] == UInt8(ascii: "\n") {
                longestLine = max(longestLine, bytes + index - wholeBytes + 1)
                wholeBytes = bytes + index + 1
                lines += 1
            }
            bytes += piece.count
        }
        longestLine = max(longestLine, bytes - wholeBytes)
    }

    /// The same, once what a process killed in the middle of a write left of a line is cut off: it belongs to no answer.
    init(mending path: String) throws(GyreError) {
        try self.init(path)
        guard wholeBytes < bytes else { return }
        guard unsafe truncate(path, wholeBytes) == 0 else { throw Journal.failure("Mending the prediction log") }
        bytes = wholeBytes
    }

    /// The digest of a file; blocks.
    static func digest(_ path: String) throws(GyreError) -> Digest {
        var digest = DigestStream()
        try unsafe read(path) { unsafe digest.update($0) }
        return digest.finish()
    }

    private static func read(_ path: String, _ take: (UnsafeRawBufferPointer) -> Void) throws(GyreError) {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Journal.failure("Opening a file of the prediction log") }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Journal.failure("Reading a file of the prediction log") }
            if count == 0 { return }
            unsafe buffer.withUnsafeBytes { unsafe take(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import GyreBase
internal import GyreLedger
internal import NIOPosix
internal import Synchronization

/// One blob on its way to disk; calls come one after another.
actor FileBlobWriter: BlobWriter {
    private let temporaryPath: String
    private let root: String
    private let descriptor: Int32
    private let content: Content
    private var waiting: [UInt8] = []
    private var underway: Task<Void, any Error>?
    private var sizeBytes: Int64 = 0
    private var isOpen = true
    /// Bytes that are hashed and written at a time, while further ones come in.
    private static let pieceBytes = 1 << 20

    init(temporaryPath: String, root: String) throws(GyreError) {
        self.temporaryPath = temporaryPath
        self.root = root
        descriptor = unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        content = Content(descriptor)
        if descriptor < 0 { throw Self.failure("Making a file for a blob") }
    }

    deinit {
        if isOpen {
            close(descriptor)
            unsafe unlink(temporaryPath)
        }
    }

    func write(_ bytes: [UInt8]) async throws(GyreError) {
        sizeBytes += Int64(bytes.count)
        waiting.append(contentsOf: bytes)
        if waiting.count >= Self.pieceBytes { try await flush() }
    }

    /// Hands what has come to a thread that hashes and writes it; waits for the piece before.
    private func flush() async throws(GyreError) {
        try await settled()
        guard !waiting.isEmpty else { return }
        let piece = waiting
        waiting = []
        waiting.reserveCapacity(Self.pieceBytes + (1 << 16))
        let content = content
        underway = Task { try await NIOThreadPool.singleton.runIfActive { try content.take(piece) } }
    }

    private func settled() async throws(GyreError) {
        guard let task = underway else { return }
        underway = nil
        do { try await task.value } catch {
            await abandon()
            throw GyreError.wrapping(error, "Writing a blob")
        }
    }

    func finish() async throws(GyreError) -> StoredBlob {
        try await flush()
        try await settled()
        let digest = content.digest()
        let path = FileBlobStore.path(root, digest)
        let (descriptor, temporaryPath) = (descriptor, temporaryPath)
        guard isOpen else { throw GyreError(.internal, "The blob was finished twice.") }
        isOpen = false
        do {
            try await NIOThreadPool.singleton.runIfActive {
                try Self.settle(descriptor, from: temporaryPath, to: path)
            }
        } catch {
            unsafe unlink(temporaryPath)
            throw GyreError.wrapping(error, "Storing a blob")
        }
        return StoredBlob(digest: digest, sizeBytes: sizeBytes)
    }

    /// What was written so far and its digest; pieces come one after another, from whichever thread.
    private final class Content: Sendable {
        private let descriptor: Int32
        private let stream = Mutex(DigestStream())

        init(_ descriptor: Int32) { self.descriptor = descriptor }

        func take(_ bytes: [UInt8]) throws(GyreError) {
            try FileBlobWriter.writeAll(bytes, to: descriptor)
            stream.withLock { $0.update(bytes) }
        }

        func digest() -> Digest {
            stream.withLock { stream in
                let whole = stream
                stream = DigestStream()
                return whole.finish()
            }
        }
    }

    func abandon() async {
        guard isOpen else { return }
        isOpen = false
        // Nobody writes to the file any more once it is closed.
        if let task = underway { _ = await task.result }
        close(descriptor)
        unsafe unlink(temporaryPath)
    }

    fileprivate static func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(GyreError) {
        var written = 0
        while written < bytes.count {
            let result = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
            }
            if result < 0, errno == EINTR { continue }
            if result < 0 { throw failure("Writing a blob") }
            written += result
        }
    }

    /// Syncs the file, then its name: after this the blob survives a crash.
    ///
    /// A blob that was there already stays.
    private static func settle(_ descriptor: Int32, from temporaryPath: String, to path: String) throws(GyreError) {
        defer { close(descriptor) }
        // Touching the blob that is there keeps it from being removed before it is named.
        if unsafe utimensat(AT_FDCWD, path, nil, 0) == 0 {
            unsafe unlink(temporaryPath)
            return
        }
        guard fdatasync(descriptor) == 0 else { throw failure("Syncing a blob") }
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        if unsafe mkdir(folder, 0o755) != 0, errno != EEXIST { throw failure("Making the folder of a blob") }
        guard unsafe rename(temporaryPath, path) == 0 else { throw failure("Naming a blob") }
        let folderDescriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folderDescriptor >= 0 {
            fsync(folderDescriptor)
            close(folderDescriptor)
        }
    }

    private static func failure(_ doing: String) -> GyreError {
        let isFull = errno == ENOSPC || errno == EDQUOT
        return GyreError(
            .unavailable, isFull ? "\(doing) failed: the disk is full." : "\(doing) failed.",
            why: unsafe String(cString: strerror(errno)),
            fix: isFull ? "Free space on the disk of the home folder; nothing was half written." : nil)
    }
}

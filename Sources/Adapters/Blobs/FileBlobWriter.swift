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
    private let content: Content
    private var waiting: [UInt8] = []
    private var underway: Task<Void, any Error>?
    private var syncing: Task<Void, Never>?
    private var unsyncedBytes = 0
    private var sizeBytes: Int64 = 0
    private var isOpen = true
    /// Bytes that are hashed and written at a time, while further ones come in.
    private static let pieceBytes = 1 << 20
    /// Bytes after which the disk begins while further ones come in, so that little is left to wait for at the end.
    private static let syncedBytes = 32 << 20

    init(temporaryPath: String, root: String) throws(GyreError) {
        self.temporaryPath = temporaryPath
        self.root = root
        let descriptor = unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        if descriptor < 0 { throw Self.failure("Making a file for a blob") }
        content = Content(descriptor)
    }

    deinit { if isOpen { unsafe unlink(temporaryPath) } }

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
        unsyncedBytes += piece.count
        if unsyncedBytes >= Self.syncedBytes, syncing == nil { sync() }
    }

    /// Lets the disk begin with what is written, without waiting for it; what counts is the sync at the end.
    private func sync() {
        unsyncedBytes = 0
        let content = content
        syncing = Task {
            try? await NIOThreadPool.singleton.runIfActive { content.sync() }  // a pool that ends leaves it to the end
            syncing = nil
        }
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
        let (content, temporaryPath) = (content, temporaryPath)
        guard isOpen else { throw GyreError(.internal, "The blob was finished twice.") }
        isOpen = false
        do {
            try await NIOThreadPool.singleton.runIfActive {
                try content.settle(from: temporaryPath, to: path)
            }
        } catch {
            unsafe unlink(temporaryPath)
            throw GyreError.wrapping(error, "Storing a blob")
        }
        return StoredBlob(digest: digest, sizeBytes: sizeBytes)
    }

    /// The file, what was written so far and its digest; pieces come one after another, from whichever thread.
    private final class Content: Sendable {
        private let descriptor: Int32
        private let stream = Mutex(DigestStream())
        private let lost = Mutex<Int32>(0)

        /// Owns the descriptor: it is closed when nobody can write any more.
        init(_ descriptor: Int32) { self.descriptor = descriptor }

        deinit { close(descriptor) }

        func take(_ bytes: [UInt8]) throws(GyreError) {
            try FileBlobWriter.writeAll(bytes, to: descriptor)
            stream.withLock { $0.update(bytes) }
        }

        /// The kernel tells an error of the disk once: what failed here must not count as synced later.
        func sync() { if fdatasync(descriptor) != 0 { lost.withLock { $0 = errno } } }

        func digest() -> Digest {
            stream.withLock { stream in
                let whole = stream
                stream = DigestStream()
                return whole.finish()
            }
        }

        /// Syncs the file, then its name: after this the blob survives a crash.
        ///
        /// A blob that was there already stays.
        func settle(from temporaryPath: String, to path: String) throws(GyreError) {
            // Touching the blob that is there keeps it from being removed before it is named.
            if unsafe utimensat(AT_FDCWD, path, nil, 0) == 0 {
                unsafe unlink(temporaryPath)
                return
            }
            let isSynced = fdatasync(descriptor) == 0
            let lost = lost.withLock { $0 }
            if lost != 0 { errno = lost }
            guard isSynced, lost == 0 else { throw FileBlobWriter.failure("Syncing a blob") }
            let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
            if unsafe mkdir(folder, 0o755) != 0, errno != EEXIST {
                throw FileBlobWriter.failure("Making the folder of a blob")
            }
            guard unsafe rename(temporaryPath, path) == 0 else { throw FileBlobWriter.failure("Naming a blob") }
            let folderDescriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if folderDescriptor >= 0 {
                fsync(folderDescriptor)
                close(folderDescriptor)
            }
        }
    }

    func abandon() async {
        guard isOpen else { return }
        isOpen = false
        if let task = underway { _ = await task.result }
        unsafe unlink(temporaryPath)
    }

    static func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(GyreError) {
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

    static func failure(_ doing: String) -> GyreError {
        let isFull = errno == ENOSPC || errno == EDQUOT
        return GyreError(
            .unavailable, isFull ? "\(doing) failed: the disk is full." : "\(doing) failed.",
            why: unsafe String(cString: strerror(errno)),
            fix: isFull ? "Free space on the disk of the home folder; nothing was half written." : nil)
    }
}

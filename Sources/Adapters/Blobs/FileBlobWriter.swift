// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import GyreBase
internal import GyreLedger
internal import NIOPosix

/// One blob on its way to disk; calls come one after another.
actor FileBlobWriter: BlobWriter {
    private let temporaryPath: String
    private let root: String
    private let descriptor: Int32
    private var stream = DigestStream()
    private var sizeBytes: Int64 = 0
    private var isOpen = true

    init(temporaryPath: String, root: String) throws(GyreError) {
        self.temporaryPath = temporaryPath
        self.root = root
        descriptor = unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        if descriptor < 0 { throw Self.failure("Making a file for a blob") }
    }

    deinit {
        if isOpen {
            close(descriptor)
            unsafe unlink(temporaryPath)
        }
    }

    func write(_ bytes: [UInt8]) async throws(GyreError) {
        stream.update(bytes)
        sizeBytes += Int64(bytes.count)
        let descriptor = descriptor
        do {
            try await NIOThreadPool.singleton.runIfActive { try Self.writeAll(bytes, to: descriptor) }
        } catch {
            await abandon()
            throw GyreError.wrapping(error, "Writing a blob")
        }
    }

    func finish() async throws(GyreError) -> StoredBlob {
        let digest = stream.finish()
        stream = DigestStream()
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

    func abandon() async {
        guard isOpen else { return }
        isOpen = false
        close(descriptor)
        unsafe unlink(temporaryPath)
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(GyreError) {
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

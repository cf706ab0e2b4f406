// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
package import GyreBase
package import GyreLedger
internal import NIOPosix
internal import Synchronization

/// Blobs as files named by their digest: `<root>/ab/abcdef…`.
///
/// A blob is written under a temporary name, synced, and renamed; a crash leaves at most a temporary file, removed at the next start.
package struct FileBlobStore: BlobStore {
    private let root: String
    private var incoming: String { root + "/incoming" }

    /// The store in the folder `root`, made if it is not there.
    package init(root: String) throws(GyreError) {
        self.root = root
        do {
            // What a killed writer left behind was never acknowledged.
            try? FileManager.default.removeItem(atPath: root + "/incoming")
            try FileManager.default.createDirectory(atPath: root + "/incoming", withIntermediateDirectories: true)
        } catch {
            throw GyreError.wrapping(error, "Making the blob folder \(root)")
        }
    }

    package func writer() async throws(GyreError) -> any BlobWriter {
        try FileBlobWriter(temporaryPath: makeTemporaryPath(), root: root)
    }

    /// Paths that were given out by this process.
    private static let temporaryPaths = Atomic(0)

    package func makeTemporaryPath() -> String {
        "\(incoming)/\(getpid())-\(Self.temporaryPaths.add(1, ordering: .relaxed).newValue)"
    }

    package func add(file path: String) async throws(GyreError) -> StoredBlob {
        let writer = try await writer()
        guard let file = FileHandle(forReadingAtPath: path) else {
            await writer.abandon()
            throw GyreError(.notFound, "The file \(path) cannot be read.")
        }
        do {
            while true {
                let piece = try await NIOThreadPool.singleton.runIfActive { try file.read(upToCount: 1 << 20) }
                guard let piece, !piece.isEmpty else { break }
                try await writer.write(Array(piece))
            }
            try file.close()
        } catch {
            await writer.abandon()
            throw GyreError.wrapping(error, "Storing a file as a blob")
        }
        return try await writer.finish()
    }

    package func add(_ contents: [[UInt8]]) async throws(GyreError) -> [StoredBlob] {
        do {
            return try await NIOThreadPool.singleton.runIfActive {
                try BlobBatch(root: root, makeTemporaryPath: makeTemporaryPath).add(contents)
            }
        } catch {
            throw GyreError.wrapping(error, "Storing blobs")
        }
    }

    package func copy(_ digest: Digest, to path: String) async throws(GyreError) {
        let source = try await file(digest)
        do {
            try await NIOThreadPool.singleton.runIfActive {
                let folder = (path as NSString).deletingLastPathComponent
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: source, toPath: path)
            }
        } catch {
            throw GyreError.wrapping(error, "Copying the blob \(digest.short)")
        }
    }

    package func contains(_ digest: Digest) async -> Bool { unsafe access(Self.path(root, digest), F_OK) == 0 }

    package func size(_ digest: Digest) async throws(GyreError) -> Int64 {
        var status = stat()
        guard unsafe stat(Self.path(root, digest), &status) == 0 else { throw Self.missing(digest) }
        return Int64(status.st_size)
    }

    package func reader(_ digest: Digest) async throws(GyreError) -> any BlobReader {
        let descriptor = unsafe open(Self.path(root, digest), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.missing(digest) }
        return FileBlobReader(descriptor: descriptor, digest: digest, path: Self.path(root, digest))
    }

    package func reader(
        _ digest: Digest, from start: Int64, count: Int64
    ) async throws(GyreError) -> any BlobReader {
        let descriptor = unsafe open(Self.path(root, digest), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.missing(digest) }
        return FileBlobReader(
            descriptor: descriptor, digest: digest, path: Self.path(root, digest), part: (start, count))
    }

    package func file(_ digest: Digest) async throws(GyreError) -> String {
        guard await contains(digest) else { throw Self.missing(digest) }
        return Self.path(root, digest)
    }

    package func remove(_ digest: Digest, unusedFor seconds: Int64) async throws(GyreError) -> Int64? {
        let path = Self.path(root, digest)
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        // Whoever stores bytes that are here already touches the file, so a blob that is about to be named stays.
        guard Int64(time(nil)) - Int64(status.st_mtim.tv_sec) >= seconds else { return nil }
        guard unsafe unlink(path) == 0 else {
            throw GyreError(
                .unavailable, "Removing the blob \(digest.short) failed.", why: unsafe String(cString: strerror(errno)))
        }
        return Int64(status.st_size)
    }

    package func all() async throws(GyreError) -> [Digest] {
        do {
            var digests: [Digest] = []
            for folder in try FileManager.default.contentsOfDirectory(atPath: root) where folder.utf8.count == 2 {
                for name in try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)") {
                    digests.append(try Digest(hex: name))
                }
            }
            return digests.sorted()
        } catch {
            throw GyreError.wrapping(error, "Listing the blobs")
        }
    }

    static func path(_ root: String, _ digest: Digest) -> String {
        let hex = digest.hex
        return "\(root)/\(hex.prefix(2))/\(hex)"
    }

    private static func missing(_ digest: Digest) -> GyreError {
        GyreError(.notFound, "The blob sha256:\(digest.hex) is not in the store.")
    }
}

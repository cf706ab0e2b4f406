// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase

/// Content-addressed bytes.
package protocol BlobStore: Sendable {
    /// Takes bytes as they come; the blob exists, on disk, once the writer is finished.
    func writer() async throws(GyreError) -> any BlobWriter
    /// Whether the blob is there.
    func contains(_ digest: Digest) async -> Bool
    /// How many bytes it has.
    /// - Throws: `.notFound`.
    func size(_ digest: Digest) async throws(GyreError) -> Int64
    /// Reads the blob in pieces.
    /// - Throws: `.notFound`.
    func reader(_ digest: Digest) async throws(GyreError) -> any BlobReader
    /// Reads a part of the blob in pieces; what is not whole is not checked against the digest.
    /// - Throws: `.notFound`.
    func reader(_ digest: Digest, from start: Int64, count: Int64) async throws(GyreError) -> any BlobReader
    /// A file with the bytes, for libraries that open files; it must not be written to.
    /// - Throws: `.notFound`.
    func file(_ digest: Digest) async throws(GyreError) -> String
    /// A path that nothing is at, on the disk of the blobs, for a library to write a file to.
    func makeTemporaryPath() -> String
    /// Makes blobs of many small contents at once, in their order: the disk is waited for once.
    func add(_ contents: [[UInt8]]) async throws(GyreError) -> [StoredBlob]
    /// Makes a blob of a file's bytes; the file stays.
    func add(file path: String) async throws(GyreError) -> StoredBlob
    /// Writes the bytes to a new file; folders on the way are made.
    func copy(_ digest: Digest, to path: String) async throws(GyreError)
    /// Removes a blob that nobody wrote or wanted to write for `seconds`; gives the bytes that became free, nil if it stays.
    func remove(_ digest: Digest, unusedFor seconds: Int64) async throws(GyreError) -> Int64?
    /// Every blob there is.
    func all() async throws(GyreError) -> [Digest]
}

/// One blob on its way in.
package protocol BlobWriter: Sendable {
    /// Takes the next bytes.
    func write(_ bytes: [UInt8]) async throws(GyreError)
    /// Makes the blob durable under its digest.
    func finish() async throws(GyreError) -> StoredBlob
    /// Forgets what was written.
    func abandon() async
}

/// One blob on its way out.
package protocol BlobReader: Sendable {
    /// The next piece of at most 1 MiB, nil after the last.
    /// - Throws: `.corrupt` instead of the final nil if the bytes are not those of the digest.
    func next() async throws(GyreError) -> [UInt8]?
}

/// A blob that is on disk.
package struct StoredBlob: Sendable, Hashable {
    /// Its name.
    package let digest: Digest
    /// Its length.
    package let sizeBytes: Int64

    /// A blob of this digest and length.
    package init(digest: Digest, sizeBytes: Int64) {
        self.digest = digest
        self.sizeBytes = sizeBytes
    }
}

extension BlobStore {
    /// Makes a blob of a file at a temporary path; the path is free again afterwards.
    package func adopt(temporaryPath: String) async throws(GyreError) -> StoredBlob {
        let blob = try await add(file: temporaryPath)
        // A file that stays is removed with all temporary ones at the next start.
        try? FileManager.default.removeItem(atPath: temporaryPath)
        return blob
    }

    /// Stores bytes that are in memory already.
    package func put(_ bytes: [UInt8]) async throws(GyreError) -> StoredBlob {
        let writer = try await writer()
        try await writer.write(bytes)
        return try await writer.finish()
    }

    /// The whole of a small blob.
    /// - Throws: `.limitExceeded` above `limit` bytes.
    package func bytes(_ digest: Digest, limit: Int = Limits.bodyBytes) async throws(GyreError) -> [UInt8] {
        let size = try await size(digest)
        guard size <= limit else {
            throw GyreError(
                .limitExceeded, "The blob \(digest.short) has \(size) bytes; \(limit) is the most that is read at once."
            )
        }
        var all: [UInt8] = []
        all.reserveCapacity(Int(size))
        let reader = try await reader(digest)
        while let piece = try await reader.next() { all.append(contentsOf: piece) }
        return all
    }
}

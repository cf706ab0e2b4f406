// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import GyreBase
internal import GyreLedger
internal import NIOPosix

/// One blob on its way from disk, hashed as it is read.
actor FileBlobReader: BlobReader {
    private let descriptor: Int32
    private let digest: Digest
    private let path: String
    private var stream = DigestStream()
    private var isAtEnd = false
    private static let pieceBytes = 1 << 20

    /// What is left of a part; nil for the whole blob.
    private var left: Int64?

    /// `part`: where to begin and how many bytes to give.
    init(descriptor: Int32, digest: Digest, path: String, part: (start: Int64, count: Int64)? = nil) {
        self.descriptor = descriptor
        left = part?.count
        if let part { lseek(descriptor, Int(part.start), SEEK_SET) }
        self.digest = digest
        self.path = path
    }

    deinit { close(descriptor) }

    func next() async throws(GyreError) -> [UInt8]? {
        if isAtEnd { return nil }
        if let left { return try await next(of: left) }
        let descriptor = descriptor
        let piece: [UInt8]
        do {
            piece = try await NIOThreadPool.singleton.runIfActive {
                try Self.piece(from: descriptor, most: Self.pieceBytes)
            }
        } catch {
            throw GyreError.wrapping(error, "Reading the blob \(digest.short)")
        }
        guard piece.isEmpty else {
            stream.update(piece)
            return piece
        }
        isAtEnd = true
        let found = stream.finish()
        stream = DigestStream()
        guard found == digest else {
            throw GyreError(
                .corrupt, "The blob sha256:\(digest.hex) is damaged.",
                why: "Its bytes hash to sha256:\(found.hex); the file changed after it was written.",
                fix: "Restore \(path) from a backup.")
        }
        return nil
    }

    private func next(of left: Int64) async throws(GyreError) -> [UInt8]? {
        guard left > 0 else { return nil }
        let (descriptor, most) = (descriptor, Int(min(left, Int64(Self.pieceBytes))))
        do {
            let piece = try await NIOThreadPool.singleton.runIfActive { try Self.piece(from: descriptor, most: most) }
            self.left = piece.isEmpty ? 0 : left - Int64(piece.count)
            return piece.isEmpty ? nil : piece
        } catch {
            throw GyreError.wrapping(error, "Reading the blob \(digest.short)")
        }
    }

    private static func piece(from descriptor: Int32, most: Int) throws -> [UInt8] {
        try unsafe [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
            let result = unsafe Glibc.read(descriptor, buffer.baseAddress, most)
            guard result >= 0 else {
                throw GyreError(.unavailable, "Reading a file failed.", why: unsafe String(cString: strerror(errno)))
            }
            count = result
        }
    }
}

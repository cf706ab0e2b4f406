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

    init(descriptor: Int32, digest: Digest, path: String) {
        self.descriptor = descriptor
        self.digest = digest
        self.path = path
    }

    deinit { close(descriptor) }

    func next() async throws(GyreError) -> [UInt8]? {
        if isAtEnd { return nil }
        let descriptor = descriptor
        let piece: [UInt8]
        do {
            piece = try await NIOThreadPool.singleton.runIfActive { try Self.piece(from: descriptor) }
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

    private static func piece(from descriptor: Int32) throws -> [UInt8] {
        try unsafe [UInt8](unsafeUninitializedCapacity: pieceBytes) { buffer, count in
            let result = unsafe Glibc.read(descriptor, buffer.baseAddress, pieceBytes)
            guard result >= 0 else {
                throw GyreError(.unavailable, "Reading a file failed.", why: unsafe String(cString: strerror(errno)))
            }
            count = result
        }
    }
}

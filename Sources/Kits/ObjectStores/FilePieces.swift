// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import GyreBase
package import NIOCore

/// A part of a file, piece by piece, for the body of a request.
package struct FilePieces: AsyncSequence, Sendable {
    /// One piece of the file.
    package typealias Element = ByteBuffer

    private let path: String
    private let start: Int64
    private let count: Int64?

    /// A part of the file at a path: where it begins, and how many bytes; nil for all that follow.
    package init(path: String, start: Int64 = 0, count: Int64? = nil) {
        self.path = path
        self.start = start
        self.count = count
    }

    /// Reads from the beginning of the part.
    package func makeAsyncIterator() -> Iterator { Iterator(path: path, start: start, left: count ?? .max) }

    /// Reads one piece after another.
    package struct Iterator: AsyncIteratorProtocol {
        fileprivate let path: String
        fileprivate var start: Int64
        fileprivate var left: Int64
        private static let pieceBytes = 1 << 18

        /// The next piece; nil at the end.
        package mutating func next() async throws -> ByteBuffer? {
            guard left > 0 else { return nil }
            let (path, start, most) = (path, start, Int(Swift.min(left, Int64(Self.pieceBytes))))
            let piece = try await Background.run { () throws(GyreError) in
                try FilePieces.read(path, from: start, most: most)
            }
            if piece.isEmpty { return nil }
            self.start += Int64(piece.count)
            left -= Int64(piece.count)
            return ByteBuffer(bytes: piece)
        }
    }
}

extension FilePieces {
    /// A part of a file; fewer bytes at its end.
    package static func read(_ path: String, from start: Int64, most: Int) throws(GyreError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw GyreError(.notFound, "\(path) cannot be read.", why: unsafe String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var failed = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
            let found = unsafe pread(descriptor, buffer.baseAddress, most, off_t(start))
            failed = found < 0
            count = Swift.max(0, found)
        }
        if failed {
            throw GyreError(.unavailable, "\(path) cannot be read.", why: unsafe String(cString: strerror(errno)))
        }
        return bytes
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP
internal import NIOCore

/// The bytes of one call, as they come in pieces: each message has five bytes in front, whether it is packed and how long it is.
struct GRPCFrames {
    private var bytes = ByteBuffer()
    /// How messages that say so are packed.
    private let encoding: String?

    init(encoding: String?) { self.encoding = encoding }

    /// Whether bytes are left that are no whole message.
    var isPartial: Bool { bytes.readableBytes > 0 }

    mutating func append(_ more: inout ByteBuffer) {
        if bytes.readableBytes == 0 {
            bytes = more
        } else {
            bytes.writeBuffer(&more)
        }
    }

    /// The next whole message; nil until it is there.
    /// - Throws: `.limitExceeded` as soon as a message says that it is too long; `.invalid` for one that cannot be unpacked.
    mutating func next() throws(GyreError) -> [UInt8]? {
        let start = bytes.readerIndex
        guard let isPacked = bytes.getInteger(at: start, as: UInt8.self),
            let length = bytes.getInteger(at: start + 1, as: UInt32.self)
        else { return nil }
        guard length <= Limits.tensorBytes else {
            throw GyreError(
                .limitExceeded, "A message has \(length) bytes.", why: "At most \(Limits.tensorBytes) are taken here.")
        }
        guard let message = bytes.getBytes(at: start + 5, length: Int(length)) else { return nil }
        bytes.moveReaderIndex(forwardBy: 5 + Int(length))
        if bytes.readableBytes == 0 { bytes = ByteBuffer() }
        guard isPacked != 0 else { return message }
        guard let encoding else {
            throw GyreError(.invalid, "A message says that it is packed, and no grpc-encoding was named.")
        }
        return try Inflate.body(message, encoding: encoding, limit: Limits.tensorBytes)
    }

    /// The head of a message of `length` bytes that is not packed.
    static func writeHead(_ length: Int, to buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(0))
        buffer.writeInteger(UInt32(length))
    }
}

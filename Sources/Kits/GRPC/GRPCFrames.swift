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

    /// A message as it came.
    struct Message {
        let bytes: [UInt8]
        /// How it is packed; nil for not at all.
        let encoding: String?

        /// It unpacked.
        /// - Throws: `.invalid` for one that is damaged; `.limitExceeded` for one that is too long.
        func unpacked() throws(GyreError) -> [UInt8] {
            guard let encoding else { return bytes }
            return try Inflate.body(bytes, encoding: encoding, limit: Limits.tensorBytes)
        }
    }

    /// Whether bytes are left that are no whole message.
    var isPartial: Bool { bytes.readableBytes > 0 }
    /// Bytes that are no whole message yet.
    var partialBytes: Int { bytes.readableBytes }

    mutating func append(_ more: inout ByteBuffer) {
        if bytes.readableBytes == 0 {
            bytes = more
        } else {
            bytes.writeBuffer(&more)
        }
    }

    /// The next whole message; nil until it is there.
    /// - Throws: `.limitExceeded` as soon as a message says that it is too long; `.invalid` for one that is packed in no known way.
    mutating func next() throws(GyreError) -> Message? {
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
        guard isPacked != 0 else { return Message(bytes: message, encoding: nil) }
        guard let encoding else {
            throw GyreError(.invalid, "A message says that it is packed, and no grpc-encoding was named.")
        }
        return Message(bytes: message, encoding: encoding)
    }

    /// The head of a message of `length` bytes that is not packed.
    static func writeHead(_ length: Int, to buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(0))
        buffer.writeInteger(UInt32(length))
    }
}

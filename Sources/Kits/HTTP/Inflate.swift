// SPDX-License-Identifier: Apache-2.0

internal import CZlib
package import GyreBase

/// Unpacks request bodies that came compressed.
package enum Inflate {
    /// Bytes up to which a body, packed and unpacked, is small: unpacking it takes less time than going to another thread and back.
    private static let smallBytes = 64 << 10

    /// Answers a direct request from its body as it is behind its `Content-Encoding`.
    ///
    /// A small body is unpacked here, on the thread of the connection; a large one in the background, and answered later.
    package static func answer(
        _ request: HTTPRequest, limit: Int = Limits.tensorBytes,
        _ make: @escaping @Sendable ([UInt8]) throws(GyreError) -> Route.DirectAnswer
    ) throws(GyreError) -> Route.DirectAnswer {
        let bytes = request.body.atHand ?? []
        let encoding = request.headers("content-encoding")
        if let small = try small(bytes, encoding) { return try make(small) }
        return .later { () async throws(GyreError) in
            let unpacked = try await Background.run { () throws(GyreError) in
                try body(bytes, encoding: encoding, limit: limit)
            }
            switch try make(unpacked) {
            case .now(let response): return response
            case .later(let answer): return try await answer()
            }
        }
    }

    /// As `body`, but what is not small is unpacked in the background.
    package static func unpacked(
        _ bytes: [UInt8], encoding: String?, limit: Int
    ) async throws(GyreError) -> [UInt8] {
        if let small = try small(bytes, encoding) { return small }
        return try await Background.run { () throws(GyreError) in try body(bytes, encoding: encoding, limit: limit) }
    }

    /// The bytes behind a small body, or of one that is not packed; nil for all others.
    private static func small(_ bytes: [UInt8], _ encoding: String?) throws(GyreError) -> [UInt8]? {
        guard let encoding, !encoding.isEmpty else { return bytes }
        guard bytes.count <= smallBytes else { return nil }
        do { return try body(bytes, encoding: encoding, limit: smallBytes) } catch {
            if error.code == .limitExceeded { return nil }
            throw error
        }
    }

    /// The bytes behind a body of this `Content-Encoding`, on this thread however long it takes.
    /// - Throws: `.limitExceeded` above `limit` bytes; `.invalid` for a damaged body; `.unsupported` for another encoding.
    package static func body(_ bytes: [UInt8], encoding: String?, limit: Int) throws(GyreError) -> [UInt8] {
        switch encoding?.trimmedLowercase ?? "" {
        case "", "identity": return bytes
        // 32 beyond the window's size lets zlib see by itself whether a gzip or a zlib head comes.
        case "gzip", "x-gzip": return try unpack(bytes, windowBits: 15 + 32, name: "gzip", limit: limit)
        case "deflate":
            let hasHead = bytes.first.map { $0 & 0x0F == 8 } ?? true
            return try unpack(bytes, windowBits: hasHead ? 15 : -15, name: "deflate", limit: limit)
        case let other:
            throw GyreError(
                .unsupported, "Unsupported Content-Encoding: \(other.prefix(40))", fix: "Send gzip or deflate.")
        }
    }

    /// The bytes behind a deflated piece without a head, as archives hold them.
    /// - Throws: as `body`.
    package static func raw(_ bytes: [UInt8], limit: Int) throws(GyreError) -> [UInt8] {
        try unpack(bytes, windowBits: -15, name: "deflate", limit: limit)
    }

    private static func unpack(
        _ bytes: [UInt8], windowBits: Int32, name: String, limit: Int
    ) throws(GyreError) -> [UInt8] {
        var stream = unsafe z_stream()
        guard unsafe gyre_inflate_init(&stream, windowBits) == Z_OK else {
            throw GyreError(.internal, "zlib could not be made ready.")
        }
        defer { unsafe inflateEnd(&stream) }
        var unpacked: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        var input = bytes
        let pieceCount = piece.count
        var status = Z_OK
        let isWhole = unsafe input.withUnsafeMutableBufferPointer { source in
            unsafe stream.next_in = source.baseAddress
            unsafe stream.avail_in = UInt32(source.count)
            while status == Z_OK, unpacked.count <= limit {
                let made = unsafe piece.withUnsafeMutableBufferPointer { target in
                    unsafe stream.next_out = target.baseAddress
                    unsafe stream.avail_out = UInt32(pieceCount)
                    status = unsafe CZlib.inflate(&stream, Z_NO_FLUSH)
                    return pieceCount - Int(unsafe stream.avail_out)
                }
                unpacked.append(contentsOf: piece[..<made])
            }
            return status == Z_STREAM_END
        }
        guard unpacked.count <= limit else {
            throw GyreError(
                .limitExceeded, "The body of the request is too large once it is unpacked.",
                why: "At most \(limit) bytes are taken here.")
        }
        guard isWhole else { throw GyreError(.invalid, "Failed to decompress \(name) payload") }
        return unpacked
    }
}

extension String {
    fileprivate var trimmedLowercase: String { lowercased().filter { !$0.isWhitespace } }
}

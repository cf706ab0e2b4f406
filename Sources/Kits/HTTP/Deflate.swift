// SPDX-License-Identifier: Apache-2.0

internal import CZlib
internal import GyreBase

/// Packs answers for clients that take them so.
package enum Deflate {
    /// Answers below this are not worth it.
    private static let smallestBytes = 1024

    /// The answer, packed if the client takes gzip or deflate and it is of some size.
    ///
    /// `accepted`: the request's `Accept-Encoding`.
    package static func answer(_ response: HTTPResponse, accepted: String?) -> HTTPResponse {
        guard let accepted, case .bytes(let bytes) = response.body, bytes.count >= smallestBytes else {
            return response
        }
        let words = accepted.lowercased().split(separator: ",").map { $0.filter { !$0.isWhitespace } }
        func takes(_ name: String) -> Bool {
            words.contains { $0 == name || $0.hasPrefix(name + ";") && !$0.hasSuffix("q=0") }
        }
        let (name, windowBits): (String, Int32)
        if takes("gzip") {
            (name, windowBits) = ("gzip", 15 + 16)
        } else if takes("deflate") {
            (name, windowBits) = ("deflate", 15)
        } else {
            return response
        }
        guard let packed = pack(bytes, windowBits: windowBits) else { return response }
        var answer = response
        answer.headers.append(("content-encoding", name))
        answer.headers.append(("vary", "accept-encoding"))
        answer.body = .bytes(packed)
        return answer
    }

    private static func pack(_ bytes: [UInt8], windowBits: Int32) -> [UInt8]? {
        var stream = unsafe z_stream()
        guard unsafe gyre_deflate_init(&stream, 1, windowBits) == Z_OK else { return nil }
        defer { unsafe deflateEnd(&stream) }
        let room = Int(unsafe deflateBound(&stream, UInt(bytes.count)))
        var input = bytes
        var isWhole = false
        let packed = unsafe [UInt8](unsafeUninitializedCapacity: room) { target, count in
            unsafe input.withUnsafeMutableBufferPointer { source in
                unsafe stream.next_in = source.baseAddress
                unsafe stream.avail_in = UInt32(source.count)
                unsafe stream.next_out = target.baseAddress
                unsafe stream.avail_out = UInt32(room)
                isWhole = unsafe CZlib.deflate(&stream, Z_FINISH) == Z_STREAM_END
                count = room - Int(unsafe stream.avail_out)
            }
        }
        return isWhole ? packed : nil
    }
}

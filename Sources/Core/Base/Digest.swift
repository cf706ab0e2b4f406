// SPDX-License-Identifier: Apache-2.0

internal import Crypto

/// A SHA-256 digest: 32 bytes inside, 64 lower-case hexadecimal digits outside.
public struct Digest: Sendable, Hashable, Comparable {
    /// The 32 bytes.
    public let bytes: [UInt8]

    /// The digest of `content`.
    public init(of content: [UInt8]) { bytes = Array(SHA256.hash(data: content)) }

    /// The digest of the UTF-8 bytes of `text`.
    public init(of text: String) { self.init(of: Array(text.utf8)) }

    /// The digest with these 32 bytes.
    /// - Throws: `.invalid` where there are not 32.
    public init(bytes: [UInt8]) throws(GyreError) {
        guard bytes.count == 32 else {
            throw GyreError(.invalid, "A digest has 32 bytes.", why: "\(bytes.count) were given.")
        }
        self.bytes = bytes
    }

    /// The digest written as 64 hexadecimal digits, with or without `sha256:` before them.
    /// - Throws: `.invalid` where `hex` is something else.
    public init(hex: String) throws(GyreError) {
        let digits = Array((hex.hasPrefix("sha256:") ? String(hex.dropFirst(7)) : hex).utf8)
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count - 1, by: 2) {
            guard let high = Self.nibble(digits[index]), let low = Self.nibble(digits[index + 1]) else { break }
            bytes.append(high << 4 | low)
        }
        guard digits.count == 64, bytes.count == 32 else {
            throw GyreError(
                .invalid, "\"\(hex.prefix(80))\" is no SHA-256 digest.", why: "64 hexadecimal digits are needed.")
        }
        self.bytes = bytes
    }

    /// 32 zero bytes: what the first fact follows.
    public static let zero = Digest(unchecked: [UInt8](repeating: 0, count: 32))

    fileprivate init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// 64 lower-case hexadecimal digits.
    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The first twelve digits, enough for people.
    public var short: String { String(hex.prefix(12)) }

    /// Orders by the bytes.
    public static func < (left: Digest, right: Digest) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// Takes bytes as they come and gives their digest at the end.
public struct DigestStream: Sendable {
    private var hasher = SHA256()

    /// Nothing taken yet.
    public init() {}

    /// Takes more bytes.
    public mutating func update(_ bytes: [UInt8]) { hasher.update(data: bytes) }

    /// Takes more bytes where they lie.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) { unsafe hasher.update(bufferPointer: bytes) }

    /// The digest of all that was taken.
    public consuming func finish() -> Digest { Digest(unchecked: Array(hasher.finalize())) }
}

// SPDX-License-Identifier: Apache-2.0

internal import Crypto

/// The MD5 that DVC knows a file by, or a folder by its listing (`….dir`).
package struct ObjectID: Hashable, Sendable, Comparable {
    /// The first eight bytes.
    package let high: UInt64
    /// The last eight bytes.
    package let low: UInt64
    /// Whether it names a listing of files.
    package let isFolder: Bool

    /// The object with these bytes.
    package init(high: UInt64, low: UInt64, isFolder: Bool = false) {
        self.high = high
        self.low = low
        self.isFolder = isFolder
    }

    /// 32 hexadecimal digits, with `.dir` after them for a folder; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let isFolder = text.hasSuffix(".dir")
        let digits = Array(isFolder ? text.utf8.dropLast(4) : text.utf8.dropLast(0))
        guard digits.count == 32 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for (index, digit) in digits.enumerated() {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = digit - UInt8(ascii: "A") + 10
            default: return nil
            }
            if index < 16 { words.0 = words.0 << 4 | UInt64(value) } else { words.1 = words.1 << 4 | UInt64(value) }
        }
        self.init(high: words.0, low: words.1, isFolder: isFolder)
    }

    /// The 32 digits alone, as ASCII.
    package var digits: [UInt8] {
        let letters: StaticString = "0123456789abcdef"
        return unsafe [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            for index in 0..<16 {
                unsafe buffer[index] = unsafe letters.utf8Start[Int(high >> UInt64(60 - 4 * index) & 15)]
                unsafe buffer[index + 16] = unsafe letters.utf8Start[Int(low >> UInt64(60 - 4 * index) & 15)]
            }
            count = 32
        }
    }

    /// The 32 digits alone.
    package var hex: String { String(decoding: digits, as: UTF8.self) }

    /// As metafiles have it: `….dir` for a folder.
    package var text: String { isFolder ? hex + ".dir" : hex }

    /// Where the object lies below `files/md5`: `ab/cdef…`.
    package var path: String {
        let hex = hex
        return hex.prefix(2) + "/" + hex.dropFirst(2) + (isFolder ? ".dir" : "")
    }

    /// By the bytes; a file before a folder.
    package static func < (left: ObjectID, right: ObjectID) -> Bool {
        (left.high, left.low, left.isFolder ? 1 : 0) < (right.high, right.low, right.isFolder ? 1 : 0)
    }
}

/// Takes bytes as they come and says which object they are.
package struct ObjectHash {
    private var hasher = Insecure.MD5()

    /// Nothing taken yet.
    package init() {}

    /// Takes more bytes where they lie.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) { unsafe hasher.update(bufferPointer: bytes) }

    /// Takes more bytes.
    package mutating func update(_ bytes: [UInt8]) { hasher.update(data: bytes) }

    /// The object with the bytes so far.
    package func finish(isFolder: Bool = false) -> ObjectID {
        var words: (UInt64, UInt64) = (0, 0)
        for (index, byte) in hasher.finalize().enumerated() {
            if index < 8 { words.0 = words.0 << 8 | UInt64(byte) } else { words.1 = words.1 << 8 | UInt64(byte) }
        }
        return ObjectID(high: words.0, low: words.1, isFolder: isFolder)
    }

    /// The object with these bytes.
    package static func of(_ bytes: [UInt8], isFolder: Bool = false) -> ObjectID {
        var hash = ObjectHash()
        hash.update(bytes)
        return hash.finish(isFolder: isFolder)
    }
}

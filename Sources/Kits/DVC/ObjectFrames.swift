// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Many objects in one body: each is its 16 bytes of MD5, a byte that is 1 for a folder, eight bytes of length, most significant first, and
/// its content.
///
/// In place of a length, all bits set mean that the object is not there, and all but the last that it is fetched by itself.
package struct ObjectFrames {
    /// What such a body is called.
    package static let type = "application/vnd.gyre.objects"
    /// How long the MD5 and its flag are.
    package static let nameBytes = 17
    /// Bytes of the largest object that is sent with others.
    package static let mostBytes: Int64 = 8 << 20

    /// What is said of an object.
    package enum Answer: Sendable {
        /// Its bytes.
        case content([UInt8])
        /// It is not there.
        case missing
        /// It is fetched by itself.
        case tooLarge
    }

    private var waiting: [UInt8] = []
    private var start = 0

    /// Nothing read yet.
    package init() {}

    /// The length that stands before a content, or for none.
    package static func length(_ answer: Answer) -> [UInt8] {
        let number: UInt64
        switch answer {
        case .content(let bytes): number = UInt64(bytes.count)
        case .missing: number = .max
        case .tooLarge: number = .max - 1
        }
        return (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
    }

    /// The name of an object.
    package static func name(_ id: ObjectID) -> [UInt8] {
        [id.high, id.low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } }
            + [id.isFolder ? 1 : 0]
    }

    /// The object of a name.
    package static func id(_ name: ArraySlice<UInt8>) -> ObjectID? {
        guard name.count == nameBytes, let flag = name.last, flag <= 1 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for (index, byte) in name.prefix(16).enumerated() {
            if index < 8 { words.0 = words.0 << 8 | UInt64(byte) } else { words.1 = words.1 << 8 | UInt64(byte) }
        }
        return ObjectID(high: words.0, low: words.1, isFolder: flag == 1)
    }

    /// Takes the next bytes.
    package mutating func take(_ bytes: some Collection<UInt8>) {
        if start > 1 << 20 || start == waiting.count {
            waiting.removeFirst(start)
            start = 0
        }
        waiting.append(contentsOf: bytes)
    }

    /// Whether no part of an object waits for its rest.
    package var isAtEnd: Bool { start == waiting.count }

    /// The next object that is whole; nil where more bytes are needed.
    /// - Throws: `.invalid` for a name or a length that cannot be.
    package mutating func next() throws(GyreError) -> (id: ObjectID, answer: Answer)? {
        let head = start + Self.nameBytes + 8
        guard waiting.count >= head else { return nil }
        guard let id = Self.id(waiting[start..<start + Self.nameBytes]) else {
            throw GyreError(.invalid, "Among the objects is something else.")
        }
        var length: UInt64 = 0
        for byte in waiting[(start + Self.nameBytes)..<head] { length = length << 8 | UInt64(byte) }
        if length >= .max - 1 {
            start = head
            return (id, length == .max ? .missing : .tooLarge)
        }
        guard length <= UInt64(id.isFolder ? Limits.listingBytes : Int(Self.mostBytes)) else {
            throw GyreError(.limitExceeded, "\(id.text) has \(length) bytes: such an object is sent by itself.")
        }
        guard waiting.count >= head + Int(length) else { return nil }
        let content = Array(waiting[head..<head + Int(length)])
        start = head + Int(length)
        return (id, .content(content))
    }
}

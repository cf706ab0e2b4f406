// SPDX-License-Identifier: Apache-2.0

/// Writes JSON text into a growing array of bytes.
public struct JSONWriter: Sendable {
    /// What has been written so far, UTF-8.
    public private(set) var bytes: [UInt8]
    private let order: MemberOrder
    private let notFinite: NotFinite
    private let separators: Separators

    /// How the members of an object are ordered.
    public enum MemberOrder: Sendable {
        /// As they were set.
        case asSet
        /// By the UTF-8 bytes of their names: the canonical form that is hashed.
        case sorted
    }

    /// What stands between members and elements.
    public enum Separators: Sendable {
        /// Nothing but the commas and colons.
        case compact
        /// A space after each comma and colon, as Python writes them.
        case spaced
    }

    /// What becomes of NaN and the infinities, which JSON has no form for.
    public enum NotFinite: Sendable {
        /// The texts `"NaN"`, `"Infinity"`, `"-Infinity"`, as protobuf's JSON has them.
        case text
        /// The bare words `NaN`, `Infinity`, `-Infinity`, as Python reads and writes them.
        case word
        /// `null`.
        case null
    }

    /// An empty text.
    public init(
        order: MemberOrder = .asSet, notFinite: NotFinite = .text, separators: Separators = .compact,
        reservingCapacity capacity: Int = 256
    ) {
        self.order = order
        self.notFinite = notFinite
        self.separators = separators
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Appends text as it stands: punctuation, or JSON made elsewhere.
    public mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
    }

    /// Appends bytes as they stand.
    public mutating func raw(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    /// Appends any value.
    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: raw("null")
        case .bool(let flag): raw(flag ? "true" : "false")
        case .int(let number): integer(number)
        case .double(let number): double(number)
        case .string(let text): string(text)
        case .array(let elements): list(elements)
        case .object(let members): object(members)
        }
    }

    /// Appends a whole number.
    public mutating func integer(_ number: Int64) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        var magnitude = number.magnitude
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var count = 0
        repeat {
            digits[count] = UInt8(ascii: "0") + UInt8(magnitude % 10)
            magnitude /= 10
            count += 1
        } while magnitude > 0
        while count > 0 {
            count -= 1
            bytes.append(digits[count])
        }
    }

    /// Appends a number in the shortest form that reads back the same; a whole one keeps its `.0`.
    public mutating func double(_ number: Double) {
        guard number.isFinite else {
            let word = number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity"
            switch notFinite {
            case .text: string(word)
            case .word: bytes.append(contentsOf: word.utf8)
            case .null: raw("null")
            }
            return
        }
        bytes.append(contentsOf: number.description.utf8)
    }

    /// Appends a single-precision number in the shortest form that reads back the same.
    public mutating func float(_ number: Float) {
        guard number.isFinite else { return double(Double(number)) }
        bytes.append(contentsOf: number.description.utf8)
    }

    /// Appends text in quotes.
    public mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            // Most texts need no escape and go in as one piece.
            let isPlain = unsafe utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
            if isPlain { unsafe bytes.append(contentsOf: utf8) } else { unsafe escaped(utf8) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escaped(_ utf8: UnsafeBufferPointer<UInt8>) {
        for index in utf8.indices {
            let byte = unsafe utf8[index]
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: raw("\\n")
            case 0x0D: raw("\\r")
            case 0x09: raw("\\t")
            case 0..<0x20: controlCharacter(byte)
            default: bytes.append(byte)
            }
        }
    }

    private mutating func controlCharacter(_ byte: UInt8) {
        let hexadecimal = Array("0123456789abcdef".utf8)
        raw("\\u00")
        bytes.append(hexadecimal[Int(byte >> 4)])
        bytes.append(hexadecimal[Int(byte & 15)])
    }

    private mutating func list(_ elements: [JSONValue]) {
        bytes.append(UInt8(ascii: "["))
        var isFirst = true
        for element in elements {
            if !isFirst { separate(UInt8(ascii: ",")) }
            isFirst = false
            value(element)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private mutating func separate(_ mark: UInt8) {
        bytes.append(mark)
        if case .spaced = separators { bytes.append(UInt8(ascii: " ")) }
    }

    private mutating func object(_ object: JSONObject) {
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        let members =
            switch order {
            case .asSet: object.members
            case .sorted: object.members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            }
        for member in members {
            if !isFirst { separate(UInt8(ascii: ",")) }
            isFirst = false
            string(member.name)
            separate(UInt8(ascii: ":"))
            value(member.value)
        }
        bytes.append(UInt8(ascii: "}"))
    }
}

extension JSONValue {
    /// The one form that is hashed: sorted names, no spaces, integers as integers.
    public var canonicalBytes: [UInt8] {
        var writer = JSONWriter(order: .sorted)
        writer.value(self)
        return writer.bytes
    }

    /// Compact text with the members in the order they were set.
    public var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.bytes
    }

    /// Compact text with the members in the order they were set.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Text over several lines, two spaces a level, for people.
    public func indented(level: Int = 0) -> String {
        let inner = String(repeating: "  ", count: level + 1)
        let outer = String(repeating: "  ", count: level)
        switch self {
        case .array(let elements) where !elements.isEmpty:
            return "[\n" + elements.map { inner + $0.indented(level: level + 1) }.joined(separator: ",\n")
                + "\n\(outer)]"
        case .object(let object) where !object.isEmpty:
            let lines = object.members.map {
                "\(inner)\(JSONValue.string($0.name).text): \($0.value.indented(level: level + 1))"
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
        default: return text
        }
    }
}

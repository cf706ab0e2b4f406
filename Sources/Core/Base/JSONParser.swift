// SPDX-License-Identifier: Apache-2.0

/// Reads JSON text (RFC 8259), and the bare `NaN`, `Infinity` and `-Infinity` that Python writes.
///
/// Reads forward once over the bytes. `JSONValue.init(parsing:)` builds a whole document with it; a hot path pulls what it needs itself.
public struct JSONParser: Sendable {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0
    private let refusesNull: Bool

    /// A parser at the start of `bytes`, which are UTF-8.
    ///
    /// `refusesNull`: whether the character U+0000 is refused, for what is kept as texts of a database, which end there for whatever is
    /// written in C.
    public init(_ bytes: [UInt8], refusesNull: Bool = false) {
        self.bytes = bytes
        self.refusesNull = refusesNull
    }

    /// The whole document; nothing but white space may follow it.
    /// - Throws: `.invalid` with the offset of the byte that does not fit.
    public mutating func document() throws(GyreError) -> JSONValue {
        let value = try value()
        try end()
        return value
    }

    /// Checks that only white space is left.
    public mutating func end() throws(GyreError) {
        skipSpace()
        if position < bytes.count { throw unexpected("more text after the end of the document") }
    }

    /// The next value, whatever it is.
    public mutating func value() throws(GyreError) -> JSONValue {
        skipSpace()
        guard position < bytes.count else { throw unexpected("the end of the text") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try list()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    // MARK: Pulling

    /// Whether the next byte that is no space is `character`; consumes it if so.
    public mutating func consume(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Consumes `character` or throws.
    public mutating func expect(_ character: Unicode.Scalar) throws(GyreError) {
        if !consume(character) { throw unexpected("something else than \"\(character)\"") }
    }

    /// The next byte that is no space, without consuming it; 0 at the end.
    public mutating func peek() -> UInt8 {
        skipSpace()
        return position < bytes.count ? bytes[position] : 0
    }

    /// The next string.
    public mutating func string() throws(GyreError) -> String {
        try expect("\"")
        let start = position
        var all: UInt8 = 0
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = all < 0x80 ? ascii(start..<position) : try decode(bytes[start..<position])
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            if byte < 0x20 { throw unexpected("a control character in a string") }
            all |= byte
            position += 1
        }
        throw unexpected("the end of the text inside a string")
    }

    /// The next number (or `NaN`, `Infinity`), as an integer where it was written as one.
    public mutating func number() throws(GyreError) -> JSONValue {
        skipSpace()
        let start = position
        if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position += 1 }
        guard position < bytes.count else { throw unexpected("the end of the text") }
        if bytes[position] == UInt8(ascii: "N"), position == start { return try word("NaN", .double(.nan)) }
        if bytes[position] == UInt8(ascii: "I") {
            return try word("Infinity", .double(position == start ? .infinity : -.infinity))
        }
        guard isDigit(at: position) else { throw unexpected("no value") }
        return try digits(from: start)
    }

    /// The next number as a double, where it is one that a double holds exactly or that was written with a fraction; else nil,
    /// and nothing is consumed.
    public mutating func plainNumber() throws(GyreError) -> Double? {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "-") || isDigit(at: position) else { return nil }
        let start = position
        switch try number() {
        case .double(let value): return value
        case .int(let value) where value.magnitude <= 1 << 53: return Double(value)
        default:
            position = start
            return nil
        }
    }

    /// The next number in single precision, where it is one without an exponent; else nil, and nothing is consumed.
    ///
    /// The result is the single-precision number nearest to the text.
    public mutating func plainFloat() throws(GyreError) -> Float? {
        skipSpace()
        let start = position
        let isNegative = position < bytes.count && bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let first = position
        var magnitude: UInt64 = 0
        var fits = takeDigits(into: &magnitude)
        let whole = position - first
        var fraction = 0
        if whole > 0, position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            let begin = position
            fits = takeDigits(into: &magnitude) && fits
            fraction = position - begin
            if fraction == 0 { fits = false }
        }
        let hasExponent = position < bytes.count && bytes[position] | 0x20 == UInt8(ascii: "e")
        let isPlain = whole == 1 || (whole > 1 && bytes[first] != UInt8(ascii: "0"))
        if fits, isPlain, !hasExponent, fraction < Self.powersOfTen.count {
            // The quotient is off by less than two units in its last place; where these round to the same, so does the text.
            let value = Double(magnitude) / Self.powersOfTen[fraction]
            let slack = value.ulp * 2
            let (low, high) = (Float(value - slack), Float(value + slack))
            if low == high { return isNegative ? -low : low }
        }
        position = start
        return nil
    }

    /// The next number, where it is a whole one without a sign that 64 bits hold; else nil, and nothing is consumed.
    public mutating func unsignedNumber() throws(GyreError) -> UInt64? {
        skipSpace()
        let start = position
        var magnitude: UInt64 = 0
        let fits = takeDigits(into: &magnitude)
        let isEnd =
            position == bytes.count
            || ![UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[position])
        let isPlain = position - start == 1 || (position > start && bytes[start] != UInt8(ascii: "0"))
        if fits, isEnd, isPlain { return magnitude }
        position = start
        return nil
    }

    /// Skips the next value and tells where it begins, so that it can be read once more is known about it.
    public mutating func skipped() throws(GyreError) -> JSONParser {
        let before = self
        _ = try value()
        return before
    }

    // MARK: Parts

    private mutating func digits(from start: Int) throws(GyreError) -> JSONValue {
        let isNegative = bytes[start] == UInt8(ascii: "-")
        let first = position
        var magnitude: UInt64 = 0
        var fits = takeDigits(into: &magnitude)
        if position - first > 1, bytes[first] == UInt8(ascii: "0") { throw unexpected("a number that starts with 0") }
        var fraction: Int?
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            let begin = position
            guard isDigit(at: position) else { throw unexpected("a number without digits") }
            fits = takeDigits(into: &magnitude) && fits
            fraction = position - begin
        }
        let hasExponent = try takeExponent()
        if !hasExponent, fits {
            if let fraction {
                // Both are exact, so their quotient is the double nearest to the text (Clinger's fast path).
                if magnitude < 1 << 53, fraction < Self.powersOfTen.count {
                    let value = Double(magnitude) / Self.powersOfTen[fraction]
                    return .double(isNegative ? -value : value)
                }
            } else if isNegative, magnitude <= UInt64(Int64.max) + 1 {
                return .int(Int64(truncatingIfNeeded: 0 &- magnitude))
            } else if !isNegative, magnitude <= UInt64(Int64.max) {
                return .int(Int64(magnitude))
            }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let value = Double(text) else { throw unexpected("a number that cannot be read") }
        return .double(value)
    }

    /// 1, 10, … 10²²: the powers of ten that a double holds exactly.
    private static let powersOfTen: [Double] = (0...22).map { Double("1e\($0)") ?? .nan }

    /// Takes digits into `magnitude`; false if they do not fit.
    private mutating func takeDigits(into magnitude: inout UInt64) -> Bool {
        var fits = true
        while isDigit(at: position) {
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(bytes[position] - UInt8(ascii: "0")))
            fits = fits && !overflow && !carry
            magnitude = sum
            position += 1
        }
        return fits
    }

    private mutating func takeExponent() throws(GyreError) -> Bool {
        guard position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") else { return false }
        position += 1
        if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
            position += 1
        }
        try run()
        return true
    }

    private mutating func run() throws(GyreError) {
        guard isDigit(at: position) else { throw unexpected("a number without digits") }
        while isDigit(at: position) { position += 1 }
    }

    private mutating func object() throws(GyreError) -> JSONValue {
        try descend()
        position += 1
        var object = JSONObject()
        if !consume("}") {
            repeat {
                skipSpace()
                let name = try string()
                try expect(":")
                object.append(name, try value())
            } while consume(",")
            try expect("}")
        }
        object.settleRepeatedNames()
        depth -= 1
        return .object(object)
    }

    private mutating func list() throws(GyreError) -> JSONValue {
        try descend()
        position += 1
        var elements: [JSONValue] = []
        if !consume("]") {
            repeat { elements.append(try value()) } while consume(",")
            try expect("]")
        }
        depth -= 1
        return .array(elements)
    }

    private mutating func descend() throws(GyreError) {
        depth += 1
        if depth > Limits.jsonDepth {
            throw GyreError(.limitExceeded, "The JSON is nested deeper than \(Limits.jsonDepth) levels.")
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(GyreError) -> JSONValue {
        let expected = Array("\(word)".utf8)
        guard bytes.count - position >= expected.count, Array(bytes[position..<position + expected.count]) == expected
        else {
            throw unexpected("no value")
        }
        position += expected.count
        return value
    }

    private mutating func escapedString(from start: Int) throws(GyreError) -> String {
        var text = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try decode(text[...])
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw unexpected("a control character in a string")
            default: text.append(byte)
            }
        }
        throw unexpected("the end of the text inside a string")
    }

    private mutating func escape(into text: inout [UInt8]) throws(GyreError) {
        guard position < bytes.count else { throw unexpected("the end of the text inside a string") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xD800..<0xDC00).contains(code), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                let low = try hexadecimal()
                if (0xDC00..<0xE000).contains(low) { code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00) }
            }
            if code == 0, refusesNull {
                throw unexpected("the character U+0000, which cannot be kept in a name or a text")
            }
            text.append(contentsOf: String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8)
        default: throw unexpected("an escape that JSON does not have")
        }
    }

    private mutating func hexadecimal() throws(GyreError) -> UInt32 {
        guard bytes.count - position >= 4,
            bytes[position] != UInt8(ascii: "+"),
            let code = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
        else { throw unexpected("a \\u escape without four hexadecimal digits") }
        position += 4
        return code
    }

    /// The text of bytes that are ASCII, so that there is nothing to check.
    private func ascii(_ range: Range<Int>) -> String {
        unsafe bytes.withUnsafeBufferPointer { all in
            unsafe String(decoding: UnsafeBufferPointer(rebasing: all[range]), as: UTF8.self)
        }
    }

    private func decode(_ slice: ArraySlice<UInt8>) throws(GyreError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else { throw unexpected("bytes that are not UTF-8") }
        return text
    }

    private func isDigit(at index: Int) -> Bool {
        index < bytes.count && bytes[index] >= UInt8(ascii: "0") && bytes[index] <= UInt8(ascii: "9")
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private func unexpected(_ found: String) -> GyreError {
        GyreError(.invalid, "The text is not JSON.", why: "At byte \(position) stands \(found).")
    }
}

extension JSONValue {
    /// The document in `bytes`.
    ///
    /// `refusesNull`: whether the character U+0000 is refused, for what is kept as texts of a database.
    /// - Throws: `.invalid` where the bytes are not one JSON document.
    public init(parsing bytes: [UInt8], refusesNull: Bool = false) throws(GyreError) {
        var parser = JSONParser(bytes, refusesNull: refusesNull)
        self = try parser.document()
    }

    /// The document in `text`.
    /// - Throws: `.invalid` where the text is not one JSON document.
    public init(parsing text: String) throws(GyreError) {
        try self.init(parsing: Array(text.utf8))
    }
}

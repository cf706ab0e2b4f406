// SPDX-License-Identifier: Apache-2.0

/// Values as Python writes them, where what Python wrote is hashed or compared.
package enum PythonText {
    /// A number as `repr` writes it: the shortest digits that are this number, with an exponent below 1e-4 and from 1e16.
    package static func repr(_ number: Double) -> String {
        guard number.isFinite else { return number.isNaN ? "nan" : number < 0 ? "-inf" : "inf" }
        let text = "\(number)"
        // Swift writes an exponent only from 2^54 on.
        guard abs(number) >= 1e16, !text.contains("e") else { return text }
        let digits = text.utf8.filter { $0 >= 48 && $0 <= 57 }.dropLast()
        let rest = String(decoding: digits.dropFirst(), as: UTF8.self).replacing(/0+$/, with: "")
        let first = String(decoding: digits.prefix(1), as: UTF8.self)
        return (number < 0 ? "-" : "") + first + (rest.isEmpty ? "" : "." + rest) + "e+\(digits.count - 1)"
    }

    /// A value as `repr` writes it: `[1, 'x', True]`.
    package static func repr(_ value: JSONValue) -> String {
        switch value {
        case .null: "None"
        case .bool(let flag): flag ? "True" : "False"
        case .int(let number): String(number)
        case .double(let number): repr(number)
        case .string(let text): repr(text)
        case .array(let elements): "[" + elements.map { repr($0) }.joined(separator: ", ") + "]"
        case .object(let object):
            "{" + object.members.map { repr($0.name) + ": " + repr($0.value) }.joined(separator: ", ") + "}"
        }
    }

    private static func repr(_ text: String) -> String {
        let quote = text.contains("'") && !text.contains("\"") ? "\"" : "'"
        var written = quote
        for character in text {
            switch character {
            case "\\": written += "\\\\"
            case "\n": written += "\\n"
            case "\t": written += "\\t"
            case "\r": written += "\\r"
            default: written += String(character) == quote ? "\\" + quote : String(character)
            }
        }
        return written + quote
    }

    /// A number as ruamel.yaml writes it.
    package static func yaml(_ number: Double) -> String {
        number.isFinite ? repr(number) : number.isNaN ? ".nan" : number < 0 ? "-.inf" : ".inf"
    }

    /// `json.dumps(value)`: `", "` and `": "` between, everything outside of ASCII escaped; `sorts` is `sort_keys`.
    package static func json(_ value: JSONValue, sorts: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        write(value, sorts: sorts, to: &bytes)
        return bytes
    }

    private static func write(_ value: JSONValue, sorts: Bool, to bytes: inout [UInt8]) {
        switch value {
        case .null: bytes += "null".utf8
        case .bool(let flag): bytes += (flag ? "true" : "false").utf8
        case .int(let number): bytes += String(number).utf8
        case .double(let number):
            bytes +=
                (number.isFinite ? repr(number) : number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity").utf8
        case .string(let text): string(text.utf8, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes += ", ".utf8 }
                write(element, sorts: sorts, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let object):
            bytes.append(UInt8(ascii: "{"))
            let members =
                sorts
                ? object.members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) } : object.members
            for (index, member) in members.enumerated() {
                if index > 0 { bytes += ", ".utf8 }
                string(member.name.utf8, to: &bytes)
                bytes += ": ".utf8
                write(member.value, sorts: sorts, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// A text in quotes, given as UTF-8.
    package static func string(_ text: some Collection<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        if text.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            bytes.append(contentsOf: text)
        } else {
            for scalar in String(decoding: text, as: UTF8.self).unicodeScalars { escaped(scalar, to: &bytes) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func escaped(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
        switch scalar {
        case "\"": bytes += "\\\"".utf8
        case "\\": bytes += "\\\\".utf8
        case "\n": bytes += "\\n".utf8
        case "\r": bytes += "\\r".utf8
        case "\t": bytes += "\\t".utf8
        case "\u{8}": bytes += "\\b".utf8
        case "\u{C}": bytes += "\\f".utf8
        default:
            if scalar.value >= 0x20, scalar.value < 0x7F { return bytes.append(UInt8(scalar.value)) }
            for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                let hex = String(unit, radix: 16)
                bytes += "\\u".utf8
                bytes += String(repeating: "0", count: 4 - hex.count).utf8
                bytes += hex.utf8
            }
        }
    }
}

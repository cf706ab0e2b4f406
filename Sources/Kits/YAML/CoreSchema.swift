// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import Yams

/// What plain words mean in YAML 1.2, as ruamel reads them: `yes` and `on` are text, `0o17` is 15, `1_000` is 1000.
package enum CoreSchema {
    /// The value of a plain word.
    package static func value(_ word: String) -> JSONValue {
        switch word {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        guard let first = word.utf8.first,
            isDigit(first) || first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
                || first == UInt8(ascii: ".")
        else { return .string(word) }
        return integer(word) ?? float(word) ?? .string(word)
    }

    private static func integer(_ word: String) -> JSONValue? {
        var digits = Array(word.utf8)
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
        var radix = 10
        if digits.count > 2, digits[0] == UInt8(ascii: "0") {
            switch digits[1] {
            case UInt8(ascii: "b"): radix = 2
            case UInt8(ascii: "o"): radix = 8
            case UInt8(ascii: "x"): radix = 16
            default: break
            }
            if radix != 10 { digits.removeFirst(2) }
        }
        digits.removeAll { $0 == UInt8(ascii: "_") }
        let text = (isNegative ? "-" : "") + String(decoding: digits, as: UTF8.self)
        guard let first = digits.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "+") else { return nil }
        if let number = Int64(text, radix: radix) { return .int(number) }
        // Whole numbers beyond 64 bits are kept as well as a number can.
        return digits.allSatisfy(isDigit) && radix == 10 ? Double(text).map { .double($0) } : nil
    }

    private static func float(_ word: String) -> JSONValue? {
        switch word {
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .double(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .double(-.infinity)
        case ".nan", ".NaN", ".NAN": return .double(.nan)
        default: break
        }
        let bytes = word.utf8.filter { $0 != UInt8(ascii: "_") }
        guard bytes.allSatisfy({ isDigit($0) || "+-.eE".utf8.contains($0) }), bytes.contains(where: isDigit) else {
            return nil
        }
        return Double(String(decoding: bytes, as: UTF8.self)).map { .double($0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}

extension YAML {
    /// The one document of a stream as YAML 1.2 means it; an empty one is `null`.
    /// - Throws: `.invalid` with line and column, also for a name that comes twice, or more than one document.
    package static func coreDocument(_ text: String) throws(GyreError) -> JSONValue {
        let documents = try documents(text, plain: { scalar, _ in CoreSchema.value(scalar.string) })
        guard documents.count < 2 else { throw GyreError(.invalid, "The YAML has more than one document.") }
        return documents.first ?? .null
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Which forms of YAML a text may take.
struct ScalarForm {
    private(set) var mayBePlain = true
    private(set) var mayBeSingleQuoted = true
    private(set) var isMultiline = false

    init(_ text: [Unicode.Scalar]) {
        guard !text.isEmpty else {
            mayBePlain = false
            return
        }
        if text.starts(with: Array("---".unicodeScalars)) || text.starts(with: Array("...".unicodeScalars)) {
            mayBePlain = false
        }
        for index in text.indices {
            let scalar = text[index]
            let isBeforeBlank = index + 1 >= text.count || Self.isBlank(text[index + 1])
            if index == 0 {
                if "#,[]{}&*!|>'\"%@`".unicodeScalars.contains(scalar) { mayBePlain = false }
                if "?:-".unicodeScalars.contains(scalar), isBeforeBlank { mayBePlain = false }
            } else {
                if scalar == ":", isBeforeBlank { mayBePlain = false }
                if scalar == "#", Self.isBlank(text[index - 1]) { mayBePlain = false }
            }
            if Self.isBreak(scalar) {
                isMultiline = true
                mayBePlain = false
                if index > 0, text[index - 1] == " " { mayBeSingleQuoted = false }
                if index + 1 < text.count, text[index + 1] == " " { mayBeSingleQuoted = false }
            }
            if scalar != "\n", !Self.isPrintable(scalar) {
                mayBePlain = false
                mayBeSingleQuoted = false
            }
        }
        if text.first == " " || text.last == " " { mayBePlain = false }
    }

    private static func isBreak(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\n" || scalar == "\u{85}" || scalar == "\u{2028}" || scalar == "\u{2029}"
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || scalar == "\r" || scalar == "\0" || isBreak(scalar)
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }

    static func needsEscape(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\"", "\\", "\u{85}", "\u{2028}", "\u{2029}", "\u{FEFF}": return true
        default: break
        }
        switch scalar.value {
        case 0x20...0x7E, 0xA0...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: return false
        default: return true
        }
    }

    static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\0": return "\\0"
        case "\u{7}": return "\\a"
        case "\u{8}": return "\\b"
        case "\t": return "\\t"
        case "\n": return "\\n"
        case "\u{B}": return "\\v"
        case "\u{C}": return "\\f"
        case "\r": return "\\r"
        case "\u{1B}": return "\\e"
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\u{85}": return "\\N"
        case "\u{2028}": return "\\L"
        case "\u{2029}": return "\\P"
        default: break
        }
        let hex = String(scalar.value, radix: 16, uppercase: true)
        func padded(_ count: Int) -> String { String(repeating: "0", count: max(0, count - hex.count)) + hex }
        return scalar.value <= 0xFF ? "\\x" + padded(2) : scalar.value <= 0xFFFF ? "\\u" + padded(4) : "\\U" + padded(8)
    }

    /// Whether a double-quoted line that is folded at `end` has to say with a backslash that no blank is meant there.
    static func needsBackslash(_ text: [Unicode.Scalar], start: Int, end: Int) -> Bool {
        guard var blank = text[end...].firstIndex(of: " ") else { return true }
        if let newline = text[end..<blank].firstIndex(of: "\n") { blank = newline }
        guard blank + 1 < text.count else { return true }
        if text[blank] == "\n", text[blank + 1] != " " { return true }
        let hasQuotes = text[end..<blank].contains { $0 == "\"" || $0 == "'" }
        let isAfterBlank = text[end - 1] == " " && text[end] == " "
        return hasQuotes || text[blank + 1] == " " || text[blank + 1] == "\n" || isAfterBlank || start == end
    }

    /// Whether ruamel would read the word as a date or a time, so that a text must be quoted.
    static func isTimestamp(_ word: String) -> Bool {
        guard word.utf8.count >= 8, word.utf8.first.map({ $0 >= 48 && $0 <= 57 }) == true else { return false }
        return word.wholeMatch(
            of:
                /[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?/
        ) != nil
    }
}

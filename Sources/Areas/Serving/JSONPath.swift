// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A path into a JSON document in the form of gjson, as far as conditions of inference graphs use it.
///
/// `a.b.0`, `#` (length), `@this`, `[@this]`, and `#(name=="x")` for the first element of a list of which that is true.
package struct JSONPath: Sendable, Hashable {
    private let parts: [Part]

    private enum Part: Sendable, Hashable {
        case this
        case wrapped
        case member(String)
        case count
        case first(name: String, comparison: Comparison?)
    }

    private struct Comparison: Sendable, Hashable {
        let sign: String
        let value: JSONValue
    }

    /// Reads a path.
    /// - Throws: `.invalid` for what is none.
    package init(_ text: String) throws(GyreError) {
        guard !text.isEmpty, text.utf8.count <= Limits.patternBytes else {
            throw GyreError(.invalid, "\"\(text.prefix(80))\" is no path into a document.")
        }
        var parts: [Part] = []
        for word in Self.split(text) { parts.append(try Self.part(word, text)) }
        self.parts = parts
    }

    /// Splits at dots that stand neither in parentheses nor in quotes.
    private static func split(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        var depth = 0
        var isQuoted = false
        for character in text {
            if character == "\"" { isQuoted.toggle() }
            if !isQuoted, character == "(" { depth += 1 }
            if !isQuoted, character == ")" { depth -= 1 }
            if character == ".", depth == 0, !isQuoted {
                words.append(word)
                word = ""
            } else {
                word.append(character)
            }
        }
        return words + [word]
    }

    private static func part(_ word: String, _ text: String) throws(GyreError) -> Part {
        switch word {
        case "@this": return .this
        case "[@this]": return .wrapped
        case "#": return .count
        default: break
        }
        guard word.hasPrefix("#(") else {
            guard !word.isEmpty, !word.contains(where: { "()@|*?".contains($0) }) else {
                throw GyreError(.invalid, "\"\(word.prefix(80))\" in the path \(text.prefix(200)) is not understood.")
            }
            return .member(word)
        }
        guard word.hasSuffix(")") else {
            throw GyreError(.invalid, "\"\(word.prefix(80))\" in the path \(text.prefix(200)) has no end.")
        }
        let inner = word.dropFirst(2).dropLast()
        for sign in ["==", "!=", ">=", "<=", ">", "<"] {
            guard let place = inner.firstRange(of: sign) else { continue }
            let value = String(inner[place.upperBound...].drop { $0 == " " })
            return .first(
                name: String(inner[..<place.lowerBound]).filter { $0 != " " },
                comparison: Comparison(sign: sign, value: (try? JSONValue(parsing: value)) ?? .string(value)))
        }
        return .first(name: String(inner), comparison: nil)
    }

    /// What stands there; nil for nothing.
    package func value(in document: JSONValue) -> JSONValue? {
        var current = document
        for part in parts {
            guard let next = Self.step(part, current) else { return nil }
            current = next
        }
        return current
    }

    private static func step(_ part: Part, _ value: JSONValue) -> JSONValue? {
        switch part {
        case .this: value
        case .wrapped: .array([value])
        case .count: value.array.map { .int(Int64($0.count)) }
        case .member(let name):
            if let list = value.array {
                Int(name).flatMap { list.indices.contains($0) ? list[$0] : nil }
            } else {
                value[name]
            }
        case .first(let name, let comparison):
            value.array?.first { element in
                guard let own = element[name] else { return false }
                return comparison.map { holds(own, $0) } ?? true
            }
        }
    }

    private static func holds(_ value: JSONValue, _ comparison: Comparison) -> Bool {
        if comparison.sign == "==" { return value == comparison.value }
        if comparison.sign == "!=" { return value != comparison.value }
        guard let left = value.double, let right = comparison.value.double else { return false }
        switch comparison.sign {
        case ">=": return left >= right
        case "<=": return left <= right
        case ">": return left > right
        default: return left < right
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// A selector of labels: `a=b,c!=d,e in (f, g),!h`.
struct Selector {
    private enum Test: Sendable {
        case among(String, Set<String>)
        case notAmong(String, Set<String>)
        case isThere(String)
        case isAbsent(String)
    }

    private var tests: [Test] = []

    /// Reads one; an empty one fits all.
    /// - Throws: `.invalid`.
    init(_ text: String) throws(GyreError) {
        for term in Self.terms(text) {
            let word = term.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            if word.isEmpty { continue }
            if let open = word.firstIndex(of: "("), word.hasSuffix(")") {
                let values = Set(
                    word[word.index(after: open)...].dropLast().split(separator: ",").map {
                        String($0.filter { !$0.isWhitespace })
                    })
                let head = word[..<open].split(separator: " ").map(String.init)
                guard head.count == 2, head[1] == "in" || head[1] == "notin" else { throw Self.invalid(text) }
                tests.append(head[1] == "in" ? .among(head[0], values) : .notAmong(head[0], values))
                continue
            }
            if let range = word.firstRange(of: "!=") {
                tests.append(
                    .notAmong(Self.trimmed(word[..<range.lowerBound]), [Self.trimmed(word[range.upperBound...])]))
            } else if let range = word.firstRange(of: "==") ?? word.firstRange(of: "=") {
                tests.append(.among(Self.trimmed(word[..<range.lowerBound]), [Self.trimmed(word[range.upperBound...])]))
            } else if word.hasPrefix("!") {
                tests.append(.isAbsent(Self.trimmed(word.dropFirst())))
            } else {
                guard !word.contains(" ") else { throw Self.invalid(text) }
                tests.append(.isThere(word))
            }
        }
    }

    private static func invalid(_ text: String) -> GyreError {
        GyreError(.invalid, "\"\(text.prefix(120))\" is no selector.", fix: "Write it as name=value,other!=value.")
    }

    private static func trimmed(_ text: Substring) -> String { String(text.filter { !$0.isWhitespace }) }

    /// The terms between commas that stand in no brackets.
    private static func terms(_ text: String) -> [String] {
        var terms = [""]
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 { terms.append("") } else { terms[terms.count - 1].append(character) }
        }
        return terms
    }

    /// Whether labels fit.
    func fits(_ labels: [String: String]) -> Bool {
        tests.allSatisfy { test in
            switch test {
            case .among(let name, let values): labels[name].map(values.contains) ?? false
            case .notAmong(let name, let values): !(labels[name].map(values.contains) ?? false)
            case .isThere(let name): labels[name] != nil
            case .isAbsent(let name): labels[name] == nil
            }
        }
    }

    /// The value that a name must have, where it says one.
    subscript(name: String) -> String? {
        for case .among(name, let values) in tests where values.count == 1 { return values.first }
        return nil
    }
}

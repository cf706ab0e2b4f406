// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// Reads the filter language by descent over its characters:
/// `clause (AND clause)*`, `clause := key comparison value | key IS [NOT] NULL | key [NOT] IN (texts)`.
struct FilterParser {
    private let text: [Character]
    private var position = 0

    init(_ text: String) { self.text = Array(text) }

    mutating func clauses() throws(GyreError) -> [Filter.Clause] {
        skipSpace()
        if position == text.count { return [] }
        var clauses = [try clause()]
        while word("AND") {
            guard clauses.count < Limits.filterClauses else {
                throw GyreError(.invalid, "The filter has more than \(Limits.filterClauses) clauses.")
            }
            clauses.append(try clause())
        }
        skipSpace()
        if position < text.count { throw unexpected("\"AND\" or the end") }
        return clauses
    }

    mutating func orderBy() throws(GyreError) -> (Filter.Key, Bool) {
        let key = try key()
        let isDescending = word("DESC")
        if !isDescending { _ = word("ASC") }
        skipSpace()
        if position < text.count { throw unexpected("ASC, DESC or the end") }
        return (key, !isDescending)
    }

    private mutating func clause() throws(GyreError) -> Filter.Clause {
        let key = try key()
        if word("IS") {
            let isNegated = word("NOT")
            guard word("NULL") else { throw unexpected("NULL") }
            return Filter.Clause(key: key, comparison: isNegated ? .isNotNull : .isNull, operand: .nothing)
        }
        if word("NOT") {
            guard word("IN") else { throw unexpected("IN") }
            return Filter.Clause(key: key, comparison: .isNotIn, operand: .list(try list()))
        }
        if word("IN") { return Filter.Clause(key: key, comparison: .isIn, operand: .list(try list())) }
        if word("LIKE") { return Filter.Clause(key: key, comparison: .like, operand: .text(try quoted())) }
        if word("RLIKE") { return Filter.Clause(key: key, comparison: .rlike, operand: .text(try quoted())) }
        if word("ILIKE") { return Filter.Clause(key: key, comparison: .ilike, operand: .text(try quoted())) }
        let comparison = try symbol()
        return Filter.Clause(key: key, comparison: comparison, operand: try value())
    }

    private mutating func key() throws(GyreError) -> Filter.Key {
        let first = try identifier()
        guard position < text.count, text[position] == "." else { return Filter.Key(entity: nil, name: first) }
        position += 1
        var name = try identifier()
        // A bare name may itself hold dots: `tags.mlflow.runName`.
        while position < text.count, text[position] == "." {
            position += 1
            name += "." + (try identifier())
        }
        return Filter.Key(entity: first.lowercased(), name: name)
    }

    private mutating func identifier() throws(GyreError) -> String {
        skipSpace()
        guard position < text.count else { throw unexpected("a name") }
        let mark = text[position]
        if mark == "`" || mark == "\"" { return try enclosed(by: mark) }
        let start = position
        while position < text.count,
            text[position].isLetter || text[position].isNumber || "_-/@".contains(text[position])
        {
            position += 1
        }
        if start == position { throw unexpected("a name") }
        return String(text[start..<position])
    }

    private mutating func symbol() throws(GyreError) -> Filter.Comparison {
        skipSpace()
        for comparison in [Filter.Comparison.notEqual, .greaterOrEqual, .lessOrEqual, .equal, .greater, .less] {
            let symbol = Array(comparison.rawValue)
            if text[position...].starts(with: symbol) {
                position += symbol.count
                return comparison
            }
        }
        throw unexpected("a comparison such as = or >")
    }

    private mutating func value() throws(GyreError) -> Filter.Operand {
        skipSpace()
        guard position < text.count else { throw unexpected("a value") }
        if text[position] == "'" || text[position] == "\"" { return .text(try quoted()) }
        let start = position
        while position < text.count,
            text[position].isNumber || text[position].isLetter || "+-.".contains(text[position])
        {
            position += 1
        }
        guard start < position, let number = Double(String(text[start..<position])) else {
            position = start
            throw unexpected("a number, or a text in quotes")
        }
        return .number(number)
    }

    private mutating func quoted() throws(GyreError) -> String {
        skipSpace()
        guard position < text.count, text[position] == "'" || text[position] == "\"" else {
            throw unexpected("a text in quotes")
        }
        return try enclosed(by: text[position])
    }

    private mutating func enclosed(by mark: Character) throws(GyreError) -> String {
        guard let end = text[(position + 1)...].firstIndex(of: mark) else { throw unexpected("a closing \(mark)") }
        defer { position = end + 1 }
        return String(text[(position + 1)..<end])
    }

    private mutating func list() throws(GyreError) -> [String] {
        skipSpace()
        guard position < text.count, text[position] == "(" else { throw unexpected("(") }
        position += 1
        var elements: [String] = []
        repeat {
            elements.append(try quoted())
            skipSpace()
            guard position < text.count, text[position] == "," || text[position] == ")" else {
                throw unexpected(", or )")
            }
            position += 1
        } while text[position - 1] == ","
        return elements
    }

    /// Consumes a keyword, whatever its letters' case.
    private mutating func word(_ word: String) -> Bool {
        skipSpace()
        let end = position + word.count
        guard end <= text.count, String(text[position..<end]).uppercased() == word,
            end == text.count || !(text[end].isLetter || text[end].isNumber || text[end] == "_")
        else { return false }
        position = end
        return true
    }

    private mutating func skipSpace() {
        while position < text.count, text[position].isWhitespace { position += 1 }
    }

    private func unexpected(_ expected: String) -> GyreError {
        let found = position < text.count ? "\"\(String(text[position...].prefix(20)))\"" : "the end"
        return GyreError(
            .invalid, "Invalid filter: character \(position + 1) of \"\(String(text.prefix(200)))\".",
            why: "\(expected) is expected; \(found) was found.",
            fix: "For example: metrics.auc > 0.7 AND tags.team = 'core'")
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// Reads the filter language by descent over its characters:
/// `clause (AND clause)*`, `clause := key comparison value | key IS [NOT] NULL | key [NOT] IN (texts)`.
struct FilterParser {
    private let text: [Character]
    private var position = 0

    init(_ text: String) { self.text = Array(text) }

    /// The clauses; an `AND` too many or too few is overlooked, as MLflow does.
    mutating func clauses() throws(GyreError) -> [Filter.Clause] {
        guard text.count <= Limits.filterBytes else {
            throw GyreError(.invalid, "The filter has more than \(Limits.filterBytes) characters.")
        }
        if text.isEmpty { return [] }
        var clauses: [Filter.Clause] = []
        var hasWord = false
        while true {
            while word("AND") { hasWord = true }
            skipSpace()
            if position == text.count { break }
            guard clauses.count < Limits.filterClauses else {
                throw GyreError(.invalid, "The filter has more than \(Limits.filterClauses) clauses.")
            }
            clauses.append(try clause())
        }
        if clauses.isEmpty, !hasWord { throw unexpected("a clause") }
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
        if word("LIKE") { return Filter.Clause(key: key, comparison: .like, operand: .text(try pattern())) }
        if word("RLIKE") { return Filter.Clause(key: key, comparison: .rlike, operand: .text(try pattern())) }
        if word("ILIKE") { return Filter.Clause(key: key, comparison: .ilike, operand: .text(try pattern())) }
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
        return Filter.Key(entity: first, name: name)
    }

    private mutating func identifier() throws(GyreError) -> String {
        skipSpace()
        guard position < text.count else { throw unexpected("a name") }
        let mark = text[position]
        if mark == "`" || mark == "\"" || mark == "'" { return try enclosed(by: mark) }
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
        let word = String(text[start..<position])
        // Only digits with a point and an exponent: `NaN`, `inf` and `0x1` are numbers elsewhere.
        guard word.first.map({ $0.isNumber || $0 == "." || $0 == "-" }) ?? false,
            word.allSatisfy({ $0.isNumber || "eE+-.".contains($0) }), let number = Double(word)
        else {
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

    private mutating func pattern() throws(GyreError) -> String {
        let pattern = try quoted()
        guard pattern.utf8.count <= Limits.patternBytes else {
            throw GyreError(.invalid, "A pattern in the filter has more than \(Limits.patternBytes) bytes.")
        }
        return pattern
    }

    private mutating func enclosed(by mark: Character) throws(GyreError) -> String {
        guard var end = text[(position + 1)...].firstIndex(of: mark) else { throw unexpected("a closing \(mark)") }
        // A doubled mark stands for itself, twice: there is no escape in this language.
        while end + 1 < text.count, text[end + 1] == mark, mark != "`",
            let next = text[(end + 2)...].firstIndex(of: mark)
        {
            end = next
        }
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
            // A comma may stand before the closing parenthesis.
            if position + 1 < text.count, text[position] == "," {
                let rest = text[(position + 1)...].drop { $0.isWhitespace }
                if rest.first == ")" { position = rest.startIndex }
            }
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

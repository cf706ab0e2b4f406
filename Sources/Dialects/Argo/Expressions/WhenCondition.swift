// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// What stands behind `when`, once its tags are filled: words without quotes are texts, numbers compare as numbers.
struct WhenCondition {
    private enum Token: Hashable {
        case number(Double)
        case text(String)
        case symbol(String)
    }

    private let tokens: [Token]
    private var place = 0
    private var depth = 0
    private let whole: String

    /// Whether a condition holds.
    /// - Throws: `.invalid` for what is none, or is neither true nor false.
    static func holds(_ text: String) throws(GyreError) -> Bool {
        var condition = WhenCondition(whole: text, tokens: try tokens(text))
        guard !condition.tokens.isEmpty else { return true }
        let value = try condition.disjunction()
        guard condition.place == condition.tokens.count else { throw condition.unexpected() }
        if let truth = value.bool ?? Bool(value.string ?? "") { return truth }
        throw GyreError(
            .invalid, "The condition \"\(text.prefix(120))\" comes to \(value.text.prefix(60)).",
            why: "It must be true or false.")
    }

    private init(whole: String, tokens: [Token]) {
        self.whole = whole
        self.tokens = tokens
    }

    private func unexpected() -> GyreError {
        GyreError(
            .invalid, "The condition \"\(whole.prefix(120))\" cannot be read.",
            fix: "Set quotes around texts that have spaces or signs in them.")
    }

    private static let symbols = [
        "==", "!=", ">=", "<=", "=~", "!~", "&&", "||", ">", "<", "!", "(", ")", ",", "+", "*", "/", "%",
    ]

    private static func tokens(_ text: String) throws(GyreError) -> [Token] {
        let characters = Array(text)
        var tokens: [Token] = []
        var place = 0
        while place < characters.count {
            let character = characters[place]
            if character.isWhitespace {
                place += 1
            } else if character == "'" || character == "\"" {
                var word = ""
                place += 1
                while place < characters.count, characters[place] != character {
                    if characters[place] == "\\", place + 1 < characters.count { place += 1 }
                    word.append(characters[place])
                    place += 1
                }
                guard place < characters.count else {
                    throw GyreError(.invalid, "The condition \"\(text.prefix(120))\" has a text without an end.")
                }
                place += 1
                tokens.append(.text(word))
            } else if let symbol = symbols.first(where: {
                place + $0.count <= characters.count && String(characters[place..<(place + $0.count)]) == $0
            }) {
                place += symbol.count
                tokens.append(.symbol(symbol))
            } else {
                let start = place
                while place < characters.count, !characters[place].isWhitespace,
                    !"'\"=!<>&|(),~".contains(characters[place])
                {
                    place += 1
                }
                guard place > start else {
                    throw GyreError(
                        .invalid, "The condition \"\(text.prefix(120))\" has a \(character) that is not expected.")
                }
                let word = String(characters[start..<place])
                tokens.append(Double(word).map { .number($0) } ?? .text(word))
            }
        }
        return tokens
    }

    private mutating func take(_ symbol: String) -> Bool {
        guard place < tokens.count, tokens[place] == .symbol(symbol) else { return false }
        place += 1
        return true
    }

    private func truth(_ value: JSONValue) throws(GyreError) -> Bool {
        guard let truth = value.bool ?? Bool(value.string ?? "") else { throw unexpected() }
        return truth
    }

    private mutating func disjunction() throws(GyreError) -> JSONValue {
        var left = try conjunction()
        while take("||") {
            let right = try conjunction()
            let (first, second) = (try truth(left), try truth(right))
            left = .bool(first || second)
        }
        return left
    }

    private mutating func conjunction() throws(GyreError) -> JSONValue {
        var left = try comparison()
        while take("&&") {
            let right = try comparison()
            let (first, second) = (try truth(left), try truth(right))
            left = .bool(first && second)
        }
        return left
    }

    private mutating func comparison() throws(GyreError) -> JSONValue {
        let left = try sum()
        if place < tokens.count, tokens[place] == .text("in") {
            place += 1
            guard take("(") else { throw unexpected() }
            var isAmong = false
            while !take(")") {
                if ExpressionFunctions.areEqual(try sum(), left) { isAmong = true }
                guard take(",") || (place < tokens.count && tokens[place] == .symbol(")")) else { throw unexpected() }
            }
            return .bool(isAmong)
        }
        for symbol in ["==", "!=", ">=", "<=", "=~", "!~", ">", "<"] where take(symbol) {
            let right = try sum()
            switch symbol {
            case "==": return .bool(ExpressionFunctions.areEqual(left, right))
            case "!=": return .bool(!ExpressionFunctions.areEqual(left, right))
            case "=~", "!~":
                let isMatch = try ExpressionFunctions.matches(
                    ExpressionFunctions.text(left), ExpressionFunctions.text(right))
                return .bool(isMatch == (symbol == "=~"))
            default:
                guard let operation = Expression.Operator(rawValue: symbol) else { throw unexpected() }
                return try ExpressionFunctions.combine(operation, left, right)
            }
        }
        return left
    }

    private mutating func sum() throws(GyreError) -> JSONValue {
        var left = try operand()
        for symbol in ["+", "*", "/", "%"] {
            while take(symbol), let operation = Expression.Operator(rawValue: symbol) {
                left = try ExpressionFunctions.combine(operation, left, try operand())
            }
        }
        return left
    }

    private mutating func operand() throws(GyreError) -> JSONValue {
        depth += 1
        defer { depth -= 1 }
        guard depth < Limits.expressionDepth else { throw unexpected() }
        if take("!") { return .bool(!(try truth(try operand()))) }
        if take("(") {
            let inner = try disjunction()
            guard take(")") else { throw unexpected() }
            return inner
        }
        guard place < tokens.count else { throw unexpected() }
        switch tokens[place] {
        case .number(let number):
            place += 1
            return .double(number)
        case .text(let text):
            place += 1
            return Bool(text).map { .bool($0) } ?? .string(text)
        case .symbol: throw unexpected()
        }
    }
}

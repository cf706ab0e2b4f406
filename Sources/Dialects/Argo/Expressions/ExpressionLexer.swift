// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// The words of an expression.
struct ExpressionLexer {
    /// A word.
    enum Token: Sendable, Hashable {
        case number(JSONValue)
        case text(String)
        case name(String)
        case symbol(String)
        case end
    }

    private let characters: [Character]
    private var place = 0

    private static let symbols = [
        "??", "?.", "||", "&&", "==", "!=", "<=", ">=", "**", "..", "<", ">", "+", "-", "*", "/", "%", "^", "!", "?",
        ":", "(", ")", "[", "]", "{", "}", ",", ".", "#", "|",
    ]

    private init(_ text: String) { characters = Array(text) }

    /// All words of a text.
    /// - Throws: `.invalid` for a character that no word begins with, or a text without an end.
    static func tokens(_ text: String) throws(GyreError) -> [Token] {
        var lexer = ExpressionLexer(text)
        var tokens: [Token] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            guard tokens.count <= Limits.expressionTokens else {
                throw GyreError(.limitExceeded, "The expression is longer than \(Limits.expressionTokens) words.")
            }
            if token == .end { return tokens }
        }
    }

    private mutating func next() throws(GyreError) -> Token {
        while place < characters.count, characters[place].isWhitespace { place += 1 }
        guard place < characters.count else { return .end }
        let first = characters[place]
        if first.isNumber { return number() }
        if first == "'" || first == "\"" || first == "`" { return .text(try text(first)) }
        if first.isLetter || first == "_" || first == "$" {
            let start = place
            while place < characters.count,
                characters[place].isLetter || characters[place].isNumber || characters[place] == "_"
                    || characters[place] == "$"
            {
                place += 1
            }
            return .name(String(characters[start..<place]))
        }
        for symbol in Self.symbols where starts(symbol) {
            place += symbol.count
            return .symbol(symbol)
        }
        throw GyreError(.invalid, "The expression has \"\(first)\", which begins no word.")
    }

    private func starts(_ symbol: String) -> Bool {
        place + symbol.count <= characters.count && String(characters[place..<(place + symbol.count)]) == symbol
    }

    private mutating func number() -> Token {
        let start = place
        func isPart(_ index: Int) -> Bool {
            let character = characters[index]
            if character.isHexDigit || character == "_" || character == "x" { return true }
            // Two dots are a range.
            if character == "." { return index + 1 < characters.count && characters[index + 1].isNumber }
            return (character == "+" || character == "-") && "eE".contains(characters[index - 1])
        }
        while place < characters.count, isPart(place) { place += 1 }
        let word = String(characters[start..<place].filter { $0 != "_" })
        if word.hasPrefix("0x"), let value = Int64(word.dropFirst(2), radix: 16) { return .number(.int(value)) }
        if let value = Int64(word) { return .number(.int(value)) }
        return .number(.double(Double(word) ?? .nan))
    }

    private mutating func text(_ quote: Character) throws(GyreError) -> String {
        place += 1
        var result = ""
        while place < characters.count {
            let character = characters[place]
            place += 1
            if character == quote { return result }
            guard character == "\\", quote != "`", place < characters.count else {
                result.append(character)
                continue
            }
            let escaped = characters[place]
            place += 1
            switch escaped {
            case "n": result.append("\n")
            case "t": result.append("\t")
            case "r": result.append("\r")
            case "u" where place + 4 <= characters.count:
                let scalar = UInt32(String(characters[place..<(place + 4)]), radix: 16).flatMap(Unicode.Scalar.init)
                if let scalar { result.unicodeScalars.append(scalar) }
                place += 4
            default: result.append(escaped)
            }
        }
        throw GyreError(.invalid, "The expression has a text without an end: \(result.prefix(60))")
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// Reads expressions.
struct ExpressionParser {
    private let tokens: [ExpressionLexer.Token]
    private var place = 0
    private var depth = 0
    private var operators = 0

    private init(_ tokens: [ExpressionLexer.Token]) { self.tokens = tokens }

    /// The expression of a text.
    /// - Throws: `.invalid` for what is none.
    static func parse(_ text: String) throws(GyreError) -> Expression {
        do throws(GyreError) {
            var parser = ExpressionParser(try ExpressionLexer.tokens(text))
            let expression = try parser.whole()
            guard parser.tokens[parser.place] == .end else { throw parser.unexpected() }
            return expression
        } catch {
            throw GyreError(
                error.code, "The expression \"\(text.prefix(120))\" cannot be read.", why: error.description)
        }
    }

    private func unexpected() -> GyreError {
        let word: String
        switch tokens[place] {
        case .number(let value): word = value.text
        case .text(let text): word = "'\(text.prefix(40))'"
        case .name(let name): word = name
        case .symbol(let symbol): word = symbol
        case .end: return GyreError(.invalid, "It ends where something is missing.")
        }
        return GyreError(.invalid, "\(word) is not expected there.")
    }

    /// Counts what makes an expression deeper: working it out goes as deep.
    private mutating func count() throws(GyreError) {
        operators += 1
        guard operators <= Limits.expressionOperators else {
            throw GyreError(
                .limitExceeded, "It has more than \(Limits.expressionOperators) operators, members and calls.")
        }
    }

    private mutating func take(_ symbol: String) -> Bool {
        guard tokens[place] == .symbol(symbol) else { return false }
        place += 1
        return true
    }

    private mutating func takeName(_ name: String) -> Bool {
        guard tokens[place] == .name(name) else { return false }
        place += 1
        return true
    }

    private mutating func need(_ symbol: String) throws(GyreError) {
        guard take(symbol) else { throw unexpected() }
    }

    private mutating func whole() throws(GyreError) -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth < Limits.expressionDepth else {
            throw GyreError(.limitExceeded, "It is nested deeper than \(Limits.expressionDepth) levels.")
        }
        let condition = try binary(level: 0)
        var result = condition
        if take("?") {
            let yes = try whole()
            try need(":")
            result = .choice(condition, yes, try whole())
        }
        while take("|") {
            try count()
            guard case .name(let function) = tokens[place] else { throw unexpected() }
            place += 1
            result = .call(function, [result] + (tokens[place] == .symbol("(") ? try arguments() : []))
        }
        return result
    }

    /// The operators from those that bind least to those that bind most.
    private static let levels: [[Expression.Operator]] = [
        [.otherwise], [.or], [.and],
        [
            .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .within, .notWithin, .matches, .contains,
            .startsWith, .endsWith,
        ], [.range], [.add, .subtract], [.multiply, .divide, .remainder], [.power],
    ]

    private mutating func binary(level: Int) throws(GyreError) -> Expression {
        guard level < Self.levels.count else { return try unary() }
        var left = try binary(level: level + 1)
        while let found = operation(of: Self.levels[level]) {
            try count()
            left = .binary(found, left, try binary(level: level + 1))
        }
        return left
    }

    /// The operator that stands here, where it is one of these; it is taken.
    private mutating func operation(of wanted: [Expression.Operator]) -> Expression.Operator? {
        var found: Expression.Operator?
        var length = 1
        switch tokens[place] {
        case .symbol("^"): found = .power
        case .symbol(let symbol): found = Expression.Operator(rawValue: symbol)
        case .name("or"): found = .or
        case .name("and"): found = .and
        case .name("not") where tokens[place + 1] == .name("in"): (found, length) = (.notWithin, 2)
        case .name(let name): found = Expression.Operator(rawValue: name)
        case .number, .text, .end: break
        }
        guard let found, wanted.contains(found) else { return nil }
        place += length
        return found
    }

    private mutating func unary() throws(GyreError) -> Expression {
        if take("!") || takeName("not") {
            try count()
            return .not(try unary())
        }
        if take("-") {
            try count()
            return .negative(try unary())
        }
        if take("+") {
            try count()
            return try unary()
        }
        return try postfix(try primary())
    }

    private mutating func postfix(_ first: Expression) throws(GyreError) -> Expression {
        var result = first
        while true {
            if tokens[place] == .symbol(".") || tokens[place] == .symbol("?.") || tokens[place] == .symbol("[") {
                try count()
            }
            if take(".") || tokens[place] == .symbol("?.") {
                let isOptional = take("?.")
                // After `?.` brackets may stand as well.
                if isOptional, take("[") {
                    result = .member(result, try whole(), isOptional: true)
                    try need("]")
                    continue
                }
                guard case .name(let name) = tokens[place] else { throw unexpected() }
                place += 1
                if tokens[place] == .symbol("("), let path = result.path {
                    result = .call((path + [name]).joined(separator: "."), try arguments())
                } else {
                    result = .member(result, .literal(.string(name)), isOptional: isOptional)
                }
            } else if take("[") {
                result = try bracket(result)
            } else {
                return result
            }
        }
    }

    private mutating func bracket(_ whole: Expression) throws(GyreError) -> Expression {
        if take(":") {
            let end = tokens[place] == .symbol("]") ? nil : try self.whole()
            try need("]")
            return .slice(whole, from: nil, to: end)
        }
        let first = try self.whole()
        if take(":") {
            let end = tokens[place] == .symbol("]") ? nil : try self.whole()
            try need("]")
            return .slice(whole, from: first, to: end)
        }
        try need("]")
        return .member(whole, first, isOptional: false)
    }

    private mutating func primary() throws(GyreError) -> Expression {
        let token = tokens[place]
        place += 1
        switch token {
        case .number(let value): return .literal(value)
        case .text(let text): return .literal(.string(text))
        case .name("true"): return .literal(true)
        case .name("false"): return .literal(false)
        case .name("nil"), .name("null"): return .literal(.null)
        case .name(let name): return tokens[place] == .symbol("(") ? .call(name, try arguments()) : .name(name)
        case .symbol("("):
            let inner = try whole()
            try need(")")
            return inner
        case .symbol("["): return .list(try elements("]"))
        case .symbol("{"): return try map()
        case .symbol("#"):
            // `#acc` and `#index` are names of their own.
            guard case .name(let name) = tokens[place] else { return .element }
            place += 1
            return .name("#" + name)
        case .symbol("."):
            guard case .name(let name) = tokens[place] else { break }
            place += 1
            return .member(.element, .literal(.string(name)), isOptional: false)
        case .symbol, .end: break
        }
        place -= 1
        throw unexpected()
    }

    private mutating func elements(_ end: String) throws(GyreError) -> [Expression] {
        var list: [Expression] = []
        while !take(end) {
            list.append(try whole())
            guard take(",") || tokens[place] == .symbol(end) else { throw unexpected() }
        }
        return list
    }

    private mutating func map() throws(GyreError) -> Expression {
        var entries: [Expression.Entry] = []
        while !take("}") {
            let key: Expression
            switch tokens[place] {
            case .name(let name): key = .literal(.string(name))
            case .text(let text): key = .literal(.string(text))
            case .number(let number): key = .literal(.string(number.text))
            case .symbol("("):
                place += 1
                key = try whole()
                guard tokens[place] == .symbol(")") else { throw unexpected() }
            case .symbol, .end: throw unexpected()
            }
            place += 1
            try need(":")
            entries.append(Expression.Entry(key: key, value: try whole()))
            guard take(",") || tokens[place] == .symbol("}") else { throw unexpected() }
        }
        return .map(entries)
    }

    private mutating func arguments() throws(GyreError) -> [Expression] {
        try need("(")
        var list: [Expression] = []
        while !take(")") {
            if isClosure() {
                place += 1
                list.append(.closure(try whole()))
                try need("}")
            } else {
                list.append(try whole())
            }
            guard take(",") || tokens[place] == .symbol(")") else { throw unexpected() }
        }
        return list
    }

    /// Whether what begins here is a predicate and no map: a map has a key and a colon first.
    private func isClosure() -> Bool {
        guard tokens[place] == .symbol("{") else { return false }
        switch tokens[place + 1] {
        case .symbol("}"): return false
        case .name, .text: return tokens[place + 2] != .symbol(":")
        case .number, .symbol, .end: return true
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// The conditions that the compiler writes: a subset of CEL over `inputs.parameter_values['x']`.
struct Condition {
    private let text: [Character]
    private var position = 0
    private let parameters: [String: JSONValue]

    private init(_ text: String, _ parameters: [String: JSONValue]) {
        self.text = Array(text)
        self.parameters = parameters
    }

    /// Whether the condition holds for these parameters.
    /// - Throws: `.unsupported` for anything the compiler does not write.
    static func evaluate(_ text: String, _ parameters: [String: JSONValue]) throws(GyreError) -> Bool {
        var condition = Condition(text, parameters)
        let result = try condition.disjunction()
        condition.skipSpace()
        guard condition.position == condition.text.count else { throw condition.unexpected() }
        return result
    }

    private mutating func disjunction() throws(GyreError) -> Bool {
        var result = try conjunction()
        while take("||") {
            let right = try conjunction()
            result = result || right
        }
        return result
    }

    private mutating func conjunction() throws(GyreError) -> Bool {
        var result = try negation()
        while take("&&") {
            let right = try negation()
            result = result && right
        }
        return result
    }

    private mutating func negation() throws(GyreError) -> Bool {
        skipSpace()
        if position + 1 < text.count, text[position] == "!", text[position + 1] != "=" {
            position += 1
            return try !negation()
        }
        if take("(") {
            let result = try disjunction()
            guard take(")") else { throw unexpected() }
            return result
        }
        return try comparison()
    }

    private mutating func comparison() throws(GyreError) -> Bool {
        let left = try operand()
        for symbol in ["==", "!=", ">=", "<=", ">", "<"] where take(symbol) {
            return try compare(left, symbol, try operand())
        }
        if let flag = left.bool { return flag }
        throw unexpected()
    }

    private mutating func operand() throws(GyreError) -> JSONValue {
        skipSpace()
        if take("int(") || take("double(") {
            let inner = try operand()
            guard take(")") else { throw unexpected() }
            return inner.double.map { .double($0) } ?? Double(inner.string ?? "").map { .double($0) } ?? inner
        }
        if take("inputs.parameter_values[") {
            guard case .string(let name) = try operand(), take("]") else { throw unexpected() }
            return parameters[name] ?? .null
        }
        if take("true") { return true }
        if take("false") { return false }
        if position < text.count, text[position] == "'" || text[position] == "\"" {
            let mark = text[position]
            guard let end = text[(position + 1)...].firstIndex(of: mark) else { throw unexpected() }
            defer { position = end + 1 }
            return .string(String(text[(position + 1)..<end]))
        }
        let start = position
        while position < text.count, text[position].isNumber || "+-.eE".contains(text[position]) { position += 1 }
        guard let number = Double(String(text[start..<position])) else { throw unexpected() }
        return .double(number)
    }

    private func compare(_ left: JSONValue, _ symbol: String, _ right: JSONValue) throws(GyreError) -> Bool {
        if let one = left.double, let other = right.double { return holds(one, symbol, other) }
        if let one = left.string, let other = right.string { return holds(one, symbol, other) }
        switch symbol {
        case "==": return left == right
        case "!=": return left != right
        default:
            throw GyreError(
                .invalid, "The condition \"\(String(text))\" compares \(left.kindName) with \(right.kindName).")
        }
    }

    private func holds<Value: Comparable>(_ left: Value, _ symbol: String, _ right: Value) -> Bool {
        switch symbol {
        case "==": left == right
        case "!=": left != right
        case ">=": left >= right
        case "<=": left <= right
        case ">": left > right
        default: left < right
        }
    }

    private mutating func take(_ symbol: String) -> Bool {
        skipSpace()
        guard text[position...].starts(with: Array(symbol)) else { return false }
        position += symbol.count
        return true
    }

    private mutating func skipSpace() { while position < text.count, text[position].isWhitespace { position += 1 } }

    private func unexpected() -> GyreError {
        GyreError(
            .unsupported, "The condition \"\(String(text))\" cannot be evaluated.",
            why: "Character \(position + 1) is not what the kfp compiler writes there.")
    }
}

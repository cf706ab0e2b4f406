// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// A parsed expression of the language that Argo's `{{=…}}` tags are written in (expr-lang).
indirect enum Expression: Sendable, Hashable {
    case literal(JSONValue)
    case name(String)
    /// `.x`, `['x']` or `[3]`; `isOptional` for `?.`.
    case member(Expression, Expression, isOptional: Bool)
    case slice(Expression, from: Expression?, to: Expression?)
    case call(String, [Expression])
    /// What stands for the element of a list in a predicate.
    case element
    /// A predicate: `{# > 1}`.
    case closure(Expression)
    case not(Expression)
    case negative(Expression)
    case binary(Operator, Expression, Expression)
    case choice(Expression, Expression, Expression)
    case list([Expression])
    case map([Entry])

    /// A member of a map.
    struct Entry: Sendable, Hashable {
        let key: Expression
        let value: Expression
    }

    /// What stands between two operands.
    enum Operator: String, Sendable, Hashable {
        case otherwise = "??"
        case or = "||"
        case and = "&&"
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case within = "in"
        case notWithin = "not in"
        case matches
        case contains
        case startsWith
        case endsWith
        case range = ".."
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case remainder = "%"
        case power = "**"
    }
}

extension Expression {
    /// Every expression in it, itself first.
    var all: [Expression] {
        switch self {
        case .literal, .name, .element: [self]
        case .member(let whole, let part, _): [self] + whole.all + part.all
        case .slice(let whole, let from, let to): [self] + whole.all + (from?.all ?? []) + (to?.all ?? [])
        case .call(_, let arguments): [self] + arguments.flatMap(\.all)
        case .closure(let inner), .not(let inner), .negative(let inner): [self] + inner.all
        case .binary(_, let left, let right): [self] + left.all + right.all
        case .choice(let condition, let yes, let no): [self] + condition.all + yes.all + no.all
        case .list(let elements): [self] + elements.flatMap(\.all)
        case .map(let entries): [self] + entries.flatMap { $0.key.all + $0.value.all }
        }
    }

    /// The names from its root on, as far as they are written out: `tasks`, `a`, `outputs`; nil for what is no path.
    var path: [String]? {
        switch self {
        case .name(let name): [name]
        case .member(let whole, .literal(let key), _): whole.path.flatMap { path in key.string.map { path + [$0] } }
        default: nil
        }
    }
}

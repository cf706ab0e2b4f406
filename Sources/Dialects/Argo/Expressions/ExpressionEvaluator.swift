// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// Works out expressions.
struct ExpressionEvaluator {
    let scope: any ExpressionScope
    /// What `#`, `#index` and `#acc` stand for in the predicate that is worked out.
    private var locals: [String: JSONValue] = [:]
    /// What is left of what the whole expression may take.
    private let budget = Budget()

    private final class Budget {
        var steps = 0

        func spend(_ count: Int) throws(GyreError) {
            steps += count
            guard steps <= Limits.expressionSteps else {
                throw GyreError(.limitExceeded, "The expression takes more than \(Limits.expressionSteps) steps.")
            }
        }
    }

    init(_ scope: any ExpressionScope) { self.scope = scope }

    /// What an expression comes to.
    /// - Throws: `.invalid` for what has no value.
    func value(_ expression: Expression) throws(GyreError) -> JSONValue {
        try budget.spend(1)
        switch expression {
        case .literal(let value): return value
        case .name(let name):
            if let local = locals[name] { return local }
            guard let found = try scope.value([name]) else { throw Self.unknown([name]) }
            return found
        case .element:
            guard let element = locals["#"] else {
                throw GyreError(.invalid, "# stands for nothing outside of a predicate.")
            }
            return element
        case .member(let whole, let part, let isOptional): return try member(expression, whole, part, isOptional)
        case .slice(let whole, let from, let to): return try slice(whole, from, to)
        case .call(let name, let arguments): return try call(name, arguments)
        case .closure(let inner): return try value(inner)
        case .not(let inner): return .bool(!(try truth(inner)))
        case .negative(let inner):
            switch try value(inner) {
            case .int(let number): return .int(0 &- number)
            case let other: return .double(-(try ExpressionFunctions.number(other)))
            }
        case .binary(let operation, let left, let right): return try binary(operation, left, right)
        case .choice(let condition, let yes, let no): return try truth(condition) ? value(yes) : value(no)
        case .list(let elements): return .array(try elements.map { element throws(GyreError) in try value(element) })
        case .map(let entries):
            var object: [(String, JSONValue)] = []
            for entry in entries {
                object.append((ExpressionFunctions.text(try value(entry.key)), try value(entry.value)))
            }
            return .object(JSONObject(merging: object))
        }
    }

    /// Whether a condition holds.
    func truth(_ expression: Expression) throws(GyreError) -> Bool {
        let value = try value(expression)
        guard let truth = value.bool else {
            throw GyreError(.invalid, "\(value.kindName) is neither true nor false: \(value.text.prefix(60))")
        }
        return truth
    }

    private static func unknown(_ path: [String]) -> GyreError {
        GyreError(.invalid, "\"\(path.joined(separator: "."))\" is nothing that is known here.")
    }

    private func member(
        _ expression: Expression, _ whole: Expression, _ part: Expression, _ isOptional: Bool
    ) throws(GyreError) -> JSONValue {
        // What is around is looked up by its path: there may be thousands of tasks.
        if let path = expression.path, locals[path[0]] == nil {
            if let found = try scope.value(path) { return found }
            if try scope.value(Array(path.dropLast())) == nil, !isOptional { throw Self.unknown(path) }
            return .null
        }
        let (container, key) = (try value(whole), try value(part))
        switch container {
        case .null:
            if isOptional { return .null }
            throw GyreError(.invalid, "\(key.text) is asked of nothing.")
        case .object: return container[ExpressionFunctions.text(key)] ?? .null
        case .array(let elements):
            guard let index = key.int else { throw GyreError(.invalid, "\(key.text) is no place in a list.") }
            let place = index < 0 ? elements.count + Int(index) : Int(index)
            guard elements.indices.contains(place) else {
                throw GyreError(.invalid, "A list of \(elements.count) has no element \(index).")
            }
            return elements[place]
        case .string(let text):
            guard let index = key.int, index >= 0, index < text.count else {
                throw GyreError(.invalid, "A text has no \(key.text.prefix(40)).")
            }
            return .string(String(Array(text)[Int(index)]))
        case .bool, .int, .double: throw GyreError(.invalid, "\(container.kindName) has no \(key.text.prefix(40)).")
        }
    }

    private func slice(_ whole: Expression, _ from: Expression?, _ to: Expression?) throws(GyreError) -> JSONValue {
        let container = try value(whole)
        let count = container.array?.count ?? container.string?.count ?? 0
        func place(_ expression: Expression?, _ otherwise: Int) throws(GyreError) -> Int {
            guard let expression, let index = try value(expression).int else { return otherwise }
            return min(max(0, index < 0 ? count + Int(index) : Int(index)), count)
        }
        let start = try place(from, 0)
        let end = max(start, try place(to, count))
        switch container {
        case .array(let elements): return .array(Array(elements[start..<end]))
        case .string(let text): return .string(String(Array(text)[start..<end]))
        default: throw GyreError(.invalid, "\(container.kindName) has no parts.")
        }
    }

    private func binary(
        _ operation: Expression.Operator, _ left: Expression, _ right: Expression
    ) throws(GyreError) -> JSONValue {
        switch operation {
        case .and:
            guard try truth(left) else { return false }
            return .bool(try truth(right))
        case .or:
            if try truth(left) { return true }
            return .bool(try truth(right))
        case .otherwise:
            let first = try value(left)
            return first == .null ? try value(right) : first
        default:
            let result = try ExpressionFunctions.combine(operation, try value(left), try value(right))
            if operation == .range { try budget.spend(result.array?.count ?? 0) }
            return result
        }
    }

    // MARK: Calls

    private func call(_ name: String, _ arguments: [Expression]) throws(GyreError) -> JSONValue {
        if let predicate = try withPredicate(name, arguments) { return predicate }
        var values: [JSONValue] = []
        for argument in arguments { values.append(try value(argument)) }
        let context = ExpressionFunctions.Context(now: scope.now, seed: scope.seed)
        if name.hasPrefix("sprig.") {
            return try Sprig.call(String(name.dropFirst(6)), values, context)
        }
        return try ExpressionFunctions.call(name, values, context)
    }

    /// The functions that are told what to do with each element; nil for another function.
    private func withPredicate(_ name: String, _ arguments: [Expression]) throws(GyreError) -> JSONValue? {
        guard Self.predicates.contains(name), arguments.count >= 2 else { return nil }
        let list = try value(arguments[0])
        guard let elements = list.array ?? (list == .null ? [] : nil) else {
            throw GyreError(.invalid, "\(name)() takes a list and not \(list.kindName).")
        }
        var inner = arguments[1]
        if case .closure(let body) = inner { inner = body }
        func with(_ element: JSONValue, _ index: Int, accumulator: JSONValue? = nil) throws(GyreError) -> JSONValue {
            var evaluator = self
            evaluator.locals["#"] = element
            evaluator.locals["#index"] = .int(Int64(index))
            if let accumulator { evaluator.locals["#acc"] = accumulator }
            return try evaluator.value(inner)
        }
        if name == "reduce" {
            var rest = elements[...]
            var result: JSONValue
            if arguments.count > 2 { result = try value(arguments[2]) } else { result = rest.popFirst() ?? .null }
            for (index, element) in rest.enumerated() { result = try with(element, index, accumulator: result) }
            return result
        }
        var given: [JSONValue] = []
        for (index, element) in elements.enumerated() { given.append(try with(element, index)) }
        return ExpressionFunctions.applied(name, elements, given)
    }

    private static let predicates: Set<String> = [
        "map", "filter", "all", "any", "none", "one", "count", "find", "findIndex", "findLast", "findLastIndex", "sum",
        "groupBy", "sortBy", "reduce",
    ]
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase

/// The operators and functions of the expression language.
enum ExpressionFunctions {
    /// What functions take from around them.
    struct Context {
        let now: Int64
        let seed: String
    }

    // MARK: Kinds of values

    static func number(_ value: JSONValue) throws(GyreError) -> Double {
        guard let number = value.double else {
            throw GyreError(
                .invalid, "\(value.text.prefix(60)) is no number.", fix: "asInt(…) or asFloat(…) make one of a text.")
        }
        return number
    }

    /// A value as it stands in a text.
    static func text(_ value: JSONValue) -> String { value.string ?? (value == .null ? "" : json(value)) }

    /// A value as JSON, numbers as Go writes them: whole ones without a fraction.
    static func json(_ value: JSONValue) -> String { whole(value).text }

    private static func whole(_ value: JSONValue) -> JSONValue {
        switch value {
        case .double(let number): Int64(exactly: number).map { .int($0) } ?? value
        case .array(let elements): .array(elements.map(whole))
        case .object(let object): .object(JSONObject(object.members.map { ($0.name, whole($0.value)) }))
        default: value
        }
    }

    private static func string(_ value: JSONValue) throws(GyreError) -> String {
        guard let text = value.string else { throw GyreError(.invalid, "\(value.text.prefix(60)) is no text.") }
        return text
    }

    private static func list(_ value: JSONValue) throws(GyreError) -> [JSONValue] {
        if let list = value.array { return list }
        throw GyreError(.invalid, "\(value.text.prefix(60)) is no list.")
    }

    static func pattern(_ text: String) throws(GyreError) -> NSRegularExpression {
        guard text.utf8.count <= 500, !hasNestedRepetition(text) else {
            throw GyreError(
                .limitExceeded, "The regular expression \"\(text.prefix(60))\" is too long, or repeats what repeats.",
                why: "It could take for ever.", fix: "Write it without a repetition of a group that has one in it.")
        }
        do { return try NSRegularExpression(pattern: text) } catch {
            throw GyreError(.invalid, "\"\(text.prefix(60))\" is no regular expression.")
        }
    }

    /// Whether a group with a repetition or a choice in it is repeated: some texts would take for ever.
    private static func hasNestedRepetition(_ pattern: String) -> Bool {
        var open: [Bool] = []
        var closed = false
        var isEscaped = false
        var isClass = false
        for character in pattern {
            let wasClosed = closed
            closed = false
            if isEscaped {
                isEscaped = false
                continue
            }
            if isClass {
                if character == "\\" { isEscaped = true }
                if character == "]" { isClass = false }
                continue
            }
            switch character {
            case "\\": isEscaped = true
            case "[": isClass = true
            case "(": open.append(false)
            case ")":
                closed = open.popLast() ?? false
                // What is in a group is in those around it.
                if closed, !open.isEmpty { open[open.count - 1] = true }
            case "*", "+", "{":
                if wasClosed { return true }
                if !open.isEmpty { open[open.count - 1] = true }
            case "|": if !open.isEmpty { open[open.count - 1] = true }
            default: break
            }
        }
        return false
    }

    static func matches(_ text: String, _ pattern: String) throws(GyreError) -> Bool {
        // Of a long text the beginning is looked at.
        let text = text.utf8.count > 10_000 ? String(text.prefix(10_000)) : text
        return try self.pattern(pattern).firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil
    }

    // MARK: Operators

    static func combine(
        _ operation: Expression.Operator, _ left: JSONValue, _ right: JSONValue
    ) throws(GyreError) -> JSONValue {
        switch operation {
        case .equal: return .bool(areEqual(left, right))
        case .notEqual: return .bool(!areEqual(left, right))
        case .less, .lessOrEqual, .greater, .greaterOrEqual: return .bool(try compare(operation, left, right))
        case .within: return .bool(try contains(right, left))
        case .notWithin: return .bool(!(try contains(right, left)))
        case .matches: return .bool(try matches(try string(left), try string(right)))
        case .contains: return .bool(try string(left).contains(try string(right)))
        case .startsWith: return .bool(try string(left).hasPrefix(try string(right)))
        case .endsWith: return .bool(try string(left).hasSuffix(try string(right)))
        case .range:
            let edges = -1_000_000_000...1_000_000_000 as ClosedRange<Int64>
            guard let start = left.int, let end = right.int, edges.contains(start), edges.contains(end),
                end - start < Int64(Limits.pipelineTasks)
            else {
                throw GyreError(.invalid, "\(left.text)..\(right.text) is no range, or too long.")
            }
            return .array(start > end ? [] : (start...end).map { .int($0) })
        case .add:
            if let first = left.string, let second = right.string {
                guard first.utf8.count + second.utf8.count <= Limits.expressionTextBytes else { throw tooLong() }
                return .string(first + second)
            }
            return try arithmetic(operation, left, right)
        case .subtract, .multiply, .divide, .remainder, .power: return try arithmetic(operation, left, right)
        case .and, .or, .otherwise: throw GyreError(.internal, "\(operation.rawValue) is worked out elsewhere.")
        }
    }

    static func areEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let first = left.double, let second = right.double { return first == second }
        return left == right
    }

    private static func compare(
        _ operation: Expression.Operator, _ left: JSONValue, _ right: JSONValue
    ) throws(GyreError) -> Bool {
        let isLess: Bool
        let isEqual: Bool
        if let first = left.string, let second = right.string {
            (isLess, isEqual) = (first < second, first == second)
        } else {
            let (first, second) = (try number(left), try number(right))
            (isLess, isEqual) = (first < second, first == second)
        }
        switch operation {
        case .less: return isLess
        case .lessOrEqual: return isLess || isEqual
        case .greater: return !isLess && !isEqual
        default: return !isLess
        }
    }

    private static func contains(_ container: JSONValue, _ value: JSONValue) throws(GyreError) -> Bool {
        switch container {
        case .array(let elements): return elements.contains { areEqual($0, value) }
        case .object(let object): return object[text(value)] != nil
        case .null: return false
        default: throw GyreError(.invalid, "\(container.kindName) has nothing in it.")
        }
    }

    private static func arithmetic(
        _ operation: Expression.Operator, _ left: JSONValue, _ right: JSONValue
    ) throws(GyreError) -> JSONValue {
        if case .int(let first) = left, case .int(let second) = right {
            func checked(_ result: (partialValue: Int64, overflow: Bool)) throws(GyreError) -> JSONValue {
                if result.overflow {
                    throw GyreError(.invalid, "\(first) \(operation.rawValue) \(second) is too large.")
                }
                return .int(result.partialValue)
            }
            switch operation {
            case .add: return try checked(first.addingReportingOverflow(second))
            case .subtract: return try checked(first.subtractingReportingOverflow(second))
            case .multiply: return try checked(first.multipliedReportingOverflow(by: second))
            case .remainder:
                guard second != 0 else { throw GyreError(.invalid, "\(first) is divided by zero.") }
                return .int(second == -1 ? 0 : first % second)
            default: break
            }
        }
        let (first, second) = (try number(left), try number(right))
        switch operation {
        case .add: return .double(first + second)
        case .subtract: return .double(first - second)
        case .multiply: return .double(first * second)
        case .divide: return .double(first / second)
        case .power: return .double(Foundation.pow(first, second))
        default: throw GyreError(.invalid, "\(operation.rawValue) takes whole numbers.")
        }
    }

    // MARK: Lists

    /// What becomes of a list by what a predicate gave for each element.
    static func applied(_ name: String, _ elements: [JSONValue], _ given: [JSONValue]) -> JSONValue {
        let holds = given.map { $0 == true }
        let kept = zip(elements, holds).filter(\.1).map(\.0)
        switch name {
        case "map": return .array(given)
        case "filter": return .array(kept)
        case "all": return .bool(!holds.contains(false))
        case "any": return .bool(holds.contains(true))
        case "none": return .bool(!holds.contains(true))
        case "one": return .bool(kept.count == 1)
        case "count": return .int(Int64(kept.count))
        case "find": return kept.first ?? .null
        case "findLast": return kept.last ?? .null
        case "findIndex": return .int(Int64(holds.firstIndex(of: true) ?? -1))
        case "findLastIndex": return .int(Int64(holds.lastIndex(of: true) ?? -1))
        case "sum": return total(given)
        case "groupBy":
            var groups = JSONObject()
            for (element, key) in zip(elements, given) {
                groups[text(key)] = .array((groups[text(key)]?.array ?? []) + [element])
            }
            return .object(groups)
        default:
            return .array(zip(elements, given).sorted { isBefore($0.1, $1.1) }.map(\.0))
        }
    }

    static func isBefore(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let first = left.double, let second = right.double { return first < second }
        return text(left) < text(right)
    }

    static func total(_ values: [JSONValue]) -> JSONValue {
        let whole = values.compactMap { value -> Int64? in if case .int(let number) = value { number } else { nil } }
        if whole.count == values.count { return .int(whole.reduce(0, &+)) }
        return .double(values.compactMap(\.double).reduce(0, +))
    }

    private static func flattened(_ values: [JSONValue]) -> [JSONValue] { values.flatMap { $0.array ?? [$0] } }

    // MARK: Functions

    /// A function without a predicate.
    static func call(_ name: String, _ values: [JSONValue], _ context: Context) throws(GyreError) -> JSONValue {
        guard let least = arities[name] else {
            throw GyreError(
                .invalid, "There is no function \"\(name.prefix(60))\".",
                fix: Nearest.fix(name, among: arities.keys.sorted(), otherwise: "Write sprig.NAME for one of sprig's."))
        }
        guard values.count >= least else {
            throw GyreError(.invalid, "\(name)() takes \(least) arguments, and is given \(values.count).")
        }
        if let result = try conversion(name, values, context) { return result }
        if let result = try textFunction(name, values) { return result }
        return try listFunction(name, values)
    }

    /// How many arguments each function takes at least.
    private static let arities: [String: Int] = [
        "asInt": 1, "asFloat": 1, "int": 1, "float": 1, "string": 1, "toJson": 1, "toJSON": 1, "fromJSON": 1,
        "jsonpath": 2, "now": 0, "type": 1, "toBase64": 1, "fromBase64": 1, "len": 1, "trim": 1, "trimPrefix": 2,
        "trimSuffix": 2, "upper": 1, "lower": 1, "split": 2, "splitAfter": 2, "replace": 3, "repeat": 2, "join": 1,
        "indexOf": 2, "lastIndexOf": 2, "hasPrefix": 2, "hasSuffix": 2, "max": 1, "min": 1, "abs": 1, "ceil": 1,
        "floor": 1, "round": 1, "sum": 1, "mean": 1, "median": 1, "first": 1, "last": 1, "take": 2, "reverse": 1,
        "sort": 1, "uniq": 1, "concat": 1, "flatten": 1, "keys": 1, "values": 1, "get": 2, "toPairs": 1, "fromPairs": 1,
    ]

    private static func conversion(
        _ name: String, _ values: [JSONValue], _ context: Context
    ) throws(GyreError) -> JSONValue? {
        switch name {
        case "asInt", "int":
            if let number = values[0].double { return .int(Int64(exactly: number.rounded(.towardZero)) ?? 0) }
            let word = text(values[0]).trimmingCharacters(in: .whitespaces)
            guard let number = Int64(word) else {
                throw GyreError(.invalid, "\"\(word.prefix(60))\" is no whole number.")
            }
            return .int(number)
        case "asFloat", "float":
            let word = text(values[0]).trimmingCharacters(in: .whitespaces)
            guard let number = values[0].double ?? Double(word) else {
                throw GyreError(.invalid, "\"\(word.prefix(60))\" is no number.")
            }
            return .double(number)
        case "string": return .string(text(values[0]))
        case "toJson", "toJSON": return .string(json(values[0]))
        case "fromJSON": return try JSONValue(parsing: try string(values[0]))
        case "jsonpath":
            let json = try values[0].string.map { text throws(GyreError) in try JSONValue(parsing: text) } ?? values[0]
            let path = try string(values[1])
            guard let found = try JSONPath.value(path, in: json) else {
                throw GyreError(.invalid, "The JSON path \(path.prefix(80)) finds nothing.")
            }
            return found
        case "now": return .string(Timestamp.text(context.now))
        case "type":
            switch values[0] {
            case .null: return "nil"
            case .bool: return "bool"
            case .int: return "int"
            case .double: return "float"
            case .string: return "string"
            case .array: return "array"
            case .object: return "map"
            }
        case "toBase64": return .string(Data(try string(values[0]).utf8).base64EncodedString())
        case "fromBase64":
            guard let data = Data(base64Encoded: try string(values[0])) else {
                throw GyreError(.invalid, "The text is not base64.")
            }
            return .string(String(decoding: data, as: UTF8.self))
        default: return nil
        }
    }

    private static func textFunction(_ name: String, _ values: [JSONValue]) throws(GyreError) -> JSONValue? {
        switch name {
        case "len":
            if let text = values[0].string { return .int(Int64(text.count)) }
            if let object = values[0].object { return .int(Int64(object.members.count)) }
            return .int(Int64(try list(values[0]).count))
        case "trim":
            let set = values.count > 1 ? CharacterSet(charactersIn: try string(values[1])) : .whitespacesAndNewlines
            return .string(try string(values[0]).trimmingCharacters(in: set))
        case "trimPrefix":
            let (whole, part) = (try string(values[0]), try string(values[1]))
            return .string(whole.hasPrefix(part) ? String(whole.dropFirst(part.count)) : whole)
        case "trimSuffix":
            let (whole, part) = (try string(values[0]), try string(values[1]))
            return .string(whole.hasSuffix(part) ? String(whole.dropLast(part.count)) : whole)
        case "upper": return .string(try string(values[0]).uppercased())
        case "lower": return .string(try string(values[0]).lowercased())
        case "split":
            return .strings(try string(values[0]).components(separatedBy: try string(values[1])))
        case "splitAfter":
            let (whole, mark) = (try string(values[0]), try string(values[1]))
            var parts = whole.components(separatedBy: mark)
            for index in parts.indices.dropLast() { parts[index] += mark }
            return .strings(parts)
        case "replace":
            return .string(try string(values[0]).replacing(try string(values[1]), with: try string(values[2])))
        case "repeat": return .string(try repeated(try string(values[0]), values[1]))
        case "join":
            let mark = values.count > 1 ? try string(values[1]) : ""
            return .string(try list(values[0]).map(text).joined(separator: mark))
        case "indexOf", "lastIndexOf":
            let (whole, part) = (try string(values[0]), try string(values[1]))
            let range = whole.range(of: part, options: name == "indexOf" ? [] : .backwards)
            return .int(range.map { Int64(whole.distance(from: whole.startIndex, to: $0.lowerBound)) } ?? -1)
        case "hasPrefix": return .bool(try string(values[0]).hasPrefix(try string(values[1])))
        case "hasSuffix": return .bool(try string(values[0]).hasSuffix(try string(values[1])))
        default: return nil
        }
    }

    private static func tooLong() -> GyreError {
        GyreError(.limitExceeded, "An expression makes a text of more than \(Limits.expressionTextBytes) bytes.")
    }

    static func repeated(_ text: String, _ count: JSONValue) throws(GyreError) -> String {
        guard let count = count.int, count >= 0, count <= Int64(Limits.expressionTextBytes),
            Int(count) * max(1, text.utf8.count) <= Limits.expressionTextBytes
        else { throw tooLong() }
        return String(repeating: text, count: Int(count))
    }

    private static func listFunction(_ name: String, _ values: [JSONValue]) throws(GyreError) -> JSONValue {
        switch name {
        case "max": return flattened(values).max { isBefore($0, $1) } ?? .null
        case "min": return flattened(values).min { isBefore($0, $1) } ?? .null
        case "abs":
            if case .int(let number) = values[0] {
                return .int(number.magnitude > Int64.max ? .max : Swift.abs(number))
            }
            return .double(Swift.abs(try number(values[0])))
        case "ceil": return .double(try number(values[0]).rounded(.up))
        case "floor": return .double(try number(values[0]).rounded(.down))
        case "round": return .double(try number(values[0]).rounded())
        case "sum": return total(flattened(values))
        case "mean":
            let numbers = flattened(values).compactMap(\.double)
            return .double(numbers.isEmpty ? 0 : numbers.reduce(0, +) / Double(numbers.count))
        case "median":
            let numbers = flattened(values).compactMap(\.double).sorted()
            guard !numbers.isEmpty else { return .double(0) }
            let middle = numbers.count / 2
            return .double(
                numbers.count % 2 == 1 ? numbers[middle] : (numbers[middle - 1] + numbers[middle]) / 2)
        case "first": return try list(values[0]).first ?? .null
        case "last": return try list(values[0]).last ?? .null
        case "take": return .array(Array(try list(values[0]).prefix(max(0, Int(values[1].int ?? 0)))))
        case "reverse": return .array(try list(values[0]).reversed())
        case "sort":
            let sorted = try list(values[0]).sorted { isBefore($0, $1) }
            return .array(values.count > 1 && values[1] == "desc" ? sorted.reversed() : sorted)
        case "uniq":
            var seen: Set<JSONValue> = []
            return .array(try list(values[0]).filter { seen.insert($0).inserted })
        case "concat", "flatten": return .array(flattened(name == "flatten" ? try list(values[0]) : values))
        case "keys": return .strings((values[0].object?.members ?? []).map(\.name))
        case "values": return .array((values[0].object?.members ?? []).map(\.value))
        case "get":
            if let index = values[1].int { return values[0][Int(index)] ?? .null }
            return values[0][text(values[1])] ?? .null
        case "toPairs":
            return .array((values[0].object?.members ?? []).map { .array([.string($0.name), $0.value]) })
        default:
            var object = JSONObject()
            for pair in try list(values[0]) { object[text(pair[0] ?? .null)] = pair[1] ?? .null }
            return .object(object)
        }
    }
}

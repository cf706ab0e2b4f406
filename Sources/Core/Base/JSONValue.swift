// SPDX-License-Identifier: Apache-2.0

/// A JSON document as a value; integers stay integers and members keep the order they came in.
public enum JSONValue: Sendable, Hashable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number written without fraction or exponent that fits 64 signed bits.
    case int(Int64)
    /// Any other number; may be NaN or infinite in memory, see `JSONWriter`.
    case double(Double)
    /// Text.
    case string(String)
    /// A list.
    case array([JSONValue])
    /// Named members; a name that comes twice keeps its last value.
    case object(JSONObject)
}

/// The members of a JSON object, in the order they were set.
public struct JSONObject: Sendable, Hashable {
    /// The members in order.
    public private(set) var members: [Member] = []

    /// One name with its value.
    public struct Member: Sendable, Hashable {
        /// The member's name.
        public let name: String
        /// The member's value.
        public var value: JSONValue
    }

    /// No members.
    public init() {}

    /// These members; their names differ.
    public init(_ members: [(String, JSONValue)]) { self.members = members.map { Member(name: $0.0, value: $0.1) } }

    /// The value of `name`, or nil where it is absent; setting nil removes it.
    public subscript(name: String) -> JSONValue? {
        get { members.first { $0.name == name }?.value }
        set {
            let index = members.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Adds a member that is known to be new, without looking for its name.
    mutating func append(_ name: String, _ value: JSONValue) {
        members.append(Member(name: name, value: value))
    }

    /// These members; a name that comes twice keeps its first place and its last value.
    public init(merging members: [(String, JSONValue)]) {
        self.members = members.map { Member(name: $0.0, value: $0.1) }
        settleRepeatedNames()
    }

    /// Keeps the last value of each name that came more than once.
    mutating func settleRepeatedNames() {
        guard members.count > 1, Set(members.map(\.name)).count < members.count else { return }
        var places: [String: Int] = [:]
        var settled: [Member] = []
        for member in members {
            if let place = places[member.name] {
                settled[place].value = member.value
            } else {
                places[member.name] = settled.count
                settled.append(member)
            }
        }
        members = settled
    }

    /// Whether there is no member.
    public var isEmpty: Bool { members.isEmpty }
}

extension JSONValue {
    /// The text of a string.
    public var string: String? { if case .string(let text) = self { text } else { nil } }
    /// The truth value of a boolean.
    public var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    /// The elements of a list.
    public var array: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
    /// The members of an object.
    public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
    /// Whether this is `null`.
    public var isNull: Bool { self == .null }

    /// A whole number; also a double without fraction.
    public var int: Int64? {
        switch self {
        case .int(let value): value
        case .double(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// Any number.
    public var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The member `name` of an object, or nil.
    public subscript(name: String) -> JSONValue? {
        get { object?[name] }
        set {
            var changed = object ?? JSONObject()
            changed[name] = newValue
            self = .object(changed)
        }
    }

    /// The element at `index` of a list, or nil.
    public subscript(index: Int) -> JSONValue? {
        guard let array, array.indices.contains(index) else { return nil }
        return array[index]
    }

    /// The texts of a list of strings; elements of another kind are left out.
    public var strings: [String] { (array ?? []).compactMap(\.string) }

    /// What kind of JSON value this is, for error messages.
    public var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int, .double: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }

    /// A list of texts.
    public static func strings(_ texts: some Sequence<String>) -> JSONValue { .array(texts.map { .string($0) }) }

    /// Text, or null where there is none.
    public static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

    /// A number, or null where there is none.
    public static func optional(_ number: Double?) -> JSONValue { number.map { .double($0) } ?? .null }

    /// A whole number, or null where there is none.
    public static func optional(_ number: Int64?) -> JSONValue { number.map { .int($0) } ?? .null }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .int(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// A boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A list.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// An object with its members in the order written.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (name, value) in elements { object[name] = value }
        self = .object(object)
    }
}

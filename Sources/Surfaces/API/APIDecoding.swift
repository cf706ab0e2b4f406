// SPDX-License-Identifier: Apache-2.0

public import GyreBase

extension APIObject {
    /// Reads an answer; members that are not known are left out.
    /// - Throws: `.internal` naming the member that is missing or of another kind.
    package init(answer json: JSONValue) throws(GyreError) {
        do { self = try JSONReading(json, isStrict: false).read(Self.self) } catch {
            let problem = error as? JSONReading.Problem
            throw GyreError(
                .internal, "The answer of the API is not understood.", why: problem?.text ?? "\(error)",
                fix: "Use the same version of gyre on both sides.")
        }
    }

    /// Reads a request; every member is known and of the right kind, so that nothing misspelt is passed over.
    ///
    /// `extra`: members that any request may have.
    /// - Throws: `.invalid` naming the member and what is expected, or the nearest name there is.
    package init(request json: JSONValue, extra: Set<String> = []) throws(GyreError) {
        do { self = try JSONReading(json, isStrict: true, extra: extra).read(Self.self) } catch {
            let problem = error as? JSONReading.Problem
            throw GyreError(
                .invalid, "The request is not what this call takes.", why: problem?.text ?? "\(error)",
                fix: problem?.fix ?? "GET \(API.root)/openapi.json tells what each call takes.")
        }
    }
}

/// A value of JSON on its way into a type.
struct JSONReading {
    let value: JSONValue
    let path: String
    let isStrict: Bool
    let extra: Set<String>

    /// Why a value does not fit.
    struct Problem: Error {
        let text: String
        var fix: String?
    }

    init(_ value: JSONValue, path: String = "", isStrict: Bool, extra: Set<String> = []) {
        self.value = value
        self.path = path
        self.isStrict = isStrict
        self.extra = extra
    }

    func inner(_ value: JSONValue, _ name: String) -> JSONReading {
        JSONReading(value, path: path.isEmpty ? name : "\(path).\(name)", isStrict: isStrict)
    }

    func wrong(_ wanted: String) -> Problem {
        Problem(text: "\(path.isEmpty ? "The body" : "\"\(path)\"") is \(wanted); it is \(value.text.prefix(80)).")
    }

    func read<Value: Decodable>(_ type: Value.Type) throws -> Value {
        func found(_ known: Any?, _ wanted: String) throws -> Value {
            guard let value = known as? Value else { throw wrong(wanted) }
            return value
        }
        switch type {
        case is JSONValue.Type: return try found(value, "any value")
        case is String.Type: return try found(value.string, "a text")
        case is Bool.Type: return try found(value.bool, "true or false")
        case is Int.Type: return try found(value.int.flatMap { Int(exactly: $0) }, "a whole number")
        case is Int64.Type: return try found(value.int, "a whole number")
        case is Double.Type: return try found(value.double, "a number")
        case let optional as any APIOptional.Type: return try found(try optional.read(self), "null or a value")
        case let list as any APIList.Type: return try found(try list.read(self), "a list")
        case let map as any APIMap.Type: return try found(try map.read(self), "an object")
        case let words as any APIEnumeration.Type: return try found(try word(words), "a word")
        default: break
        }
        let node = JSONNode(self)
        let made = try Value(from: node)
        if isStrict, (type as? any APIObject.Type)?.isOpen != true, let members = value.object?.members {
            let known = node.asked.union(extra)
            if let unknown = members.first(where: { !known.contains($0.name) }) {
                let names = node.asked.sorted()
                throw Problem(
                    text: "\(path.isEmpty ? "It" : "\"\(path)\"") has no member \"\(unknown.name.prefix(80))\".",
                    fix: names.isEmpty
                        ? "Leave it out."
                        : Nearest.fix(unknown.name, among: names, otherwise: names.joined(separator: ", ")))
            }
        }
        return made
    }

    private func word<Words: APIEnumeration>(_ type: Words.Type) throws -> Words {
        let words = type.allCases.map(\.rawValue)
        guard let text = value.string else { throw wrong("one of \(words.joined(separator: ", "))") }
        guard let known = Words(rawValue: text) else {
            throw Problem(
                text: "\"\(path)\" is one of \(words.joined(separator: ", ")); it is \"\(text.prefix(80))\".",
                fix: Nearest.fix(text, among: words, otherwise: words.joined(separator: ", ")))
        }
        return known
    }
}

/// What `Codable` calls an optional, a list and a map by text, so that they are told apart from objects.
protocol APIOptional {
    static var wrapped: any Decodable.Type { get }
    static var nothing: Self { get }
    static func read(_ reading: JSONReading) throws -> Self
}

protocol APIList {
    static var element: any Decodable.Type { get }
    static var nothing: Self { get }
    static func read(_ reading: JSONReading) throws -> Self
}

protocol APIMap {
    static var element: any Decodable.Type { get }
    static var nothing: Self { get }
    static func read(_ reading: JSONReading) throws -> Self
}

extension Optional: APIOptional where Wrapped: Decodable {
    static var wrapped: any Decodable.Type { Wrapped.self }
    static var nothing: Self { nil }
    static func read(_ reading: JSONReading) throws -> Self {
        reading.value.isNull ? nil : try reading.read(Wrapped.self)
    }
}

extension Array: APIList where Element: Decodable {
    static var element: any Decodable.Type { Element.self }
    static var nothing: Self { [] }
    static func read(_ reading: JSONReading) throws -> Self {
        guard let list = reading.value.array else { throw reading.wrong("a list") }
        return try list.enumerated().map { try reading.inner($1, String($0)).read(Element.self) }
    }
}

extension Dictionary: APIMap where Key == String, Value: Decodable {
    static var element: any Decodable.Type { Value.self }
    static var nothing: Self { [:] }
    static func read(_ reading: JSONReading) throws -> Self {
        guard let members = reading.value.object?.members else { throw reading.wrong("an object") }
        return try Dictionary(
            members.map { ($0.name, try reading.inner($0.value, $0.name).read(Value.self)) }, uniquingKeysWith: { $1 })
    }
}

/// One object, as `Codable` asks for it.
private final class JSONNode: Decoder {
    let reading: JSONReading
    /// Names that were asked for.
    var asked: Set<String> = []
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    init(_ reading: JSONReading) { self.reading = reading }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard reading.value.object != nil else { throw reading.wrong("an object") }
        return KeyedDecodingContainer(Members<Key>(node: self))
    }
    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw reading.wrong("no bare list") }
    func singleValueContainer() throws -> any SingleValueDecodingContainer { Bare(reading: reading) }

    struct Members<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let node: JSONNode
        let codingPath: [any CodingKey] = []
        var allKeys: [Key] { (node.reading.value.object?.members ?? []).compactMap { Key(stringValue: $0.name) } }

        private func member(_ key: Key) -> JSONValue? {
            node.asked.insert(key.member)
            return node.reading.value[key.member]
        }
        func contains(_ key: Key) -> Bool { member(key) != nil }
        func decodeNil(forKey key: Key) -> Bool { member(key)?.isNull ?? true }
        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            guard let value = member(key) else {
                let path = node.reading.path
                throw JSONReading.Problem(text: "\"\(path.isEmpty ? "" : path + ".")\(key.member)\" is missing.")
            }
            return try node.reading.inner(value, key.member).read(type)
        }
        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) throws -> KeyedDecodingContainer<Nested> { throw node.reading.wrong("read by its type") }
        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
            throw node.reading.wrong("read by its type")
        }
        func superDecoder() throws -> any Decoder { node }
        func superDecoder(forKey key: Key) throws -> any Decoder { node }
    }

    struct Bare: SingleValueDecodingContainer {
        let reading: JSONReading
        let codingPath: [any CodingKey] = []
        func decodeNil() -> Bool { reading.value.isNull }
        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try reading.read(type) }
    }
}

extension JSONValue: Decodable {
    /// Reads any value from a decoder of the API; others are not known to it.
    public init(from decoder: any Decoder) throws {
        guard let node = decoder as? JSONNode else {
            throw GyreError(.internal, "A value of JSON is read by the API's own decoder.")
        }
        self = node.reading.value
    }
}

extension CodingKey {
    /// The name in JSON: `latencyUsP50` is `latency_us_p50` there.
    var member: String {
        var name = ""
        for character in stringValue {
            if character.isUppercase { name += "_" }
            name += character.lowercased()
        }
        return name
    }
}

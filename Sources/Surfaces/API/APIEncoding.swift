// SPDX-License-Identifier: Apache-2.0

public import GyreBase

extension APIObject {
    /// The value as the API's JSON: members in the order of the type, nil left out.
    package var json: JSONValue {
        // Nothing that these types hold can fail to be written.
        (try? JSONWriting.value(of: self)) ?? .null
    }
}

/// A value of JSON that is being made of a type.
private final class JSONWriting: Encoder {
    var value: JSONValue = .null
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    static func value(of content: any Encodable) throws -> JSONValue {
        switch content {
        case let value as JSONValue: return value
        case let text as String: return .string(text)
        case let flag as Bool: return .bool(flag)
        case let number as Int: return .int(Int64(number))
        case let number as Int64: return .int(number)
        case let number as Double: return .double(number)
        case let list as [any Encodable]: return .array(try list.map { try value(of: $0) })
        case let map as [String: any Encodable]:
            return .object(JSONObject(try map.sorted { $0.key < $1.key }.map { ($0.key, try value(of: $0.value)) }))
        default:
            let writing = JSONWriting()
            try content.encode(to: writing)
            return writing.value
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if value.isNull { value = [:] }
        return KeyedEncodingContainer(Members<Key>(writing: self))
    }
    func unkeyedContainer() -> any UnkeyedEncodingContainer { Items(writing: self) }
    func singleValueContainer() -> any SingleValueEncodingContainer { Bare(writing: self) }

    struct Members<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let writing: JSONWriting
        let codingPath: [any CodingKey] = []

        func encodeNil(forKey key: Key) { writing.value[key.member] = .null }
        func encode(_ content: some Encodable, forKey key: Key) throws {
            writing.value[key.member] = try JSONWriting.value(of: content)
        }
        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) -> KeyedEncodingContainer<Nested> { JSONWriting().container(keyedBy: type) }
        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { Items(writing: JSONWriting()) }
        func superEncoder() -> any Encoder { writing }
        func superEncoder(forKey key: Key) -> any Encoder { writing }
    }

    struct Items: UnkeyedEncodingContainer {
        let writing: JSONWriting
        let codingPath: [any CodingKey] = []
        var count: Int { writing.value.array?.count ?? 0 }

        func encodeNil() { writing.value = .array((writing.value.array ?? []) + [.null]) }
        func encode(_ content: some Encodable) throws {
            writing.value = .array((writing.value.array ?? []) + [try JSONWriting.value(of: content)])
        }
        func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
            JSONWriting().container(keyedBy: type)
        }
        func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { Items(writing: JSONWriting()) }
        func superEncoder() -> any Encoder { writing }
    }

    struct Bare: SingleValueEncodingContainer {
        let writing: JSONWriting
        let codingPath: [any CodingKey] = []
        func encodeNil() { writing.value = .null }
        func encode(_ content: some Encodable) throws { writing.value = try JSONWriting.value(of: content) }
    }
}

extension JSONValue: Encodable {
    private struct Name: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }

    /// Writes the value to any encoder; that of the API takes it as it is.
    public func encode(to encoder: any Encoder) throws {
        if case .object(let object) = self {
            var container = encoder.container(keyedBy: Name.self)
            for member in object.members { try container.encode(member.value, forKey: Name(stringValue: member.name)) }
            return
        }
        var container = encoder.singleValueContainer()
        switch self {
        case .null, .object: try container.encodeNil()
        case .bool(let flag): try container.encode(flag)
        case .int(let number): try container.encode(number)
        case .double(let number): try container.encode(number)
        case .string(let text): try container.encode(text)
        case .array(let list): try container.encode(list)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Tells what types look like in JSON, by asking them to read themselves and noting what they ask for.
package struct APISchema {
    /// The schemas of objects by name, as `components/schemas` of an OpenAPI document has them.
    package private(set) var components: [String: JSONValue] = [:]

    /// No schemas yet.
    package init() {}

    /// The schema of a type; objects are put among the components and referred to.
    package mutating func schema(of type: any Decodable.Type) -> JSONValue {
        switch type {
        case is JSONValue.Type: return [:]
        case is String.Type: return ["type": "string"]
        case is Bool.Type: return ["type": "boolean"]
        case is Int.Type, is Int64.Type: return ["type": "integer", "format": "int64"]
        case is Double.Type: return ["type": "number"]
        case let own as any APISchemaProviding.Type: return own.schema
        case let words as any APIEnumeration.Type:
            return ["type": "string", "enum": .strings(Self.words(of: words))]
        case let optional as any APIOptional.Type: return Self.nullable(schema(of: optional.wrapped))
        case let list as any APIList.Type: return ["type": "array", "items": schema(of: list.element)]
        case let map as any APIMap.Type:
            return ["type": "object", "additionalProperties": schema(of: map.element)]
        default: break
        }
        let name = String(reflecting: type).split(separator: ".").drop { $0 != "API" }.dropFirst().joined()
        if components[name] == nil {
            components[name] = [:]
            let recorder = Recorder()
            // What a type asks for before it gives up is what there is to note.
            _ = try? recorder.example(of: type)
            var properties: JSONValue = [:]
            var required: [String] = []
            for member in recorder.members {
                let own = schema(of: member.type)
                properties[member.name] = member.isOptional ? Self.nullable(own) : own
                if !member.isOptional { required.append(member.name) }
            }
            var object: JSONValue = ["type": "object", "properties": properties]
            if !required.isEmpty { object["required"] = .strings(required) }
            components[name] = object
        }
        return ["$ref": .string("#/components/schemas/\(name)")]
    }

    private static func words<Words: APIEnumeration>(of type: Words.Type) -> [String] { type.allCases.map(\.rawValue) }

    private static func nullable(_ schema: JSONValue) -> JSONValue {
        if schema == [:] { return schema }
        guard let type = schema["type"]?.string, schema["enum"] == nil else {
            return ["anyOf": [schema, ["type": "null"]]]
        }
        var schema = schema
        schema["type"] = [.string(type), "null"]
        return schema
    }
}

/// A decoder that answers everything with an example and remembers what was asked.
private final class Recorder: Decoder {
    struct Member {
        let name: String
        let type: any Decodable.Type
        let isOptional: Bool
    }

    private(set) var members: [Member] = []
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    func note(_ name: String, _ type: any Decodable.Type, isOptional: Bool) {
        members.append(Member(name: name, type: type, isOptional: isOptional))
    }

    func example<Value: Decodable>(of type: Value.Type) throws -> Value {
        let example: Any?
        switch type {
        case is JSONValue.Type: example = JSONValue.null
        case is String.Type: example = ""
        case is Bool.Type: example = false
        case is Int.Type: example = 0
        case is Int64.Type: example = Int64(0)
        case is Double.Type: example = 0.0
        case let own as any APISchemaProviding.Type: example = own.example
        case let words as any APIEnumeration.Type: example = Self.first(of: words)
        case let optional as any APIOptional.Type: example = optional.nothing
        case let list as any APIList.Type: example = list.nothing
        case let map as any APIMap.Type: example = map.nothing
        default: return try Value(from: self)
        }
        guard let value = example as? Value else { throw Missing() }
        return value
    }

    private struct Missing: Error {}
    private static func first<Words: APIEnumeration>(of type: Words.Type) -> Words? { type.allCases.first }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Members<Key>(recorder: self))
    }
    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Missing() }
    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw Missing() }

    struct Members<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let recorder: Recorder
        let codingPath: [any CodingKey] = []
        let allKeys: [Key] = []

        func contains(_ key: Key) -> Bool { true }
        func decodeNil(forKey key: Key) -> Bool { false }
        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            recorder.note(key.member, type, isOptional: false)
            return try Recorder().example(of: type)
        }
        private func absent<Value: Decodable>(_ type: Value.Type, _ key: Key) -> Value? {
            recorder.note(key.member, type, isOptional: true)
            return nil
        }
        func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) -> Value? { absent(type, key) }
        // For these the library has an implementation of its own, which would be taken in place of the one above.
        func decodeIfPresent(_ type: String.Type, forKey key: Key) -> String? { absent(type, key) }
        func decodeIfPresent(_ type: Bool.Type, forKey key: Key) -> Bool? { absent(type, key) }
        func decodeIfPresent(_ type: Int.Type, forKey key: Key) -> Int? { absent(type, key) }
        func decodeIfPresent(_ type: Int64.Type, forKey key: Key) -> Int64? { absent(type, key) }
        func decodeIfPresent(_ type: Double.Type, forKey key: Key) -> Double? { absent(type, key) }
        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) throws -> KeyedDecodingContainer<Nested> { throw Missing() }
        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw Missing() }
        func superDecoder() throws -> any Decoder { recorder }
        func superDecoder(forKey key: Key) throws -> any Decoder { recorder }
    }
}

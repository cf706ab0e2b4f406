// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP

/// The arguments of a call: members of a JSON body, or of a query.
struct Arguments: Sendable {
    private let body: JSONValue
    private let request: HTTPRequest

    init(_ request: HTTPRequest) async throws(GyreError) {
        self.request = request
        // mlflow sends JSON whatever the content type says; a body that is none ends as a missing parameter there.
        body = Self.snakeCased(try await request.json())
    }

    /// Members in snake_case: protobuf's JSON takes both, and so do we.
    private static func snakeCased(_ body: JSONValue) -> JSONValue {
        guard let object = body.object, object.members.contains(where: { $0.name.contains { $0.isUppercase } }) else {
            return body
        }
        let members = object.members.map { member -> (String, JSONValue) in
            var name = ""
            for letter in member.name { name += letter.isUppercase ? "_" + letter.lowercased() : String(letter) }
            return (name, member.value)
        }
        return .object(JSONObject(merging: members))
    }

    /// A text that must be there.
    func text(_ name: String) throws(GyreError) -> String {
        if let value = try optionalText(name), !value.isEmpty { return value }
        throw .missingParameter(name)
    }

    /// A truth value, or its word in any case.
    func flag(_ name: String) throws(GyreError) -> Bool? {
        switch body[name] {
        case .bool(let flag): return flag
        case nil, .null, .string:
            guard let text = body[name]?.string ?? request.query(name) else { return nil }
            switch text.lowercased() {
            case "true", "1": return true
            case "false", "0": return false
            default: throw .invalidParameter(name, .string(text))
            }
        case .some(let other): throw .invalidParameter(name, other)
        }
    }

    /// A text that may be absent.
    func optionalText(_ name: String) throws(GyreError) -> String? {
        switch body[name] {
        case .string(let text): return text
        case nil, .null: return request.parameters[name] ?? request.query(name)
        case .some(let other): throw .invalidParameter(name, other)
        }
    }

    /// One of a fixed set of words; protobuf takes their numbers too.
    func word(_ name: String) throws(GyreError) -> String? {
        if case .int(let number) = body[name] { return String(number) }
        return try optionalText(name)
    }

    /// A whole number, written as one or as decimal text.
    func integer(_ name: String) throws(GyreError) -> Int64? {
        switch body[name] {
        case nil, .null:
            guard let text = request.query(name) else { return nil }
            guard let number = Int64(text) else { throw .invalidParameter(name, .string(text)) }
            return number
        case .some(let value):
            guard let number = Translate.integer(value) else { throw .invalidParameter(name, value) }
            return number
        }
    }

    /// How many rows are wanted, from 1 to `maximum`.
    func limit(default fallback: Int, maximum: Int) throws(GyreError) -> Int {
        guard let wanted = try integer("max_results") else { return fallback }
        guard (1...Int64(maximum)).contains(wanted) else {
            throw GyreError(
                .invalid,
                "Invalid value \(wanted) for parameter 'max_results' supplied: it must be at most \(maximum), and positive."
            )
        }
        return Int(wanted)
    }

    /// A list of texts.
    func texts(_ name: String) throws(GyreError) -> [String] {
        if let list = body[name], !list.isNull {
            guard let elements = list.array else { throw .invalidParameter(name, list) }
            var texts: [String] = []
            for element in elements {
                guard let text = element.string ?? element.int.map(String.init) else {
                    throw .invalidParameter(name, element)
                }
                texts.append(text)
            }
            return texts
        }
        return request.query.filter { $0.name == name }.map(\.value)
    }

    /// A list of objects; empty where it is absent.
    func objects(_ name: String) throws(GyreError) -> [JSONValue] {
        guard let list = body[name], !list.isNull else { return [] }
        guard let elements = list.array else { throw .invalidParameter(name, list) }
        return elements
    }

    /// What stands under `name` in the query.
    func query(_ name: String) -> String? { request.query(name) }

    /// Whatever stands under `name` in the body.
    subscript(name: String) -> JSONValue? { body[name].flatMap { $0.isNull ? nil : $0 } }

    /// The offset behind a page token; 0 without one.
    func offset() throws(GyreError) -> Int {
        guard let token = try optionalText("page_token"), !token.isEmpty else { return 0 }
        guard let offset = Int(token), offset >= 0 else {
            throw GyreError(.invalid, "Invalid page token, could not decode: \(token.prefix(40)).")
        }
        return offset
    }

    /// The names of a kind that the caller may see; nil for all of them.
    func visible(_ kind: Thing.Kind) -> Set<String>? { request.visible(kind) }

    /// Who calls, and what they may do.
    var caller: Caller { request.caller }

    /// The workspace that is meant.
    var workspace: String { request.caller.workspace }

    /// Who calls: the client's own word for it.
    var actor: String { request.actor(body["user_id"]?.string, surface: "mlflow") }
}

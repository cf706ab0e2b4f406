// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase

/// An answer of the API: as it came, for programs, and as its type, for people.
@dynamicMemberLookup struct Answer<Value: APIObject>: Sendable {
    /// As it came.
    let json: JSONValue
    /// As its type.
    let value: Value

    /// Reads an answer.
    /// - Throws: `.internal` where it is not of this type.
    init(_ json: JSONValue) throws(GyreError) {
        self.json = json
        value = try Value(answer: json)
    }

    subscript<Member>(dynamicMember path: KeyPath<Value, Member>) -> Member { value[keyPath: path] }
}

extension Connection {
    /// Asks for what is at an address.
    func get<Value: APIObject>(_ type: Value.Type, _ path: String) async throws(GyreError) -> Answer<Value> {
        try Answer(try await call("GET", path, nil))
    }

    /// Sends a body to an address.
    func post<Value: APIObject>(
        _ type: Value.Type, _ path: String, _ body: JSONValue
    ) async throws(GyreError) -> Answer<Value> {
        try Answer(try await call("POST", path, body))
    }
}

extension ConnectionOptions {
    /// Asks once for what is at an address.
    func get<Value: APIObject>(_ type: Value.Type, _ path: String) async throws -> Answer<Value> {
        try await with { try await $0.get(type, path) }
    }

    /// Sends a body once to an address.
    func post<Value: APIObject>(
        _ type: Value.Type, _ path: String, _ body: JSONValue = [:]
    ) async throws -> Answer<Value> {
        try await with { try await $0.post(type, path, body) }
    }
}

extension OutputOptions {
    /// Prints the whole answer as JSON, the ids alone, or what `table` makes of it.
    func render<Value: APIObject>(_ answer: Answer<Value>, ids: [String], table: () -> String) {
        render(answer.json, ids: ids, table: table)
    }
}

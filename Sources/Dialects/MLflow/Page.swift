// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// One page of a list that is in memory, with the token of the next: `{NAME: […], "next_page_token": …}`.
enum Page {
    /// A page of messages.
    static func of(
        _ all: [JSONValue], as name: String, _ arguments: Arguments, default fallback: Int, maximum: Int
    ) throws(GyreError) -> JSONValue {
        try of(all, as: name, arguments, limit: try arguments.limit(default: fallback, maximum: maximum))
    }

    /// A page of at most `limit` messages.
    static func of(
        _ all: [JSONValue], as name: String, _ arguments: Arguments, limit: Int
    ) throws(GyreError) -> JSONValue {
        let offset = try arguments.offset()
        let page = Array(all.dropFirst(offset).prefix(limit))
        return json(page, as: name, end: offset + page.count, total: all.count)
    }

    /// A page of things whose messages are made for those alone that are on it.
    static func of<Item>(
        _ all: [Item], as name: String, _ arguments: Arguments, default fallback: Int, maximum: Int,
        _ message: (Item) async throws(GyreError) -> JSONValue
    ) async throws(GyreError) -> JSONValue {
        let limit = try arguments.limit(default: fallback, maximum: maximum)
        let offset = try arguments.offset()
        var page: [JSONValue] = []
        for item in all.dropFirst(offset).prefix(limit) { page.append(try await message(item)) }
        return json(page, as: name, end: offset + page.count, total: all.count)
    }

    private static func json(_ page: [JSONValue], as name: String, end: Int, total: Int) -> JSONValue {
        var json: JSONValue = [:]
        if !page.isEmpty { json[name] = .array(page) }
        if end < total { json["next_page_token"] = .string(String(end)) }
        return json
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreHTTP
internal import GyrePipelines

/// What a list is asked for: a page, an order, and predicates that all must hold.
struct Listing {
    /// Rows of a page.
    let size: Int
    /// What it is ordered by.
    let order: String
    let isAscending: Bool
    let predicates: [Predicate]
    /// Where the page goes on.
    let after: [JSONValue]?

    /// One predicate of a filter.
    struct Predicate {
        let key: String
        let comparison: PipelineRunQuery.Condition.Comparison
        let value: JSONValue
    }

    /// By their words, and by the numbers that protobuf has for them.
    private static let comparisons: [String: PipelineRunQuery.Condition.Comparison] = [
        "EQUALS": .equal, "NOT_EQUALS": .notEqual, "GREATER_THAN": .greater, "GREATER_THAN_EQUALS": .greaterOrEqual,
        "LESS_THAN": .less, "LESS_THAN_EQUALS": .lessOrEqual, "IN": .among, "IS_SUBSTRING": .contains,
        "1": .equal, "2": .notEqual, "3": .greater, "5": .greaterOrEqual, "6": .less, "7": .lessOrEqual, "8": .among,
        "9": .contains,
    ]

    /// Reads the query of a request.
    ///
    /// `keys`: what may be sorted and filtered by.
    init(_ request: HTTPRequest, keys: [String]) throws(GyreError) {
        func known(_ key: String) throws(GyreError) -> String {
            if keys.contains(key) { return key }
            throw GyreError(
                .invalid, "There is no field \"\(key.prefix(60))\" to sort or filter by.",
                fix: Nearest.fix(key, among: keys, otherwise: "Take one of \(keys.joined(separator: ", ")).")
            )
        }
        let asked = request.query("page_size").flatMap { $0.isEmpty ? nil : $0 } ?? "20"
        guard let size = Int(asked), size >= 0 else {
            throw GyreError(.invalid, "\"\(asked.prefix(40))\" is no page size.", why: "It is a whole number.")
        }
        self.size = size == 0 ? 20 : min(size, 200)
        let words = (request.query("sort_by") ?? "").split(separator: " ").map(String.init)
        order = words.isEmpty ? "created_at" : try known(words[0])
        switch words.count > 1 ? words[1].lowercased() : "asc" {
        case "asc": isAscending = true
        case "desc": isAscending = false
        default: throw GyreError(.invalid, "\"\(words[1].prefix(40))\" is no direction; asc and desc are.")
        }
        var predicates: [Predicate] = []
        if let text = request.query("filter"), !text.isEmpty {
            let filter = try Self.filter(text)
            let all = filter["predicates"]?.array ?? []
            guard all.count <= Limits.filterClauses else {
                throw GyreError(
                    .limitExceeded, "The filter has \(all.count) predicates; \(Limits.filterClauses) is the most.")
            }
            for json in all { predicates.append(try Self.predicate(json, try known(json["key"]?.string ?? ""))) }
        }
        self.predicates = predicates
        after = try Self.after(request.query("page_token") ?? "")
    }

    /// A filter comes as JSON, and from some clients encoded once more.
    private static func filter(_ text: String) throws(GyreError) -> JSONValue {
        if text.hasPrefix("{") { return try JSONValue(parsing: text) }
        return try JSONValue(parsing: Percent.decode(text[...]))
    }

    private static func predicate(_ json: JSONValue, _ key: String) throws(GyreError) -> Predicate {
        let word = json["operation"].map { $0.string ?? $0.text } ?? ""
        guard let comparison = comparisons[word] else {
            throw GyreError(
                .invalid, "The filter's operation \"\(word.prefix(40))\" is unknown.",
                why: "They are \(comparisons.keys.filter { Int($0) == nil }.sorted().joined(separator: ", ")).")
        }
        func member(_ name: String, _ other: String) -> JSONValue? { json[name] ?? json[other] }
        if comparison == .among {
            let list = ["string", "int", "long"].lazy.compactMap { kind in
                member("\(kind)Values", "\(kind)_values")?["values"]?.array
            }.first
            guard let list else { throw GyreError(.invalid, "The filter's predicate IN has no values.") }
            return Predicate(key: key, comparison: comparison, value: .array(list))
        }
        let value: JSONValue?
        if let time = member("timestampValue", "timestamp_value")?.string {
            value = .int(try Timestamp.parse(time))
        } else if let number = member("intValue", "int_value") ?? member("longValue", "long_value") {
            value = (number.int ?? number.string.flatMap { Int64($0) }).map { .int($0) }
        } else {
            value = member("stringValue", "string_value")
        }
        guard let value else { throw GyreError(.invalid, "The filter's predicate for \"\(key)\" has no value.") }
        return Predicate(key: key, comparison: comparison, value: value)
    }

    // MARK: Pages

    private static func after(_ token: String) throws(GyreError) -> [JSONValue]? {
        guard !token.isEmpty else { return nil }
        guard let data = Data(base64Encoded: token), let json = try? JSONValue(parsing: Array(data)),
            let values = json.array
        else { throw GyreError(.invalid, "The page token \"\(token.prefix(40))\" is none of this list.") }
        return values
    }

    static func token(_ values: [JSONValue]) -> String { Data(JSONValue.array(values).bytes).base64EncodedString() }

    /// A page of things that are all at hand.
    ///
    /// `fields`: their id and what they are sorted and filtered by.
    func page<Item>(
        _ items: [Item], id: (Item) -> String, _ field: (Item, String) -> JSONValue
    ) -> (items: [Item], token: String?, total: Int) {
        let fitting = items.filter { item in predicates.allSatisfy { holds($0, field(item, $0.key)) } }
        func key(_ item: Item) -> (JSONValue, String) { (field(item, order), id(item)) }
        let ordered = fitting.sorted { one, other in
            isAscending ? Self.precedes(key(one), key(other)) : Self.precedes(key(other), key(one))
        }
        var rest = ordered[...]
        if let after, after.count == 2 {
            let mark = (after[0], after[1].string ?? "")
            rest = ordered.drop { item in
                !(isAscending ? Self.precedes(mark, key(item)) : Self.precedes(key(item), mark))
            }
        }
        let page = Array(rest.prefix(size))
        var token: String?
        if rest.count > size, let last = page.last { token = Self.token([field(last, order), .string(id(last))]) }
        return (page, token, fitting.count)
    }

    private static func precedes(_ one: (JSONValue, String), _ other: (JSONValue, String)) -> Bool {
        switch compare(one.0, other.0) {
        case .orderedAscending: true
        case .orderedDescending: false
        case .orderedSame: one.1 < other.1
        }
    }

    private static func compare(_ one: JSONValue, _ other: JSONValue) -> ComparisonResult {
        if let left = one.int, let right = other.int {
            return left < right ? .orderedAscending : left > right ? .orderedDescending : .orderedSame
        }
        let (left, right) = (one.string ?? one.text, other.string ?? other.text)
        return left < right ? .orderedAscending : left > right ? .orderedDescending : .orderedSame
    }

    private func holds(_ predicate: Predicate, _ value: JSONValue) -> Bool {
        let order = Self.compare(value, predicate.value)
        switch predicate.comparison {
        case .equal: return order == .orderedSame
        case .notEqual: return order != .orderedSame
        case .less: return order == .orderedAscending
        case .lessOrEqual: return order != .orderedDescending
        case .greater: return order == .orderedDescending
        case .greaterOrEqual: return order != .orderedAscending
        case .among: return predicate.value.array?.contains { Self.compare(value, $0) == .orderedSame } ?? false
        case .contains:
            return (value.string ?? "").lowercased().contains((predicate.value.string ?? "").lowercased())
        }
    }
}

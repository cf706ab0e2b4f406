// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// Finds parts of a JSON value: `$.a[0]`, `$..x`, `$.list[?(@.n > 3)].name`.
struct JSONPath {
    private let characters: [Character]
    private var place = 0
    private var found: [JSONValue]
    /// Whether it may find any number of parts; then the answer is a list.
    private var isOpen = false

    /// What a path finds; a list for one that may find several, and nothing for one that finds none.
    /// - Throws: `.invalid` for what is no path.
    static func value(_ path: String, in json: JSONValue) throws(GyreError) -> JSONValue? {
        var walk = JSONPath(characters: Array(path), found: [json])
        try walk.steps()
        return walk.isOpen ? .array(walk.found) : walk.found.first
    }

    private init(characters: [Character], found: [JSONValue]) {
        self.characters = characters
        self.found = found
    }

    private func invalid() -> GyreError {
        GyreError(.invalid, "\"\(String(characters).prefix(120))\" is no JSON path.", why: "Character \(place + 1).")
    }

    private mutating func steps() throws(GyreError) {
        if place < characters.count, characters[place] == "$" || characters[place] == "@" { place += 1 }
        while place < characters.count {
            switch characters[place] {
            case ".":
                place += 1
                if place < characters.count, characters[place] == "." {
                    place += 1
                    isOpen = true
                    found = found.flatMap(Self.descendants)
                    if place < characters.count, characters[place] == "[" { continue }
                }
                try name()
            case "[": try bracket()
            default: throw invalid()
            }
            guard found.count <= Limits.yamlNodes else {
                throw GyreError(.limitExceeded, "The JSON path finds more than \(Limits.yamlNodes) parts.")
            }
        }
    }

    private static func descendants(_ json: JSONValue) -> [JSONValue] {
        [json] + ((json.array ?? json.object?.members.map(\.value) ?? []).flatMap(descendants))
    }

    private mutating func name() throws(GyreError) {
        let start = place
        while place < characters.count, characters[place] != ".", characters[place] != "[" { place += 1 }
        let name = String(characters[start..<place])
        guard !name.isEmpty else { throw invalid() }
        if name == "*" { return every() }
        found = found.compactMap { $0[name] }
    }

    private mutating func every() {
        isOpen = true
        found = found.flatMap { $0.array ?? $0.object?.members.map(\.value) ?? [] }
    }

    private mutating func bracket() throws(GyreError) {
        place += 1
        let start = place
        var (depth, quote) = (1, Character?.none)
        while place < characters.count {
            let character = characters[place]
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "'" || character == "\"" {
                quote = character
            } else if character == "[" {
                depth += 1
            } else if character == "]" {
                depth -= 1
                if depth == 0 { break }
            }
            place += 1
        }
        guard place < characters.count else { throw invalid() }
        let inner = String(characters[start..<place])
        place += 1
        try select(inner)
    }

    private mutating func select(_ inner: String) throws(GyreError) {
        if inner == "*" { return every() }
        if inner.hasPrefix("?(") {
            isOpen = true
            let predicate = try ExpressionParser.parse(
                String(inner.dropFirst(2).dropLast()).replacing("@", with: "#"))
            var kept: [JSONValue] = []
            for element in found.flatMap({ $0.array ?? $0.object?.members.map(\.value) ?? [] }) {
                let list: Expression = .call("filter", [.list([.literal(element)]), .closure(predicate)])
                // An element that lacks what is asked is not meant.
                let fits = try? ExpressionEvaluator(NoScope()).value(list)
                if fits?.array?.isEmpty == false { kept.append(element) }
            }
            found = kept
            return
        }
        if inner.contains(":"), !inner.contains("'"), !inner.contains("\"") {
            isOpen = true
            let parts = inner.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
            found = found.flatMap { value -> [JSONValue] in
                let list = value.array ?? []
                func edge(_ part: Int?, _ otherwise: Int) -> Int {
                    guard let part else { return otherwise }
                    return min(max(0, part < 0 ? list.count + part : part), list.count)
                }
                let (start, end) = (edge(parts[0], 0), edge(parts.count > 1 ? parts[1] : nil, list.count))
                return start < end ? Array(list[start..<end]) : []
            }
            return
        }
        let keys = inner.split(separator: ",").map { $0.trimmingPrefix { $0 == " " } }
        if keys.count > 1 { isOpen = true }
        var kept: [JSONValue] = []
        for value in found {
            for key in keys {
                if let index = Int(key) {
                    let list = value.array ?? []
                    let place = index < 0 ? list.count + index : index
                    if list.indices.contains(place) { kept.append(list[place]) }
                } else if let first = key.first, first == "'" || first == "\"", key.count >= 2 {
                    if let member = value[String(key.dropFirst().dropLast())] { kept.append(member) }
                } else {
                    throw invalid()
                }
            }
        }
        found = kept
    }

    private struct NoScope: ExpressionScope {
        func value(_ path: [String]) throws(GyreError) -> JSONValue? { nil }
        var now: Int64 { 0 }
        var seed: String { "" }
    }
}

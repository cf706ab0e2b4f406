// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// What stands between `{{` and `}}` in a text.
enum Tag: Sendable, Hashable {
    /// `{{inputs.parameters.x}}`.
    case path([String])
    /// `{{=…}}`.
    case expression(Expression)

    /// A text in its parts.
    enum Part: Sendable, Hashable {
        case text(String)
        case tag(Tag, written: String)
    }

    /// The parts of a text.
    /// - Throws: `.invalid` for an expression that cannot be read.
    static func parts(of text: String) throws(GyreError) -> [Part] {
        guard text.contains("{{") else { return [.text(text)] }
        var parts: [Part] = []
        var rest = Substring(text)
        while let start = rest.firstRange(of: "{{"), let end = rest[start.upperBound...].firstRange(of: "}}") {
            if start.lowerBound > rest.startIndex { parts.append(.text(String(rest[..<start.lowerBound]))) }
            let written = String(rest[start.upperBound..<end.lowerBound])
            let inner = written.trimmingPrefix { $0.isWhitespace }
            if inner.hasPrefix("=") {
                parts.append(.tag(.expression(try ExpressionParser.parse(String(inner.dropFirst()))), written: written))
            } else {
                parts.append(.tag(.path(path(String(inner))), written: written))
            }
            rest = rest[end.upperBound...]
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        return parts
    }

    /// The names of a path; what may have dots in its own name is one.
    private static func path(_ text: String) -> [String] {
        let trimmed = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        var names = trimmed.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        for (prefix, count) in [("workflow.labels.", 2), ("workflow.annotations.", 2), ("workflow.parameters.", 2)]
        where trimmed.hasPrefix(prefix) {
            names = Array(names.prefix(count)) + [names.dropFirst(count).joined(separator: ".")]
        }
        return names
    }

    /// A text with what its tags come to.
    /// - Throws: `.invalid` for a tag that stands for nothing.
    static func fill(_ text: String, _ scope: any ExpressionScope) throws(GyreError) -> String {
        guard text.contains("{{") else { return text }
        var filled = ""
        for part in try parts(of: text) {
            switch part {
            case .text(let text): filled += text
            case .tag(.path(let path), let written):
                guard let value = try scope.value(path), value != .null else {
                    throw GyreError(.invalid, "{{\(written.prefix(120))}} stands for nothing here.")
                }
                filled += ExpressionFunctions.text(value)
            case .tag(.expression(let expression), let written):
                do throws(GyreError) {
                    let value = try ExpressionEvaluator(scope).value(expression)
                    filled += value == .null ? "null" : ExpressionFunctions.text(value)
                } catch {
                    throw GyreError(
                        error.code, "{{\(written.prefix(120))}} cannot be worked out.", why: error.description)
                }
            }
        }
        return filled
    }

    /// A JSON value with what the tags of its texts come to.
    static func fill(_ json: JSONValue, _ scope: any ExpressionScope) throws(GyreError) -> JSONValue {
        switch json {
        case .string(let text): return .string(try fill(text, scope))
        case .array(let elements):
            return .array(try elements.map { element throws(GyreError) in try fill(element, scope) })
        case .object(let object):
            return .object(
                JSONObject(
                    try object.members.map { member throws(GyreError) in
                        (member.name, try fill(member.value, scope))
                    }))
        default: return json
        }
    }
}

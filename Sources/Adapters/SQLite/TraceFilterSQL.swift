// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GyreBase
internal import GyreSearch
internal import GyreTracing

/// One clause of a trace filter in SQL.
enum TraceFilterSQL {
    typealias Condition = (String, StatementArguments)

    static func condition(_ clause: Filter.Clause) throws(GyreError) -> Condition {
        let name = clause.key.name
        switch clause.key.entity {
        case "tag", "tags": return try pair(clause, "trace_tag", name)
        case "metadata", "request_metadata":
            return name == MetadataKey.sourceRun ? try run(clause) : try pair(clause, "trace_metadata", name)
        case "feedback", "expectation": return try assessment(clause)
        case "issue":
            guard name == "id", clause.comparison == .equal, case .text(let text) = clause.operand else {
                throw refused(clause, "Only issue.id = '…' is offered.")
            }
            return (exists("assessment a WHERE a.trace = t.row AND a.kind = 'issue' AND a.value = ?"), [quoted(text)])
        case nil, "trace", "attribute", "attributes", "attr": return try attribute(clause)
        case .some(let entity):
            throw GyreError(
                .invalid, "Invalid entity type '\(entity)'.",
                why: "Traces have attributes, tags, metadata, span, feedback, expectation and issue.")
        }
    }

    private static func attribute(_ clause: Filter.Clause) throws(GyreError) -> Condition {
        switch clause.key.name {
        case "status": return try text(clause, "t.state", hasLists: true)
        case "request_id", "trace_id": return try text(clause, "t.trace_id", hasLists: true)
        case "client_request_id": return try text(clause, "t.client_request_id", hasLists: true)
        case "timestamp", "timestamp_ms": return try number(clause, "t.request_ms")
        case "execution_time", "execution_time_ms": return try number(clause, "t.duration_ms")
        case "end_time", "end_time_ms": return try number(clause, "(t.request_ms + coalesce(t.duration_ms, 0))")
        case "name": return try pair(clause, "trace_tag", TagKey.name)
        case "run_id": return try run(clause)
        case "prompt": return try prompt(clause)
        case "text":
            let (condition, values) = try content(clause)
            return (exists("span s WHERE s.trace = t.row AND \(condition)"), values)
        default: throw unknownAttribute(clause.key.name)
        }
    }

    static func unknownAttribute(_ name: String) -> GyreError {
        GyreError(
            .invalid, "Invalid attribute key '\(name.prefix(80))' specified.",
            why:
                "Traces have status, name, run_id, request_id, client_request_id, prompt, text, timestamp, execution_time and "
                + "end_time.")
    }

    // MARK: Kinds of clauses

    static func span(_ clause: Filter.Clause) throws(GyreError) -> Condition {
        let name = clause.key.name
        switch name {
        case "name": return try text(clause, "s.name", hasLists: true)
        case "type": return try text(clause, "s.type", hasLists: true)
        case "status": return try text(clause, "s.status", hasLists: true)
        case "content": return try content(clause)
        default:
            guard name.hasPrefix("attributes."), name.count > 11 else {
                throw GyreError(
                    .invalid, "Invalid span attribute '\(name.prefix(80))'.",
                    why: "Supported attributes: name, status, type, content, attributes.<attribute_name>.")
            }
            let key = String(name.dropFirst(11))
            // A structured value is compared as JSON, a text as the text that it is.
            let stored = """
                (SELECT CASE WHEN substr(e.value, 1, 1) = '"' THEN json_extract(e.value, '$') ELSE e.value END
                 FROM json_each(s.content, '$.attributes') e WHERE e.key = ?)
                """
            let (condition, values) = try text(clause, stored)
            return (condition, [key] + values)
        }
    }

    private static func content(_ clause: Filter.Clause) throws(GyreError) -> Condition {
        guard clause.comparison == .like || clause.comparison == .ilike else {
            throw refused(clause, "The content of spans is searched with LIKE and ILIKE.")
        }
        return try text(clause, "s.content")
    }

    private static func pair(_ clause: Filter.Clause, _ table: String, _ key: String) throws(GyreError) -> Condition {
        let found = "\(table) x WHERE x.trace = t.row AND x.key = ?"
        switch clause.comparison {
        case .isNull: return ("NOT " + exists(found), [key])
        case .isNotNull: return (exists(found), [key])
        default:
            let (condition, values) = try text(clause, "x.value")
            return (exists("\(found) AND \(condition)"), [key] + values)
        }
    }

    /// A trace belongs to the run that it says, and to those that it was linked to.
    private static func run(_ clause: Filter.Clause) throws(GyreError) -> Condition {
        let said = try pair(clause, "trace_metadata", MetadataKey.sourceRun)
        guard clause.comparison == .equal, case .text(let run) = clause.operand else { return said }
        let linked = exists("trace_run x WHERE x.run_id = ? AND x.trace_id = t.trace_id")
        return ("(\(said.0) OR \(linked))", said.1 + [run])
    }

    private static func prompt(_ clause: Filter.Clause) throws(GyreError) -> Condition {
        guard clause.comparison == .equal, case .text(let prompt) = clause.operand else {
            throw GyreError(
                .invalid,
                "Invalid comparator '\(clause.comparison.rawValue)' for prompts filter. "
                    + "Only '=' is supported with format: prompt = \"name/version\"")
        }
        guard prompt.split(separator: "/", omittingEmptySubsequences: false).count == 2 else {
            throw GyreError(
                .invalid,
                "Invalid prompts filter value '\(prompt.prefix(80))'. Expected format: prompt = \"name/version\"")
        }
        return (exists("trace_prompt x WHERE x.prompt = ? AND x.trace_id = t.trace_id"), [prompt])
    }

    /// What was said of the trace, or of the whole conversation that it is a part of.
    private static func assessment(_ clause: Filter.Clause) throws(GyreError) -> Condition {
        let kind = clause.key.entity ?? ""
        let session = """
            (SELECT m.value FROM trace_metadata m WHERE m.trace = t.row AND m.key = '\(MetadataKey.session)')
            """
        let found = """
            assessment a WHERE (a.trace = t.row OR a.session = \(session)) AND a.kind = '\(kind)' AND a.name = ?
            AND a.is_valid = 1
            """
        let name = clause.key.name
        switch (clause.comparison, clause.operand) {
        case (.isNull, _): return ("NOT " + exists(found), [name])
        case (.isNotNull, _): return (exists(found), [name])
        case (.equal, .text(let value)):
            return (exists("\(found) AND a.value IN (?, ?)"), [name, value, quoted(value)])
        case (.notEqual, .text(let value)):
            return (exists("\(found) AND a.value NOT IN (?, ?)"), [name, value, quoted(value)])
        case (.equal, .number(let value)), (.notEqual, .number(let value)):
            throw GyreError(
                .invalid, "Expected a quoted string value for \(kind) (e.g. 'my-value'). Got value \(value)")
        case (.greater, .number(let value)), (.greaterOrEqual, .number(let value)), (.less, .number(let value)),
            (.lessOrEqual, .number(let value)):
            let isNumber = "json_type(a.value) IN ('integer', 'real')"
            return (
                exists("\(found) AND \(isNumber) AND a.number \(clause.comparison.rawValue) ?"), [name, value]
            )
        case (.greater, .text(let value)), (.greaterOrEqual, .text(let value)), (.less, .text(let value)),
            (.lessOrEqual, .text(let value)):
            throw GyreError(
                .invalid,
                "Expected a numeric value for \(kind) when using comparator '\(clause.comparison.rawValue)'. Got value '\(value)'"
            )
        default:
            let (condition, values) = try text(clause, "a.value")
            return (exists("\(found) AND \(condition)"), [name] + values)
        }
    }

    // MARK: Comparisons

    private static func number(_ clause: Filter.Clause, _ column: String) throws(GyreError) -> Condition {
        var operand = clause.operand
        if case .text(let text) = operand, let number = Double(text) { operand = .number(number) }
        switch (clause.comparison, operand) {
        case (.equal, .number(let value)), (.notEqual, .number(let value)), (.greater, .number(let value)),
            (.greaterOrEqual, .number(let value)), (.less, .number(let value)), (.lessOrEqual, .number(let value)):
            return ("\(column) \(clause.comparison.rawValue) ?", [value])
        default: throw refused(clause, "It is compared with a whole number.")
        }
    }

    private static func text(
        _ clause: Filter.Clause, _ column: String, hasLists: Bool = false
    ) throws(GyreError) -> Condition {
        switch (clause.comparison, clause.operand) {
        case (.equal, .text(let text)), (.notEqual, .text(let text)), (.like, .text(let text)):
            return ("\(column) \(clause.comparison.rawValue) ?", [text])
        case (.ilike, .text(let text)): return ("lower_like(\(column), ?)", [text])
        case (.rlike, .text(let text)):
            guard RegularExpression.isValid(text) else {
                throw GyreError(.invalid, "\"\(text.prefix(80))\" is no regular expression.")
            }
            return ("matches_expression(\(column), ?)", [text])
        case (.isIn, .list(let list)) where hasLists, (.isNotIn, .list(let list)) where hasLists:
            return (
                "\(column) \(clause.comparison.rawValue) (SELECT value FROM json_each(?))",
                [JSONValue.strings(list).text]
            )
        default: throw refused(clause, "It is compared with a text in quotes.")
        }
    }

    private static func refused(_ clause: Filter.Clause, _ why: String) -> GyreError {
        GyreError(
            .invalid,
            "Invalid comparator '\(clause.comparison.rawValue)' for '\(clause.key.name.prefix(80))' with this value.",
            why: why)
    }

    private static func exists(_ found: String) -> String { "EXISTS (SELECT 1 FROM \(found))" }

    /// The text as JSON.
    private static func quoted(_ text: String) -> String { JSONValue.string(text).text }
}

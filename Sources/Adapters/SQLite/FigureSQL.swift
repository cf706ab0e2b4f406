// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GyreBase
internal import GyreTracing

/// The rows behind a figure in SQL: the stretch of time, the measured value, then the dimensions.
///
/// Rows that lack the value or a dimension are left out.
struct FigureSQL {
    let sql: String
    let arguments: StatementArguments

    /// The most rows that figures are made from.
    private static let mostRows = 1_000_000

    init(_ query: FigureQuery) {
        var tables = "trace t"
        switch query.view {
        case .traces: break
        case .spans: tables += " JOIN span s ON s.trace = t.row"
        case .assessments: tables += " JOIN assessment a ON a.trace = t.row AND a.is_valid = 1"
        }
        let isCost = query.metric.hasSuffix("_cost")
        let time = isCost ? "(s.start_ns / 1000000)" : "t.request_ms"
        let bucket = query.intervalSeconds.map { "\(time) / 1000 / \($0) * \($0)" } ?? "NULL"
        let value = Self.value(query)
        let dimensions = query.dimensions.map(Self.dimension)
        var conditions = [
            "t.experiment_id IN (\(query.experimentIDs.map(String.init).joined(separator: ", ")))",
            "\(value) IS NOT NULL",
        ]
        conditions += dimensions.map { "\($0) IS NOT NULL" }
        var arguments: StatementArguments = []
        if let start = query.startMilliseconds { conditions.append("\(time) >= \(start)") }
        if let end = query.endMilliseconds { conditions.append("\(time) <= \(end)") }
        for condition in query.conditions {
            let (text, values) = Self.condition(condition)
            conditions.append(text)
            arguments += values
        }
        let isDistinct = query.metric == "session_count"
        sql = """
            SELECT \(isDistinct ? "DISTINCT " : "")\(([bucket, value] + dimensions).joined(separator: ", ")) FROM \(tables)
            WHERE \(conditions.joined(separator: " AND ")) LIMIT \(Self.mostRows)
            """
        self.arguments = arguments
    }

    private static func value(_ query: FigureQuery) -> String {
        func metadata(_ key: String) -> String {
            "(SELECT x.value FROM trace_metadata x WHERE x.trace = t.row AND x.key = '\(key)')"
        }
        switch (query.view, query.metric) {
        case (.traces, "latency"): return "t.duration_ms"
        // One row for each session: its name is of no account, so a number that tells sessions apart stands for it.
        case (.traces, "session_count"):
            return """
                (SELECT min(y.trace) FROM trace_metadata y WHERE y.key = '\(MetadataKey.session)'
                 AND y.value = \(metadata(MetadataKey.session)))
                """
        case (.traces, let name) where name.hasSuffix("_tokens"):
            return "json_extract(\(metadata(MetadataKey.tokenUsage)), '$.\(name)')"
        case (.spans, "latency"): return "CASE WHEN s.end_ns > 0 THEN (s.end_ns - s.start_ns) / 1000000 END"
        case (.spans, let name) where name.hasSuffix("_cost"): return "json_extract(s.cost, '$.\(name)')"
        case (.assessments, "assessment_value"): return "a.number"
        default: return "1"
        }
    }

    private static func dimension(_ name: String) -> String {
        func attribute(_ key: String) -> String {
            "(SELECT json_extract(e.value, '$') FROM json_each(s.content, '$.attributes') e WHERE e.key = '\(key)')"
        }
        switch name {
        case "trace_name": return "(SELECT x.value FROM trace_tag x WHERE x.trace = t.row AND x.key = '\(TagKey.name)')"
        case "trace_status": return "t.state"
        case "span_name": return "s.name"
        case "span_type": return "nullif(s.type, '')"
        case "span_status": return "s.status"
        case "span_model_name": return attribute("mlflow.llm.model")
        case "span_model_provider": return attribute("mlflow.llm.provider")
        case "assessment_name": return "a.name"
        default: return "a.value"
        }
    }

    private static func condition(_ condition: FigureQuery.Condition) -> (String, StatementArguments) {
        switch (condition.entity, condition.column) {
        case ("trace", "tag"), ("trace", "metadata"):
            let text = """
                EXISTS (SELECT 1 FROM trace_\(condition.column) x WHERE x.trace = t.row AND x.key = ? AND x.value = ?)
                """
            return (text, [condition.key ?? "", condition.value])
        case ("trace", _): return ("t.state = ?", [condition.value])
        case ("span", let column): return ("s.\(column) = ?", [condition.value])
        case (_, "type"): return ("a.kind = ?", [condition.value])
        case (_, _): return ("a.name = ?", [condition.value])
        }
    }
}

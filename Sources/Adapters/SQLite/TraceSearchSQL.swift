// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GyreBase
internal import GyreSearch
internal import GyreTracing

/// Turns a trace query into one statement that gives ids in order, each followed by the values that it is ordered by.
struct TraceSearchSQL {
    let sql: String
    let arguments: StatementArguments
    let keyset: Keyset

    init(_ query: TraceQuery) throws(GyreError) {
        var keys: [Keyset.Key] = []
        var joins = ""
        var joinArguments: StatementArguments = []
        for (index, order) in query.order.enumerated() {
            let (join, expression, argument) = try Self.order(order, alias: "o\(index)")
            joins += join
            if let argument { joinArguments += [argument] }
            keys.append(Keyset.Key(expression: "(\(expression) IS NULL)", isAscending: true))
            let empty = expression.hasPrefix("t.request_ms") || expression.hasPrefix("t.duration_ms") ? "0" : "''"
            keys.append(Keyset.Key(expression: "coalesce(\(expression), \(empty))", isAscending: order.isAscending))
        }
        keys.append(Keyset.Key(expression: "t.request_ms", isAscending: false))
        keys.append(Keyset.Key(expression: "t.trace_id", isAscending: true))
        keyset = Keyset(keys: keys)
        var (condition, values) = try Self.condition(query.experimentIDs, [query.filter])
        if let after = query.after {
            let (more, moreValues) = try keyset.after(after)
            condition += " AND \(more)"
            values += moreValues
        }
        sql = """
            SELECT t.trace_id, \(keyset.columns) FROM trace t\(joins) WHERE \(condition)
            ORDER BY \(keyset.order) LIMIT \(query.limit + 1)
            """
        arguments = joinArguments + values
    }

    /// What must hold of the trace `t`.
    static func condition(
        _ experimentIDs: [Int64], _ filters: [Filter]
    ) throws(GyreError) -> (String, StatementArguments) {
        var conditions = ["t.experiment_id IN (\(experimentIDs.map(String.init).joined(separator: ", ")))"]
        var arguments: StatementArguments = []
        for filter in filters {
            var ofOneSpan: [String] = []
            var spanArguments: StatementArguments = []
            for clause in filter.clauses {
                if clause.key.entity == "span" {
                    let (condition, values) = try TraceFilterSQL.span(clause)
                    ofOneSpan.append(condition)
                    spanArguments += values
                } else {
                    let (condition, values) = try TraceFilterSQL.condition(clause)
                    conditions.append(condition)
                    arguments += values
                }
            }
            // All that is said of spans has to hold of one and the same span.
            if !ofOneSpan.isEmpty {
                conditions.append(
                    "EXISTS (SELECT 1 FROM span s WHERE s.trace = t.row AND \(ofOneSpan.joined(separator: " AND ")))")
                arguments += spanArguments
            }
        }
        return (conditions.joined(separator: " AND "), arguments)
    }

    private static func order(
        _ order: OrderBy, alias: String
    ) throws(GyreError) -> (join: String, expression: String, argument: String?) {
        func join(_ table: String, _ key: String) -> (String, String, String?) {
            (" LEFT JOIN \(table) \(alias) ON \(alias).trace = t.row AND \(alias).key = ?", "\(alias).value", key)
        }
        switch (order.key.entity, order.key.name) {
        case ("tag", let key), ("tags", let key): return join("trace_tag", key)
        case ("metadata", let key), ("request_metadata", let key):
            guard key != MetadataKey.tokenUsage, key != MetadataKey.cost else {
                throw GyreError(
                    .invalid,
                    "Ordering by reserved metadata '\(key)' is not supported because it is represented by multiple columns."
                )
            }
            return join("trace_metadata", key)
        case (nil, let name), ("trace", let name), ("attribute", let name), ("attributes", let name):
            switch name {
            case "timestamp", "timestamp_ms": return ("", "t.request_ms", nil)
            case "execution_time", "execution_time_ms": return ("", "t.duration_ms", nil)
            case "end_time", "end_time_ms": return ("", "t.request_ms + coalesce(t.duration_ms, 0)", nil)
            case "status": return ("", "t.state", nil)
            case "request_id": return ("", "t.trace_id", nil)
            case "experiment_id": return ("", "CAST(t.experiment_id AS TEXT)", nil)
            case "name": return join("trace_tag", TagKey.name)
            case "run_id": return join("trace_metadata", MetadataKey.sourceRun)
            default: throw TraceFilterSQL.unknownAttribute(name)
            }
        case (let entity?, _): throw GyreError(.invalid, "Invalid identifier type '\(entity)'.")
        }
    }
}

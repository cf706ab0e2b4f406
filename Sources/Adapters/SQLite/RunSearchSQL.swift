// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GyreBase
internal import GyreSearch
internal import GyreTracking

/// Turns a run query into one statement that gives row numbers in order.
struct RunSearchSQL {
    private(set) var sql = ""
    private(set) var arguments: StatementArguments = []

    init(_ query: RunQuery) throws(GyreError) {
        var joins = ""
        var joinArguments: StatementArguments = []
        var orders: [String] = []
        for (index, order) in query.order.enumerated() {
            let (join, keys, argument) = try Self.order(order, alias: "o\(index)")
            joins += join
            if let argument { joinArguments += [argument] }
            orders += keys
        }
        var conditions = ["r.experiment_id IN (\(query.experimentIDs.map(String.init).joined(separator: ", ")))"]
        switch query.view {
        case .active: conditions.append("r.is_deleted = 0")
        case .deleted: conditions.append("r.is_deleted = 1")
        case .all: break
        }
        arguments = joinArguments
        for clause in query.filter.clauses {
            let (condition, values) = try Self.condition(clause)
            conditions.append(condition)
            arguments += values
        }
        orders += ["r.start_ms DESC", "r.run_id"]
        sql = """
            SELECT r.row FROM run r\(joins) WHERE \(conditions.joined(separator: " AND "))
            ORDER BY \(orders.joined(separator: ", ")) LIMIT \(query.limit) OFFSET \(query.offset)
            """
    }

    // MARK: Conditions

    private static func condition(_ clause: Filter.Clause) throws(GyreError) -> (String, StatementArguments) {
        switch clause.key.entity {
        case "metric", "metrics":
            guard case .number(let number) = clause.operand else {
                throw invalid(
                    "the metric \"\(clause.key.name)\" is compared with a text", "Write a number without quotes.")
            }
            let test =
                "EXISTS (SELECT 1 FROM latest_metric x WHERE x.run = r.row AND x.key = ? AND x.is_nan = 0 AND x.value"
            return ("\(test) \(clause.comparison.rawValue) ?)", [clause.key.name, number])
        case "param", "params", "parameter", "parameters": return try pair(clause, table: "param")
        case "tag", "tags": return try pair(clause, table: "run_tag")
        case "dataset", "datasets": return try dataset(clause)
        case nil, "attr", "attribute", "attributes", "run": return try attribute(clause)
        default:
            throw invalid(
                "\"\(clause.key.entity ?? "")\" is nothing that runs have",
                "Use metrics, params, tags, attributes or datasets.")
        }
    }

    private static func pair(_ clause: Filter.Clause, table: String) throws(GyreError) -> (String, StatementArguments) {
        let test = "EXISTS (SELECT 1 FROM \(table) x WHERE x.run = r.row AND x.key = ?"
        switch clause.comparison {
        case .isNull: return ("NOT \(test))", [clause.key.name])
        case .isNotNull: return ("\(test))", [clause.key.name])
        case .equal, .notEqual, .like, .ilike:
            let (condition, values) = try text(clause, column: "x.value")
            return ("\(test) AND \(condition))", [clause.key.name] + values)
        default:
            throw invalid(
                "\(clause.comparison.rawValue) does not go with \(table)s", "Use =, !=, LIKE, ILIKE or IS [NOT] NULL.")
        }
    }

    private static func dataset(_ clause: Filter.Clause) throws(GyreError) -> (String, StatementArguments) {
        let column: String
        switch clause.key.name {
        case "name": column = "json_extract(x.body, '$.dataset.name')"
        case "digest": column = "json_extract(x.body, '$.dataset.digest')"
        case "context": column = "json_extract(x.body, '$.tags[0].value')"
        default: throw invalid("datasets have no \"\(clause.key.name)\"", "Use datasets.name, .digest or .context.")
        }
        let (condition, values) = try text(clause, column: column)
        return ("EXISTS (SELECT 1 FROM run_link x WHERE x.run = r.row AND x.kind = 'dataset' AND \(condition))", values)
    }

    private static func attribute(_ clause: Filter.Clause) throws(GyreError) -> (String, StatementArguments) {
        let name = try attributeColumn(clause.key.name)
        switch name {
        case "r.start_ms", "r.end_ms":
            guard case .number(let number) = clause.operand else {
                throw invalid(
                    "\"\(clause.key.name)\" is compared with a text", "Write milliseconds since 1970 without quotes.")
            }
            return ("\(name) \(clause.comparison.rawValue) ?", [number])
        default:
            if clause.comparison == .isIn || clause.comparison == .isNotIn, name != "r.run_id" {
                throw invalid("IN goes with run_id only", "Compare \(clause.key.name) with = instead.")
            }
            return try text(clause, column: name)
        }
    }

    private static func text(_ clause: Filter.Clause, column: String) throws(GyreError) -> (String, StatementArguments)
    {
        switch (clause.comparison, clause.operand) {
        case (.equal, .text(let text)), (.notEqual, .text(let text)), (.like, .text(let text)):
            return ("\(column) \(clause.comparison.rawValue) ?", [text])
        case (.ilike, .text(let text)): return ("lower_like(\(column), ?)", [text])
        case (.isIn, .list(let list)), (.isNotIn, .list(let list)):
            let marks = list.map { _ in "?" }.joined(separator: ", ")
            return ("\(column) \(clause.comparison.rawValue) (\(marks))", StatementArguments(list))
        default:
            throw invalid(
                "\"\(clause.key.name)\" is a text and \(clause.comparison.rawValue) with this value does not fit",
                "Write a text in quotes.")
        }
    }

    private static func attributeColumn(_ name: String) throws(GyreError) -> String {
        switch name {
        case "run_id": "r.run_id"
        case "run_name", "run name", "Run name", "Run Name": "r.name"
        case "status": "r.status"
        case "user_id": "r.user_id"
        case "artifact_uri": "r.artifact_uri"
        case "start_time", "created", "Created": "r.start_ms"
        case "end_time": "r.end_ms"
        default:
            throw invalid(
                "runs have no attribute \"\(name)\"",
                "Use run_id, run_name, status, user_id, artifact_uri, start_time or end_time.")
        }
    }

    // MARK: Order

    private static func order(
        _ order: OrderBy, alias: String
    ) throws(GyreError) -> (join: String, keys: [String], argument: String?) {
        let direction = order.isAscending ? "ASC" : "DESC"
        switch order.key.entity {
        case "metric", "metrics":
            let join = " LEFT JOIN latest_metric \(alias) ON \(alias).run = r.row AND \(alias).key = ?"
            let rank = "CASE WHEN \(alias).run IS NULL THEN 2 WHEN \(alias).is_nan = 1 THEN 1 ELSE 0 END"
            return (join, [rank, "\(alias).value \(direction)"], order.key.name)
        case "param", "params", "parameter", "parameters", "tag", "tags":
            let table = order.key.entity?.hasPrefix("t") == true ? "run_tag" : "param"
            let join = " LEFT JOIN \(table) \(alias) ON \(alias).run = r.row AND \(alias).key = ?"
            return (join, ["\(alias).value IS NULL", "\(alias).value \(direction)"], order.key.name)
        case nil, "attr", "attribute", "attributes", "run":
            let column = try attributeColumn(order.key.name)
            return ("", ["\(column) IS NULL", "\(column) \(direction)"], nil)
        default:
            throw invalid(
                "runs cannot be ordered by \"\(order.key.entity ?? "")\"", "Use metrics, params, tags or attributes.")
        }
    }

    private static func invalid(_ why: String, _ fix: String) -> GyreError {
        GyreError(.invalid, "Invalid filter or order: \(why).", fix: fix)
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GyreBase
internal import GyreSearch
internal import GyreTracking

/// One clause of a run filter in SQL: a table to join, or a condition, or both.
struct RunFilterSQL {
    var join = ""
    var joinArguments: StatementArguments = []
    var condition: String?
    var arguments: StatementArguments = []
    /// The same join the other way round, for a clause whose index finds few runs: the runs follow from it.
    var driver: String?
    /// Tells how many runs the driver's index finds, counted up to `countedRuns`; takes the values of the join.
    var driverCount: String?

    /// Runs up to which a driver's index is counted.
    static let countedRuns = 2000

    /// How much of a text the indexes over params and tags hold.
    static let indexedCharacters = 64

    static func part(_ clause: Filter.Clause, alias: String) throws(GyreError) -> RunFilterSQL {
        switch clause.key.entity {
        case "metric", "metrics":
            guard case .number(let number) = clause.operand else {
                throw invalid(
                    "the metric \"\(clause.key.name)\" is compared with a text", "Write a number without quotes.")
            }
            let test = "\(alias).value \(clause.comparison.rawValue) ?"
            // NaN is unequal to every number, and fits nothing else.
            let isIt =
                clause.comparison == .notEqual ? "(\(alias).is_nan = 1 OR \(test))" : "\(alias).is_nan = 0 AND \(test)"
            let join = " JOIN latest_metric \(alias) ON \(alias).run = r.row AND \(alias).key = ? AND \(isIt)"
            return RunFilterSQL(join: join, joinArguments: [clause.key.name, number])
        case "param", "params", "parameter", "parameters": return try pair(clause, table: "param", alias)
        case "tag", "tags": return try pair(clause, table: "run_tag", alias)
        case "dataset", "datasets": return try dataset(clause)
        case nil, "attr", "attribute", "attributes", "run": return try attribute(clause)
        default:
            throw invalid(
                "\"\(clause.key.entity ?? "")\" is nothing that runs have",
                "Use metrics, params, tags, attributes or datasets.")
        }
    }

    private static func pair(
        _ clause: Filter.Clause, table: String, _ alias: String
    ) throws(GyreError) -> RunFilterSQL {
        let exists = "EXISTS (SELECT 1 FROM \(table) x WHERE x.run = r.row AND x.key = ?)"
        let join = " JOIN \(table) \(alias) ON \(alias).run = r.row AND \(alias).key = ?"
        switch (clause.comparison, clause.operand) {
        case (.isNull, _): return RunFilterSQL(condition: "NOT \(exists)", arguments: [clause.key.name])
        case (.isNotNull, _): return RunFilterSQL(condition: exists, arguments: [clause.key.name])
        case (.equal, .text(let text)) where text.unicodeScalars.count < indexedCharacters:
            // The index holds this much of each value, so a shorter text is equal to all of it or to none.
            let test =
                "\(alias).run = r.row AND \(alias).key = ? AND substr(\(alias).value, 1, \(indexedCharacters)) = ?"
            return RunFilterSQL(
                join: " JOIN \(table) \(alias) ON \(test)", joinArguments: [clause.key.name, text],
                driver: "\(table) \(alias) CROSS JOIN run r ON \(test)",
                driverCount: """
                    SELECT count(*) FROM (SELECT 1 FROM \(table) WHERE key = ? AND substr(value, 1, \(indexedCharacters)) = ?
                    LIMIT \(countedRuns))
                    """)
        case (.equal, _), (.notEqual, _), (.like, _), (.ilike, _):
            let (condition, values) = try text(clause, column: "\(alias).value")
            return RunFilterSQL(join: "\(join) AND \(condition)", joinArguments: [clause.key.name] + values)
        default:
            throw invalid(
                "\(clause.comparison.rawValue) does not go with \(table)s", "Use =, !=, LIKE, ILIKE or IS [NOT] NULL.")
        }
    }

    private static func dataset(_ clause: Filter.Clause) throws(GyreError) -> RunFilterSQL {
        let column: String
        switch clause.key.name {
        case "name": column = "json_extract(x.body, '$.dataset.name')"
        case "digest": column = "json_extract(x.body, '$.dataset.digest')"
        case "context":
            column = """
                (SELECT json_extract(t.value, '$.value') FROM json_each(x.body, '$.tags') t
                 WHERE json_extract(t.value, '$.key') = 'mlflow.data.context')
                """
        default: throw invalid("datasets have no \"\(clause.key.name)\"", "Use datasets.name, .digest or .context.")
        }
        let (condition, values) = try text(clause, column: column)
        return RunFilterSQL(
            condition: "EXISTS (SELECT 1 FROM run_link x WHERE x.run = r.row AND x.kind = 'dataset' AND \(condition))",
            arguments: values)
    }

    private static func attribute(_ clause: Filter.Clause) throws(GyreError) -> RunFilterSQL {
        let name = try attributeColumn(clause.key.name)
        switch name {
        case "r.start_ms", "r.end_ms":
            guard case .number(let number) = clause.operand else {
                throw invalid(
                    "\"\(clause.key.name)\" is compared with a text", "Write milliseconds since 1970 without quotes.")
            }
            return RunFilterSQL(condition: "\(name) \(clause.comparison.rawValue) ?", arguments: [number])
        default:
            if clause.comparison == .isIn || clause.comparison == .isNotIn, name != "r.run_id" {
                throw invalid("IN goes with run_id only", "Compare \(clause.key.name) with = instead.")
            }
            let (condition, values) = try text(clause, column: name)
            return RunFilterSQL(condition: condition, arguments: values)
        }
    }

    private static func text(_ clause: Filter.Clause, column: String) throws(GyreError) -> (String, StatementArguments)
    {
        switch (clause.comparison, clause.operand) {
        case (.equal, .text(let text)), (.notEqual, .text(let text)), (.like, .text(let text)):
            return ("\(column) \(clause.comparison.rawValue) ?", [text])
        case (.ilike, .text(let text)): return ("lower_like(\(column), ?)", [text])
        case (.isIn, .list(let list)), (.isNotIn, .list(let list)):
            return (
                "\(column) \(clause.comparison.rawValue) (SELECT value FROM json_each(?))",
                [JSONValue.strings(list).text]
            )
        default:
            throw invalid(
                "\"\(clause.key.name)\" is a text and \(clause.comparison.rawValue) with this value does not fit",
                "Write a text in quotes.")
        }
    }

    static func attributeColumn(_ name: String) throws(GyreError) -> String {
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

    private static func invalid(_ why: String, _ fix: String) -> GyreError {
        GyreError(.invalid, "Invalid filter or order: \(why).", fix: fix)
    }
}

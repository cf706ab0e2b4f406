// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GyreBase
internal import GyrePipelines

/// Conditions on runs of pipelines as SQL; every value is bound.
enum PipelineRunSQL {
    /// What stands behind `WHERE`; `isPage` for a page in an order: almost every run is not left out of lists, and an index of those that are not
    /// would have all of them sorted.
    static func condition(
        _ conditions: [PipelineRunQuery.Condition], isPage: Bool = false
    ) throws(GyreError) -> (sql: String, arguments: StatementArguments) {
        var terms = ["1"]
        var arguments: StatementArguments = []
        for condition in conditions {
            let sign = isPage && condition.column == .isArchived ? "+" : ""
            let column = sign + condition.column.rawValue
            switch condition.comparison {
            case .among:
                let values = condition.value.array ?? []
                guard values.count <= Limits.filterClauses else {
                    throw GyreError(
                        .limitExceeded, "A filter lists \(values.count) values; \(Limits.filterClauses) is the most.")
                }
                terms.append("\(column) IN (\(values.map { _ in "?" }.joined(separator: ", ")))")
                for value in values { arguments += [try databaseValue(value)] }
            case .contains:
                // Whatever the case of its letters, as people look for names.
                terms.append("instr(lower(\(column)), lower(?)) > 0")
                arguments += [try databaseValue(condition.value)]
            case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
                terms.append("\(column) \(symbol(condition.comparison)) ?")
                arguments += [try databaseValue(condition.value)]
            }
        }
        return (terms.joined(separator: " AND "), arguments)
    }

    private static func symbol(_ comparison: PipelineRunQuery.Condition.Comparison) -> String {
        switch comparison {
        case .equal: "="
        case .notEqual: "<>"
        case .less: "<"
        case .lessOrEqual: "<="
        case .greater: ">"
        case .greaterOrEqual: ">="
        case .among, .contains: "IN"
        }
    }

    private static func databaseValue(_ value: JSONValue) throws(GyreError) -> DatabaseValue {
        switch value {
        case .int(let number): number.databaseValue
        case .string(let text): text.databaseValue
        case .bool(let flag): flag.databaseValue
        default: throw GyreError(.invalid, "A filter compares with \(value.kindName), which is no value of a run.")
        }
    }
}

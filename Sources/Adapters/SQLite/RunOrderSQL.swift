// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GyreBase
internal import GyreSearch
internal import GyreTracking

/// The order of a run query in SQL.
///
/// What lacks a key comes last in both directions, and NaN just before it.
enum RunOrderSQL {
    /// The first runs of an order, straight from the index that has it.
    struct Probe {
        let sql: String
        let arguments: StatementArguments
        /// Whether the table of the first order is in it already.
        let hasFirstOrder: Bool
    }

    static func order(
        _ order: OrderBy, alias: String
    ) throws(GyreError) -> (join: String, keys: [Keyset.Key], argument: String?) {
        func keys(_ rank: String, _ value: String) -> [Keyset.Key] {
            [
                Keyset.Key(expression: rank, isAscending: true),
                Keyset.Key(expression: value, isAscending: order.isAscending),
            ]
        }
        switch order.key.entity {
        case "metric", "metrics":
            let join = " LEFT JOIN latest_metric \(alias) ON \(alias).run = r.row AND \(alias).key = ?"
            let rank = "CASE WHEN \(alias).run IS NULL THEN 2 WHEN \(alias).is_nan = 1 THEN 1 ELSE 0 END"
            return (join, keys(rank, "coalesce(\(alias).value, 0.0)"), order.key.name)
        case "param", "params", "parameter", "parameters", "tag", "tags":
            let table = order.key.entity?.hasPrefix("t") == true ? "run_tag" : "param"
            let join = " LEFT JOIN \(table) \(alias) ON \(alias).run = r.row AND \(alias).key = ?"
            return (join, keys("(\(alias).value IS NULL)", "coalesce(\(alias).value, '')"), order.key.name)
        case nil, "attr", "attribute", "attributes", "run":
            let column = try RunFilterSQL.attributeColumn(order.key.name)
            let empty = column.hasSuffix("_ms") ? "0" : "''"
            return ("", keys("(\(column) IS NULL)", "coalesce(\(column), \(empty))"), nil)
        default:
            throw GyreError(
                .invalid, "Invalid entity type '\(order.key.entity ?? "")' in the order.",
                fix: "Order by metrics, params, tags or attributes.")
        }
    }

    /// Where to begin: along one metric, or along the start of the runs.
    ///
    /// `entries`: those of the index that are looked at.
    static func probe(_ query: RunQuery, _ entries: Range<Int>) -> Probe? {
        let window = "LIMIT \(entries.count) OFFSET \(entries.lowerBound)"
        guard let first = query.order.first else {
            guard query.view == .active else { return nil }
            var arguments: StatementArguments = []
            var part = "is_deleted = 0"
            // One experiment has an index of its own; several are picked out of the runs of all.
            if query.experimentIDs.count == 1, let experiment = query.experimentIDs.first {
                part = "experiment_id = ? AND is_deleted = 0"
                arguments += [experiment]
            }
            if let start = query.after?.first?.int {
                part += " AND start_ms <= ?"
                arguments += [start]
            }
            let inner = "SELECT row AS found FROM run WHERE \(part) ORDER BY start_ms DESC, run_id \(window)"
            return Probe(
                sql: "(\(inner)) s CROSS JOIN run r ON r.row = s.found", arguments: arguments, hasFirstOrder: false)
        }
        guard first.key.entity == "metric" || first.key.entity == "metrics" else { return nil }
        var arguments: StatementArguments = [first.key.name]
        var begin = ""
        if let after = query.after, after.count > 1 {
            // A page that begins among the NaN and the missing is past this index.
            guard after[0].int == 0, let value = after[1].double else { return nil }
            begin = " AND value \(first.isAscending ? ">=" : "<=") ?"
            arguments += [value]
        }
        let part = """
            FROM latest_metric WHERE key = ? AND is_nan = 0\(begin) ORDER BY value \(first.isAscending ? "ASC" : "DESC")
            """
        return Probe(
            sql: "(SELECT run, value, is_nan \(part) \(window)) o0 CROSS JOIN run r ON r.row = o0.run",
            arguments: arguments, hasFirstOrder: true)
    }
}

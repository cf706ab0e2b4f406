// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreTables

/// The statement that joins features as they were known at each row's time.
///
/// A row of a view counts for a time `t` if its timestamp is at or before `t` and, with a ttl, after `t - ttl`. Of several the
/// latest counts. Nothing with a later timestamp can get in.
struct PointInTimeJoin {
    /// What each row is: entities, a time and a label.
    let spine: String
    /// The column of the spine that holds the time.
    let timestampColumn: String
    /// The views with the SQL that reads each.
    let views: [(view: FeatureView, source: String)]

    var sql: String {
        var text = "SELECT spine.*"
        for (index, (view, _)) in views.enumerated() {
            for feature in view.features {
                let column = "v\(index).\(SQL.name(feature))"
                text += ", \(withinTTL(view, index, column)) AS \(SQL.name(feature))"
            }
        }
        text += " FROM (\(spine)) AS spine"
        for (index, (view, source)) in views.enumerated() {
            let keys = view.entities.map { "spine.\(SQL.name($0)) = v\(index).\(SQL.name($0))" }.joined(
                separator: " AND ")
            let (at, known) = ("spine.\(SQL.name(timestampColumn))", "v\(index).\(SQL.name(view.timestampColumn))")
            text += " ASOF LEFT JOIN (\(source)) AS v\(index) ON \(keys) AND \(at) >= \(known)"
        }
        // The same rows always give the same bytes.
        return text + " ORDER BY ALL"
    }

    /// An ASOF join takes one inequality, so what is too old is cut off afterwards.
    private func withinTTL(_ view: FeatureView, _ index: Int, _ column: String) -> String {
        guard let ttl = view.ttlSeconds else { return column }
        let limit = "spine.\(SQL.name(timestampColumn)) - INTERVAL \(ttl) SECOND"
        return "CASE WHEN v\(index).\(SQL.name(view.timestampColumn)) > \(limit) THEN \(column) END"
    }
}

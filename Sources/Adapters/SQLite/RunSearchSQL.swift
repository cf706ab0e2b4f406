// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GyreBase
internal import GyreSearch
internal import GyreTracking

/// Turns a run query into statements that give row numbers in order, each row followed by the values that it is ordered by.
///
/// `probes` look at the first few thousand runs along an index that has the order already, which is often enough for one page; `full`
/// looks at everything that fits the filter and sorts it. Both give the same page. The first probe is short: it tells whether the others
/// are worth their time.
struct RunSearchSQL {
    /// A statement and its values.
    struct Question {
        var sql: String
        var arguments: StatementArguments

        /// The statement from the connection's cache with its values bound; it must not outlive the block it is asked in.
        func cached(in db: Database) throws -> Statement {
            let statement = try db.cachedStatement(sql: sql)
            try statement.setArguments(arguments)
            return statement
        }
    }

    /// Walk the first runs of the order one after the other, in that order but for ties; none where no index has the order.
    let probes: [Question]
    /// How many of the order's values the probes' index tells apart.
    let probedKeys: Int
    /// Looks at everything.
    let full: Question
    /// Counts the runs that `full` begins with, up to `RunFilterSQL.countedRuns`; nil where it begins with all runs.
    let fullCount: Question?
    /// The order; its values follow the row number.
    let keyset: Keyset
    /// The entries of the index that each probe looks at.
    static let probed = [0..<500, 500..<4000]

    /// Whether the rest of the probes is likely to find a page of `limit` runs, where the first has found so many: even if those that fit
    /// are twice as dense among them.
    static func isPromising(found: Int, limit: Int) -> Bool {
        2 * found * (probed.last?.upperBound ?? 0) >= limit * (probed.first?.upperBound ?? 0)
    }

    init(_ query: RunQuery) throws(GyreError) {
        var joins: [(sql: String, argument: String?)] = []
        var keys: [Keyset.Key] = []
        for (index, order) in query.order.enumerated() {
            let (join, more, argument) = try RunOrderSQL.order(order, alias: "o\(index)")
            joins.append((join, argument))
            keys += more
        }
        keys += [
            Keyset.Key(expression: "r.start_ms", isAscending: false),
            Keyset.Key(expression: "r.run_id", isAscending: true),
        ]
        let keyset = Keyset(keys: keys)
        self.keyset = keyset
        var conditions = ["r.experiment_id IN (\(query.experimentIDs.map(String.init).joined(separator: ", ")))"]
        switch query.view {
        case .active: conditions.append("r.is_deleted = 0")
        case .deleted: conditions.append("r.is_deleted = 1")
        case .all: break
        }
        var parts: [RunFilterSQL] = []
        var filterJoins = ""
        var filterArguments: StatementArguments = []
        var arguments: StatementArguments = []
        for (index, clause) in query.filter.clauses.enumerated() {
            let part = try RunFilterSQL.part(clause, alias: "f\(index)")
            parts.append(part)
            filterJoins += part.join
            filterArguments += part.joinArguments
            if let condition = part.condition { conditions.append(condition) }
            arguments += part.arguments
        }
        if let after = query.after {
            let (condition, values) = try keyset.after(after)
            conditions.append(condition)
            arguments += values
        }
        let columns = "r.row, \(keyset.columns)"
        let holds = " WHERE \(conditions.joined(separator: " AND "))"
        func question(
            _ start: String, _ startArguments: StatementArguments, _ filters: String,
            _ joins: [(sql: String, argument: String?)], _ tail: String
        ) -> Question {
            Question(
                sql: "SELECT \(columns) FROM \(start)\(filters)\(joins.map(\.sql).joined())\(holds)\(tail)",
                arguments: startArguments + filterArguments + StatementArguments(joins.compactMap(\.argument))
                    + arguments)
        }
        let sorted = " ORDER BY \(keyset.order) LIMIT \(query.limit)"
        if let index = parts.firstIndex(where: { $0.driver != nil }), let driver = parts[index].driver {
            // Equality of a param or a tag finds the fewest runs; SQLite, without statistics, would not see that.
            fullCount = parts[index].driverCount.map { Question(sql: $0, arguments: parts[index].joinArguments) }
            let rest = parts.enumerated().filter { $0.offset != index }.map(\.element)
            full = Question(
                sql:
                    "SELECT \(columns) FROM \(driver)\(rest.map(\.join).joined().replacing(" JOIN ", with: " CROSS JOIN "))"
                    + "\(joins.map(\.sql).joined())\(holds)\(sorted)",
                arguments: parts[index].joinArguments + rest.reduce(StatementArguments()) { $0 + $1.joinArguments }
                    + StatementArguments(joins.compactMap(\.argument)) + arguments)
        } else {
            fullCount = nil
            full = question("run r", [], filterJoins, joins, sorted)
        }
        // The index gives the runs; `CROSS JOIN` keeps SQLite from turning that around.
        probes = Self.probed.compactMap { RunOrderSQL.probe(query, $0) }.map { start in
            question(
                start.sql, start.arguments, filterJoins.replacing(" JOIN ", with: " CROSS JOIN "),
                start.hasFirstOrder ? Array(joins.dropFirst()) : joins, "")
        }
        probedKeys = 2
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreTables

/// The table under check, and the questions that expectations ask of it.
struct Batch: Sendable {
    let session: any TableSession
    let columns: [Column]
    let rowCount: Int64

    /// Answers one expectation.
    ///
    /// What cannot be computed is a failure with its reason, not a pass.
    func evaluate(_ expectation: Expectation) async throws(GyreError) -> ExpectationResult {
        do {
            return try await answer(expectation)
        } catch {
            guard error.code == .invalid || error.code == .notFound else { throw error }
            let message = error.why.map { "\(error.what) \($0)" } ?? error.what
            return ExpectationResult(expectation: expectation, isSuccess: false, result: [:], exception: message)
        }
    }

    private func answer(_ expectation: Expectation) async throws(GyreError) -> ExpectationResult {
        guard let kind = ExpectationKind(rawValue: expectation.type) else {
            throw GyreError(.unsupported, "The expectation \"\(expectation.type)\" is unknown.")
        }
        if expectation.arguments["row_condition"].map({ !$0.isNull }) ?? false {
            throw GyreError(
                .unsupported, "The expectation \(expectation.type) has a row_condition, which is not read yet.")
        }
        switch kind {
        case .notNull, .null, .inSet, .notInSet, .between, .unique, .lengthsBetween, .lengthsEqual, .matchRegex,
            .notMatchRegex:
            return try await columnMap(kind, expectation)
        case .pairGreater, .pairEqual, .compoundUnique: return try await rowMap(kind, expectation)
        case .minimumBetween, .maximumBetween, .sumBetween, .meanBetween, .medianBetween, .deviationBetween,
            .uniqueCountBetween,
            .uniqueShareBetween, .nonNullShareBetween:
            return try await aggregate(kind, expectation)
        case .quantilesBetween: return try await quantiles(expectation)
        case .rowCountBetween, .rowCountEqual, .columnCountBetween, .columnCountEqual:
            return try tableCount(kind, expectation)
        case .columnsMatchSet, .columnsMatchOrderedList, .columnExists, .columnOfType, .columnInTypes:
            return try shape(kind, expectation)
        }
    }

    // MARK: Values of one column

    private func columnMap(
        _ kind: ExpectationKind, _ expectation: Expectation
    ) async throws(GyreError) -> ExpectationResult {
        let column = try column(expectation.text("column"))
        let value = expression(column)
        if kind == .notNull || kind == .null {
            let row = try await row("SELECT count(*), count(\(value)) FROM batch")
            let (total, present) = (row[0].int ?? 0, row[1].int ?? 0)
            let unexpected = kind == .notNull ? total - present : present
            let samples = kind == .null ? try await self.samples(value, where: "\(value) IS NOT NULL", []) : []
            return try mapResult(
                expectation, total: total, considered: total, unexpected: unexpected, samples: samples,
                hasMissing: false)
        }
        let (fits, bound) = try condition(kind, expectation, column, value)
        let counted =
            kind == .unique ? "(SELECT \(value) AS v, count(*) OVER (PARTITION BY \(value)) AS n FROM batch)" : "batch"
        let (subject, test) = kind == .unique ? ("v", "n = 1") : (value, fits)
        let row = try await row(
            "SELECT count(*), count(\(subject)), count(*) FILTER (WHERE \(subject) IS NOT NULL AND NOT (\(test))) FROM \(counted)",
            bound)
        let unexpected = row[2].int ?? 0
        let samples =
            unexpected == 0
            ? []
            : try await self.samples(subject, where: "\(subject) IS NOT NULL AND NOT (\(test))", bound, from: counted)
        return try mapResult(
            expectation, total: row[0].int ?? 0, considered: row[1].int ?? 0, unexpected: unexpected, samples: samples)
    }

    private func condition(
        _ kind: ExpectationKind, _ expectation: Expectation, _ column: Column, _ value: String
    ) throws(GyreError) -> (sql: String, bound: [JSONValue]) {
        switch kind {
        case .inSet, .notInSet:
            let set = try expectation.list("value_set")
            guard !set.isEmpty else { return (kind == .inSet ? "false" : "true", []) }
            // Dates are compared by their text, numbers as numbers.
            let isText = set.contains { $0.string != nil }
            let marks = set.map { _ in isText ? "CAST(? AS VARCHAR)" : "?" }.joined(separator: ", ")
            let left = isText ? "CAST(\(value) AS VARCHAR)" : value
            return ("\(left) \(kind == .inSet ? "IN" : "NOT IN") (\(marks))", set)
        case .between: return try bounds(expectation, value, column)
        case .unique: return ("true", [])
        case .lengthsBetween: return try bounds(expectation, "length(CAST(\(value) AS VARCHAR))", nil)
        case .lengthsEqual: return ("length(CAST(\(value) AS VARCHAR)) = ?", [expectation.arguments["value"] ?? .null])
        case .matchRegex, .notMatchRegex:
            let pattern = try expectation.text("regex")
            let call = "regexp_matches(CAST(\(value) AS VARCHAR), ?)"
            return (kind == .matchRegex ? call : "NOT \(call)", [.string(pattern)])
        default: throw GyreError(.internal, "\(expectation.type) has no condition.")
        }
    }

    private func bounds(
        _ expectation: Expectation, _ value: String, _ column: Column?
    ) throws(GyreError) -> (sql: String, bound: [JSONValue]) {
        let (low, high) = (expectation.arguments["min_value"] ?? .null, expectation.arguments["max_value"] ?? .null)
        guard !low.isNull || !high.isNull else {
            throw GyreError(.invalid, "min_value and max_value cannot both be None")
        }
        if let low = low.double, let high = high.double, low > high {
            throw GyreError(.invalid, "min_value cannot be greater than max_value")
        }
        let isText = column?.type == "VARCHAR"
        if isText, low.double != nil || high.double != nil {
            throw GyreError(.invalid, "The column \"\(column?.name ?? "")\" holds texts and is compared with numbers.")
        }
        var parts: [String] = []
        var bound: [JSONValue] = []
        let mark =
            column.map { $0.type.hasPrefix("TIMESTAMP") || $0.type == "DATE" ? "CAST(? AS TIMESTAMP)" : "?" } ?? "?"
        if !low.isNull {
            parts.append("\(value) \(expectation.arguments["strict_min"]?.bool == true ? ">" : ">=") \(mark)")
            bound.append(low)
        }
        if !high.isNull {
            parts.append("\(value) \(expectation.arguments["strict_max"]?.bool == true ? "<" : "<=") \(mark)")
            bound.append(high)
        }
        return (parts.joined(separator: " AND "), bound)
    }

    // MARK: Rows of several columns

    private func rowMap(
        _ kind: ExpectationKind, _ expectation: Expectation
    ) async throws(GyreError) -> ExpectationResult {
        let ignore = expectation.arguments["ignore_row_if"]?.string
        if kind == .compoundUnique {
            let names = try expectation.list("column_list").compactMap(\.string)
            let values = try names.map { name throws(GyreError) in expression(try column(name)) }
            let list = values.joined(separator: ", ")
            let joint = ignore == "any_value_is_missing" ? " AND " : " OR "
            let isPresent = ignore == "never" ? "true" : values.map { "\($0) IS NOT NULL" }.joined(separator: joint)
            let row = try await row(
                """
                SELECT (SELECT count(*) FROM batch), count(*), count(*) FILTER (WHERE n > 1) FROM
                (SELECT count(*) OVER (PARTITION BY \(list)) AS n FROM batch WHERE \(isPresent))
                """)
            return try mapResult(
                expectation, total: row[0].int ?? 0, considered: row[1].int ?? 0, unexpected: row[2].int ?? 0,
                samples: [])
        }
        let a = expression(try column(expectation.text("column_A")))
        let b = expression(try column(expectation.text("column_B")))
        let isPresent =
            switch ignore {
            case "either_value_is_missing": "\(a) IS NOT NULL AND \(b) IS NOT NULL"
            case "neither": "true"
            default: "(\(a) IS NOT NULL OR \(b) IS NOT NULL)"
            }
        let test =
            kind == .pairEqual
            ? "coalesce(\(a) = \(b), \(a) IS NULL AND \(b) IS NULL)"
            : "coalesce(\(a) \(expectation.arguments["or_equal"]?.bool == true ? ">=" : ">") \(b), false)"
        let row = try await row(
            "SELECT count(*), count(*) FILTER (WHERE \(isPresent)), count(*) FILTER (WHERE \(isPresent) AND NOT (\(test))) FROM batch"
        )
        let pairs = try await session.run(
            "SELECT to_json([CAST(\(a) AS VARCHAR), CAST(\(b) AS VARCHAR)])::VARCHAR FROM batch WHERE \(isPresent) AND NOT (\(test)) LIMIT 20"
        )
        let samples = try pairs.rows.map { row throws(GyreError) in try JSONValue(parsing: row[0].string ?? "null") }
        return try mapResult(
            expectation, total: row[0].int ?? 0, considered: row[1].int ?? 0, unexpected: row[2].int ?? 0,
            samples: samples)
    }

    // MARK: One number of a column

    private func aggregate(
        _ kind: ExpectationKind, _ expectation: Expectation
    ) async throws(GyreError) -> ExpectationResult {
        let column = try column(expectation.text("column"))
        let value = expression(column)
        let isTime = column.type.hasPrefix("TIMESTAMP") || column.type == "DATE"
        let sql: String =
            switch kind {
            case .minimumBetween: isTime ? "CAST(min(\(value)) AS VARCHAR)" : "min(\(value))"
            case .maximumBetween: isTime ? "CAST(max(\(value)) AS VARCHAR)" : "max(\(value))"
            case .sumBetween: "CAST(sum(\(value)) AS DOUBLE)"
            case .meanBetween: "avg(CAST(\(value) AS DOUBLE))"
            case .medianBetween: "median(CAST(\(value) AS DOUBLE))"
            case .deviationBetween: "stddev_samp(CAST(\(value) AS DOUBLE))"
            case .uniqueCountBetween: "count(DISTINCT \(value))"
            case .uniqueShareBetween: "count(DISTINCT \(value)) / nullif(count(\(value)), 0)"
            default: "count(\(value)) / nullif(count(*), 0)"
            }
        let observed = try await row("SELECT \(sql) FROM batch")[0]
        return ExpectationResult(
            expectation: expectation, isSuccess: Self.isWithin(observed, expectation.arguments),
            result: ["observed_value": observed],
            exception: nil)
    }

    private func quantiles(_ expectation: Expectation) async throws(GyreError) -> ExpectationResult {
        let value = expression(try column(expectation.text("column")))
        let wanted = (expectation.arguments["quantile_ranges"]?["quantiles"]?.array ?? []).compactMap(\.double)
        let ranges = expectation.arguments["quantile_ranges"]?["value_ranges"]?.array ?? []
        guard !wanted.isEmpty, wanted.count == ranges.count, wanted.allSatisfy({ (0...1).contains($0) }) else {
            throw expectation.missing("quantile_ranges", "as many value_ranges as quantiles, each from 0 to 1,")
        }
        // The nearest rank, with halves to the even one: what pandas answers, not an interpolation.
        var observed: [JSONValue] = []
        var isSuccess = true
        let count = try await row("SELECT count(\(value)) FROM batch")[0].int ?? 0
        for (quantile, range) in zip(wanted, ranges) {
            let index = Int64((quantile * Double(max(0, count - 1))).rounded(.toNearestOrEven))
            let found =
                try await session.run(
                    "SELECT CAST(\(value) AS DOUBLE) FROM batch WHERE \(value) IS NOT NULL ORDER BY \(value) LIMIT 1 OFFSET \(index)"
                ).scalar ?? .null
            observed.append(found)
            isSuccess =
                isSuccess && Self.isWithin(found, ["min_value": range[0] ?? .null, "max_value": range[1] ?? .null])
        }
        return ExpectationResult(
            expectation: expectation, isSuccess: isSuccess,
            result: ["observed_value": ["quantiles": .array(wanted.map { .double($0) }), "values": .array(observed)]],
            exception: nil)
    }

    // MARK: The table

    private func tableCount(_ kind: ExpectationKind, _ expectation: Expectation) throws(GyreError) -> ExpectationResult
    {
        let observed: JSONValue =
            kind == .rowCountBetween || kind == .rowCountEqual ? .int(rowCount) : .int(Int64(columns.count))
        let isEqual = kind == .rowCountEqual || kind == .columnCountEqual
        if isEqual, expectation.arguments["value"]?.int == nil { throw expectation.missing("value", "a whole number") }
        let isSuccess =
            isEqual
            ? observed.int == expectation.arguments["value"]?.int : Self.isWithin(observed, expectation.arguments)
        return ExpectationResult(
            expectation: expectation, isSuccess: isSuccess, result: ["observed_value": observed], exception: nil)
    }

    private func shape(_ kind: ExpectationKind, _ expectation: Expectation) throws(GyreError) -> ExpectationResult {
        let names = columns.map(\.name)
        func result(_ isSuccess: Bool, _ observed: JSONValue) -> ExpectationResult {
            ExpectationResult(
                expectation: expectation, isSuccess: isSuccess, result: ["observed_value": observed], exception: nil)
        }
        switch kind {
        case .columnsMatchSet:
            let wanted = Set(try expectation.list("column_set").compactMap(\.string))
            let isExact = expectation.arguments["exact_match"]?.bool ?? true
            return result(isExact ? wanted == Set(names) : wanted.isSubset(of: Set(names)), .strings(names))
        case .columnsMatchOrderedList:
            return result(try expectation.list("column_list").compactMap(\.string) == names, .strings(names))
        case .columnExists:
            let name = try expectation.text("column")
            let index = expectation.arguments["column_index"]?.int
            return result(
                index.map { names.indices.contains(Int($0)) && names[Int($0)] == name } ?? names.contains(name), .null)
        default:
            let own = try column(expectation.text("column")).type
            let wanted =
                kind == .columnOfType
                ? [try expectation.text("type_")] : try expectation.list("type_list").compactMap(\.string)
            return result(wanted.contains { Self.aliases(of: own).contains($0) }, .string(own))
        }
    }

    /// The names that pandas, NumPy and SQL have for a type of the engine.
    private static func aliases(of type: String) -> Set<String> {
        let base = String(type.prefix { $0 != "(" })
        let others: [String] =
            switch base {
            case "BIGINT": ["int64", "int", "Int64", "INTEGER", "BIGINT"]
            case "INTEGER": ["int32", "int", "INT", "INTEGER"]
            case "SMALLINT": ["int16"]
            case "TINYINT": ["int8"]
            case "DOUBLE": ["float64", "float", "FLOAT", "DOUBLE_PRECISION"]
            case "FLOAT": ["float32", "float", "REAL"]
            case "VARCHAR": ["str", "object", "string", "TEXT", "STRING"]
            case "BOOLEAN": ["bool", "BOOL"]
            case "DATE": ["date"]
            default:
                base.hasPrefix("TIMESTAMP")
                    ? ["datetime64[ns]", "datetime64[us]", "datetime", "TIMESTAMP", "DATETIME"] : []
            }
        return Set(others + [type, base])
    }

    // MARK: Parts

    private func column(_ name: String) throws(GyreError) -> Column {
        if let column = columns.first(where: { $0.name == name }) { return column }
        throw GyreError(.notFound, "Error: The column \"\(name)\" in BatchData does not exist.")
    }

    /// The column's value, with NaN as null: that is what pandas calls missing.
    private func expression(_ column: Column) -> String {
        let name = SQL.name(column.name)
        return column.isFloat ? "(CASE WHEN isnan(\(name)) THEN NULL ELSE \(name) END)" : name
    }

    private func row(_ sql: String, _ values: [JSONValue] = []) async throws(GyreError) -> [JSONValue] {
        guard let row = try await session.run(sql, values).rows.first else {
            throw GyreError(.internal, "A count gave no row.")
        }
        return row
    }

    private func samples(
        _ value: String, where condition: String, _ bound: [JSONValue], from table: String = "batch"
    ) async throws(GyreError) -> [JSONValue] {
        let found = try await session.run(
            "SELECT to_json(\(value))::VARCHAR FROM \(table) WHERE \(condition) LIMIT 20", bound)
        return try found.rows.map { row throws(GyreError) in try JSONValue(parsing: row[0].string ?? "null") }
    }

    /// The counts of a map expectation and whether enough values fit.
    private func mapResult(
        _ expectation: Expectation, total: Int64, considered: Int64, unexpected: Int64, samples: [JSONValue],
        hasMissing: Bool = true
    ) throws(GyreError) -> ExpectationResult {
        func percent(_ part: Int64, of whole: Int64) -> JSONValue {
            whole == 0 ? .null : .double(Double(part) / Double(whole) * 100)
        }
        var result: JSONValue = ["element_count": .int(total), "unexpected_count": .int(unexpected)]
        result["unexpected_percent"] = percent(unexpected, of: considered)
        result["partial_unexpected_list"] = .array(samples)
        if hasMissing {
            result["missing_count"] = .int(total - considered)
            result["missing_percent"] = percent(total - considered, of: total)
            result["unexpected_percent_total"] = percent(unexpected, of: total)
            result["unexpected_percent_nonmissing"] = percent(unexpected, of: considered)
        }
        let mostly = try expectation.mostly()
        let isSuccess = considered == 0 || Double(considered - unexpected) / Double(considered) >= mostly
        return ExpectationResult(expectation: expectation, isSuccess: isSuccess, result: result, exception: nil)
    }

    private static func isWithin(_ observed: JSONValue, _ arguments: JSONValue) -> Bool {
        let (low, high) = (arguments["min_value"] ?? .null, arguments["max_value"] ?? .null)
        if observed.isNull { return low.isNull && high.isNull }
        func compare(_ left: JSONValue, _ right: JSONValue) -> Int {
            if let left = left.double, let right = right.double { return left < right ? -1 : left > right ? 1 : 0 }
            let (left, right) = (left.string ?? "", right.string ?? "")
            return left < right ? -1 : left > right ? 1 : 0
        }
        if !low.isNull {
            let order = compare(observed, low)
            if order < 0 || (order == 0 && arguments["strict_min"]?.bool == true) { return false }
        }
        if !high.isNull {
            let order = compare(observed, high)
            if order > 0 || (order == 0 && arguments["strict_max"]?.bool == true) { return false }
        }
        return true
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreTables

/// Runs suites over tables.
package struct Checker: Sendable {
    private let tables: any TableEngine
    private let surroundings: Surroundings

    /// A checker that asks `tables`.
    package init(tables: any TableEngine, surroundings: Surroundings) {
        self.tables = tables
        self.surroundings = surroundings
    }

    /// Runs every expectation over the rows of `files`, which are read as one table.
    /// - Throws: `.invalid` for a file that cannot be read; `.unsupported` for an expectation that is unknown: it never passes.
    package func run(_ suite: Suite, files: [TableFile]) async throws(GyreError) -> CheckResult {
        for expectation in suite.expectations where ExpectationKind(rawValue: expectation.type) == nil {
            throw GyreError(
                .unsupported, "The expectation \"\(expectation.type)\" is unknown.",
                why: "The suite \"\(suite.name)\" cannot be answered for, so it does not pass.",
                fix: "Known are: \(ExpectationKind.allCases.map(\.rawValue).sorted().joined(separator: ", ")).")
        }
        let session = try await tables.open()
        do {
            try await session.run("CREATE TEMP TABLE batch AS SELECT * FROM \(try TableFile.reader(files))")
        } catch {
            throw GyreError(
                .invalid, "The data cannot be read as a table.", why: error.why ?? error.what,
                fix: "Look at the file; nothing was recorded.")
        }
        let described = try await session.run("SELECT column_name, column_type FROM (DESCRIBE batch)")
        let columns = described.rows.map { Column(name: $0[0].string ?? "", type: $0[1].string ?? "") }
        let total = try await session.run("SELECT count(*) FROM batch").scalar?.int ?? 0
        var results: [ExpectationResult] = []
        for expectation in suite.expectations {
            let batch = Batch(session: session, columns: columns, rowCount: total)
            results.append(try await batch.evaluate(expectation))
        }
        return CheckResult(suite: suite, results: results, at: surroundings.now())
    }
}

/// A column of the checked table.
struct Column: Sendable, Hashable {
    let name: String
    /// The engine's name of the type: `DOUBLE`, `VARCHAR` and more.
    let type: String

    var isFloat: Bool { type == "DOUBLE" || type == "FLOAT" || type == "REAL" }
}

/// The expectations that are known.
enum ExpectationKind: String, CaseIterable {
    case notNull = "expect_column_values_to_not_be_null"
    case null = "expect_column_values_to_be_null"
    case inSet = "expect_column_values_to_be_in_set"
    case notInSet = "expect_column_values_to_not_be_in_set"
    case between = "expect_column_values_to_be_between"
    case unique = "expect_column_values_to_be_unique"
    case lengthsBetween = "expect_column_value_lengths_to_be_between"
    case lengthsEqual = "expect_column_value_lengths_to_equal"
    case matchRegex = "expect_column_values_to_match_regex"
    case notMatchRegex = "expect_column_values_to_not_match_regex"
    case minimumBetween = "expect_column_min_to_be_between"
    case maximumBetween = "expect_column_max_to_be_between"
    case sumBetween = "expect_column_sum_to_be_between"
    case meanBetween = "expect_column_mean_to_be_between"
    case medianBetween = "expect_column_median_to_be_between"
    case deviationBetween = "expect_column_stdev_to_be_between"
    case uniqueCountBetween = "expect_column_unique_value_count_to_be_between"
    case uniqueShareBetween = "expect_column_proportion_of_unique_values_to_be_between"
    case nonNullShareBetween = "expect_column_proportion_of_non_null_values_to_be_between"
    case quantilesBetween = "expect_column_quantile_values_to_be_between"
    case pairGreater = "expect_column_pair_values_a_to_be_greater_than_b"
    case pairEqual = "expect_column_pair_values_to_be_equal"
    case compoundUnique = "expect_compound_columns_to_be_unique"
    case rowCountBetween = "expect_table_row_count_to_be_between"
    case rowCountEqual = "expect_table_row_count_to_equal"
    case columnCountEqual = "expect_table_column_count_to_equal"
    case columnCountBetween = "expect_table_column_count_to_be_between"
    case columnsMatchSet = "expect_table_columns_to_match_set"
    case columnsMatchOrderedList = "expect_table_columns_to_match_ordered_list"
    case columnExists = "expect_column_to_exist"
    case columnOfType = "expect_column_values_to_be_of_type"
    case columnInTypes = "expect_column_values_to_be_in_type_list"
}

// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreQuality
import GyreTables
import GyreTestSupport
import Testing

/// Expectations that the common ones leave open, and what a suite's result says.
@Suite struct ExpectationsTests {
    private static let csv = """
        id,x,name,at
        1,1.5,alpha,2020-01-01
        2,2.5,alpha,2020-01-02
        3,3.5,,2020-01-03
        4,4.5,beta,2020-01-04
        """

    private func run(_ expectations: [GyreQuality.Expectation]) async throws -> CheckResult {
        let folder = try TemporaryFolder()
        let file = try folder.write("t.csv", Self.csv)
        return try await Checker(tables: QualityTests.engine, surroundings: .still).run(
            Suite(name: "s", expectations: expectations), files: [TableFile(name: "t.csv", path: file)])
    }

    private func check(_ type: String, _ arguments: JSONValue) async throws -> ExpectationResult {
        try await run([GyreQuality.Expectation(type: type, arguments: arguments, severity: .critical, id: nil)])
            .results[0]
    }

    @Test(
        "each kind of expectation tells good data from bad",
        arguments: [
            ("expect_column_values_to_be_null", ["column": "name", "mostly": 0.25], true),
            ("expect_column_values_to_be_null", ["column": "id"], false),
            ("expect_column_values_to_not_be_in_set", ["column": "id", "value_set": [9]], true),
            ("expect_column_values_to_not_be_in_set", ["column": "name", "value_set": ["beta"]], false),
            ("expect_column_values_to_be_in_set", ["column": "name", "value_set": []], false),
            ("expect_column_values_to_not_match_regex", ["column": "name", "regex": "^z"], true),
            ("expect_column_value_lengths_to_equal", ["column": "id", "value": 1], true),
            ("expect_column_value_lengths_to_equal", ["column": "name", "value": 5], false),
            ("expect_column_values_to_be_between", ["column": "at", "min_value": "2020-01-02"], false),
            ("expect_column_values_to_be_between", ["column": "at", "max_value": "2020-01-04"], true),
            ("expect_column_values_to_be_between", ["column": "x", "max_value": 4.5, "strict_max": true], false),
            ("expect_column_pair_values_to_be_equal", ["column_A": "id", "column_B": "id"], true),
            (
                "expect_column_pair_values_a_to_be_greater_than_b",
                ["column_A": "x", "column_B": "id", "or_equal": true, "ignore_row_if": "either_value_is_missing"], true
            ),
            (
                "expect_column_pair_values_a_to_be_greater_than_b",
                ["column_A": "id", "column_B": "x", "ignore_row_if": "neither"], false
            ),
            (
                "expect_compound_columns_to_be_unique",
                ["column_list": ["name", "at"], "ignore_row_if": "any_value_is_missing"], true
            ),
            ("expect_compound_columns_to_be_unique", ["column_list": ["name"], "ignore_row_if": "never"], false),
            ("expect_column_min_to_be_between", ["column": "at", "min_value": "2020-01-01"], true),
            ("expect_column_max_to_be_between", ["column": "at", "max_value": "2020-01-03"], false),
            ("expect_column_sum_to_be_between", ["column": "x", "min_value": 12, "max_value": 12], true),
            ("expect_column_stdev_to_be_between", ["column": "x", "max_value": 1.3], true),
            ("expect_column_unique_value_count_to_be_between", ["column": "name", "max_value": 1], false),
            ("expect_column_proportion_of_unique_values_to_be_between", ["column": "id", "min_value": 1], true),
            ("expect_column_proportion_of_non_null_values_to_be_between", ["column": "name", "max_value": 0.5], false),
            ("expect_column_mean_to_be_between", ["column": "x", "max_value": 3, "strict_max": true], false),
            ("expect_column_mean_to_be_between", ["column": "x", "min_value": 3, "strict_min": true], false),
            ("expect_table_column_count_to_equal", ["value": 4], true),
            ("expect_table_column_count_to_be_between", ["max_value": 3], false),
            ("expect_column_to_exist", ["column": "x", "column_index": 1], true),
            ("expect_column_to_exist", ["column": "x", "column_index": 2], false),
            ("expect_column_to_exist", ["column": "none"], false),
            ("expect_table_columns_to_match_set", ["column_set": ["id"], "exact_match": false], true),
            ("expect_column_values_to_be_in_type_list", ["column": "id", "type_list": ["int64", "str"]], true),
            ("expect_column_values_to_be_of_type", ["column": "name", "type_": "str"], true),
            ("expect_column_values_to_be_of_type", ["column": "at", "type_": "date"], true),
            ("expect_column_values_to_be_of_type", ["column": "name", "type_": "int64"], false),
        ] as [(String, JSONValue, Bool)])
    func kinds(type: String, arguments: JSONValue, isSuccess: Bool) async throws {
        let result = try await check(type, arguments)
        #expect(result.exception == nil)
        #expect(result.isSuccess == isSuccess, "\(result.summary)")
    }

    @Test(
        "an expectation that cannot be computed fails with the reason",
        arguments: [
            ("expect_column_values_to_be_between", ["column": "x"]),
            ("expect_column_values_to_be_between", ["column": "x", "min_value": 2, "max_value": 1]),
            ("expect_column_values_to_be_between", ["column": "name", "min_value": 2]),
            ("expect_column_values_to_not_be_null", ["column": "x", "mostly": 2]),
            ("expect_column_values_to_be_in_set", ["column": "x"]),
            ("expect_column_values_to_match_regex", ["column": "x"]),
            ("expect_table_row_count_to_equal", [:]),
            ("expect_column_quantile_values_to_be_between", ["column": "x", "quantile_ranges": ["quantiles": [2]]]),
        ] as [(String, JSONValue)])
    func exceptions(type: String, arguments: JSONValue) async throws {
        let result = try await check(type, arguments)
        #expect(!result.isSuccess && result.exception != nil)
        #expect(result.summary.contains(result.exception ?? "none"))
    }

    @Test("conditions on rows are not read, which is told instead of ignored")
    func rowCondition() async throws {
        let error = await #expect(throws: GyreError.self) {
            try await check("expect_column_values_to_not_be_null", ["column": "x", "row_condition": "id > 1"])
        }
        #expect(error?.code == .unsupported)
    }

    @Test("what fails decides by its severity whether data may be used")
    func severity() async throws {
        func expectation(_ column: String, _ severity: GyreQuality.Expectation.Severity) -> GyreQuality.Expectation {
            GyreQuality.Expectation(
                type: "expect_column_values_to_not_be_null", arguments: ["column": .string(column)], severity: severity,
                id: nil)
        }
        let passed = try await run([expectation("id", .critical)])
        #expect(passed.state == .passed && passed.state.words == "passed" && passed.worstFailure == nil)
        let warned = try await run([
            expectation("id", .critical), expectation("name", .warning), expectation("name", .info),
        ])
        #expect(warned.state == .warned && warned.worstFailure == .warning && !warned.isBlocking)
        #expect(warned.failures.count == 2 && warned.state.words == "passed with warnings")
        #expect(warned.failures[0].summary == "expect_column_values_to_not_be_null(name): 1 unexpected of 4 (25.0 %)")
        let failed = try await run([expectation("name", .critical)])
        #expect(failed.state == .failed && failed.isBlocking && failed.state.words == "failed")
        #expect(try await run([]).state == .passed)
    }

    @Test("the same expectations have the same digest, whatever the suite is called")
    func digest() {
        let one = GyreQuality.Expectation(type: "t", arguments: ["a": 1], severity: .info, id: "x")
        let other = GyreQuality.Expectation(type: "t", arguments: ["a": 2], severity: .info, id: "x")
        #expect(Suite(name: "a", expectations: [one]).digest == Suite(name: "b", expectations: [one]).digest)
        #expect(Suite(name: "a", expectations: [one]).digest != Suite(name: "a", expectations: [other]).digest)
        #expect(Suite(name: "a", expectations: [one]).ref.name == "a")
    }
}

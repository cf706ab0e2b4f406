// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreCompute
import GyreNativeLibraries
import GyreQuality
import GyreTables
import GyreTestSupport
import Testing

@Suite struct QualityTests {
    static let engine = DuckDBEngine(
        search: NativeLibrary.Search(toolsFolder: Installed.toolsFolder, overrides: [:]), memoryLimitBytes: 1 << 30)

    private static let csv = """
        id,x,name,when
        1,1.5,alpha,2020-01-01
        2,,beta,2020-01-02
        3,3.5,gamma,2020-01-03
        3,100,d1,2020-01-04
        """

    private func check(_ type: String, _ arguments: JSONValue, csv: String = Self.csv) async throws -> ExpectationResult
    {
        let folder = try TemporaryFolder()
        let file = try folder.write("t.csv", csv)
        let suite = Suite(
            name: "s", expectations: [Expectation(type: type, arguments: arguments, severity: .critical, id: nil)])
        let result = try await Checker(tables: Self.engine, surroundings: .still)
            .run(suite, files: [TableFile(name: "t.csv", path: file)])
        return result.results[0]
    }

    @Test(
        "expectations answer as Great Expectations does",
        arguments: [
            ("expect_column_values_to_not_be_null", ["column": "x"], false, 1),
            ("expect_column_values_to_not_be_null", ["column": "x", "mostly": 0.75], true, 1),
            ("expect_column_values_to_be_unique", ["column": "id"], false, 2),
            ("expect_column_values_to_be_between", ["column": "x", "min_value": 0, "max_value": 10], false, 1),
            ("expect_column_values_to_be_between", ["column": "x", "min_value": 1.5, "strict_min": true], false, 1),
            ("expect_column_values_to_be_in_set", ["column": "name", "value_set": ["alpha", "beta"]], false, 2),
            ("expect_column_values_to_be_in_set", ["column": "id", "value_set": [1, 2, 3]], true, 0),
            ("expect_column_values_to_match_regex", ["column": "name", "regex": "^[a-z]+$"], false, 1),
            ("expect_column_value_lengths_to_be_between", ["column": "name", "min_value": 3], false, 1),
            ("expect_compound_columns_to_be_unique", ["column_list": ["id", "name"]], true, 0),
            ("expect_column_pair_values_a_to_be_greater_than_b", ["column_A": "x", "column_B": "id"], false, 1),
        ] as [(String, JSONValue, Bool, Int64)])
    func map(type: String, arguments: JSONValue, isSuccess: Bool, unexpected: Int64) async throws {
        let result = try await check(type, arguments)
        #expect(result.exception == nil)
        #expect(result.isSuccess == isSuccess)
        #expect(result.result["unexpected_count"]?.int == unexpected)
    }

    @Test(
        "aggregates tell what they observed",
        arguments: [
            ("expect_column_mean_to_be_between", ["column": "x", "min_value": 34, "max_value": 36], true),
            ("expect_column_median_to_be_between", ["column": "x", "min_value": 3.5, "max_value": 3.5], true),
            ("expect_column_max_to_be_between", ["column": "x", "max_value": 99], false),
            ("expect_table_row_count_to_be_between", ["min_value": 4, "max_value": 4], true),
            ("expect_table_row_count_to_equal", ["value": 5], false),
            ("expect_table_columns_to_match_set", ["column_set": ["when", "x", "id", "name"]], true),
            ("expect_table_columns_to_match_ordered_list", ["column_list": ["x", "id", "name", "when"]], false),
            ("expect_column_values_to_be_of_type", ["column": "x", "type_": "float64"], true),
            (
                "expect_column_quantile_values_to_be_between",
                ["column": "x", "quantile_ranges": ["quantiles": [0.5], "value_ranges": [[3, 4]]]], true
            ),
        ] as [(String, JSONValue, Bool)])
    func aggregate(type: String, arguments: JSONValue, isSuccess: Bool) async throws {
        let result = try await check(type, arguments)
        #expect(result.exception == nil)
        #expect(result.isSuccess == isSuccess, "\(result.result.text)")
    }

    @Test("a column that is not there fails with the reason and never passes")
    func missingColumn() async throws {
        let result = try await check("expect_column_values_to_not_be_null", ["column": "nope"])
        #expect(!result.isSuccess)
        #expect(result.exception == "Error: The column \"nope\" in BatchData does not exist.")
    }

    @Test("an unknown expectation is an error, never a pass")
    func unknown() async {
        let error = await #expect(throws: GyreError.self) { try await check("expect_magic", [:]) }
        #expect(error?.code == .unsupported)
    }

    @Test("a file that is no table is refused", arguments: ["", "\u{0}\u{1}\u{2}"])
    func corrupt(text: String) async throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("t.parquet", "PAR1" + text)
        let checker = Checker(tables: Self.engine, surroundings: .still)
        let error = await #expect(throws: GyreError.self) {
            try await checker.run(Suite(name: "s", expectations: []), files: [TableFile(name: "t.parquet", path: file)])
        }
        #expect(error?.code == .invalid)
    }

    @Test("a CSV with ragged rows is refused with the engine's reason")
    func ragged() async throws {
        let error = await #expect(throws: GyreError.self) {
            try await check(
                "expect_table_row_count_to_equal", ["value": 3], csv: "a,b\n1,2\n\"3,4,5,6\n7\n8,9\n1,2,3\n")
        }
        #expect(error?.code == .invalid)
    }
}

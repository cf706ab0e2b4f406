// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreGX
import GyreQuality
import Testing

@Suite struct GXTests {
    @Test("a suite of version 1 and one of version 0 are read")
    func suites() throws {
        let new = try GXSuite.read([
            "name": "s",
            "expectations": [
                ["type": "expect_column_to_exist", "kwargs": ["column": "x"], "severity": "warning", "id": "1"]
            ],
        ])
        let old = try GXSuite.read([
            "expectation_suite_name": "s",
            "expectations": [["expectation_type": "expect_column_to_exist", "kwargs": ["column": "x"]]],
        ])
        #expect(new.expectations[0].severity == .warning)
        #expect(old.expectations[0].severity == .critical)
        #expect(new.expectations[0].type == old.expectations[0].type)
    }

    @Test(
        "what is no suite is refused",
        arguments: [[:], ["name": "s"], ["name": "../s", "expectations": []]] as [JSONValue])
    func noSuite(json: JSONValue) {
        #expect(throws: GyreError.self) { try GXSuite.read(json) }
    }

    @Test("a result has the keys that Great Expectations writes")
    func result() throws {
        let suite = Suite(name: "s", expectations: [])
        let json = GXSuite.write(CheckResult(suite: suite, results: [], at: 0))
        #expect(json["success"] == true)
        #expect(json["statistics"]?["success_percent"] == .null)
        #expect(json["statistics"]?["evaluated_expectations"] == 0)
    }
}

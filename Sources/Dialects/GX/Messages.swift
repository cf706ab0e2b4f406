// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreQuality

/// Great Expectations' JSON: suites in, results out.
package enum GXSuite {
    /// A suite as `ExpectationSuite.to_json_dict()` writes it; the names of version 0.x are read too.
    /// - Throws: `.invalid` for something that is no suite.
    package static func read(_ json: JSONValue) throws(GyreError) -> Suite {
        guard let name = json["name"]?.string ?? json["expectation_suite_name"]?.string,
            let list = json["expectations"]?.array
        else {
            throw GyreError(
                .invalid, "The JSON is no expectation suite.", why: "It needs \"name\" and a list of \"expectations\".",
                fix: "Write it with great_expectations: suite.to_json_dict()")
        }
        var expectations: [Expectation] = []
        for item in list {
            guard let type = item["type"]?.string ?? item["expectation_type"]?.string else {
                throw GyreError(.invalid, "An expectation of the suite \"\(name)\" has no type.", why: item.text)
            }
            let word = item["severity"]?.string ?? "critical"
            guard let severity = Expectation.Severity(rawValue: word) else {
                throw GyreError(
                    .invalid, "\"\(word.prefix(40))\" is no severity.", why: "It is critical, warning or info.")
            }
            expectations.append(
                Expectation(type: type, arguments: item["kwargs"] ?? [:], severity: severity, id: item["id"]?.string))
        }
        return Suite(name: try Name(name, of: "suite").text, expectations: expectations)
    }

    /// A result as Great Expectations writes it.
    package static func write(_ result: CheckResult) -> JSONValue {
        let succeeded = result.results.count(where: \.isSuccess)
        let evaluated = result.results.count
        return [
            "success": .bool(result.isSuccess), "results": .array(result.results.map(item)),
            "suite_name": .string(result.suite.name),
            "suite_parameters": [:],
            "statistics": [
                "evaluated_expectations": .int(Int64(evaluated)), "successful_expectations": .int(Int64(succeeded)),
                "unsuccessful_expectations": .int(Int64(evaluated - succeeded)),
                "success_percent": evaluated == 0 ? .null : .double(Double(succeeded) / Double(evaluated) * 100),
            ],
            "meta": ["validation_time": .string(Timestamp.text(result.at))], "id": .null,
        ]
    }

    private static func item(_ result: ExpectationResult) -> JSONValue {
        let expectation = result.expectation
        return [
            "success": .bool(result.isSuccess),
            "expectation_config": [
                "type": .string(expectation.type), "kwargs": expectation.arguments, "meta": [:],
                "id": .optional(expectation.id),
                "severity": .string(expectation.severity.rawValue),
            ],
            "result": result.result, "meta": [:],
            "exception_info": [
                "raised_exception": .bool(result.exception != nil), "exception_traceback": .null,
                "exception_message": .optional(result.exception),
            ],
        ]
    }
}

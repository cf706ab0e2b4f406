// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What became of one expectation.
package struct ExpectationResult: Sendable, Hashable {
    /// What was looked at.
    package let expectation: Expectation
    /// Whether the data is as expected.
    package let isSuccess: Bool
    /// The numbers, in the field's words: `element_count`, `unexpected_count`, `observed_value` and more.
    package let result: JSONValue
    /// Why it could not be computed; such a result is no success.
    package let exception: String?

    /// One line for people: what was expected and what was found.
    package var summary: String {
        let column = expectation.arguments["column"]?.string ?? expectation.arguments["column_A"]?.string
        let subject = column.map { "\(expectation.type)(\($0))" } ?? expectation.type
        if let exception { return "\(subject): \(exception)" }
        if let unexpected = result["unexpected_count"]?.int, let percent = result["unexpected_percent"]?.double {
            let rounded = (percent * 100).rounded() / 100
            return "\(subject): \(unexpected) unexpected of \(result["element_count"]?.int ?? 0) (\(rounded) %)"
        }
        return "\(subject): observed \(result["observed_value"]?.text ?? "nothing")"
    }
}

/// What became of a whole suite.
package struct CheckResult: Sendable, Hashable {
    /// What was checked.
    package let suite: Suite
    /// One result for each expectation, in the suite's order.
    package let results: [ExpectationResult]
    /// When, microseconds since 1970.
    package let at: Int64

    /// A result.
    package init(suite: Suite, results: [ExpectationResult], at: Int64) {
        self.suite = suite
        self.results = results
        self.at = at
    }

    /// Whether every expectation holds; an empty suite holds.
    package var isSuccess: Bool { results.allSatisfy(\.isSuccess) }
    /// Whether an expectation of severity critical fails: what stops a pipeline.
    package var isBlocking: Bool { worstFailure == .critical }
    /// How it went, in the one word that all surfaces use.
    package var state: State { isSuccess ? .passed : isBlocking ? .failed : .warned }

    /// How a check went.
    package enum State: String, Sendable, Hashable, CaseIterable {
        /// Every expectation holds.
        case passed
        /// Something fails, but nothing of severity critical: the data may be used.
        case warned
        /// Something critical fails.
        case failed

        /// As it is told in a sentence.
        package var words: String {
            switch self {
            case .passed: "passed"
            case .warned: "passed with warnings"
            case .failed: "failed"
            }
        }
    }
    /// The worst severity among the failures.
    package var worstFailure: Expectation.Severity? {
        results.filter { !$0.isSuccess }.map(\.expectation.severity).max()
    }
    /// The results that did not fit, in the order of the suite.
    package var failures: [ExpectationResult] { results.filter { !$0.isSuccess } }
}

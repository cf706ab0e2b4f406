// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What data is expected to be: a list of expectations.
package struct Suite: Sendable, Hashable {
    /// What people call it; part of its ref.
    package let name: String
    /// The expectations in order.
    package let expectations: [Expectation]

    /// A suite.
    package init(name: String, expectations: [Expectation]) {
        self.name = name
        self.expectations = expectations
    }

    /// Its digest: the same expectations always have the same one.
    package var digest: Digest { Digest(of: JSONValue.array(expectations.map(\.json)).canonicalBytes) }
    /// `suite/<name>@<digest>`.
    package var ref: Ref { Ref("suite", name, digest.short) }
}

/// One expectation: a type with its arguments, in the field's own words (Great Expectations).
package struct Expectation: Sendable, Hashable {
    /// `expect_column_values_to_not_be_null` and more.
    package let type: String
    /// What it looks at and within which limits, by name.
    package let arguments: JSONValue
    /// How bad it is when it fails.
    package let severity: Severity
    /// The id it has in its suite.
    package let id: String?

    /// How bad a failure is.
    package enum Severity: String, Sendable, Hashable, CaseIterable, Comparable {
        case info
        case warning
        case critical

        /// Orders by how bad.
        package static func < (left: Severity, right: Severity) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    /// An expectation.
    package init(type: String, arguments: JSONValue, severity: Severity, id: String?) {
        self.type = type
        self.arguments = arguments
        self.severity = severity
        self.id = id
    }

    /// As the suite's file has it.
    package var json: JSONValue {
        ["type": .string(type), "kwargs": arguments, "severity": .string(severity.rawValue)]
    }

    /// The text argument `name`.
    /// - Throws: `.invalid` where it is missing.
    func text(_ name: String) throws(GyreError) -> String {
        if let text = arguments[name]?.string { return text }
        throw missing(name, "a text")
    }

    /// The list argument `name`.
    /// - Throws: `.invalid` where it is missing.
    func list(_ name: String) throws(GyreError) -> [JSONValue] {
        if let list = arguments[name]?.array { return list }
        throw missing(name, "a list")
    }

    /// The share of values that must fit; 1 where it is not said.
    func mostly() throws(GyreError) -> Double {
        guard let value = arguments["mostly"], !value.isNull else { return 1 }
        guard let share = value.double, (0...1).contains(share) else { throw missing("mostly", "a number from 0 to 1") }
        return share
    }

    func missing(_ name: String, _ what: String) -> GyreError {
        GyreError(
            .invalid, "The expectation \(type) needs \(what) as \"\(name)\".",
            why: "Its arguments are \(arguments.text.prefix(300)).")
    }
}

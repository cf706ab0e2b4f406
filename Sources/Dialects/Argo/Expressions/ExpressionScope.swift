// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// What an expression can see, by the names from the root on.
protocol ExpressionScope {
    /// The value of a path as far as it is known: `["tasks", "a", "outputs"]`; nil for a name that is not in scope.
    func value(_ path: [String]) throws(GyreError) -> JSONValue?
    /// The time that `now()` gives, microseconds since 1970: the same each time that a run is gone through again.
    var now: Int64 { get }
    /// What random values are made of.
    var seed: String { get }
}

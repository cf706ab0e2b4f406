// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A search filter: clauses that must all hold (`metrics.auc > 0.7 AND tags.team = 'core'`).
package struct Filter: Sendable, Hashable {
    /// The clauses in the order written; none means everything.
    package let clauses: [Clause]

    /// What is compared: `metrics.auc` has the entity `metrics` and the name `auc`; `status` has no entity.
    package struct Key: Sendable, Hashable {
        /// The word before the dot, lower case; nil for a bare name.
        package let entity: String?
        /// The name after the dot.
        package let name: String

        /// A key of these parts.
        package init(entity: String?, name: String) {
            self.entity = entity
            self.name = name
        }
    }

    /// How it is compared.
    package enum Comparison: String, Sendable, Hashable {
        case equal = "="
        case notEqual = "!="
        case greater = ">"
        case greaterOrEqual = ">="
        case less = "<"
        case lessOrEqual = "<="
        case like = "LIKE"
        case ilike = "ILIKE"
        case rlike = "RLIKE"
        case isIn = "IN"
        case isNotIn = "NOT IN"
        case isNull = "IS NULL"
        case isNotNull = "IS NOT NULL"
    }

    /// What it is compared with.
    package enum Operand: Sendable, Hashable {
        case text(String)
        case number(Double)
        case list([String])
        case nothing
    }

    /// One comparison.
    package struct Clause: Sendable, Hashable {
        /// What is compared.
        package let key: Key
        /// How.
        package let comparison: Comparison
        /// With what.
        package let operand: Operand

        /// A comparison of these parts.
        package init(key: Key, comparison: Comparison, operand: Operand) {
            self.key = key
            self.comparison = comparison
            self.operand = operand
        }
    }

    /// Reads a filter; an empty text is the filter that lets everything through.
    /// - Throws: `.invalid` naming the character where it stops to make sense.
    package init(_ text: String) throws(GyreError) {
        var parser = FilterParser(text)
        clauses = try parser.clauses()
    }

    /// A filter of these clauses.
    package init(_ clauses: [Clause]) { self.clauses = clauses }

    /// Whether a thing fits, given what it has under each key: a text, a number, or nothing.
    package func matches(_ lookUp: (Key) throws(GyreError) -> JSONValue?) throws(GyreError) -> Bool {
        for clause in clauses where try !clause.holds(for: lookUp(clause.key)) { return false }
        return true
    }
}

extension Filter.Clause {
    /// Whether `value` fits; a missing value fits `IS NULL` alone.
    package func holds(for value: JSONValue?) -> Bool {
        guard let value, !value.isNull else { return comparison == .isNull }
        switch (comparison, operand) {
        case (.isNull, _): return false
        case (.isNotNull, _): return true
        case (.isIn, .list(let list)): return value.string.map(list.contains) ?? false
        case (.isNotIn, .list(let list)): return value.string.map { !list.contains($0) } ?? false
        case (_, .number(let number)): return value.double.map { compare($0, number) } ?? false
        case (.like, .text(let pattern)): return value.string.map(LikePattern(pattern).matches) ?? false
        case (.ilike, .text(let pattern)):
            return value.string.map { LikePattern(pattern.lowercased()).matches($0.lowercased()) } ?? false
        case (_, .text(let text)): return value.string.map { compare($0, text) } ?? false
        case (_, .list), (_, .nothing): return false
        }
    }

    private func compare<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
        switch comparison {
        case .equal: left == right
        case .notEqual: left != right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .like, .ilike, .rlike, .isIn, .isNotIn, .isNull, .isNotNull: false
        }
    }
}

/// One part of an order: a key and its direction.
package struct OrderBy: Sendable, Hashable {
    /// What to order by.
    package let key: Filter.Key
    /// Whether the smallest comes first.
    package let isAscending: Bool

    /// Reads `metrics.auc DESC`.
    /// - Throws: `.invalid` where that is not a key with an optional direction.
    package init(_ text: String) throws(GyreError) {
        var parser = FilterParser(text)
        (key, isAscending) = try parser.orderBy()
    }

    /// An order of these parts.
    package init(key: Filter.Key, isAscending: Bool) {
        self.key = key
        self.isAscending = isAscending
    }
}

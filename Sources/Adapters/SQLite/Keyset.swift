// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GyreBase

/// An order in SQL whose next page begins after given values, so that no page has to count past the ones before it.
struct Keyset {
    /// One expression of the order; without NULL, and the last ones make it unique.
    struct Key {
        let expression: String
        let isAscending: Bool
    }

    var keys: [Key]

    /// The expressions as columns.
    var columns: String { keys.map(\.expression).joined(separator: ", ") }

    /// What stands behind `ORDER BY`.
    var order: String {
        keys.map { "\($0.expression) \($0.isAscending ? "ASC" : "DESC")" }.joined(separator: ", ")
    }

    /// What comes after the given values.
    func after(_ values: [JSONValue]) throws(GyreError) -> (condition: String, arguments: StatementArguments) {
        guard values.count == keys.count else {
            throw GyreError(.invalid, "Invalid page token, could not decode.", why: "It belongs to another order.")
        }
        var alternatives: [String] = []
        var arguments: StatementArguments = []
        for (index, key) in keys.enumerated() {
            var terms: [String] = []
            for earlier in 0..<index {
                terms.append("\(keys[earlier].expression) = ?")
                arguments += [try Self.databaseValue(values[earlier])]
            }
            terms.append("\(key.expression) \(key.isAscending ? ">" : "<") ?")
            arguments += [try Self.databaseValue(values[index])]
            alternatives.append("(\(terms.joined(separator: " AND ")))")
        }
        return ("(\(alternatives.joined(separator: " OR ")))", arguments)
    }

    /// The values of a row from `column` on, as a page token holds them.
    func values(_ row: Row, from column: Int) -> [JSONValue] {
        (column..<column + keys.count).map { index in
            switch (row[index] as DatabaseValue).storage {
            case .int64(let number): .int(number)
            case .double(let number): .double(number)
            case .string(let text): .string(text)
            case .blob, .null: .null
            }
        }
    }

    /// Whether values come before others in this order, as SQLite compares them.
    func isOrdered(_ left: [JSONValue], _ right: [JSONValue]) -> Bool {
        for (key, pair) in zip(keys, zip(left, right)) where pair.0 != pair.1 {
            let isLess: Bool
            switch pair {
            case (.string(let one), .string(let other)): isLess = one.utf8.lexicographicallyPrecedes(other.utf8)
            case (let one, let other): isLess = (one.double ?? 0) < (other.double ?? 0)
            }
            return isLess == key.isAscending
        }
        return false
    }

    private static func databaseValue(_ value: JSONValue) throws(GyreError) -> DatabaseValue {
        switch value {
        case .int(let number): number.databaseValue
        case .double(let number): number.databaseValue
        case .string(let text): text.databaseValue
        default: throw GyreError(.invalid, "Invalid page token, could not decode.")
        }
    }
}

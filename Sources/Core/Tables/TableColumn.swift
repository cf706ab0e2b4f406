// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Some rows of one column of a table.
package struct TableColumn: Sendable, Hashable {
    /// What the table calls it.
    package let name: String
    /// A value for each row, or `width` of them.
    package var values: Values
    /// Values in each row, which are a list; nil for one value.
    package var width: Int?

    /// Values of one kind, one after another.
    package enum Values: Sendable, Hashable {
        /// Numbers; NaN for a missing one.
        case numbers([Double])
        /// Whole numbers, and which of them are missing; nil where none is.
        case integers([Int64], missing: [Bool]?)
        /// Truths as 0 and 1, and which of them are missing; nil where none is.
        case truths([Int64], missing: [Bool]?)
        /// Texts in UTF-8; nil for a missing one.
        case texts([[UInt8]?])
    }

    /// A column.
    package init(name: String, values: Values, width: Int? = nil) {
        self.name = name
        self.values = values
        self.width = width
    }

    /// How many values there are.
    package var count: Int {
        switch values {
        case .numbers(let numbers): numbers.count
        case .integers(let numbers, _), .truths(let numbers, _): numbers.count
        case .texts(let texts): texts.count
        }
    }

    /// The value at a place, as JSON.
    package func value(at index: Int) -> JSONValue {
        switch values {
        case .numbers(let numbers): .double(numbers[index])
        case .integers(let numbers, let missing): missing?[index] == true ? .null : .int(numbers[index])
        case .truths(let truths, let missing): missing?[index] == true ? .null : .bool(truths[index] != 0)
        case .texts(let texts): .optional(texts[index].map { String(decoding: $0, as: UTF8.self) })
        }
    }
}

/// Rows of a query, a part after the other.
package protocol TableScan: Sendable {
    /// The next rows, as columns of the same length; nil after the last ones.
    /// - Throws: `.invalid` with the engine's own message where a file cannot be read.
    func next() async throws(GyreError) -> [TableColumn]?
}

// SPDX-License-Identifier: Apache-2.0

/// Quoting of what cannot be bound.
package enum SQL {
    /// An identifier in double quotes.
    package static func name(_ text: String) -> String { "\"" + text.replacing("\"", with: "\"\"") + "\"" }

    /// A text in single quotes, for the few places that take no bound value.
    package static func text(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
}

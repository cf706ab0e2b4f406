// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Gyre's own API as types: what its calls take and answer, for the server, the command line and the console.
///
/// Times named `at` or `…_at` are microseconds since 1970 (UTC); other units stand in the name: `_ms`, `_us`, `_ns`, `_seconds`, `_bytes`,
/// `_percent` (0 to 100), `share` (0 to 1). References are `kind/name@version`. Members that are nil are `null` in JSON.
package enum API {
    /// What every address of the API begins with.
    package static let root = "/api/gyre/v1"
}

/// What a call takes or answers.
package protocol APIObject: Decodable, Sendable {
    /// Whether it has members that its type does not name: a document in a format of its own.
    static var isOpen: Bool { get }
}

extension APIObject {
    /// All members have names.
    package static var isOpen: Bool { false }
}

/// A text out of a fixed set.
package protocol APIEnumeration: Decodable, Sendable, CaseIterable, RawRepresentable where RawValue == String {}

/// A type that says itself what it looks like in JSON.
package protocol APISchemaProviding {
    /// Its JSON Schema.
    static var schema: JSONValue { get }
    /// Any value.
    static var example: Self { get }
}

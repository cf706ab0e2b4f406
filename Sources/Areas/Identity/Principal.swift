// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Somebody who may be given roles.
package struct Principal: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// What it is.
    package let kind: Kind
    /// Its name among those of its kind.
    package let name: String

    /// The kinds of those who may be given roles.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// A person.
        case user
        /// A program.
        case service
        /// People and programs together.
        case group
    }

    /// The principal of that kind and name.
    package init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    /// Reads `user/ann`, or `ann` for a user.
    /// - Throws: `.invalid` for what names nobody.
    package init(parsing text: String) throws(GyreError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let kind = parts.count == 2 ? Kind(rawValue: parts[0]) : .user
        guard let kind, let name = parts.last, !name.isEmpty else {
            throw GyreError(
                .invalid, "\"\(text.prefix(80))\" names nobody.", fix: "Write user/ann, service/ci or group/science.")
        }
        self.init(kind, name)
    }

    /// Its ref in the ledger.
    package var ref: Ref { Ref(kind.rawValue, name) }

    package var description: String { "\(kind.rawValue)/\(name)" }

    /// Orders by the text.
    package static func < (left: Principal, right: Principal) -> Bool { left.description < right.description }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// The rules on names and tags of the registry, as MLflow has them.
package enum RegistryRules {
    /// Most tags of one model or version.
    private static let mostTags = 1000

    static func checkTags(_ tags: [String: String]) throws(GyreError) {
        guard tags.count <= mostTags else {
            throw GyreError(.invalid, "A model has at most \(mostTags) tags. Got \(tags.count).")
        }
        for (key, value) in tags {
            let isNormal = !key.split(separator: "/", omittingEmptySubsequences: false).contains {
                $0.isEmpty || $0 == "." || $0 == ".."
            }
            let isAllowed = key.unicodeScalars.allSatisfy {
                $0.properties.isAlphabetic || $0.properties.numericType != nil || "/_-. :".unicodeScalars.contains($0)
            }
            guard !key.isEmpty, key.count <= 250, isNormal, isAllowed else {
                throw GyreError(
                    .invalid,
                    "Invalid value \(JSONValue.string(String(key.prefix(80))).text) for parameter 'key' supplied:",
                    why:
                        "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) "
                        + "and slashes (/), and have at most 250 characters.")
            }
            guard value.count <= 100_000 else {
                throw GyreError(.invalid, "'value' exceeds the maximum length of 100000 characters")
            }
        }
    }

    /// - Throws: `.invalid` for a text that cannot be an alias.
    package static func checkAlias(_ alias: String) throws(GyreError) {
        let isAllowed = alias.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "_" || $0 == "-"
        }
        let looksLikeVersion = alias.first.map { $0 == "v" || $0 == "V" } ?? false && Int(alias.dropFirst()) != nil
        guard (1...255).contains(alias.count), isAllowed, !looksLikeVersion, alias.lowercased() != "latest" else {
            throw GyreError(
                .invalid, "Invalid alias name: '\(alias.prefix(80))'.",
                why: "It has letters, digits, _ and -, and is neither \"latest\" nor like v1.")
        }
    }

    /// A tag's change, as a fact tells it.
    static func tagChange(_ key: String, _ old: String?, _ new: String?) -> JSONValue {
        ["key": .string(key), "old": .optional(old), "new": .optional(new)]
    }
}

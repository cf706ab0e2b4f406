// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// The rules on names and values, as MLflow has them.
package enum TrackingRules {
    /// Most points in one call.
    package static let batchMetrics = 1000
    /// Most params in one call.
    package static let batchParams = 100
    /// Most tags in one call.
    package static let batchTags = 100
    /// Most points, params and tags together in one call.
    package static let batchEntities = 1000

    /// Checks the key of a param, a metric or a tag: at most 250 of letters, digits and `/_-. :`, and no path that moves.
    package static func checkKey(_ key: String, of noun: String) throws(GyreError) {
        if isPlain(key) { return }
        let isAllowed = key.unicodeScalars.allSatisfy { scalar in
            scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                || "/_-. :".unicodeScalars.contains(scalar)
        }
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        let isNormal = !parts.contains { $0.isEmpty || $0 == "." || $0 == ".." }
        guard !key.isEmpty, key.count <= 250, isAllowed, isNormal else {
            throw GyreError(
                .invalid, "Invalid \(noun) name: '\(key.prefix(80))'.",
                why:
                    "Names have 1 to 250 alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colons (:) and "
                    + "slashes (/), and are no path that moves.")
        }
    }

    /// Whether a key is one that most are: at most 250 of ASCII letters, digits, `_` and `-`.
    private static func isPlain(_ key: String) -> Bool {
        (1...250).contains(key.utf8.count)
            && key.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// A param's value, cut to 6,000 characters as the client does.
    package static func paramValue(_ text: String) -> String { String(text.prefix(6000)) }

    /// A tag's value, cut to 8,000 characters as the client does.
    package static func tagValue(_ text: String) -> String { String(text.prefix(8000)) }

    /// Most characters of the value of an experiment's tag.
    package static let experimentTagValue = 20_000

    /// Checks the name of an experiment.
    static func checkExperimentName(_ name: String) throws(GyreError) {
        guard !name.isEmpty, name.count <= 500 else {
            throw GyreError(
                .invalid, "Invalid experiment name: '\(name.prefix(80))'.", why: "It has 1 to 500 characters.")
        }
    }

    /// Checks the names of a new run; clients give it tags of any key.
    static func check(_ draft: Tracking.RunDraft) throws(GyreError) {
        for tag in draft.tags {
            guard !tag.key.isEmpty, tag.key.count <= 1000, tag.value.count <= 100_000 else {
                throw GyreError(
                    .invalid, "Invalid tag: '\(tag.key.prefix(80))'.",
                    why: "A key has 1 to 1000 characters, and a value at most 100,000.")
            }
        }
        guard (draft.name ?? "").count <= 8000, draft.userID.count <= 1000 else {
            throw GyreError(
                .invalid, "The name of the run or of its user is too long.",
                why: "At most 8,000 and 1,000 characters are kept.")
        }
    }

    /// Checks an id that a client chose.
    package static func checkRunID(_ id: String) throws(GyreError) {
        let isAllowed = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard (1...256).contains(id.utf8.count), isAllowed, id.first != "-", id.first != "_" else {
            throw GyreError(
                .invalid, "Invalid run ID: '\(id.prefix(80))'.", why: "It has letters, digits, dashes and underscores.")
        }
    }

    /// An adjective, a noun and a number, for a run that was given no name.
    package static func makeRunName(_ random: () -> Double) -> String {
        let adjectives = [
            "able", "bold", "calm", "deft", "eager", "fair", "glad", "keen", "mild", "neat", "quick", "sunny",
        ]
        let nouns = [
            "crane", "dove", "finch", "gull", "hawk", "heron", "kite", "lark", "raven", "stork", "swift", "wren",
        ]
        let adjective = adjectives[Int(random() * Double(adjectives.count))]
        let noun = nouns[Int(random() * Double(nouns.count))]
        return "\(adjective)-\(noun)-\(Int(random() * 1000))"
    }
}

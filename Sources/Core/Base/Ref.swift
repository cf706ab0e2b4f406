// SPDX-License-Identifier: Apache-2.0

/// The typed name of a thing: `kind/name@version`, where the version may be absent (`endpoint/delay`).
public struct Ref: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// What it is: `dataset`, `model`, `run`, `endpoint` and more.
    public let kind: String
    /// Its name within the kind; may hold slashes, never `@`.
    public let name: String
    /// Its version, where the kind has versions.
    public let version: String?

    /// The ref of these parts, which come from names that were checked already.
    public init(_ kind: String, _ name: String, _ version: String? = nil) {
        self.kind = kind
        self.name = name
        self.version = version
    }

    /// The ref written as `text`.
    /// - Throws: `.invalid` where the text has no `/` or an empty part.
    public init(parsing text: String) throws(GyreError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, text.utf8.count <= Limits.nameBytes else {
            throw GyreError(
                .invalid, "\"\(text.prefix(120))\" names nothing.",
                why: "A ref is written kind/name or kind/name@version.",
                fix: "For example dataset/flights@3f2a, model/delay@7, run/9c1e, endpoint/delay.")
        }
        let name = parts[1].split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        self.init(String(parts[0]), String(name[0]), name.count == 2 ? String(name[1]) : nil)
    }

    /// `kind/name@version`.
    public var description: String { version.map { "\(kind)/\(name)@\($0)" } ?? "\(kind)/\(name)" }

    /// Orders by the text.
    public static func < (left: Ref, right: Ref) -> Bool { left.description < right.description }
}

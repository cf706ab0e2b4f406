// SPDX-License-Identifier: Apache-2.0

/// A name that people choose for a thing of theirs: safe in a path, a URL, a ref and a shell.
public struct Name: Sendable, Hashable, CustomStringConvertible {
    /// The checked text.
    public let text: String

    /// Checks `text`: 1 to 200 characters of `A-Z a-z 0-9 . _ -` and space, not starting with a dot or a dash.
    /// - Throws: `.invalid`, naming the `noun` that the name is for.
    public init(_ text: String, of noun: String) throws(GyreError) {
        let allowed = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"),
                UInt8(ascii: " "):
                true
            default: false
            }
        }
        guard (1...200).contains(text.utf8.count), allowed, text.first != ".", text.first != "-" else {
            throw GyreError(
                .invalid, "\"\(text.prefix(80))\" cannot be the name of a \(noun).",
                why:
                    "A name has 1 to 200 letters, digits, dots, dashes, underscores or spaces, and starts with none of . and -.",
                fix: "Choose another name.")
        }
        self.text = text
    }

    /// The text.
    public var description: String { text }
}

/// A path below some root that cannot leave it: parts joined by `/`, none of them empty, `.` or `..`.
public struct RelativePath: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The parts; at least one.
    public let parts: [String]

    /// Checks `text` as a client sent it, after percent-decoding.
    /// - Throws: `.invalid` for an absolute path, a part that climbs, a backslash, a drive letter or a control character.
    public init(_ text: String) throws(GyreError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let isSafe = parts.allSatisfy { part in
            !part.isEmpty && part != "." && part != ".." && part.utf8.count <= 255
                && part.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }
        }
        let hasDrive = parts[0].utf8.count == 2 && parts[0].hasSuffix(":")
        guard isSafe, !hasDrive, text.utf8.count <= Limits.pathBytes else {
            throw GyreError(
                .invalid, "Invalid path: \"\(text.prefix(120))\".",
                why:
                    "A path here is relative, has no empty part, no \".\" or \"..\", no backslash and no control character."
            )
        }
        self.parts = parts
    }

    /// The parts joined by `/`.
    public var description: String { parts.joined(separator: "/") }

    /// Orders by the text.
    public static func < (left: RelativePath, right: RelativePath) -> Bool { left.description < right.description }
}

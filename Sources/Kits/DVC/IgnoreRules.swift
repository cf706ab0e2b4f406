// SPDX-License-Identifier: Apache-2.0

/// The rules of the `.dvcignore` files of a repository, as git reads such rules: later ones win, deeper files come later.
package struct IgnoreRules: Sendable {
    /// One line of a file.
    package struct Rule: Sendable, Hashable {
        /// The folder that the rule's file is in, below the repository, with a slash at its end; empty for the root.
        let base: String
        /// The line as it was written.
        package let line: String
        /// Where it stands, as `.dvcignore:3`.
        package let source: String
        let isNegated: Bool
        let isForFoldersOnly: Bool
        let segments: [[UInt8]]

        /// nil for an empty line or a remark.
        init?(_ line: String, base: String, source: String) {
            var text = Substring(line)
            while let last = text.last, last.isWhitespace { text.removeLast() }
            while let first = text.first, first.isWhitespace { text.removeFirst() }
            guard !text.isEmpty, !text.hasPrefix("#") else { return nil }
            self.line = String(text)
            self.base = base
            self.source = source
            isNegated = text.hasPrefix("!")
            if isNegated { text.removeFirst() }
            isForFoldersOnly = text.hasSuffix("/")
            if isForFoldersOnly { text.removeLast() }
            let isAnchored = text.contains("/")
            if text.hasPrefix("/") { text.removeFirst() }
            guard !text.isEmpty else { return nil }
            let parts = text.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }
            segments = (isAnchored ? [] : [Self.anyDepth]) + parts
        }

        static let anyDepth = Array("**".utf8)

        /// Whether the path, below the repository, is meant.
        func matches(_ path: String, isFolder: Bool) -> Bool {
            if isForFoldersOnly, !isFolder { return false }
            guard path.utf8.starts(with: base.utf8) else { return false }
            let parts = path.utf8.dropFirst(base.utf8.count).split(separator: UInt8(ascii: "/")).map { Array($0) }
            return Wildcard.matches(parts[...], segments[...])
        }
    }

    /// All rules, the ones that decide last at the end.
    package private(set) var rules: [Rule]

    /// Only what is never data: the folders of version control and of DVC.
    package init() {
        rules = [".hg/", ".git/", ".git", ".dvc/"].compactMap { Rule($0, base: "", source: "") }
    }

    /// Whether there is no rule beside the usual ones.
    package var isTrivial: Bool { rules.count <= 4 }

    /// Takes the lines of a file; `base` is its folder below the repository.
    package mutating func add(_ text: String, base: String) {
        let name = (base.isEmpty ? "" : base + "/") + ".dvcignore"
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            if let rule = Rule(String(line), base: base.isEmpty ? "" : base + "/", source: "\(name):\(index + 1)") {
                rules.append(rule)
            }
        }
    }

    /// Whether a path below the repository is passed over, for itself.
    package func ignores(_ path: String, isFolder: Bool) -> Bool {
        // Nothing below is looked at where a folder is passed over, so a rule only has to name the thing itself.
        guard let rule = rules.last(where: { $0.matches(path, isFolder: isFolder) }) else { return false }
        return !rule.isNegated
    }

    /// The rules that speak of a path or of a folder it is in; the last decides.
    package func rules(for path: String, isFolder: Bool) -> [Rule] {
        var found: [Rule] = []
        let parts = path.split(separator: "/")
        for count in 1...max(1, parts.count) {
            let isWhole = count == parts.count
            let part = parts.prefix(count).joined(separator: "/")
            found = rules.filter { $0.matches(part, isFolder: isWhole ? isFolder : true) }
            if !isWhole, let last = found.last, !last.isNegated { return found }
        }
        return found
    }
}

/// Patterns of paths with `*`, `?`, `[…]` and `**`.
enum Wildcard {
    /// Whether the parts of a path fit the parts of a pattern.
    static func matches(_ parts: ArraySlice<[UInt8]>, _ pattern: ArraySlice<[UInt8]>) -> Bool {
        guard let first = pattern.first else { return parts.isEmpty }
        if first == IgnoreRules.Rule.anyDepth {
            let rest = pattern.dropFirst()
            // At the end it stands for at least one thing inside.
            if rest.isEmpty { return !parts.isEmpty }
            return parts.indices.contains { matches(parts[$0...], rest) } || matches(parts[parts.endIndex...], rest)
        }
        guard let part = parts.first, fits(part, first) else { return false }
        return matches(parts.dropFirst(), pattern.dropFirst())
    }

    /// Whether one name fits one part of a pattern.
    static func fits(_ name: [UInt8], _ pattern: [UInt8]) -> Bool {
        var (at, place) = (0, 0)
        var (star, resume) = (-1, 0)
        while at < name.count {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                star = place
                resume = at
                place += 1
                continue
            }
            if place < pattern.count, let next = step(name[at], pattern, place) {
                at += 1
                place = next
                continue
            }
            guard star >= 0 else { return false }
            resume += 1
            at = resume
            place = star + 1
        }
        while place < pattern.count, pattern[place] == UInt8(ascii: "*") { place += 1 }
        return place == pattern.count
    }

    /// Where the pattern goes on after this byte; nil where it does not fit.
    private static func step(_ byte: UInt8, _ pattern: [UInt8], _ place: Int) -> Int? {
        switch pattern[place] {
        case UInt8(ascii: "?"): return place + 1
        case UInt8(ascii: "\\") where place + 1 < pattern.count: return pattern[place + 1] == byte ? place + 2 : nil
        case UInt8(ascii: "["):
            guard let (fits, next) = range(byte, pattern, place) else {
                return byte == pattern[place] ? place + 1 : nil
            }
            return fits ? next : nil
        default: return pattern[place] == byte ? place + 1 : nil
        }
    }

    private static func range(_ byte: UInt8, _ pattern: [UInt8], _ place: Int) -> (Bool, next: Int)? {
        var index = place + 1
        let isNegated =
            index < pattern.count && (pattern[index] == UInt8(ascii: "!") || pattern[index] == UInt8(ascii: "^"))
        if isNegated { index += 1 }
        var found = false
        let start = index
        while index < pattern.count {
            if pattern[index] == UInt8(ascii: "]"), index > start { return (found != isNegated, index + 1) }
            if index + 2 < pattern.count, pattern[index + 1] == UInt8(ascii: "-"),
                pattern[index + 2] != UInt8(ascii: "]")
            {
                found = found || (pattern[index] <= byte && byte <= pattern[index + 2])
                index += 3
            } else {
                found = found || pattern[index] == byte
                index += 1
            }
        }
        return nil
    }
}

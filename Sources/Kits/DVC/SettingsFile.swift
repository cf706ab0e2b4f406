// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// One file of settings in the form that DVC keeps them: sections and `name = value`; lines that are not changed stay as they are.
package struct SettingsFile: Sendable {
    private var lines: [String]
    /// Where it is, from the root.
    package let path: String

    /// The file at a path; an empty one where nothing is there.
    package init(path: String) throws(GyreError) {
        self.path = path
        do {
            lines = try Files.text(path).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(
                String.init)
            if lines.last == "" { lines.removeLast() }
        } catch  where error.code == .notFound {
            lines = []
        }
        try check()
    }

    private func check() throws(GyreError) {
        for (index, line) in lines.enumerated() {
            let text = Self.trimmed(line)
            let isFine =
                text.isEmpty || text.hasPrefix("#") || text.hasPrefix(";") || Self.section(text) != nil
                || text.contains("=")
            guard isFine else {
                throw GyreError(
                    .invalid, "\"\(path)\" is damaged in line \(index + 1): \"\(text.prefix(80))\".",
                    why: "It is no section and no setting.")
            }
        }
    }

    /// All settings, in order.
    package var values: [(section: String, name: String, value: String)] {
        var section = ""
        var found: [(String, String, String)] = []
        for line in lines {
            let text = Self.trimmed(line)
            if let name = Self.section(text) {
                section = name
            } else if let (name, value) = Self.setting(text) {
                found.append((section, name, value))
            }
        }
        return found
    }

    /// The sections, in order.
    package var sections: [String] { lines.compactMap { Self.section(Self.trimmed($0)) } }

    /// Sets a value; a section that is not there is made.
    package mutating func set(_ section: String, _ name: String, _ value: String) {
        let text = "    \(name) = \(Self.quoted(value))"
        guard let range = range(of: section) else {
            lines += [Self.header(section), text]
            return
        }
        if let line = range.first(where: { Self.setting(Self.trimmed(lines[$0]))?.name == name }) {
            lines[line] = text
        } else {
            lines.insert(text, at: range.upperBound)
        }
    }

    /// Takes a value out, and a section that is empty then; false where there is none.
    package mutating func unset(_ section: String, _ name: String) -> Bool {
        guard let range = range(of: section),
            let line = range.first(where: { Self.setting(Self.trimmed(lines[$0]))?.name == name })
        else { return false }
        lines.remove(at: line)
        if range.count == 1 { lines.remove(at: range.lowerBound - 1) }
        return true
    }

    /// Takes a section out; false where there is none.
    package mutating func remove(_ section: String) -> Bool {
        guard let range = range(of: section) else { return false }
        lines.removeSubrange(range.lowerBound - 1..<range.upperBound)
        return true
    }

    /// Gives a section another name; false where there is none.
    package mutating func rename(_ section: String, to name: String) -> Bool {
        guard let range = range(of: section) else { return false }
        lines[range.lowerBound - 1] = Self.header(name)
        return true
    }

    /// Writes the file.
    package func write() throws(GyreError) {
        // Only its owner reads what may have keys in it; what goes into git has none.
        let isLocal = !path.hasSuffix("/.dvc/config")
        try Files.replace(path, with: lines.map { $0 + "\n" }.joined(), mode: isLocal ? 0o600 : 0o644)
    }

    private func range(of section: String) -> Range<Int>? {
        guard let start = lines.firstIndex(where: { Self.section(Self.trimmed($0)) == section }) else { return nil }
        let end = lines[(start + 1)...].firstIndex { Self.section(Self.trimmed($0)) != nil } ?? lines.count
        return start + 1..<end
    }

    private static func trimmed(_ line: String) -> String {
        var text = Substring(line)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    /// `[core]`, `[remote "r"]` and `['remote "r"']` as `core` and `remote "r"`.
    private static func section(_ text: String) -> String? {
        guard text.hasPrefix("["), text.hasSuffix("]") else { return nil }
        var name = text.dropFirst().dropLast()
        if name.count >= 2, name.first == "'", name.last == "'" { name = name.dropFirst().dropLast() }
        return String(name)
    }

    private static func header(_ section: String) -> String {
        section.contains("\"") ? "['\(section)']" : "[\(section)]"
    }

    private static func setting(_ text: String) -> (name: String, value: String)? {
        guard !text.hasPrefix("#"), !text.hasPrefix(";"), let equals = text.firstIndex(of: "=") else { return nil }
        let name = trimmed(String(text[..<equals]))
        var value = trimmed(String(text[text.index(after: equals)...]))
        for quote in ["\"", "'"] where value.count >= 2 && value.hasPrefix(quote) {
            if let end = value.dropFirst().firstIndex(of: Character(quote)) {
                return (name, String(value[value.index(after: value.startIndex)..<end]))
            }
        }
        if let mark = value.firstRange(of: " #") { value = trimmed(String(value[..<mark.lowerBound])) }
        return (name, value)
    }

    private static func quoted(_ value: String) -> String {
        let needsQuotes =
            value.isEmpty || value.contains(",") || value.contains("#") || value.first?.isWhitespace == true
            || value.last?.isWhitespace == true || value.first == "\"" || value.first == "'"
        guard needsQuotes else { return value }
        return value.contains("\"") ? "'\(value)'" : "\"\(value)\""
    }
}

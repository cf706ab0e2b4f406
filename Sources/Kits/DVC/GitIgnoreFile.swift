// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// The `.gitignore` beside an output, which keeps its data out of git.
enum GitIgnoreFile {
    /// The line for a name.
    static func line(_ name: String) -> String {
        "/"
            + name.reduce(into: "") { text, character in
                if "[]!*#?".contains(character) { text.append("\\") }
                text.append(character)
            }
    }

    /// Adds a line for a path; gives the file.
    static func add(_ path: String) throws(GyreError) -> String {
        let (file, line) = (Paths.parent(path) + "/.gitignore", line(Paths.name(path)))
        var text = ""
        do { text = try Files.text(file) } catch  where error.code == .notFound { text = "" }
        if text.split(whereSeparator: \.isNewline).contains(where: { $0 == line }) { return file }
        if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
        try Files.replace(file, with: text + line + "\n")
        return file
    }

    /// Takes the line of a path out; a file that is empty then goes.
    ///
    /// Gives the file where something changed.
    static func remove(_ path: String) throws(GyreError) -> String? {
        let (file, line) = (Paths.parent(path) + "/.gitignore", line(Paths.name(path)))
        guard Files.kind(file) == .file else { return nil }
        let lines = try Files.text(file).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let left = lines.filter { $0 != line }
        if left.count == lines.count { return nil }
        let text = left.joined(separator: "\n")
        if text.allSatisfy(\.isNewline) { try Files.remove(file) } else { try Files.replace(file, with: text) }
        return file
    }
}

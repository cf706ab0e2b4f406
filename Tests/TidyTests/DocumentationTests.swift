// SPDX-License-Identifier: Apache-2.0

import Testing

/// What others may call says what they get.
@Suite struct DocumentationTests {
    /// A declaration that other targets see.
    private struct Declaration {
        let place: String
        /// `func`, `let`, `struct` and so on.
        let kind: Substring
        let name: Substring
        /// What stands above it after `///`.
        let documentation: [Substring]
    }

    private static let kinds: Set<Substring> = [
        "func", "var", "let", "init", "struct", "class", "enum", "actor", "protocol", "typealias", "subscript",
    ]

    private static func declarations(of file: SourceFile) -> [Declaration] {
        let lines = file.lines
        return lines.indices.compactMap { index in
            guard lines[index].holds("package ") || lines[index].holds("public ") else { return nil }
            var words = lines[index].split(separator: " ")[...]
            while let word = words.first, word.hasPrefix("@") { words.removeFirst() }
            guard words.first == "package" || words.first == "public" else { return nil }
            let rest = words.dropFirst().map { word in word.prefix { $0 != "(" && $0 != "<" && $0 != "?" } }
            // `class` may be a word before the kind: `class func`.
            guard let at = rest.firstIndex(where: { kinds.contains($0) }), !rest[..<at].contains("import") else {
                return nil
            }
            var above = index - 1
            while above >= 0, lines[above].unindented.hasPrefix("@") { above -= 1 }
            var documentation: [Substring] = []
            while above >= 0, lines[above].unindented.hasPrefix("///") {
                documentation.insert(lines[above].unindented.dropFirst(3), at: 0)
                above -= 1
            }
            let isNameless = rest[at] == "init" || rest[at] == "subscript"
            let name = isNameless || at + 1 >= rest.count ? rest[at] : rest[at + 1].prefix { $0 != ":" && $0 != "," }
            return Declaration(
                place: "\(file.path):\(index + 1) \(name)", kind: rest[at], name: name, documentation: documentation)
        }
    }

    /// The names that protocols ask for: what fulfils them is documented there.
    private static func requirements(_ files: [SourceFile]) -> Set<Substring> {
        // Of Swift's own protocols.
        var names: Set<Substring> = [
            "description", "hash", "==", "<", "body", "configuration", "run", "validate", "next",
        ]
        for file in files {
            var indent: Int?
            for line in file.lines {
                if let outer = indent {
                    if line.indent == outer, line.unindented == "}" { indent = nil }
                    guard line.holds("func ") || line.holds("var ") else { continue }
                    let words = line.split(separator: " ")
                    if let at = words.firstIndex(where: { $0 == "func" || $0 == "var" }), at + 1 < words.count, at < 3 {
                        names.insert(words[at + 1].prefix { $0 != "(" && $0 != "<" && $0 != ":" })
                    }
                } else if line.holds("protocol "), line.split(separator: " ").prefix(2).contains("protocol"),
                    line.hasSuffix("{")
                {
                    indent = line.indent
                }
            }
        }
        return names
    }

    /// The words of a text or of a name in camel case, without articles.
    private static func words(_ text: some StringProtocol) -> Set<String> {
        var words: [String] = [""]
        for character in text {
            if character.isUppercase { words.append("") }
            if character.isLetter || character.isNumber {
                words[words.count - 1] += character.lowercased()
            } else {
                words.append("")
            }
        }
        return Set(words).subtracting(["", "a", "an", "the", "of", "its"])
    }

    @Test("each declaration that other targets see has a line above it that says more than its name")
    func documented() throws {
        let files = try SourceFile.sources()
        let requirements = Self.requirements(files)
        var wrong: [String] = []
        for declaration in files.flatMap(Self.declarations) {
            if declaration.documentation.isEmpty {
                if !requirements.contains(declaration.name) {
                    wrong.append("\(declaration.place) has no documentation")
                }
            } else if declaration.kind != "init",
                Self.words(declaration.documentation.joined(separator: " ")).isSubset(of: Self.words(declaration.name))
            {
                wrong.append("\(declaration.place) is only called by its name again")
            }
        }
        #expect(wrong == [])
    }
}

// SPDX-License-Identifier: Apache-2.0

import Testing

/// Nothing is longer than can be read at one go.
@Suite struct LengthTests {
    /// A function, initialiser or computed property, from its first line to the brace that ends it.
    struct Body: Hashable {
        let first: Int
        let last: Int
    }

    /// The outermost bodies of a file, whether their signature is on one line or on several.
    static func bodies(of lines: [Substring]) -> [Body] {
        var found: [Body] = []
        var next = 0
        while next < lines.count {
            let first = next
            next += 1
            guard begins(lines[first]), let open = opening(lines, from: first) else { continue }
            let end: Character = "}"
            let indent = lines[first].indent
            let isEnd = { (line: Substring) in
                line.utf8.count == indent + 1 && line.indent == indent && line.last == end
            }
            guard let last = lines[(open + 1)...].firstIndex(where: isEnd) else { continue }
            found.append(Body(first: first, last: last))
            next = last + 1
        }
        return found
    }

    /// Whether a line begins the signature of something that has a body.
    private static func begins(_ line: Substring) -> Bool {
        guard line.holds("func ") || line.holds("init") || line.holds("var ") || line.holds("subscript") else {
            return false
        }
        let text = line.unindented
        if text.hasPrefix("//") || text.hasPrefix("case ") { return false }
        let words = text.split(separator: " ").prefix(5).map { $0.prefix { $0 != "(" && $0 != "<" } }
        if words.contains("func") || words.contains(where: { $0 == "init" || $0 == "init?" || $0 == "subscript" }) {
            return true
        }
        return words.contains("var") && text.hasSuffix("{")
    }

    /// The line whose brace opens the body; nil where there is none, as in a protocol.
    private static func opening(_ lines: [Substring], from first: Int) -> Int? {
        var depth = 0
        for index in first..<lines.count {
            let line = lines[index]
            if index > first, depth <= 0 {
                let text = line.unindented
                guard
                    text.hasPrefix("{") || text.hasPrefix("where ") || text.hasPrefix("->")
                        || line.indent > lines[first].indent
                else { return nil }
            }
            for byte in line.utf8 {
                if byte == UInt8(ascii: "(") { depth += 1 }
                if byte == UInt8(ascii: ")") { depth -= 1 }
            }
            if depth <= 0, line.hasSuffix("{") { return index }
            if depth <= 0, line.hasSuffix("}") { return nil }
        }
        return nil
    }

    @Test("no file is longer than 600 lines, and no function or computed property longer than 70")
    func lengths() throws {
        var wrong: [String] = []
        for file in try SourceFile.sources() + SourceFile.all(below: "Tests") {
            let lines = file.lines
            if lines.count > 600 { wrong.append("\(file.path) has \(lines.count) lines") }
            for body in Self.bodies(of: lines) where body.last - body.first > 70 {
                wrong.append("\(file.path):\(body.first + 1) has \(body.last - body.first) lines")
            }
        }
        #expect(wrong == [])
    }

    @Test(
        "a signature over several lines, a property and an initialiser are seen, and a requirement of a protocol is not"
    )
    func seen() {
        let text = """
            protocol P {
                func a(
                    b: Int
                ) -> Int
                var c: Int { get }
            }
            struct S {
                func a(
                    b: (Int) -> Int
                ) -> Int
                where B == C {
                    1
                }

                var c: Int {
                    2
                }

                init?(d: Int)
                {
                    return nil
                }
                func e() {}
            }
            """
        let bodies = Self.bodies(of: text.split(separator: "\n", omittingEmptySubsequences: false))
        #expect(bodies == [Body(first: 7, last: 12), Body(first: 14, last: 16), Body(first: 18, last: 21)])
    }
}

// SPDX-License-Identifier: Apache-2.0

import Testing

/// The rules that the formatter cannot check.
@Suite struct TidyTests {
    @Test("sources hold no try! and no fatalError")
    func traps() throws {
        #expect(try places { $0.holds("try!") || $0.holds("fatalError(") } == [])
    }

    @Test("the time and chance of the world are asked for where Surroundings are made, and nowhere else")
    func surroundings() throws {
        let asked = try places { line in
            (line.holds("UUID()") || line.holds("Date()") || line.holds("Date.now"))
                && !line.holds("new Date()")  // a page's own script
        }
        #expect(asked.filter { !$0.hasPrefix("Sources/App/Surroundings+Live.swift") } == [])
    }

    @Test("the kind of a fact is written out, so that it can be found by searching for it")
    func factKinds() throws {
        var wrong: [String] = []
        for file in try SourceFile.sources() {
            let lines = file.lines
            for (number, line) in lines.enumerated() {
                // The kind stands behind the parenthesis, or alone on the next line.
                guard line.holds("Fact("), let call = line.ranges(of: "Fact(").last else { continue }
                let behind = line[call.upperBound...]
                let first = behind.isEmpty && number + 1 < lines.count ? lines[number + 1].unindented : behind
                guard first.first == "\"" else { continue }
                let kind = first.dropFirst().prefix { $0 != "\"" }
                if kind.contains("\\(") { wrong.append("\(file.path):\(number + 1) \(kind)") }
            }
        }
        #expect(wrong == [])
    }

    @Test("the console's pages say what they show and leave its looks to the parts")
    func pages() throws {
        var wrong: [String] = []
        for file in try SourceFile.all(below: "Sources/Surfaces/Console/Pages") {
            if file.imports.contains("GyreHTML") { wrong.append("\(file.path) imports GyreHTML") }
            for word in [".element(", ".void(", "HTML(", "(\"class\""] where file.text.contains(word) {
                wrong.append("\(file.path) says \(word)")
            }
        }
        #expect(wrong == [])
    }

    @Test("each page of the documents has a title of its own")
    func titles() throws {
        var titles: [String: [String]] = [:]
        for file in try SourceFile.all(below: "Docs", ending: ".md") {
            let title = file.lines.first { $0.hasPrefix("# ") } ?? "(none in \(file.path))"
            titles[String(title), default: []].append(file.path)
        }
        #expect(titles.filter { $0.value.count > 1 || $0.key.hasPrefix("(none") } == [:])
        #expect(titles.count >= 3)
    }

    /// Where lines of our sources are that fit.
    private func places(_ fits: (Substring) -> Bool) throws -> [String] {
        try SourceFile.sources().flatMap { file in
            file.lines.enumerated().filter { fits($0.element) }.map { "\(file.path):\($0.offset + 1)" }
        }
    }
}

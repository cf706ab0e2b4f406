// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// The rules that the formatter cannot check.
@Suite struct TidyTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    struct SourceFile: Sendable {
        let path: String
        let text: String
        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
        var imports: [String] {
            lines.compactMap { line in
                let words = line.split(separator: " ")
                guard let index = words.firstIndex(of: "import"), index <= 1, words.count > index + 1 else {
                    return nil
                }
                return String(words[index + 1])
            }
        }
    }

    static func files(below folder: String, ending: String = ".swift") throws -> [SourceFile] {
        let base = root.appendingPathComponent(folder).path
        return try (FileManager.default.subpaths(atPath: base) ?? []).filter { $0.hasSuffix(ending) }.sorted().map {
            SourceFile(
                path: "\(folder)/\($0)", text: try String(contentsOfFile: "\(base)/\($0)", encoding: .utf8))
        }
    }

    /// Height of a layer: an import may only point to a lower one, or to a kit.
    static func height(_ path: String) -> Int? {
        let parts = path.split(separator: "/").map(String.init)
        switch parts[1] {
        case "Core": return parts[2] == "Base" ? 0 : 1
        case "Kits": return 1
        case "Areas": return 2
        case "Joints": return parts[2] == "Delivery" ? 3 : 4
        case "Surfaces": return parts[2] == "API" ? 5 : 6
        case "Dialects": return 6
        case "Adapters": return 7
        case "App": return 8
        default: return nil
        }
    }

    /// The folder of each of our modules.
    static func modules() throws -> [String: String] {
        var found: [String: String] = [:]
        for file in try files(below: "Sources") {
            let parts = file.path.split(separator: "/").map(String.init)
            let isFlat = parts[1] == "App"
            found["Gyre" + (isFlat ? parts[1] : parts[2])] = file.path
        }
        return found
    }

    @Test("imports point down, areas do not know each other, and adapters are known to App alone")
    func layering() throws {
        let modules = try Self.modules()
        var wrong: [String] = []
        for file in try Self.files(below: "Sources") {
            guard let own = Self.height(file.path) else { continue }
            for name in file.imports {
                guard let target = modules[name], let height = Self.height(target) else { continue }
                let isSibling = file.path.split(separator: "/").prefix(3) == target.split(separator: "/").prefix(3)
                let isArea = own == 2 && height == 2 && !isSibling
                let isJoint = own == 4 && height == 4 && !isSibling
                let isDialect = own == 6 && height == 6 && !isSibling
                let isUp = height > own
                let isAdapter = height == 7 && own == 7 && !isSibling && !name.hasSuffix("NativeLibraries")
                let isFromBelow = height == 7 && own < 7
                if isArea || isJoint || isDialect || isUp || isAdapter || isFromBelow {
                    wrong.append("\(file.path) imports \(name)")
                }
            }
        }
        #expect(wrong == [])
    }

    @Test("only adapters import GRDB, DuckDB and ONNX Runtime")
    func engines() throws {
        let engines: Set = ["GRDB", "CDuckDB", "COnnxRuntime"]
        let wrong = try Self.files(below: "Sources").filter { file in
            !file.path.hasPrefix("Sources/Adapters/") && !engines.isDisjoint(with: file.imports)
        }
        #expect(wrong.map(\.path) == [])
    }

    @Test("no file is longer than 600 lines, and no function longer than 70")
    func lengths() throws {
        var wrong: [String] = []
        for file in try Self.files(below: "Sources") + Self.files(below: "Tests")
        where !file.path.hasPrefix("Sources/Generated/") {
            let lines = file.lines
            if lines.count > 600 { wrong.append("\(file.path) has \(lines.count) lines") }
            var start: (line: Int, indent: Int)?
            for (number, line) in lines.enumerated() {
                let indent = line.prefix { $0 == " " }.count
                let words = line.split(separator: " ")
                if start == nil, words.prefix(5).contains("func"), line.hasSuffix("{") { start = (number, indent) }
                if let begun = start, indent == begun.indent, line.dropFirst(indent) == "}" {
                    if number - begun.line > 70 {
                        wrong.append("\(file.path):\(begun.line + 1) has \(number - begun.line) lines")
                    }
                    start = nil
                }
            }
        }
        #expect(wrong == [])
    }

    @Test("sources hold no try! and no fatalError")
    func traps() throws {
        var wrong: [String] = []
        for file in try Self.files(below: "Sources") {
            for (number, line) in file.lines.enumerated() where line.contains("try!") || line.contains("fatalError(") {
                wrong.append("\(file.path):\(number + 1)")
            }
        }
        #expect(wrong == [])
    }

    @Test("the console's pages say what they show and leave its looks to the parts")
    func pages() throws {
        var wrong: [String] = []
        for file in try Self.files(below: "Sources/Surfaces/Console/Pages") {
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
        for file in try Self.files(below: "Docs", ending: ".md") {
            let title = file.lines.first { $0.hasPrefix("# ") } ?? "(none in \(file.path))"
            titles[String(title), default: []].append(file.path)
        }
        #expect(titles.filter { $0.value.count > 1 || $0.key.hasPrefix("(none") } == [:])
        #expect(titles.count >= 3)
    }
}

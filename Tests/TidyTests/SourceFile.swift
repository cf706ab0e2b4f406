// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// A file of the tree, as the tidy tests read it.
struct SourceFile: Sendable {
    let path: String
    let text: String
    let lines: [Substring]

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    init(path: String, text: String) {
        self.path = path
        self.text = text
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The modules that it imports.
    var imports: [String] {
        lines.compactMap { line in
            guard line.holds("import ") else { return nil }
            let words = line.split(separator: " ")
            guard let index = words.firstIndex(of: "import"), index <= 1, words.count > index + 1 else { return nil }
            return String(words[index + 1])
        }
    }

    /// All files below a folder of the tree, by path.
    static func all(below folder: String, ending: String = ".swift") throws -> [SourceFile] {
        let base = root.appendingPathComponent(folder).path
        return try (FileManager.default.subpaths(atPath: base) ?? []).filter { $0.hasSuffix(ending) }.sorted().map {
            SourceFile(path: "\(folder)/\($0)", text: try String(contentsOfFile: "\(base)/\($0)", encoding: .utf8))
        }
    }

    /// Our own Swift files: what is generated is nobody's style.
    static func sources() throws -> [SourceFile] {
        try all(below: "Sources").filter { !$0.path.hasPrefix("Sources/Generated/") }
    }
}

extension Substring {
    /// Spaces before the first other character.
    var indent: Int { utf8.prefix { $0 == UInt8(ascii: " ") }.count }
    /// Without the spaces before it.
    var unindented: Substring { self[utf8.index(startIndex, offsetBy: indent)...] }

    /// Whether it has these characters somewhere: quick enough for every line of the tree.
    func holds(_ needle: StaticString) -> Bool {
        utf8.withContiguousStorageIfAvailable { bytes in
            let length = needle.utf8CodeUnitCount
            guard var place = bytes.baseAddress else { return false }
            let end = place + bytes.count
            while end - place >= length {
                guard let found = memchr(place, Int32(needle.utf8Start[0]), end - place - length + 1) else {
                    return false
                }
                if memcmp(found, needle.utf8Start, length) == 0 { return true }
                place = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) + 1
            }
            return false
        } ?? contains("\(needle)")
    }
}

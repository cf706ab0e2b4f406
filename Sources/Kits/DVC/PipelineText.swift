// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreYAML

/// Changes a `dvc.yaml` line by line, so that remarks, order and the form of the rest stay.
enum PipelineText {
    /// Takes a stage out; gives the file.
    static func remove(_ stage: PipelineStage) throws(GyreError) -> [String] {
        let name = stage.name.split(separator: "@").first.map(String.init) ?? stage.name
        var lines = try lines(stage.file)
        guard let range = block(name, in: lines) else { return [] }
        lines.removeSubrange(range)
        let text = lines.joined(separator: "\n")
        if (try PipelineFile.mapping(stage.file, text))["stages"]?.object?.isEmpty ?? true {
            let others = try PipelineFile.mapping(stage.file, text).members.filter { $0.name != "stages" }
            if others.isEmpty {
                try Files.remove(stage.file)
                return [stage.file]
            }
        }
        try Files.replace(stage.file, with: text)
        return [stage.file]
    }

    /// Puts a stage in, in the place of one of its name or at the end.
    static func put(_ name: String, _ definition: JSONObject, in file: String) throws(GyreError) {
        let body = BlockText.text(.object(JSONObject([(name, .object(definition))])))
        let block = body.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map {
            $0.isEmpty ? "" : "  " + $0
        }
        guard Files.kind(file) != nil else {
            return try Files.replace(file, with: (["stages:"] + block).joined(separator: "\n") + "\n")
        }
        var lines = try lines(file)
        if let range = Self.block(name, in: lines) {
            lines.replaceSubrange(range, with: block)
        } else if let stages = lines.firstIndex(where: { $0.hasPrefix("stages:") }) {
            guard lines[stages].dropFirst(7).prefix(while: { $0 != "#" }).allSatisfy(\.isWhitespace) else {
                throw GyreError(
                    .unsupported,
                    "The stages in \"\(file)\" stand on the line of \"stages:\", where none can be added.",
                    fix: "Write each on lines of its own.")
            }
            lines.insert(contentsOf: block, at: end(of: stages, in: lines))
        } else {
            while lines.last == "" { lines.removeLast() }
            lines += ["stages:"] + block + [""]
        }
        try Files.replace(file, with: lines.joined(separator: "\n"))
    }

    /// Sets or takes away a member of a stage that is true or false.
    static func set(_ member: String, _ isOn: Bool, of stage: PipelineStage) throws(GyreError) {
        let name = stage.name.split(separator: "@").first.map(String.init) ?? stage.name
        var lines = try lines(stage.file)
        guard let range = block(name, in: lines) else { return }
        let depth = lines[range].dropFirst().first { !$0.allSatisfy(\.isWhitespace) }.map(indent) ?? 4
        let pad = String(repeating: " ", count: depth)
        let old = range.first { lines[$0].hasPrefix(pad + member + ":") }
        if let old { lines.remove(at: old) }
        if isOn {
            var last = (old == nil ? range.upperBound : range.upperBound - 1) - 1
            while last > range.lowerBound, lines[last].allSatisfy(\.isWhitespace) { last -= 1 }
            lines.insert(pad + member + ": true", at: last + 1)
        }
        try Files.replace(stage.file, with: lines.joined(separator: "\n"))
    }

    private static func lines(_ file: String) throws(GyreError) -> [String] {
        try Files.text(file).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
    }

    private static func indent(_ line: String) -> Int { line.prefix { $0 == " " }.count }

    /// The lines of a stage below `stages:`.
    private static func block(_ name: String, in lines: [String]) -> Range<Int>? {
        guard let stages = lines.firstIndex(where: { $0.hasPrefix("stages:") }) else { return nil }
        let last = end(of: stages, in: lines)
        // Names of stages stand at the depth of the first one; the same words further in are members.
        var depth = 0
        for number in stages + 1..<last {
            let text = lines[number].drop { $0 == " " }
            if depth == 0, !text.isEmpty, !text.hasPrefix("#") { depth = indent(lines[number]) }
            let isNamed = text.hasPrefix(name + ":") || text.hasPrefix("\"\(name)\":") || text.hasPrefix("'\(name)':")
            guard isNamed, depth > 0, indent(lines[number]) == depth else { continue }
            return number..<min(last, end(of: number, in: lines))
        }
        return nil
    }

    /// Where what stands below a line ends; empty lines after it do not belong to it.
    private static func end(of line: Int, in lines: [String]) -> Int {
        var end = line + 1
        var last = line + 1
        while end < lines.count {
            let isBlank = lines[end].allSatisfy(\.isWhitespace)
            if !isBlank, indent(lines[end]) <= indent(lines[line]) { break }
            end += 1
            if !isBlank { last = end }
        }
        return last
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreYAML

/// Changes a text of YAML that has remarks in it, line by line, so that they stay.
///
/// It knows block style as metafiles have it: a member a line, lists of members. Anything else is not patched.
enum CommentedText {
    /// The text with what differs between two documents changed in place; nil where that cannot be done.
    static func patched(_ text: String, from old: JSONValue, to new: JSONValue) -> String? {
        guard text.contains("#") || text.contains("\n\n") else { return nil }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.allSatisfy({ isBlock($0) }) else { return nil }
        var cursor = 0
        guard patch(&lines, &cursor, indent: 0, old, new) else { return nil }
        return lines.joined(separator: "\n")
    }

    private static func isBlock(_ line: String) -> Bool {
        let text = body(line)
        return text.isEmpty || text.contains(":") || text.hasPrefix("- ") || text == "-"
    }

    /// The line without its remark and the blanks around.
    private static func body(_ line: String) -> Substring {
        var text = Substring(line)
        if text.drop(while: { $0 == " " }).hasPrefix("#") { return "" }
        if let mark = text.firstRange(of: " #") { text = text[..<mark.lowerBound] }
        while text.last == " " || text.last == "\r" { text.removeLast() }
        return text.drop { $0 == " " }
    }

    private static func indent(_ line: String) -> Int { line.prefix { $0 == " " }.count }

    private static func patch(
        _ lines: inout [String], _ cursor: inout Int, indent depth: Int, _ old: JSONValue, _ new: JSONValue
    ) -> Bool {
        switch (old, new) {
        case (.object(let before), .object(let after)):
            return members(&lines, &cursor, depth, before, after)
        case (.array(let before), .array(let after)):
            guard before.count == after.count else { return false }
            for (one, other) in zip(before, after) {
                skipRemarks(lines, &cursor)
                guard cursor < lines.count, body(lines[cursor]).hasPrefix("-") else { return false }
                let dash = indent(lines[cursor])
                guard case (.object(let inner), .object(let changed)) = (one, other) else {
                    guard one == other else { return false }
                    cursor += 1
                    continue
                }
                // The first member stands behind the dash: without it, it is a member like any other.
                let width = lines[cursor].dropFirst(dash + 1).prefix { $0 == " " }.count
                let line = cursor
                lines[line] = String(repeating: " ", count: dash + 1 + width) + lines[line].dropFirst(dash + 1 + width)
                let isGood = members(&lines, &cursor, dash + 1 + width, inner, changed)
                guard isGood, line < lines.count else { return false }
                lines[line] =
                    String(repeating: " ", count: dash) + "-" + String(repeating: " ", count: width)
                    + lines[line].dropFirst(dash + 1 + width)
            }
            return true
        default: return false
        }
    }

    private static func skipRemarks(_ lines: [String], _ cursor: inout Int) {
        while cursor < lines.count, body(lines[cursor]).isEmpty { cursor += 1 }
    }

    private static func members(
        _ lines: inout [String], _ cursor: inout Int, _ depth: Int, _ before: JSONObject, _ after: JSONObject
    ) -> Bool {
        var last = cursor
        for member in before.members {
            skipRemarks(lines, &cursor)
            guard cursor < lines.count, indent(lines[cursor]) == depth, body(lines[cursor]).hasPrefix(member.name + ":")
            else { return false }
            let isContainer = member.value.object != nil || member.value.array != nil
            guard let value = after[member.name] else {
                guard !isContainer else { return false }
                lines.remove(at: cursor)
                last = cursor - 1
                continue
            }
            if isContainer {
                cursor += 1
                let deeper = member.value.object != nil ? depth + 2 : depth
                if member.value == value {
                    pass(lines, &cursor, depth, isList: member.value.array != nil)
                } else if !patch(&lines, &cursor, indent: deeper, member.value, value) {
                    return false
                }
                last = cursor - 1
                continue
            }
            if member.value != value { lines[cursor] = replaced(lines[cursor], member.name, value) }
            last = cursor
            cursor += 1
        }
        let known = Set(before.members.map(\.name))
        for member in after.members where !known.contains(member.name) {
            let text = BlockText.line(member.name, member.value)
            lines.insert(String(repeating: " ", count: depth) + text, at: last + 1)
            last += 1
            cursor = max(cursor, last + 1)
        }
        return true
    }

    /// Passes over a member that stays as it is.
    private static func pass(_ lines: [String], _ cursor: inout Int, _ depth: Int, isList: Bool) {
        while cursor < lines.count {
            let text = body(lines[cursor])
            let isInside =
                indent(lines[cursor]) > depth || (isList && text.hasPrefix("-") && indent(lines[cursor]) == depth)
            guard text.isEmpty || isInside else { return }
            cursor += 1
        }
    }

    private static func replaced(_ line: String, _ name: String, _ value: JSONValue) -> String {
        // The blanks before a remark belong to it.
        let start = line.firstRange(of: " #").map { mark in
            line[..<mark.lowerBound].lastIndex { $0 != " " }.map { line.index(after: $0) } ?? mark.lowerBound
        }
        let remark = start.map { String(line[$0...]) } ?? ""
        return String(repeating: " ", count: indent(line)) + BlockText.line(name, value) + remark
    }
}

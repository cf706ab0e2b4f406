// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Values as block style YAML 1.2, byte for byte as ruamel.yaml 0.19 writes plain Python values.
///
/// Sequences stand under their key without indentation, null is nothing, long lines are folded after 80 columns. Which form a text takes
/// (plain, `'…'`, `"…"`) and where it is folded follows ruamel's emitter, since files are compared with what it wrote.
package struct BlockText {
    private var out: [UInt8] = []
    private var column = 0
    private static let width = 80

    private init() {}

    /// The document.
    package static func text(_ value: JSONValue) -> String {
        var writer = BlockText()
        switch value {
        case .object(let object) where !object.isEmpty: writer.mapping(object, indent: 0)
        case .array(let elements) where !elements.isEmpty: writer.sequence(elements, indent: 0)
        default:
            writer.inline(value, indent: 0)
            writer.line()
        }
        return String(decoding: writer.out, as: UTF8.self)
    }

    private mutating func put(_ text: String) {
        out.append(contentsOf: text.utf8)
        column += text.unicodeScalars.count
    }

    private mutating func line() {
        out.append(UInt8(ascii: "\n"))
        column = 0
    }

    private mutating func pad(_ indent: Int) {
        if column < indent { put(String(repeating: " ", count: indent - column)) }
    }

    private mutating func mapping(_ object: JSONObject, indent: Int) {
        for member in object.members {
            pad(indent)
            scalar(member.name, indent: indent, isKey: true)
            put(":")
            switch member.value {
            case .object(let inner) where !inner.isEmpty:
                line()
                mapping(inner, indent: indent + 2)
            case .array(let elements) where !elements.isEmpty:
                line()
                sequence(elements, indent: indent)
            case .null: line()
            default:
                put(" ")
                inline(member.value, indent: indent + 2)
                line()
            }
        }
    }

    private mutating func sequence(_ elements: [JSONValue], indent: Int) {
        for element in elements {
            pad(indent)
            put("-")
            switch element {
            case .object(let inner) where !inner.isEmpty:
                put(" ")
                mapping(inner, indent: indent + 2)
            case .array(let inner) where !inner.isEmpty:
                put(" ")
                sequence(inner, indent: indent + 2)
            case .null: line()
            default:
                put(" ")
                inline(element, indent: indent + 2)
                line()
            }
        }
    }

    private mutating func inline(_ value: JSONValue, indent: Int) {
        switch value {
        case .string(let text): scalar(text, indent: indent, isKey: false)
        case .int(let number): put(String(number))
        case .double(let number): put(PythonText.yaml(number))
        case .bool(let flag): put(flag ? "true" : "false")
        case .null: put("null")
        case .array: put("[]")
        case .object: put("{}")
        }
    }

    private mutating func scalar(_ text: String, indent: Int, isKey: Bool) {
        let scalars = Array(text.unicodeScalars)
        let form = ScalarForm(scalars)
        let isText =
            CoreSchema.value(text).string != nil && !ScalarForm.isTimestamp(text) && text != "<<" && text != "="
        if isText, form.mayBePlain, !(isKey && (scalars.isEmpty || form.isMultiline)) {
            return plain(scalars, indent: indent, folds: !isKey)
        }
        let isDouble = scalars.contains { $0 == "'" || $0 == "\n" } || !form.mayBeSingleQuoted
        if isDouble || (isKey && form.isMultiline) {
            doubleQuoted(scalars, indent: indent, folds: !isKey)
        } else {
            singleQuoted(scalars, indent: indent, folds: !isKey)
        }
    }

    private mutating func fold(_ indent: Int) {
        line()
        pad(indent)
    }

    private mutating func put(_ scalars: some Sequence<Unicode.Scalar>) {
        for scalar in scalars {
            out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            column += 1
        }
    }

    private mutating func plain(_ text: [Unicode.Scalar], indent: Int, folds: Bool) {
        var start = 0
        while start < text.count {
            let isSpace = text[start] == " "
            var end = start
            while end < text.count, (text[end] == " ") == isSpace { end += 1 }
            if isSpace {
                if end == start + 1, column >= Self.width, folds { fold(indent) } else { put(text[start..<end]) }
            } else {
                // A word that does not fit gets a line of its own; the blank before it stays where it was.
                if end - start + column > Self.width, folds, column > indent { fold(indent) }
                put(text[start..<end])
            }
            start = end
        }
    }

    private mutating func singleQuoted(_ text: [Unicode.Scalar], indent: Int, folds: Bool) {
        put("'")
        var start = 0
        while start < text.count {
            let isSpace = text[start] == " "
            var end = start
            while end < text.count, (text[end] == " ") == isSpace { end += 1 }
            if isSpace, end == start + 1, column > Self.width, folds, start != 0, end != text.count {
                fold(indent)
            } else {
                put(text[start..<end])
            }
            start = end
        }
        put("'")
    }

    private mutating func doubleQuoted(_ text: [Unicode.Scalar], indent: Int, folds: Bool) {
        put("\"")
        var (start, end) = (0, 0)
        while end <= text.count {
            let scalar = end < text.count ? text[end] : nil
            if scalar.map(ScalarForm.needsEscape) ?? true {
                put(text[start..<max(start, end)])
                start = max(start, end)
                if let scalar {
                    put(ScalarForm.escape(scalar))
                    start = end + 1
                }
            }
            if end > 0, end < text.count - 1, scalar == " " || start >= end, column + (end - start) > Self.width, folds
            {
                let needsBackslash = ScalarForm.needsBackslash(text, start: start, end: end)
                if start < end {
                    put(text[start..<end])
                    start = end
                }
                if needsBackslash { put("\\") }
                fold(indent)
                if start < text.count, text[start] == " " {
                    if needsBackslash { put("\\") } else { start += 1 }
                }
            }
            end += 1
        }
        put("\"")
    }
}

extension BlockText {
    /// One member with a plain value, as it stands on a line of its own, without its indentation.
    package static func line(_ name: String, _ value: JSONValue) -> String {
        var writer = BlockText()
        writer.mapping(JSONObject([(name, value)]), indent: 0)
        return String(decoding: writer.out.dropLast(), as: UTF8.self)
    }
}

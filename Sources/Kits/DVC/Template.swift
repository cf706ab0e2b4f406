// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// The `${…}` of `dvc.yaml`: values of `params.yaml`, of `vars`, and of the item that a stage was made for.
struct Template {
    /// What can be named.
    var context: JSONObject
    /// `parsing.bool` is `boolean_optional`: a flag that is false is said as `--no-…`.
    var saysNo = false
    /// `parsing.list` is `append`: an option comes once for each of its values.
    var repeats = false

    /// What is said where something is wrong.
    struct Place {
        let file: String
        let what: String
    }

    /// A value with all its texts resolved; names of members too.
    ///
    /// A text that is one `${…}` and nothing else becomes the value itself. In a `cmd` a mapping becomes arguments.
    func resolved(_ value: JSONValue, isCommand: Bool, _ place: Place) throws(GyreError) -> JSONValue {
        switch value {
        case .string(let text): return try resolved(text, isCommand: isCommand, place)
        case .array(let elements):
            var all: [JSONValue] = []
            for element in elements { all.append(try resolved(element, isCommand: isCommand, place)) }
            return .array(all)
        case .object(let object):
            var all: [(String, JSONValue)] = []
            for member in object.members {
                let name = try resolved(member.name, isCommand: false, place)
                all.append((Self.text(name), try resolved(member.value, isCommand: isCommand, place)))
            }
            return .object(JSONObject(merging: all))
        default: return value
        }
    }

    private func resolved(_ text: String, isCommand: Bool, _ place: Place) throws(GyreError) -> JSONValue {
        guard text.contains("${") else { return .string(text) }
        var out = ""
        var rest = Substring(text)
        while let start = rest.firstRange(of: "${") {
            if start.lowerBound > rest.startIndex, rest[rest.index(before: start.lowerBound)] == "\\" {
                out += rest[..<rest.index(before: start.lowerBound)] + "${"
                rest = rest[start.upperBound...]
                continue
            }
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else { break }
            let value = try look(String(rest[start.upperBound..<end]), place)
            let isWhole = out.isEmpty && start.lowerBound == text.startIndex && rest.index(after: end) == text.endIndex
            if isWhole, !isCommand { return value }
            switch value {
            case .object(let object) where isCommand: out += rest[..<start.lowerBound] + arguments(object)
            case .object, .array:
                throw failure(place, "\(text) stands for \(value.kindName), which cannot be part of a text.")
            default: out += rest[..<start.lowerBound] + Self.text(value)
            }
            rest = rest[rest.index(after: end)...]
        }
        return .string(out + rest)
    }

    /// The value of `a.b[0].c`.
    private func look(_ expression: String, _ place: Place) throws(GyreError) -> JSONValue {
        let path = expression.replacing("[", with: ".").replacing("]", with: "")
        var value = JSONValue.object(context)
        for part in path.split(separator: ".", omittingEmptySubsequences: false) {
            let name = part.filter { !$0.isWhitespace }
            let next: JSONValue? =
                switch value {
                case .object(let object): object[name]
                case .array(let elements): Int(name).flatMap { elements.indices.contains($0) ? elements[$0] : nil }
                default: nil
                }
            guard let next else {
                throw failure(place, "\"${\(expression)}\" is not known: there is no \"\(name)\".")
            }
            value = next
        }
        return value
    }

    private func failure(_ place: Place, _ why: String) -> GyreError {
        GyreError(.invalid, "\(place.what) in \"\(place.file)\" cannot be resolved.", why: why)
    }

    /// A value as part of a text.
    static func text(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): text
        case .bool(let flag): flag ? "true" : "false"
        case .int(let number): String(number)
        case .double(let number): PythonText.repr(number)
        case .null: "None"
        default: String(decoding: PythonText.json(value), as: UTF8.self)
        }
    }

    /// A mapping as arguments of a command: `--name value`.
    private func arguments(_ object: JSONObject) -> String {
        var words: [String] = []
        func take(_ name: String, _ value: JSONValue) {
            switch value {
            case .object(let inner): for member in inner.members { take("\(name).\(member.name)", member.value) }
            case .bool(true): words.append("--\(name)")
            case .bool(false): if saysNo { words.append("--no-\(name)") }
            case .array(let elements):
                for (index, element) in elements.enumerated() {
                    if repeats || index == 0 { words.append("--\(name)") }
                    words.append(element.string.map(Self.quoted) ?? Self.text(element))
                }
            case .string(let text): words += ["--\(name)", Self.quoted(text)]
            default: words += ["--\(name)", Self.text(value)]
            }
        }
        for member in object.members { take(member.name, member.value) }
        return words.joined(separator: " ")
    }

    /// A word as a shell takes it, as Python's `shlex.quote` writes it.
    static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)
                    || "@%+=:,./-_".utf8.contains(byte)
            }
        return isPlain ? text : "'" + text.replacing("'", with: "'\"'\"'") + "'"
    }
}

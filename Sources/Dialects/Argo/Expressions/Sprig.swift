// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase

/// The functions of sprig that workflows use: `sprig.NAME(…)`.
///
/// What reads the variables or names of the machine is left out, as Argo leaves it out.
enum Sprig {
    static func call(
        _ name: String, _ values: [JSONValue], _ context: ExpressionFunctions.Context
    ) throws(GyreError) -> JSONValue {
        guard let least = arities[name] else {
            throw GyreError(
                .invalid, "There is no function \"sprig.\(name.prefix(60))\" here.",
                fix: Nearest.fix(name, among: arities.keys.sorted(), otherwise: "Choose another function."))
        }
        guard values.count >= least else {
            throw GyreError(.invalid, "sprig.\(name)() takes \(least) arguments, and is given \(values.count).")
        }
        let texts = values.map(ExpressionFunctions.text)
        if let result = try textResult(name, values, texts) { return result }
        if let result = try numberResult(name, values) { return result }
        if let result = try listResult(name, values, texts) { return result }
        if let result = objectResult(name, values, texts) { return result }
        return try otherResult(name, values, texts, context)
    }

    /// How many arguments each function takes at least.
    private static let arities: [String: Int] = [
        "trim": 1, "trimAll": 2, "trimall": 2, "trimSuffix": 2, "trimPrefix": 2, "upper": 1, "lower": 1, "title": 1,
        "untitle": 1, "repeat": 2, "substr": 3, "nospace": 1, "trunc": 2, "contains": 2, "hasPrefix": 2, "hasSuffix": 2,
        "quote": 1, "squote": 1, "cat": 1, "indent": 2, "nindent": 2, "replace": 3, "snakecase": 1, "camelcase": 1,
        "kebabcase": 1, "swapcase": 1, "initials": 1, "abbrev": 2, "plural": 3, "regexMatch": 2, "regexFind": 2,
        "regexFindAll": 3, "regexReplaceAll": 3, "regexSplit": 3, "add": 1, "add1": 1, "sub": 2, "div": 2, "mod": 2,
        "mul": 1, "max": 1, "min": 1, "floor": 1, "ceil": 1, "round": 2, "addf": 1, "subf": 2, "mulf": 1, "divf": 2,
        "maxf": 1, "minf": 1, "len": 1, "atoi": 1, "int": 1, "int64": 1, "float64": 1, "toString": 1, "toStrings": 1,
        "join": 2, "splitList": 2, "split": 2, "list": 0, "first": 1, "rest": 1, "last": 1, "initial": 1, "append": 2,
        "prepend": 2, "concat": 1, "reverse": 1, "uniq": 1, "without": 1, "has": 2, "compact": 1, "slice": 1,
        "sortAlpha": 1, "until": 1, "untilStep": 3, "seq": 1, "dict": 0, "get": 2, "set": 3, "unset": 2, "hasKey": 2,
        "keys": 1, "values": 1, "pick": 1, "omit": 1, "merge": 1, "default": 2, "empty": 1, "coalesce": 0, "ternary": 3,
        "toJson": 1, "fromJson": 1, "toPrettyJson": 1, "b64enc": 1, "b64dec": 1, "sha256sum": 1, "uuidv4": 0,
        "randAlphaNum": 1, "randNumeric": 1, "date": 2, "dateModify": 2, "date_modify": 2, "htmlDate": 1,
        "unixEpoch": 1, "toDate": 2, "now": 0, "duration": 1, "typeOf": 1, "kindOf": 1, "fail": 1,
    ]

    // MARK: Texts

    private static func textResult(
        _ name: String, _ values: [JSONValue], _ texts: [String]
    ) throws(GyreError) -> JSONValue? {
        if let result = shaped(name, texts) { return .string(result) }
        switch name {
        case "trimAll", "trimall":
            return .string(texts[1].trimmingCharacters(in: CharacterSet(charactersIn: texts[0])))
        case "trimSuffix":
            return .string(texts[1].hasSuffix(texts[0]) ? String(texts[1].dropLast(texts[0].count)) : texts[1])
        case "trimPrefix":
            return .string(texts[1].hasPrefix(texts[0]) ? String(texts[1].dropFirst(texts[0].count)) : texts[1])
        case "repeat": return .string(try ExpressionFunctions.repeated(texts[1], values[0]))
        case "substr":
            let characters = Array(texts[2])
            let start = min(max(0, Int(values[0].int ?? 0)), characters.count)
            let end = Int(values[1].int ?? -1)
            let stop = end < 0 ? characters.count : min(max(end, start), characters.count)
            return .string(String(characters[start..<stop]))
        case "trunc":
            let count = max(-Limits.bodyBytes, min(Limits.bodyBytes, Int(values[0].int ?? 0)))
            return .string(count < 0 ? String(texts[1].suffix(-count)) : String(texts[1].prefix(count)))
        case "abbrev":
            let count = max(4, Int(values[0].int ?? 4))
            return .string(texts[1].count <= count ? texts[1] : String(texts[1].prefix(count - 3)) + "...")
        case "contains": return .bool(texts[1].contains(texts[0]))
        case "hasPrefix": return .bool(texts[1].hasPrefix(texts[0]))
        case "hasSuffix": return .bool(texts[1].hasSuffix(texts[0]))
        case "quote": return .string(texts.map { JSONValue.string($0).text }.joined(separator: " "))
        case "squote": return .string(texts.map { "'\($0)'" }.joined(separator: " "))
        case "cat": return .string(texts.joined(separator: " "))
        case "indent", "nindent":
            let space = String(repeating: " ", count: min(1000, max(0, Int(values[0].int ?? 0))))
            let lines = texts[1].components(separatedBy: "\n").map { space + $0 }.joined(separator: "\n")
            return .string(name == "nindent" ? "\n" + lines : lines)
        case "replace": return .string(texts[2].replacing(texts[0], with: texts[1]))
        case "plural": return .string(values[2].int == 1 ? texts[0] : texts[1])
        case "regexMatch": return .bool(try ExpressionFunctions.matches(texts[1], texts[0]))
        case "regexFind": return .string(try found(texts[0], texts[1], limit: 1).first ?? "")
        case "regexFindAll": return .strings(try found(texts[0], texts[1], limit: Int(values[2].int ?? -1)))
        case "regexReplaceAll":
            // Go writes groups as `${1}`.
            let template = texts[2].replacing("${", with: "$").replacing("}", with: "")
            return .string(
                try ExpressionFunctions.pattern(texts[0]).stringByReplacingMatches(
                    in: texts[1], range: NSRange(texts[1].startIndex..., in: texts[1]), withTemplate: template))
        case "regexSplit": return .strings(try split(texts[0], texts[1], limit: Int(values[2].int ?? -1)))
        default: return nil
        }
    }

    /// The functions that take one text and give another.
    private static func shaped(_ name: String, _ texts: [String]) -> String? {
        guard let text = texts.first else { return nil }
        func words() -> [String] {
            var words: [String] = [""]
            var before: Character = " "
            for character in text {
                if character == "_" || character == "-" || character.isWhitespace {
                    words.append("")
                } else {
                    if character.isUppercase, before.isLowercase { words.append("") }
                    words[words.count - 1].append(character)
                }
                before = character
            }
            return words.filter { !$0.isEmpty }
        }
        switch name {
        case "trim": return text.trimmingCharacters(in: .whitespacesAndNewlines)
        case "upper": return text.uppercased()
        case "lower": return text.lowercased()
        case "title":
            return text.components(separatedBy: " ").map { $0.prefix(1).uppercased() + $0.dropFirst() }
                .joined(separator: " ")
        case "untitle":
            return text.components(separatedBy: " ").map { $0.prefix(1).lowercased() + $0.dropFirst() }
                .joined(separator: " ")
        case "nospace": return text.filter { !$0.isWhitespace }
        case "swapcase": return String(text.flatMap { $0.isUppercase ? $0.lowercased() : $0.uppercased() })
        case "initials": return String(text.split(separator: " ").compactMap(\.first))
        case "snakecase": return words().map { $0.lowercased() }.joined(separator: "_")
        case "kebabcase": return words().map { $0.lowercased() }.joined(separator: "-")
        case "camelcase": return words().map { $0.prefix(1).uppercased() + $0.dropFirst().lowercased() }.joined()
        default: return nil
        }
    }

    private static func found(_ pattern: String, _ text: String, limit: Int) throws(GyreError) -> [String] {
        let matches = try ExpressionFunctions.pattern(pattern).matches(
            in: text, range: NSRange(text.startIndex..., in: text))
        let all = matches.compactMap { Range($0.range, in: text).map { String(text[$0]) } }
        return limit < 0 ? all : Array(all.prefix(limit))
    }

    private static func split(_ pattern: String, _ text: String, limit: Int) throws(GyreError) -> [String] {
        let matches = try ExpressionFunctions.pattern(pattern).matches(
            in: text, range: NSRange(text.startIndex..., in: text))
        var parts: [String] = []
        var start = text.startIndex
        for match in matches where limit < 0 || parts.count < limit - 1 {
            guard let range = Range(match.range, in: text) else { continue }
            parts.append(String(text[start..<range.lowerBound]))
            start = range.upperBound
        }
        return parts + [String(text[start...])]
    }

    // MARK: Numbers

    /// A whole number as sprig reads it: of a text, too.
    private static func whole(_ value: JSONValue) throws(GyreError) -> Int64 {
        if let number = value.double { return Int64(exactly: number.rounded(.towardZero)) ?? 0 }
        let text = value.string ?? ""
        return Int64(text) ?? Double(text).flatMap { Int64(exactly: $0.rounded(.towardZero)) } ?? 0
    }

    private static func real(_ value: JSONValue) -> Double { value.double ?? Double(value.string ?? "") ?? 0 }

    private static func numberResult(_ name: String, _ values: [JSONValue]) throws(GyreError) -> JSONValue? {
        func wholes() throws(GyreError) -> [Int64] {
            var numbers: [Int64] = []
            for value in values { numbers.append(try whole(value)) }
            return numbers
        }
        switch name {
        case "add": return .int(try wholes().reduce(0, &+))
        case "add1": return .int(try whole(values[0]) &+ 1)
        case "sub": return .int(try whole(values[0]) &- (try whole(values[1])))
        case "mul": return .int(try wholes().reduce(1, &*))
        case "div", "mod":
            let (first, second) = (try whole(values[0]), try whole(values[1]))
            guard second != 0 else { throw GyreError(.invalid, "\(first) is divided by zero.") }
            // The least number has no opposite.
            if second == -1 { return .int(name == "div" ? 0 &- first : 0) }
            return .int(name == "div" ? first / second : first % second)
        case "max": return .int(try wholes().max() ?? 0)
        case "min": return .int(try wholes().min() ?? 0)
        case "addf": return .double(values.map(real).reduce(0, +))
        case "mulf": return .double(values.map(real).reduce(1, *))
        case "subf": return .double(values.dropFirst().map(real).reduce(real(values[0]), -))
        case "divf": return .double(values.dropFirst().map(real).reduce(real(values[0]), /))
        case "maxf": return .double(values.map(real).max() ?? 0)
        case "minf": return .double(values.map(real).min() ?? 0)
        case "floor": return .double(real(values[0]).rounded(.down))
        case "ceil": return .double(real(values[0]).rounded(.up))
        case "round":
            let factor = Foundation.pow(10, real(values[1]))
            return .double((real(values[0]) * factor).rounded() / factor)
        case "atoi", "int", "int64": return .int(try whole(values[0]))
        case "float64": return .double(real(values[0]))
        default: return nil
        }
    }

    // MARK: Lists

    private static func list(_ value: JSONValue) throws(GyreError) -> [JSONValue] {
        if let list = value.array { return list }
        throw GyreError(.invalid, "\(value.text.prefix(60)) is no list.")
    }

    private static func isEmpty(_ value: JSONValue) -> Bool {
        switch value {
        case .null: true
        case .bool(let truth): !truth
        case .int(let number): number == 0
        case .double(let number): number == 0
        case .string(let text): text.isEmpty
        case .array(let elements): elements.isEmpty
        case .object(let object): object.isEmpty
        }
    }

    private static func numbers(_ start: Int64, _ end: Int64, _ step: Int64) throws(GyreError) -> JSONValue {
        let edges = -1_000_000_000...1_000_000_000 as ClosedRange<Int64>
        guard step != 0, edges.contains(start), edges.contains(end), edges.contains(step),
            (end - start) / step < Int64(Limits.pipelineTasks)
        else {
            throw GyreError(.limitExceeded, "A list of numbers is too long.")
        }
        return .array(stride(from: start, to: end, by: Int(step)).map { .int($0) })
    }

    private static func listResult(
        _ name: String, _ values: [JSONValue], _ texts: [String]
    ) throws(GyreError) -> JSONValue? {
        switch name {
        case "join": return .string(try list(values[1]).map(ExpressionFunctions.text).joined(separator: texts[0]))
        case "splitList": return .strings(texts[1].components(separatedBy: texts[0]))
        case "split":
            let parts = texts[1].components(separatedBy: texts[0])
            return .object(JSONObject(parts.enumerated().map { ("_\($0.offset)", .string($0.element)) }))
        case "list": return .array(values)
        case "first": return try list(values[0]).first ?? .null
        case "last": return try list(values[0]).last ?? .null
        case "rest": return .array(Array(try list(values[0]).dropFirst()))
        case "initial": return .array(Array(try list(values[0]).dropLast()))
        case "append": return .array(try list(values[0]) + [values[1]])
        case "prepend": return .array([values[1]] + (try list(values[0])))
        case "concat":
            var all: [JSONValue] = []
            for value in values { all += try list(value) }
            return .array(all)
        case "reverse": return .array(try list(values[0]).reversed())
        case "uniq":
            var seen: Set<JSONValue> = []
            return .array(try list(values[0]).filter { seen.insert($0).inserted })
        case "without": return .array(try list(values[0]).filter { !values.dropFirst().contains($0) })
        case "has": return .bool(try list(values[1]).contains { ExpressionFunctions.areEqual($0, values[0]) })
        case "compact": return .array(try list(values[0]).filter { !isEmpty($0) })
        case "slice":
            let whole = try list(values[0])
            let start = min(max(0, Int(values.count > 1 ? values[1].int ?? 0 : 0)), whole.count)
            let end = min(max(start, Int(values.count > 2 ? values[2].int ?? 0 : Int64(whole.count))), whole.count)
            return .array(Array(whole[start..<end]))
        case "sortAlpha": return .strings(try list(values[0]).map(ExpressionFunctions.text).sorted())
        case "toStrings": return .strings(try list(values[0]).map(ExpressionFunctions.text))
        case "until": return try numbers(0, try whole(values[0]), 1)
        case "untilStep": return try numbers(try whole(values[0]), try whole(values[1]), try whole(values[2]))
        case "seq":
            let ends = try values.map { value throws(GyreError) in try whole(value) }
            let (start, end) = ends.count == 1 ? (1, ends[0]) : (ends[0], ends[ends.count - 1])
            let step = ends.count == 3 ? ends[1] : start <= end ? 1 : -1
            let all = try numbers(start, end &+ (step > 0 ? 1 : -1), step)
            return .string((all.array ?? []).map(\.text).joined(separator: " "))
        default: return nil
        }
    }

    private static func objectResult(_ name: String, _ values: [JSONValue], _ texts: [String]) -> JSONValue? {
        let members = values.first?.object?.members ?? []
        switch name {
        case "dict":
            return .object(
                JSONObject(
                    merging: stride(from: 0, to: values.count - 1, by: 2).map { (texts[$0], values[$0 + 1]) }))
        case "get": return values[0][texts[1]] ?? ""
        case "set", "unset":
            var object = values[0].object ?? JSONObject()
            object[texts[1]] = name == "set" ? values[2] : nil
            return .object(object)
        case "hasKey": return .bool(values[0][texts[1]] != nil)
        case "keys": return .strings(members.map(\.name))
        case "values": return .array(members.map(\.value))
        case "pick", "omit":
            let isKept = name == "pick"
            return .object(
                JSONObject(
                    members.filter { texts.dropFirst().contains($0.name) == isKept }.map { ($0.name, $0.value) }))
        case "merge":
            // The first that has a name gives its value.
            return .object(
                JSONObject(
                    merging: values.reversed().flatMap { $0.object?.members ?? [] }.map { ($0.name, $0.value) }))
        case "default": return isEmpty(values[1]) ? values[0] : values[1]
        case "empty": return .bool(isEmpty(values[0]))
        case "coalesce": return values.first { !isEmpty($0) } ?? .null
        case "ternary": return values[2] == true ? values[0] : values[1]
        case "len":
            return .int(
                Int64(values[0].array?.count ?? values[0].object?.members.count ?? texts[0].count))
        default: return nil
        }
    }

    // MARK: Everything else

    private static func otherResult(
        _ name: String, _ values: [JSONValue], _ texts: [String], _ context: ExpressionFunctions.Context
    ) throws(GyreError) -> JSONValue {
        switch name {
        case "toString": return .string(texts[0])
        case "toJson": return .string(ExpressionFunctions.json(values[0]))
        case "toPrettyJson": return .string(values[0].indented())
        case "fromJson": return try JSONValue(parsing: texts[0])
        case "b64enc": return .string(Data(texts[0].utf8).base64EncodedString())
        case "b64dec":
            guard let data = Data(base64Encoded: texts[0]) else { throw GyreError(.invalid, "The text is not base64.") }
            return .string(String(decoding: data, as: UTF8.self))
        case "sha256sum": return .string(Digest(of: Array(texts[0].utf8)).hex)
        case "uuidv4":
            let hex = Array(random(context, 32).hex.prefix(32))
            let parts = [
                String(hex[0..<8]), String(hex[8..<12]), "4" + String(hex[13..<16]), "a" + String(hex[17..<20]),
            ]
            return .string((parts + [String(hex[20..<32])]).joined(separator: "-"))
        case "randAlphaNum", "randNumeric":
            let alphabet = Array(name == "randNumeric" ? "0123456789" : "0123456789abcdefghijklmnopqrstuvwxyz")
            let count = min(64, max(0, Int(values[0].int ?? 0)))
            let hex = random(context, count).hex
            return .string(String(hex.prefix(count).map { alphabet[($0.hexDigitValue ?? 0) * 7 % alphabet.count] }))
        case "now": return .string(Timestamp.text(context.now))
        case "date": return .string(GoTime.text(try GoTime.microseconds(values[1]), layout: texts[0]))
        case "htmlDate": return .string(GoTime.text(try GoTime.microseconds(values[0]), layout: "2006-01-02"))
        case "unixEpoch": return .string(String(try GoTime.microseconds(values[0]) / 1_000_000))
        case "toDate": return .string(Timestamp.text(try Timestamp.parse(texts[1])))
        case "dateModify", "date_modify":
            let isBack = texts[0].hasPrefix("-")
            guard let seconds = GoTime.seconds(texts[0].trimmingCharacters(in: ["-", "+"])) else {
                throw GyreError(.invalid, "\"\(texts[0].prefix(40))\" is no duration.")
            }
            let shift = Int64(seconds * 1_000_000) * (isBack ? -1 : 1)
            return .string(Timestamp.text(try GoTime.microseconds(values[1]) + shift))
        case "duration":
            let seconds = try whole(values[0])
            return .string(
                (seconds >= 3600 ? "\(seconds / 3600)h" : "") + (seconds >= 60 ? "\(seconds / 60 % 60)m" : "")
                    + "\(seconds % 60)s")
        case "typeOf", "kindOf": return try ExpressionFunctions.call("type", values, context)
        case "fail": throw GyreError(.invalid, texts[0])
        default: throw GyreError(.invalid, "There is no function \"sprig.\(name.prefix(60))\" here.")
        }
    }

    /// Bytes that look random and are the same each time that a run is gone through again.
    private static func random(_ context: ExpressionFunctions.Context, _ count: Int) -> Digest {
        Digest(of: Array("\(context.seed)/\(count)".utf8))
    }
}

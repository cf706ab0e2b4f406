// SPDX-License-Identifier: Apache-2.0

internal import ProtoInference
internal import SwiftProtobuf

/// What is wrong with a configuration in protobuf's text format, and about where; its reader tells neither.
enum TextFormatFault {
    /// Lines that are looked at: each is read with all before it.
    private static let lines = 400

    /// The reader's error in words.
    static func words(_ error: any Error) -> String {
        guard let error = error as? TextFormatDecodingError else { return "\(error)" }
        return switch error {
        case .malformedText: "a brace, bracket, colon, comma or quote is missing or too many"
        case .malformedNumber: "a number was expected"
        case .trailingGarbage: "there is more than a configuration"
        case .truncated: "the text ends in the middle"
        case .invalidUTF8: "a text is not UTF-8"
        case .schemaMismatch: "the value has another type than the field"
        case .unknownField: "the configuration of a model has no such field"
        case .unrecognizedEnumValue: "the field has no such value"
        case .conflictingOneOf: "two fields are given of which there may be one"
        case .messageDepthLimit: "it is nested too deeply"
        case .missingFieldNames, .internalExtensionError: "\(error)"
        }
    }

    /// The first line with which the text can no longer be read, whatever follows it; nil where none stands out.
    static func place(in text: String) -> String? {
        let all = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard all.count <= lines else { return nil }
        for count in 1...all.count {
            var part = all[..<count].joined(separator: "\n")
            // A list ends with a comma only where another element follows.
            if let end = part.lastIndex(where: { !$0.isWhitespace }), part[end] == "," { part = String(part[..<end]) }
            guard (try? Inference_ModelConfig(textFormatString: part + closing(part))) == nil else { continue }
            let line = all[count - 1].drop { $0 == " " || $0 == "\t" }
            return "line \(count) (\"\(line.prefix(80))\")"
        }
        return nil
    }

    /// The braces and brackets that `text` leaves open, closed.
    private static func closing(_ text: String) -> String {
        var open: [Character] = []
        var quote: Character?
        var isComment = false
        var isEscaped = false
        for character in text {
            if isEscaped {
                isEscaped = false
            } else if let current = quote {
                if character == "\\" { isEscaped = true } else if character == current { quote = nil }
            } else if isComment {
                isComment = character != "\n"
            } else {
                switch character {
                case "#": isComment = true
                case "\"", "'": quote = character
                case "{": open.append("}")
                case "[": open.append("]")
                case "}", "]": _ = open.popLast()
                default: break
                }
            }
        }
        return "\n" + String(open.reversed())
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// Comma-separated values (RFC 4180) with a head of names.
enum CommaSeparated {
    static func read(_ bytes: [UInt8]) throws(GyreError) -> (columns: [String], rows: [[JSONValue]]) {
        var lines: [[JSONValue]] = []
        var line: [JSONValue] = []
        var field: [UInt8] = []
        var isQuoted = false
        var wasQuoted = false
        func value() -> JSONValue {
            let text = String(decoding: field, as: UTF8.self)
            if wasQuoted { return .string(text) }
            if text.isEmpty { return .null }
            if let number = Int64(text) { return .int(number) }
            if let number = Double(text) { return .double(number) }
            return .string(text)
        }
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if isQuoted {
                if byte != UInt8(ascii: "\"") {
                    field.append(byte)
                } else if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
                    field.append(byte)
                    index += 1
                } else {
                    isQuoted = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\"") where field.isEmpty: (isQuoted, wasQuoted) = (true, true)
            case UInt8(ascii: ","), UInt8(ascii: "\n"):
                line.append(value())
                field.removeAll(keepingCapacity: true)
                wasQuoted = false
                if byte == UInt8(ascii: "\n") {
                    if line != [.null] { lines.append(line) }
                    line = []
                }
            case UInt8(ascii: "\r"): break
            default: field.append(byte)
            }
        }
        if isQuoted { throw GyreError(.invalid, "The text ends inside quotes.") }
        if !field.isEmpty || wasQuoted || !line.isEmpty {
            line.append(value())
            lines.append(line)
        }
        guard let head = lines.first else { throw GyreError(.invalid, "The text has no head of column names.") }
        return (head.map { $0.string ?? $0.text }, Array(lines.dropFirst()))
    }
}

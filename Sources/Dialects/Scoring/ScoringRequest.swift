// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreServing

/// A request to score, in any form that MLflow's server takes: a data frame split or by records, instances, inputs, or CSV.
struct ScoringRequest {
    let inputs: [NamedTensor]

    init(_ body: [UInt8], contentType: String, model: HostedModel) throws(GyreError) {
        let reader = RowInputs(model.form, takesNull: true)
        switch contentType.prefix(while: { $0 != ";" }).lowercased() {
        case "text/csv":
            let table = try CommaSeparated.read(body)
            inputs = try reader.table(columns: table.columns, rows: table.rows)
        case "application/json", "": inputs = try Self.json(body, reader)
        case let other:
            throw GyreError(
                .invalid, "The content type \"\(other.prefix(80))\" is not taken.",
                fix: "Send application/json or text/csv.")
        }
    }

    private static let forms = ["dataframe_split", "dataframe_records", "instances", "inputs"]

    private static func json(
        _ body: [UInt8], _ reader: RowInputs
    ) throws(GyreError) -> [NamedTensor] {
        var parser = JSONParser(body)
        guard parser.peek() == UInt8(ascii: "{") else {
            throw GyreError(.invalid, "The body is no object.", why: "It has one of \(forms.joined(separator: ", ")).")
        }
        var found: [NamedTensor]?
        try parser.expect("{")
        if !parser.consume("}") {
            repeat {
                let name = try parser.string()
                try parser.expect(":")
                guard forms.contains(name) else {
                    _ = try parser.value()
                    continue
                }
                guard found == nil else {
                    throw GyreError(.invalid, "The request has more than one of \(forms.joined(separator: ", ")).")
                }
                switch name {
                case "dataframe_split": found = try split(try parser.value(), reader)
                case "dataframe_records": found = try records(try parser.value(), reader)
                case "instances": found = try reader.rows(&parser)
                default: found = try reader.columns(&parser)
                }
            } while parser.consume(",")
            try parser.expect("}")
        }
        try parser.end()
        guard let found else {
            throw GyreError(.invalid, "The request has none of \(forms.joined(separator: ", ")).")
        }
        return found
    }

    private static func split(
        _ value: JSONValue, _ reader: RowInputs
    ) throws(GyreError) -> [NamedTensor] {
        guard let data = value["data"]?.array else {
            throw GyreError(.invalid, "\"dataframe_split\" has no list \"data\".")
        }
        var rows: [[JSONValue]] = []
        for row in data {
            guard let values = row.array else { throw GyreError(.invalid, "A row of the data is no list.") }
            rows.append(values)
        }
        let columns = value["columns"]?.array?.map { $0.string ?? $0.text }
        return try reader.table(
            columns: columns ?? (0..<(rows.first?.count ?? 0)).map(String.init), rows: rows)
    }

    private static func records(
        _ value: JSONValue, _ reader: RowInputs
    ) throws(GyreError) -> [NamedTensor] {
        guard let records = value.array else { throw GyreError(.invalid, "\"dataframe_records\" is no list.") }
        return try reader.records(records)
    }
}

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

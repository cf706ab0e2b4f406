// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreDelivery
internal import GyreServing
internal import Synchronization

/// A request to score, in any form that MLflow's server takes: a data frame split or by records, instances, inputs, or CSV.
final class ScoringRequest: RequestDocument {
    let kind = DocumentKind.scoring
    let contentType: String
    let bytes: [UInt8]
    /// Whether it came as a table, once it was read.
    private let isTable = Atomic(true)

    init(_ bytes: [UInt8], contentType: String) {
        self.bytes = bytes
        self.contentType = contentType
    }

    func tensors(for form: InputForm) throws(GyreError) -> [NamedTensor] {
        let reader = RowInputs(form, takesNull: true)
        switch contentType.prefix(while: { $0 != ";" }).lowercased() {
        case "text/csv":
            isTable.store(true, ordering: .relaxed)
            let table = try CommaSeparated.read(bytes)
            return try reader.table(columns: table.columns, rows: Self.typed(table.rows, table.columns, form))
        case "application/json", "":
            let (tensors, isTable) = try Self.json(bytes, reader)
            self.isTable.store(isTable, ordering: .relaxed)
            return tensors
        case let other:
            throw GyreError(
                .invalid, "The content type \"\(other.prefix(80))\" is not taken.",
                fix: "Send application/json or text/csv.")
        }
    }

    /// Fields as the columns that they stand in: pandas writes truths as words, and numbers may stand in quotes.
    private static func typed(_ rows: [[JSONValue]], _ columns: [String], _ form: InputForm) -> [[JSONValue]] {
        let kinds = columns.enumerated().map { place, name -> Tensor.Datatype? in
            if form.matrix != nil { return form.specs.first?.datatype }
            let named = form.specs.first { $0.name == name }
            return (named ?? (place < form.specs.count ? form.specs[place] : nil))?.datatype
        }
        let truths = ["True": true, "true": true, "TRUE": true, "False": false, "false": false, "FALSE": false]
        return rows.map { row in
            row.enumerated().map { place, value in
                guard let text = value.string, place < kinds.count, let kind = kinds[place], kind != .bytes else {
                    return value
                }
                if kind == .bool { return truths[text].map { .bool($0) } ?? value }
                return Int64(text).map { .int($0) } ?? Double(text).map { .double($0) } ?? value
            }
        }
    }

    private static let forms = ["dataframe_split", "dataframe_records", "instances", "inputs"]

    private static func json(
        _ body: [UInt8], _ reader: RowInputs
    ) throws(GyreError) -> (tensors: [NamedTensor], isTable: Bool) {
        var isTable = true
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
                isTable = name.hasPrefix("dataframe")
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
        return (found, isTable)
    }

    /// The body of an answer: what the model wrote itself, else what MLflow makes of outputs, of which it names those of ONNX models.
    func answer(_ answer: Predictor.Answer) throws(GyreError) -> [UInt8] {
        if let document = answer.document { return document }
        return try ScoringAnswer.write(
            answer.outputs, answer.namesOutputs ? isTable.load(ordering: .relaxed) ? .records : .columns : .plain)
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

/// Writes outputs as MLflow's server does.
enum ScoringAnswer {
    /// How rows are written.
    enum Form {
        /// A flat list for one number a row, else a record for each row.
        case plain
        /// A record for each row.
        case records
        /// A list for each output.
        case columns
    }

    static func write(_ outputs: [NamedTensor], _ form: Form) throws(GyreError) -> [UInt8] {
        var writer = JSONWriter(notFinite: .word)
        writer.raw("{\"predictions\":")
        let rows = outputs.first?.tensor.rows ?? 0
        if form == .columns {
            try writer.columns(of: outputs)
        } else if form == .plain && outputs.count == 1
            || outputs.contains(where: { $0.tensor.rows != rows || $0.tensor.shape.isEmpty })
        {
            for output in outputs.prefix(1) { try output.write(nested: true, to: &writer) }
        } else {
            writer.raw("[")
            for row in 0..<rows {
                if row > 0 { writer.raw(",") }
                try writer.row(row, of: outputs, named: form == .records)
            }
            writer.raw("]")
        }
        writer.raw("}")
        return writer.bytes
    }
}

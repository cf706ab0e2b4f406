// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreDelivery
internal import GyreServing

/// A SeldonMessage that asks: rows as `ndarray` or `tensor`, with or without names, a text, or JSON.
final class SeldonMessage: RequestDocument {
    let kind = DocumentKind.scoring
    let contentType = "application/json"
    private let rows: [JSONValue]
    private let names: [String]
    private let form: Form

    /// The member that the data came in, which the answer has them in too.
    private enum Form {
        case array
        case tensor
        case text
        case json
    }

    /// Rows of one message at most.
    private static let mostRows = 1 << 20

    /// Reads a message.
    ///
    /// `columns`: what the model calls its columns. Names that are these say which column is which; others are of no account, as in
    /// Seldon's servers.
    /// - Throws: `.invalid` where it holds no data, or data of several forms.
    init(_ json: JSONValue, columns: [String] = []) throws(GyreError) {
        let data = json["data"]
        let said = data?["names"]?.strings ?? []
        names = Set(said) == Set(columns) ? said : []
        let given =
            ["ndarray", "tensor"].filter { data?[$0] != nil } + ["strData", "jsonData"].filter { json[$0] != nil }
        guard given.count == 1 else {
            throw GyreError(
                .invalid,
                given.isEmpty ? "The message holds no data." : "The message holds data in \(given.count) forms.",
                why: "It has one of data.ndarray, data.tensor, strData and jsonData.",
                fix: #"{"data": {"ndarray": [[1.0, 2.0]]}}"#)
        }
        switch given[0] {
        case "ndarray":
            form = .array
            rows = data?["ndarray"]?.array ?? []
        case "tensor":
            form = .tensor
            rows = try Self.rows(data?["tensor"] ?? [:])
        case "strData":
            form = .text
            rows = [json["strData"] ?? ""]
        default:
            form = .json
            let said = json["jsonData"] ?? .null
            rows = said.array ?? [said]
        }
        guard rows.count <= Self.mostRows, !rows.isEmpty else {
            throw GyreError(.invalid, "The message has \(rows.count) rows.", why: "It has from 1 to \(Self.mostRows).")
        }
    }

    private static func rows(_ tensor: JSONValue) throws(GyreError) -> [JSONValue] {
        let shape = (tensor["shape"]?.array ?? []).compactMap { $0.int.map { Int($0) } }
        let values = tensor["values"]?.array ?? []
        guard let count = Tensor.elementCount(of: shape), count == values.count, let first = shape.first, first > 0
        else {
            throw GyreError(
                .invalid, "The tensor has \(values.count) values for the shape \(shape).",
                why: "A tensor has a shape and as many values, row by row.")
        }
        guard shape.count > 1 else { return values }
        let width = count / first
        return (0..<first).map { .array(Array(values[($0 * width)..<(($0 + 1) * width)])) }
    }

    /// The first number in it; nil where there is none.
    var number: Double? { rows[0].double ?? rows[0].array?.first?.double }

    /// The rows as MLflow's scoring protocol has them, for models that read what clients send.
    var bytes: [UInt8] {
        names.isEmpty
            ? JSONValue.object(JSONObject([("instances", .array(rows))])).bytes
            : JSONValue.object(
                JSONObject([
                    ("dataframe_split", .object(JSONObject([("columns", .strings(names)), ("data", .array(rows))])))
                ])
            ).bytes
    }

    func tensors(for form: InputForm) throws(GyreError) -> [NamedTensor] {
        let inputs = RowInputs(form, takesNull: true)
        let lists = rows.compactMap(\.array)
        if !names.isEmpty, lists.count == rows.count { return try inputs.table(columns: names, rows: lists) }
        var parser = JSONParser(JSONValue.array(rows).bytes)
        return try inputs.rows(&parser)
    }

    /// The answer in the form of the question.
    func answer(_ answer: Predictor.Answer, model: String) throws(GyreError) -> JSONValue {
        var message: JSONValue = [
            "meta": [
                "puid": .string(answer.id), "tags": [:], "routing": [:], "metrics": [],
                "requestPath": [model: .string("version \(answer.version)")],
            ]
        ]
        let (names, values) = try Self.read(answer, rows: rows.count)
        switch form {
        case .array: message["data"] = ["names": .strings(names), "ndarray": .array(values)]
        case .tensor:
            let flat = values.flatMap { $0.array ?? [$0] }
            guard flat.allSatisfy({ $0.double != nil }) else {
                throw GyreError(
                    .invalid, "The model answers with what is no number.", why: "A tensor holds numbers alone.",
                    fix: "Send the rows as ndarray.")
            }
            let width = flat.count / max(1, values.count)
            message["data"] = [
                "names": .strings(names),
                "tensor": ["shape": [.int(Int64(values.count)), .int(Int64(width))], "values": .array(flat)],
            ]
        case .text:
            let first = values.first.map { $0.array?.first ?? $0 } ?? .null
            message["strData"] = .string(first.string ?? first.text)
        case .json: message["jsonData"] = .array(values)
        }
        return message
    }

    /// A row of values for each row that was asked, and their names.
    private static func read(
        _ answer: Predictor.Answer, rows: Int
    ) throws(GyreError) -> (names: [String], values: [JSONValue]) {
        if let document = answer.document {
            let said = try JSONValue(parsing: document)
            let list = (said["predictions"] ?? said).array ?? [said]
            // A table answers with objects, whose members are its columns.
            if let names = list.first?.object?.members.map(\.name) {
                return (names, list.map { row in .array(names.map { row[$0] ?? .null }) })
            }
            return ([], list.map { $0.array == nil ? .array([$0]) : $0 })
        }
        var names: [String] = []
        var values = [[JSONValue]](repeating: [], count: rows)
        for output in answer.outputs where output.tensor.rows == rows {
            let width = output.tensor.count / max(1, rows)
            names += width == 1 ? [output.name] : (0..<width).map { "\(output.name):\($0)" }
            for row in 0..<rows {
                for index in row * width..<(row + 1) * width {
                    values[row].append(
                        output.tensor.text(at: index).map { .string($0) } ?? number(output.tensor, index))
                }
            }
        }
        return (names, values.map { .array($0) })
    }

    private static func number(_ tensor: Tensor, _ index: Int) -> JSONValue {
        if let whole = tensor.integer(at: index), tensor.datatype != .bool { return .int(whole) }
        return .optional(tensor.number(at: index))
    }
}

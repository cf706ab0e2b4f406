// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreServing
internal import GyreTables

/// Rows of a dataset, as a model takes them from a client.
final class BatchRows: RequestDocument {
    let kind = DocumentKind.scoring
    let contentType = "application/json"
    private let columns: [TableColumn]

    init(_ columns: [TableColumn]) { self.columns = columns }

    var count: Int { columns.first?.count ?? 0 }

    /// The rows as a table of MLflow's scoring protocol, for models that read what clients send.
    var bytes: [UInt8] {
        var writer = JSONWriter(notFinite: .null, reservingCapacity: 16 * count * columns.count)
        writer.raw("{\"dataframe_split\":{\"columns\":")
        writer.value(.strings(columns.map(\.name)))
        writer.raw(",\"data\":[")
        for row in 0..<count {
            writer.raw(row > 0 ? ",[" : "[")
            for (place, column) in columns.enumerated() {
                if place > 0 { writer.raw(",") }
                writer.value(column.value(at: row))
            }
            writer.raw("]")
        }
        writer.raw("]}}")
        return writer.bytes
    }

    func tensors(for form: InputForm) throws(GyreError) -> [NamedTensor] {
        let inputs = RowInputs(form, takesNull: true)
        let order = try inputs.places(in: columns.map(\.name))
        let made =
            if let matrix = inputs.tableInput {
                self.matrix(matrix, order).map { [$0] }
            } else {
                zip(form.specs, order).reduce([NamedTensor]?.some([])) { made, next in
                    guard let made, let tensor = self.column(next.0, columns[next.1]) else { return nil }
                    return made + [tensor]
                }
            }
        if let made { return made }
        // What does not fit as it lies there is looked at value by value, which also tells what is wrong.
        let rows = (0..<count).map { row in columns.map { $0.value(at: row) } }
        return try inputs.table(columns: columns.map(\.name), rows: rows)
    }

    /// All columns as one matrix of numbers; nil where they are no numbers.
    private func matrix(_ spec: TensorSpec, _ order: [Int]) -> NamedTensor? {
        guard spec.datatype == .fp32 || spec.datatype == .fp64 else { return nil }
        let width = order.count
        var single = [Float](repeating: 0, count: spec.datatype == .fp32 ? count * width : 0)
        var double = [Double](repeating: 0, count: spec.datatype == .fp64 ? count * width : 0)
        for (place, column) in order.enumerated() {
            guard let numbers = columns[column].numbers else { return nil }
            if spec.datatype == .fp32 {
                for (row, number) in numbers.enumerated() { single[row * width + place] = Float(number) }
            } else {
                for (row, number) in numbers.enumerated() { double[row * width + place] = number }
            }
        }
        return NamedTensor(
            name: spec.name,
            tensor: Tensor(
                datatype: spec.datatype, shape: [count, width],
                storage: spec.datatype == .fp32 ? .floats(single) : .raw(Self.bytes(double))))
    }

    /// A column as the input that it is for; nil where it is of another kind, or values are missing that cannot be.
    private func column(_ spec: TensorSpec, _ column: TableColumn) -> NamedTensor? {
        let storage: Tensor.Storage
        switch (spec.datatype, column.values) {
        case (.fp32, .numbers), (.fp32, .integers):
            guard let numbers = column.numbers else { return nil }
            storage = .floats(numbers.map { Float($0) })
        case (.fp64, .numbers), (.fp64, .integers):
            guard let numbers = column.numbers else { return nil }
            storage = .raw(Self.bytes(numbers))
        case (.int64, .integers(let whole, missing: nil)): storage = .raw(Self.bytes(whole))
        case (.bool, .truths(let truths, missing: nil)): storage = .raw(truths.map { $0 == 0 ? 0 : 1 })
        case (.bytes, .texts(let texts)):
            let present = texts.compactMap(\.self)
            guard present.count == texts.count else { return nil }
            storage = .texts(present)
        default: return nil
        }
        let shape = spec.shape.count == 2 ? [count, 1] : [count]
        return NamedTensor(name: spec.name, tensor: Tensor(datatype: spec.datatype, shape: shape, storage: storage))
    }

    private static func bytes<Element: BitwiseCopyable>(_ values: [Element]) -> [UInt8] {
        unsafe values.withUnsafeBytes { unsafe Array($0) }
    }
}

extension TableColumn {
    /// Its values as numbers, NaN where one is missing; nil for truths and texts.
    fileprivate var numbers: [Double]? {
        switch values {
        case .numbers(let numbers): return numbers
        case .integers(let whole, nil): return whole.map { Double($0) }
        case .integers(let whole, let missing?): return zip(whole, missing).map { $1 ? .nan : Double($0) }
        case .truths, .texts: return nil
        }
    }

    /// What a model said of some rows: a value for each, or a list of values.
    init(_ output: NamedTensor, named name: String) {
        let tensor = output.tensor
        let width = tensor.rows > 0 ? tensor.count / tensor.rows : 1
        self.init(name: name, values: Self.values(tensor), width: width == 1 ? nil : width)
    }

    private static func values(_ tensor: Tensor) -> Values {
        switch (tensor.storage, tensor.datatype) {
        case (.texts(let texts), _): return .texts(texts)
        case (.floats(let numbers), _): return .numbers(numbers.map { Double($0) })
        case (.raw(let bytes), .fp64):
            let count = bytes.count / 8
            return .numbers(
                unsafe [Double](unsafeUninitializedCapacity: count) { buffer, filled in
                    unsafe UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes.prefix(8 * count))
                    filled = count
                })
        case (.raw(let bytes), .bool): return .truths(bytes.map { $0 == 0 ? 0 : 1 }, missing: nil)
        case (.raw(let bytes), .fp16):
            return .numbers(pairs(bytes).map { Double(Float16(bitPattern: $0)) })
        case (.raw(let bytes), .bf16):
            return .numbers(pairs(bytes).map { Double(Float(bitPattern: UInt32($0) << 16)) })
        case (.raw, _):
            let whole = (0..<tensor.count).compactMap { tensor.integer(at: $0) }
            // Numbers beyond 64 bits with a sign have no exact form in a table.
            guard whole.count == tensor.count else {
                return .numbers((0..<tensor.count).map { tensor.number(at: $0) ?? .nan })
            }
            return .integers(whole, missing: nil)
        }
    }

    /// Two bytes each, the lower one first.
    private static func pairs(_ bytes: [UInt8]) -> [UInt16] {
        stride(from: 0, to: bytes.count - 1, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
    }

    /// The type of such a column in SQL.
    var type: String {
        let element =
            switch values {
            case .numbers: "DOUBLE"
            case .integers: "BIGINT"
            case .truths: "BOOLEAN"
            case .texts: "VARCHAR"
            }
        return width == nil ? element : element + "[]"
    }
}

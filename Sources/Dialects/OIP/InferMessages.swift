// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreServing

/// An infer request, read in one pass over its bytes.
struct InferRequest {
    var id: String?
    var inputs: [NamedTensor] = []
    var outputs: [String] = []
    var parameters: JSONValue = [:]

    init(_ bytes: [UInt8]) throws(GyreError) {
        var parser = JSONParser(bytes)
        try parser.expect("{")
        var hasInputs = false
        if !parser.consume("}") {
            repeat {
                let name = try parser.string()
                try parser.expect(":")
                switch name {
                case "id": id = try parser.value().string
                case "parameters": parameters = try parser.value()
                case "inputs":
                    hasInputs = true
                    try readInputs(&parser)
                case "outputs": outputs = (try parser.value().array ?? []).compactMap { $0["name"]?.string }
                default: _ = try parser.value()
                }
            } while parser.consume(",")
            try parser.expect("}")
        }
        try parser.end()
        guard hasInputs else { throw GyreError(.invalid, "The request has no \"inputs\".") }
    }

    private mutating func readInputs(_ parser: inout JSONParser) throws(GyreError) {
        try parser.expect("[")
        if parser.consume("]") { return }
        repeat { inputs.append(try Self.input(&parser)) } while parser.consume(",")
        try parser.expect("]")
    }

    private static func input(_ parser: inout JSONParser) throws(GyreError) -> NamedTensor {
        var name: String?
        var shape: [Int]?
        var datatype: Tensor.Datatype?
        var data: TensorData?
        try parser.expect("{")
        repeat {
            let member = try parser.string()
            try parser.expect(":")
            switch member {
            case "name": name = try parser.value().string
            case "shape": shape = try parser.value().array?.map { Int($0.int ?? -1) }
            case "datatype":
                let word = try parser.value().string ?? ""
                guard let known = Tensor.Datatype(rawValue: word) else {
                    throw GyreError(.invalid, "\"\(word.prefix(40))\" is no datatype of the protocol.")
                }
                datatype = known
            case "data":
                var flat = TensorData()
                try flatten(&parser, into: &flat, depth: 0)
                data = flat
            default: _ = try parser.value()
            }
        } while parser.consume(",")
        try parser.expect("}")
        guard let name, let shape, let datatype else {
            throw GyreError(.invalid, "The input \"\(name ?? "")\" needs name, shape and datatype.")
        }
        guard let data else { throw GyreError(.invalid, "The input \"\(name)\" has no data.") }
        return NamedTensor(name: name, tensor: try tensor(name, datatype, shape, data))
    }

    /// Data may be nested to the shape or flat; both are row-major.
    private static func flatten(_ parser: inout JSONParser, into flat: inout TensorData, depth: Int) throws(GyreError) {
        guard depth <= 16 else { throw GyreError(.limitExceeded, "The data is nested deeper than 16 levels.") }
        try parser.expect("[")
        if parser.consume("]") { return }
        repeat {
            if parser.peek() == UInt8(ascii: "[") {
                try flatten(&parser, into: &flat, depth: depth + 1)
            } else if let number = try parser.plainNumber() {
                flat.append(number)
            } else {
                flat.append(try parser.value())
            }
        } while parser.consume(",")
        try parser.expect("]")
    }

    private static func tensor(
        _ name: String, _ datatype: Tensor.Datatype, _ shape: [Int], _ data: TensorData
    ) throws(GyreError) -> Tensor {
        guard let count = Tensor.elementCount(of: shape), shape.count <= 16, count == data.count else {
            throw GyreError(
                .invalid, "The input \"\(name)\" has \(data.count) elements of data.",
                why: "Its shape \(shape) asks for another number.")
        }
        func wrong(_ value: JSONValue) -> GyreError {
            GyreError(
                .invalid, "The input \"\(name)\" holds \(value.text.prefix(40)).",
                why: "That is no \(datatype.rawValue).")
        }
        switch datatype {
        case .fp32:
            if let values = data.floats { return Tensor(datatype: datatype, shape: shape, storage: .floats(values)) }
            throw wrong(data.values.first { $0.double == nil } ?? .null)
        case .bytes:
            var texts: [[UInt8]] = []
            for value in data.values {
                guard let text = value.string else { throw wrong(value) }
                texts.append(Array(text.utf8))
            }
            return Tensor(datatype: datatype, shape: shape, storage: .texts(texts))
        case .fp16: throw GyreError(.invalid, "The input \"\(name)\" is FP16, which has no JSON form.")
        default:
            var bytes: [UInt8] = []
            for value in data.values {
                guard let pattern = pattern(value, datatype) else { throw wrong(value) }
                for offset in 0..<(datatype.elementBytes ?? 0) {
                    bytes.append(UInt8(truncatingIfNeeded: pattern >> UInt64(8 * offset)))
                }
            }
            return Tensor(datatype: datatype, shape: shape, storage: .raw(bytes))
        }
    }

    private static func pattern(_ value: JSONValue, _ datatype: Tensor.Datatype) -> UInt64? {
        func fits<Number: FixedWidthInteger>(_ type: Number.Type) -> UInt64? {
            if let number = value.int { return Number(exactly: number).map { UInt64(truncatingIfNeeded: $0) } }
            return nil
        }
        switch datatype {
        case .bool: return value.bool.map { $0 ? 1 : 0 } ?? value.int.flatMap { $0 == 0 || $0 == 1 ? UInt64($0) : nil }
        case .fp64: return value.double?.bitPattern
        case .int8: return fits(Int8.self)
        case .int16: return fits(Int16.self)
        case .int32: return fits(Int32.self)
        case .int64: return fits(Int64.self)
        case .uint8: return fits(UInt8.self)
        case .uint16: return fits(UInt16.self)
        case .uint32: return fits(UInt32.self)
        // Above Int64.max the parser gives a double; such a number is exact only as text, which JSON clients do not send.
        case .uint64: return fits(UInt64.self) ?? value.double.flatMap { UInt64(exactly: $0) }
        case .fp16, .fp32, .bytes: return nil
        }
    }
}

/// Writes an infer answer.
enum InferResponse {
    static func write(
        model: String, version: Int, id: String, outputs: [NamedTensor]
    ) throws(GyreError) -> [UInt8] {
        var writer = JSONWriter(notFinite: .word, reservingCapacity: 256)
        writer.raw("{\"model_name\":")
        writer.string(model)
        writer.raw(",\"model_version\":")
        writer.string(String(version))
        writer.raw(",\"id\":")
        writer.string(id)
        writer.raw(",\"outputs\":[")
        for (index, output) in outputs.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.raw("{\"name\":")
            writer.string(output.name)
            writer.raw(",\"datatype\":")
            writer.string(output.tensor.datatype.rawValue)
            writer.raw(",\"shape\":[")
            for (position, length) in output.tensor.shape.enumerated() {
                if position > 0 { writer.raw(",") }
                writer.integer(Int64(length))
            }
            writer.raw("],\"data\":[")
            try data(output, &writer)
            writer.raw("]}")
        }
        writer.raw("]}")
        return writer.bytes
    }

    private static func data(_ output: NamedTensor, _ writer: inout JSONWriter) throws(GyreError) {
        let tensor = output.tensor
        switch tensor.storage {
        case .floats(let values):
            for (index, value) in values.enumerated() {
                if index > 0 { writer.raw(",") }
                writer.float(value)
            }
        case .texts(let texts):
            for (index, bytes) in texts.enumerated() {
                if index > 0 { writer.raw(",") }
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw GyreError(
                        .invalid, "The output \"\(output.name)\" holds bytes that are no text.",
                        why: "They cannot be written as JSON.")
                }
                writer.string(text)
            }
        case .raw(let bytes):
            let size = tensor.datatype.elementBytes ?? 1
            for index in 0..<tensor.count {
                if index > 0 { writer.raw(",") }
                var pattern: UInt64 = 0
                for offset in 0..<size { pattern |= UInt64(bytes[index * size + offset]) << UInt64(8 * offset) }
                switch tensor.datatype {
                case .bool: writer.raw(pattern == 0 ? "false" : "true")
                case .int8: writer.integer(Int64(Int8(truncatingIfNeeded: pattern)))
                case .int16: writer.integer(Int64(Int16(truncatingIfNeeded: pattern)))
                case .int32: writer.integer(Int64(Int32(truncatingIfNeeded: pattern)))
                case .int64: writer.integer(Int64(bitPattern: pattern))
                case .uint64: writer.raw(String(pattern).utf8)
                case .uint8, .uint16, .uint32: writer.integer(Int64(pattern))
                case .fp64: writer.double(Double(bitPattern: pattern))
                case .fp16, .fp32, .bytes:
                    throw GyreError(
                        .invalid,
                        "The output \"\(output.name)\" is \(tensor.datatype.rawValue), which has no JSON form.")
                }
            }
        }
    }
}

/// The elements of a tensor as they are read: numbers as doubles, which costs little, until one comes that a double does not hold.
private struct TensorData {
    private var numbers: [Double] = []
    private var others: [JSONValue] = []

    /// How many there are.
    var count: Int { others.isEmpty ? numbers.count : others.count }

    mutating func append(_ number: Double) {
        if others.isEmpty { numbers.append(number) } else { others.append(.double(number)) }
    }

    mutating func append(_ value: JSONValue) {
        // NaN and the infinities are words to the parser and doubles here.
        if case .double(let number) = value { return append(number) }
        if others.isEmpty { others = numbers.map { .double($0) } }
        others.append(value)
    }

    /// All of them; a whole double is as good as an integer.
    var values: [JSONValue] { others.isEmpty ? numbers.map { .double($0) } : others }

    /// All of them in single precision; nil if one is no number.
    var floats: [Float]? {
        if others.isEmpty { return numbers.map { Float($0) } }
        let floats = others.compactMap { $0.double.map { Float($0) } }
        return floats.count == others.count ? floats : nil
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase

/// Elements of one type as they come out of JSON, each put at once where the tensor will have it.
package struct TensorElements: Sendable {
    /// What each element is.
    package let datatype: Tensor.Datatype
    /// How many elements there are.
    package private(set) var count = 0
    private let name: String
    private let takesNull: Bool
    private let mayHoldNumbers: Bool
    /// Whether there are numbers among texts, which only rows of several columns may have.
    package private(set) var holdsNumbers = false
    private var floats: [Float] = []
    private var raw: [UInt8] = []
    private var texts: [[UInt8]] = []

    /// Levels that data may be nested.
    private static let deepest = 16

    /// No elements yet.
    ///
    /// `name`: the input, for errors. `takesNull`: whether `null` stands for a missing number, as data frames have it. `mayHoldNumbers`:
    /// whether numbers may stand among texts, which are then kept as the texts that say them.
    package init(
        _ name: String, _ datatype: Tensor.Datatype, takesNull: Bool = false, mayHoldNumbers: Bool = false
    ) {
        self.mayHoldNumbers = mayHoldNumbers
        self.name = name
        self.datatype = datatype
        self.takesNull = takesNull
    }

    /// What has been read, as a tensor's storage.
    package var storage: Tensor.Storage {
        switch datatype {
        case .fp32: .floats(floats)
        case .bytes: .texts(texts)
        default: .raw(raw)
        }
    }

    /// What has been read, as a tensor of `shape`.
    /// - Throws: `.invalid` where the shape asks for another number of elements.
    package func tensor(_ shape: [Int]) throws(GyreError) -> Tensor {
        guard let wanted = Tensor.elementCount(of: shape), shape.count <= Self.deepest, wanted == count else {
            throw GyreError(
                .invalid, "The input \"\(name)\" has \(count) elements of data.",
                why: "Its shape \(shape) asks for another number.")
        }
        return Tensor(datatype: datatype, shape: shape, storage: storage)
    }

    /// Reads a list of elements, nested or flat, whatever its shape.
    package mutating func readList(_ parser: inout JSONParser, depth: Int = 0) throws(GyreError) {
        guard depth <= Self.deepest else { throw tooDeep }
        try parser.expect("[")
        if parser.consume("]") { return }
        repeat {
            if parser.peek() == UInt8(ascii: "[") {
                try readList(&parser, depth: depth + 1)
            } else {
                try readElement(&parser)
            }
        } while parser.consume(",")
        try parser.expect("]")
    }

    /// Reads a value and tells its shape: `[]` for a bare element.
    /// - Throws: `.invalid` where the rows of a list differ in length.
    package mutating func readShaped(_ parser: inout JSONParser, depth: Int = 0) throws(GyreError) -> [Int] {
        guard parser.peek() == UInt8(ascii: "[") else {
            try readElement(&parser)
            return []
        }
        guard depth <= Self.deepest else { throw tooDeep }
        try parser.expect("[")
        if parser.consume("]") { return [0] }
        var inner: [Int]?
        var length = 0
        repeat {
            if inner == nil || inner?.isEmpty == false {
                let shape = try readShaped(&parser, depth: depth + 1)
                guard inner == nil || inner == shape else { throw ragged }
                inner = shape
            } else {
                if parser.peek() == UInt8(ascii: "[") { throw ragged }
                try readElement(&parser)
            }
            length += 1
        } while parser.consume(",")
        try parser.expect("]")
        return [length] + (inner ?? [])
    }

    /// Reads one element.
    package mutating func readElement(_ parser: inout JSONParser) throws(GyreError) {
        count += 1
        if datatype == .fp32, let number = try parser.plainFloat() {
            floats.append(number)
        } else if datatype == .uint64, let number = try parser.unsignedNumber() {
            append(number, 8)
        } else {
            try append(try parser.value())
        }
    }

    /// Takes a value that was read before.
    package mutating func take(_ value: JSONValue) throws(GyreError) {
        count += 1
        try append(value)
    }

    /// Takes an element of another tensor: a number of any type that is the same in this one, or a text that says it.
    /// - Throws: `.invalid` naming the input where it is another.
    mutating func take(_ tensor: Tensor, at index: Int) throws(GyreError) {
        count += 1
        guard case .texts(let given) = tensor.storage else {
            if let whole = tensor.integer(at: index) { return try append(.int(whole)) }
            guard let number = tensor.number(at: index) else {
                throw GyreError(
                    .invalid, "The input \"\(name)\" is given as \(tensor.datatype.rawValue).",
                    why: "The model expects \(datatype.rawValue).")
            }
            return try append(.double(number))
        }
        if datatype == .bytes { return texts.append(given[index]) }
        let text = String(decoding: given[index], as: UTF8.self)
        // What is no number is told as the text that it is.
        try append(Int64(text).map(JSONValue.int) ?? Double(text).map(JSONValue.double) ?? .string(text))
    }

    private mutating func append(_ pattern: UInt64, _ size: Int) {
        for offset in 0..<size { raw.append(UInt8(truncatingIfNeeded: pattern >> UInt64(8 * offset))) }
    }

    private mutating func append(_ value: JSONValue) throws(GyreError) {
        switch datatype {
        case .fp32:
            guard let number = number(value) else { throw wrong(value) }
            floats.append(Float(number))
        case .fp64:
            guard let number = number(value) else { throw wrong(value) }
            append(number.bitPattern, 8)
        case .bytes: texts.append(try text(value))
        case .bool:
            if let flag = value.bool {
                raw.append(flag ? 1 : 0)
            } else if let number = value.int, number == 0 || number == 1 {
                raw.append(UInt8(number))
            } else {
                throw wrong(value)
            }
        case .int8: append(try integer(value, Int8.self), 1)
        case .int16: append(try integer(value, Int16.self), 2)
        case .int32: append(try integer(value, Int32.self), 4)
        case .int64: append(try integer(value, Int64.self), 8)
        case .uint8: append(try integer(value, UInt8.self), 1)
        case .uint16: append(try integer(value, UInt16.self), 2)
        case .uint32: append(try integer(value, UInt32.self), 4)
        case .uint64: append(try integer(value, UInt64.self), 8)
        case .fp16, .bf16:
            throw GyreError(
                .invalid, "The input \"\(name)\" is \(datatype.rawValue), which has no JSON form.",
                fix: "Send it as a binary tensor.")
        }
    }

    private func number(_ value: JSONValue) -> Double? { value == .null && takesNull ? .nan : value.double }

    private func integer<Number: FixedWidthInteger>(
        _ value: JSONValue, _ type: Number.Type
    ) throws(GyreError) -> UInt64 {
        if let whole = value.int, let number = Number(exactly: whole) { return UInt64(truncatingIfNeeded: number) }
        if let real = value.double, let number = Number(exactly: real) { return UInt64(truncatingIfNeeded: number) }
        throw wrong(value)
    }

    /// A text, or bytes that have no text form: `{"b64": "…"}`.
    private mutating func text(_ value: JSONValue) throws(GyreError) -> [UInt8] {
        if let text = value.string { return Array(text.utf8) }
        if mayHoldNumbers, value.double != nil {
            holdsNumbers = true
            return Array(value.text.utf8)
        }
        guard let text = value["b64"]?.string, let data = Data(base64Encoded: text) else { throw wrong(value) }
        return Array(data)
    }

    private var tooDeep: GyreError {
        GyreError(.limitExceeded, "The data of \"\(name)\" is nested deeper than \(Self.deepest) levels.")
    }

    private var ragged: GyreError {
        GyreError(
            .invalid, "The lists in the input \"\(name)\" differ in length or depth.", why: "They form no tensor.")
    }

    private func wrong(_ value: JSONValue) -> GyreError {
        GyreError(
            .invalid, "The input \"\(name)\" holds \(value.text.prefix(40)).", why: "That is no \(datatype.rawValue).")
    }
}

extension JSONWriter {
    /// Writes outputs as an object with a nested list for each.
    package mutating func columns(of outputs: [NamedTensor]) throws(GyreError) {
        raw("{")
        for (index, output) in outputs.enumerated() {
            if index > 0 { raw(",") }
            string(output.name)
            raw(":")
            try output.write(nested: true, to: &self)
        }
        raw("}")
    }

    /// Writes one row of a model's outputs: the bare value of the only one, else an object by their names.
    ///
    /// `named`: whether one output is named too.
    package mutating func row(_ row: Int, of outputs: [NamedTensor], named: Bool = false) throws(GyreError) {
        if outputs.count == 1, !named { return try outputs[0].write(row: row, to: &self) }
        raw("{")
        for (index, output) in outputs.enumerated() {
            if index > 0 { raw(",") }
            string(output.name)
            raw(":")
            try output.write(row: row, to: &self)
        }
        raw("}")
    }
}

extension NamedTensor {
    /// Writes the elements as JSON: as one list, or nested to the shape.
    /// - Throws: `.invalid` where they have no JSON form.
    package func write(nested: Bool, to writer: inout JSONWriter) throws(GyreError) {
        if nested {
            var next = 0
            try write(dimension: 0, &next, &writer)
        } else {
            writer.raw("[")
            for index in 0..<tensor.count {
                if index > 0 { writer.raw(",") }
                try element(index, &writer)
            }
            writer.raw("]")
        }
    }

    /// Writes one row, nested to the shape of the rest.
    package func write(row: Int, to writer: inout JSONWriter) throws(GyreError) {
        var next = tensor.rows == 0 ? 0 : row * (tensor.count / tensor.rows)
        try write(dimension: tensor.shape.isEmpty ? 0 : 1, &next, &writer)
    }

    private func write(dimension: Int, _ next: inout Int, _ writer: inout JSONWriter) throws(GyreError) {
        guard dimension < tensor.shape.count else {
            try element(next, &writer)
            next += 1
            return
        }
        writer.raw("[")
        for index in 0..<tensor.shape[dimension] {
            if index > 0 { writer.raw(",") }
            try write(dimension: dimension + 1, &next, &writer)
        }
        writer.raw("]")
    }

    private func element(_ index: Int, _ writer: inout JSONWriter) throws(GyreError) {
        switch tensor.storage {
        case .floats(let values): writer.float(values[index])
        case .texts(let texts):
            guard let text = String(validating: texts[index], as: UTF8.self) else {
                throw GyreError(
                    .invalid, "The output \"\(name)\" holds bytes that are no text.",
                    why: "They cannot be written as JSON.", fix: "Ask for it as a binary tensor.")
            }
            writer.string(text)
        case .raw(let bytes):
            let size = tensor.datatype.elementBytes ?? 1
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
            case .fp32: writer.float(Float(bitPattern: UInt32(truncatingIfNeeded: pattern)))
            case .fp16, .bf16, .bytes:
                throw GyreError(
                    .invalid, "The output \"\(name)\" is \(tensor.datatype.rawValue), which has no JSON form.",
                    fix: "Ask for it as a binary tensor.")
            }
        }
    }
}

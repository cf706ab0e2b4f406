// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A typed array of any rank: what models take and give.
package struct Tensor: Sendable, Hashable {
    /// What each element is.
    package let datatype: Datatype
    /// Length of each dimension; an empty shape is one element.
    package let shape: [Int]
    /// The elements, row-major.
    package let storage: Storage

    /// The types of the Open Inference Protocol.
    package enum Datatype: String, Sendable, Hashable, CaseIterable {
        // swift-format-ignore: AlwaysUseLowerCamelCase
        case bool = "BOOL"
        case uint8 = "UINT8"
        case uint16 = "UINT16"
        case uint32 = "UINT32"
        case uint64 = "UINT64"
        case int8 = "INT8"
        case int16 = "INT16"
        case int32 = "INT32"
        case int64 = "INT64"
        case fp16 = "FP16"
        case fp32 = "FP32"
        case fp64 = "FP64"
        case bf16 = "BF16"
        case bytes = "BYTES"

        /// Bytes of one element in memory; nil for BYTES, whose elements differ.
        package var elementBytes: Int? {
            switch self {
            case .bool, .uint8, .int8: 1
            case .uint16, .int16, .fp16, .bf16: 2
            case .uint32, .int32, .fp32: 4
            case .uint64, .int64, .fp64: 8
            case .bytes: nil
            }
        }
    }

    /// How elements lie in memory.
    package enum Storage: Sendable, Hashable {
        /// Single precision, the common case.
        case floats([Float])
        /// Any fixed-size type, little-endian.
        case raw([UInt8])
        /// BYTES: one array of bytes an element.
        case texts([[UInt8]])
    }

    /// A tensor whose storage fits its shape, as the caller has checked.
    package init(datatype: Datatype, shape: [Int], storage: Storage) {
        self.datatype = datatype
        self.shape = shape
        self.storage = storage
    }

    /// Elements of a shape, or nil where a length is negative or the product overflows.
    package static func elementCount(of shape: [Int]) -> Int? {
        var count = 1
        for length in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            guard length >= 0, !overflow else { return nil }
            count = product
        }
        return count
    }

    /// Elements in all.
    package var count: Int {
        switch storage {
        case .floats(let values): values.count
        case .raw(let bytes): bytes.count / (datatype.elementBytes ?? 1)
        case .texts(let texts): texts.count
        }
    }

    /// One element as text; nil where the elements are none.
    package func text(at index: Int) -> String? {
        guard case .texts(let texts) = storage else { return nil }
        return String(decoding: texts[index], as: UTF8.self)
    }

    /// Length of the first dimension: rows of a batch; 1 for a scalar.
    package var rows: Int { shape.first ?? 1 }

    /// The rows in `range`, in order.
    package func rows(_ range: Range<Int>) -> Tensor {
        let width = rows == 0 ? 0 : count / rows
        let elements = range.lowerBound * width..<range.upperBound * width
        let storage: Storage =
            switch storage {
            case .floats(let values): .floats(Array(values[elements]))
            case .texts(let texts): .texts(Array(texts[elements]))
            case .raw(let bytes):
                .raw(
                    Array(
                        bytes[
                            elements.lowerBound * (datatype.elementBytes ?? 1)..<elements.upperBound
                                * (datatype.elementBytes ?? 1)]))
            }
        return Tensor(datatype: datatype, shape: [range.count] + shape.dropFirst(), storage: storage)
    }

    /// One tensor with the rows of all, whose types and other dimensions are equal.
    package static func joined(_ parts: [Tensor]) -> Tensor {
        let shape = [parts.reduce(0) { $0 + $1.rows }] + parts[0].shape.dropFirst()
        var floats: [Float] = []
        var raw: [UInt8] = []
        var texts: [[UInt8]] = []
        for part in parts {
            switch part.storage {
            case .floats(let values): floats += values
            case .raw(let bytes): raw += bytes
            case .texts(let more): texts += more
            }
        }
        let storage: Storage =
            switch parts[0].storage {
            case .floats: .floats(floats)
            case .raw: .raw(raw)
            case .texts: .texts(texts)
            }
        return Tensor(datatype: parts[0].datatype, shape: shape, storage: storage)
    }

    /// The same numbers in single or double precision; itself where it has that type already or holds no numbers.
    package func converted(to datatype: Datatype) -> Tensor {
        guard datatype != self.datatype, datatype == .fp32 || datatype == .fp64, self.datatype != .bytes,
            self.datatype != .fp16, self.datatype != .bf16
        else { return self }
        let numbers = (0..<count).map { number(at: $0) ?? .nan }
        if datatype == .fp32 {
            return Tensor(datatype: .fp32, shape: shape, storage: .floats(numbers.map { Float($0) }))
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 * count)
        for number in numbers {
            for offset in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: number.bitPattern >> UInt64(8 * offset))) }
        }
        return Tensor(datatype: .fp64, shape: shape, storage: .raw(bytes))
    }

    /// The element at `index` as a whole number with all of its digits; nil for other types, and where it exceeds 64 bits with a sign.
    package func integer(at index: Int) -> Int64? {
        guard case .raw(let bytes) = storage, let size = datatype.elementBytes else { return nil }
        var pattern: UInt64 = 0
        for offset in 0..<size { pattern |= UInt64(bytes[index * size + offset]) << UInt64(8 * offset) }
        switch datatype {
        case .bool, .uint8, .uint16, .uint32, .uint64: return Int64(exactly: pattern)
        case .int8: return Int64(Int8(truncatingIfNeeded: pattern))
        case .int16: return Int64(Int16(truncatingIfNeeded: pattern))
        case .int32: return Int64(Int32(truncatingIfNeeded: pattern))
        case .int64: return Int64(bitPattern: pattern)
        case .fp16, .fp32, .fp64, .bf16, .bytes: return nil
        }
    }

    /// The element at `index` as a number; nil for BYTES, FP16 and BF16.
    package func number(at index: Int) -> Double? {
        switch storage {
        case .floats(let values): return Double(values[index])
        case .texts: return nil
        case .raw(let bytes):
            guard let size = datatype.elementBytes else { return nil }
            var pattern: UInt64 = 0
            for offset in 0..<size { pattern |= UInt64(bytes[index * size + offset]) << UInt64(8 * offset) }
            switch datatype {
            case .bool, .uint8, .uint16, .uint32, .uint64: return Double(pattern)
            case .int8: return Double(Int8(truncatingIfNeeded: pattern))
            case .int16: return Double(Int16(truncatingIfNeeded: pattern))
            case .int32: return Double(Int32(truncatingIfNeeded: pattern))
            case .int64: return Double(Int64(truncatingIfNeeded: pattern))
            case .fp32: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: pattern)))
            case .fp64: return Double(bitPattern: pattern)
            case .fp16, .bf16, .bytes: return nil
            }
        }
    }
}

/// A tensor with the name of the input or output that it is for.
package struct NamedTensor: Sendable, Hashable {
    /// The model's name for it.
    package let name: String
    /// The content.
    package let tensor: Tensor
    /// Whether numbers were sent among its texts, as rows of several columns have them.
    package var holdsNumbers = false

    /// A tensor of this name.
    package init(name: String, tensor: Tensor) {
        self.name = name
        self.tensor = tensor
    }
}

/// An input or output as a model declares it.
package struct TensorSpec: Sendable, Hashable {
    /// Which input or output of a model it is.
    package let name: String
    /// Its element type.
    package let datatype: Tensor.Datatype
    /// Its dimensions; -1 may vary.
    package let shape: [Int]

    /// A declaration.
    package init(name: String, datatype: Tensor.Datatype, shape: [Int]) {
        self.name = name
        self.datatype = datatype
        self.shape = shape
    }

    /// Checks that `tensor` is what this declares.
    /// - Throws: `.invalid` naming the input, what is expected and what was given.
    package func check(_ tensor: Tensor) throws(GyreError) {
        guard tensor.datatype == datatype else {
            throw GyreError(
                .invalid, "The input \"\(name)\" has the datatype \(tensor.datatype.rawValue).",
                why: "The model expects \(datatype.rawValue).")
        }
        let fits = tensor.shape.count == shape.count && zip(tensor.shape, shape).allSatisfy { $0 == $1 || $1 == -1 }
        guard fits else {
            throw GyreError(
                .invalid, "The input \"\(name)\" has the shape \(tensor.shape).",
                why: "The model expects \(shape), where -1 may be any length.")
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import COnnxRuntime
internal import GyreServing

/// ONNX's numbers of the element types.
enum OnnxElement {
    static func datatype(_ element: Int32) -> Tensor.Datatype? {
        switch element {
        case 1: .fp32
        case 2: .uint8
        case 3: .int8
        case 4: .uint16
        case 5: .int16
        case 6: .int32
        case 7: .int64
        case 8: .bytes
        case 9: .bool
        case 10: .fp16
        case 11: .fp64
        case 12: .uint32
        case 13: .uint64
        case 16: .bf16
        default: nil
        }
    }

    static func number(_ datatype: Tensor.Datatype) -> Int32 {
        switch datatype {
        case .fp32: 1
        case .uint8: 2
        case .int8: 3
        case .uint16: 4
        case .int16: 5
        case .int32: 6
        case .int64: 7
        case .bytes: 8
        case .bool: 9
        case .fp16: 10
        case .fp64: 11
        case .uint32: 12
        case .uint64: 13
        case .bf16: 16
        }
    }
}

/// A tensor with its elements where C can read them.
struct PreparedInput {
    private let tensor: Tensor
    private let bytes: [UInt8]
    private let offsets: [Int]

    init(_ tensor: Tensor) {
        self.tensor = tensor
        switch tensor.storage {
        case .floats:
            bytes = []
            offsets = []
        case .raw(let raw):
            bytes = raw
            offsets = []
        case .texts(let texts):
            var joined: [UInt8] = []
            var starts: [Int] = []
            for text in texts {
                starts.append(joined.count)
                joined.append(contentsOf: text)
            }
            bytes = joined
            offsets = starts
        }
    }

    /// Calls `body` with all inputs in C's form; nothing in it outlives the call.
    static func withTensors<Result>(_ inputs: [PreparedInput], _ body: ([gyre_onnx_tensor]) -> Result) -> Result {
        unsafe collect(inputs[...], [], body)
    }

    private static func collect<Result>(
        _ rest: ArraySlice<PreparedInput>, _ done: [gyre_onnx_tensor], _ body: ([gyre_onnx_tensor]) -> Result
    ) -> Result {
        guard let first = rest.first else { return unsafe body(done) }
        return unsafe first.withBytes { data in
            unsafe first.offsets.withUnsafeBufferPointer { offsets in
                var tensor = unsafe gyre_onnx_tensor()
                unsafe tensor.element = OnnxElement.number(first.tensor.datatype)
                unsafe tensor.rank = first.tensor.shape.count
                unsafe withUnsafeMutableBytes(of: &tensor.shape) { shape in
                    let lengths = unsafe shape.bindMemory(to: Int64.self)
                    for (index, length) in first.tensor.shape.enumerated() { unsafe lengths[index] = Int64(length) }
                }
                unsafe tensor.count = first.tensor.count
                // ONNX Runtime takes inputs by a mutable pointer and does not write to them.
                unsafe tensor.data = UnsafeMutableRawPointer(mutating: data.baseAddress)
                unsafe tensor.bytes = data.count
                unsafe tensor.offsets = UnsafeMutablePointer(mutating: offsets.baseAddress)
                return unsafe collect(rest.dropFirst(), done + [tensor], body)
            }
        }
    }

    private func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if case .floats(let values) = tensor.storage { return unsafe values.withUnsafeBytes(body) }
        return unsafe bytes.withUnsafeBytes(body)
    }
}

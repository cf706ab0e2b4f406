// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Tensors as plain bytes: little-endian and row-major; each element of BYTES after its length in four bytes.
extension Tensor {
    /// The tensor that `bytes` hold.
    /// - Throws: `.invalid` naming the input where the number of bytes does not fit the shape.
    package init(_ name: String, _ datatype: Datatype, _ shape: [Int], bytes: ArraySlice<UInt8>) throws(GyreError) {
        guard let count = Self.elementCount(of: shape), shape.count <= 16 else {
            throw GyreError(.invalid, "The input \"\(name)\" has the shape \(shape), which is none.")
        }
        if let size = datatype.elementBytes {
            let (wanted, overflows) = count.multipliedReportingOverflow(by: size)
            guard !overflows, bytes.count == wanted else {
                throw GyreError(
                    .invalid, "The input \"\(name)\" has \(bytes.count) bytes.",
                    why:
                        "Its shape \(shape) of \(datatype.rawValue) asks for \(overflows ? "too many" : String(wanted))."
                )
            }
            if datatype == .fp32 {
                let values = unsafe [Float](unsafeUninitializedCapacity: count) { target, initialized in
                    unsafe bytes.withUnsafeBytes { unsafe UnsafeMutableRawBufferPointer(target).copyMemory(from: $0) }
                    initialized = count
                }
                self.init(datatype: datatype, shape: shape, storage: .floats(values))
            } else {
                self.init(datatype: datatype, shape: shape, storage: .raw(Array(bytes)))
            }
            return
        }
        var texts: [[UInt8]] = []
        var position = bytes.startIndex
        while position < bytes.endIndex {
            guard bytes.endIndex - position >= 4 else { throw Self.cutShort(name) }
            var length = 0
            for offset in 0..<4 { length |= Int(bytes[position + offset]) << (8 * offset) }
            position += 4
            guard bytes.endIndex - position >= length else { throw Self.cutShort(name) }
            texts.append(Array(bytes[position..<position + length]))
            position += length
        }
        guard texts.count == count else {
            throw GyreError(
                .invalid, "The input \"\(name)\" has \(texts.count) elements.",
                why: "Its shape \(shape) asks for another number.")
        }
        self.init(datatype: datatype, shape: shape, storage: .texts(texts))
    }

    private static func cutShort(_ name: String) -> GyreError {
        GyreError(.invalid, "The bytes of the input \"\(name)\" end in the middle of an element.")
    }

    /// How many bytes it has in this form.
    package var byteCount: Int {
        switch storage {
        case .floats(let values): values.count * 4
        case .raw(let bytes): bytes.count
        case .texts(let texts): texts.reduce(0) { $0 + 4 + $1.count }
        }
    }

    /// It in this form.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        append(to: &bytes)
        return bytes
    }

    /// Appends it in this form.
    package func append(to bytes: inout [UInt8]) {
        switch storage {
        case .floats(let values): unsafe values.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        case .raw(let raw): bytes.append(contentsOf: raw)
        case .texts(let texts):
            for text in texts {
                for offset in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: text.count >> (8 * offset))) }
                bytes.append(contentsOf: text)
            }
        }
    }
}

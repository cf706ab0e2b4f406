// SPDX-License-Identifier: Apache-2.0

package import GyreBase

extension NamedTensor {
    /// The `count` highest of each row as texts `value:index[:label]`, the highest first.
    /// - Throws: `.invalid` for an output that is no list of numbers.
    package func classes(_ count: Int, labels: [String]) throws(GyreError) -> NamedTensor {
        let rows = tensor.shape.count > 1 ? tensor.rows : 1
        guard tensor.datatype != .bytes, tensor.datatype != .fp16, tensor.datatype != .bf16, tensor.count > 0 else {
            throw GyreError(
                .invalid, "The output \"\(name)\" cannot be asked for as classes.", why: "It holds no numbers.")
        }
        let width = tensor.count / rows
        let most = min(count, width)
        var texts: [[UInt8]] = []
        for row in 0..<rows {
            let values = (0..<width).map { ($0, tensor.number(at: row * width + $0) ?? -.infinity) }
            for (index, value) in values.sorted(by: { ($1.1, $0.0) < ($0.1, $1.0) }).prefix(most) {
                let number =
                    tensor.datatype == .fp32
                    ? Float(value).description
                    : tensor.datatype == .fp64 ? value.description : String(Int64(value))
                let label = labels.indices.contains(index) ? ":\(labels[index])" : ""
                texts.append(Array("\(number):\(index)\(label)".utf8))
            }
        }
        let shape = tensor.shape.count > 1 ? [rows, most] : [most]
        return NamedTensor(name: name, tensor: Tensor(datatype: .bytes, shape: shape, storage: .texts(texts)))
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreServing

/// What MLServer's codecs say of an input by `content_type`: `pd`, `np`, `str` and `datetime` need no decoding here, `base64` does.
enum Codecs {
    /// The input with its texts as the bytes that they stand for.
    /// - Throws: `.invalid` naming the element that is no base64.
    static func decoded(_ input: NamedTensor, contentType: String?) throws(GyreError) -> NamedTensor {
        guard contentType == "base64", case .texts(let texts) = input.tensor.storage else { return input }
        var bytes: [[UInt8]] = []
        for (index, text) in texts.enumerated() {
            guard let data = Data(base64Encoded: Data(text)) else {
                throw GyreError(
                    .invalid, "The element \(index) of the input \"\(input.name)\" is no base64.",
                    why: "Its content_type says that it is.")
            }
            bytes.append([UInt8](data))
        }
        return NamedTensor(
            name: input.name,
            tensor: Tensor(datatype: .bytes, shape: input.tensor.shape, storage: .texts(bytes)))
    }
}

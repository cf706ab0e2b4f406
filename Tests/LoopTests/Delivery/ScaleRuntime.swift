// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreServing

/// Runs models whose file is one line: `scale 2` doubles its input, `wide 2` does so with rows of two numbers, `fail` answers nothing, anything else is no model.
struct ScaleRuntime: ModelRuntime {
    let format: ModelFormat

    func load(_ source: ModelSource) throws(GyreError) -> any RunnableModel {
        let text = String(decoding: FileManager.default.contents(atPath: source.file) ?? Data(), as: UTF8.self)
        let words = text.split(whereSeparator: \.isWhitespace)
        switch (words.first, words.count > 1 ? Float(words[1]) : nil) {
        case ("scale", let factor?): return ScaleModel(factor: factor, features: source.features)
        case ("wide", let factor?): return ScaleModel(factor: factor, features: source.features, width: 2)
        case ("fail", _): return ScaleModel(factor: nil, features: source.features)
        default: throw GyreError(.invalid, "\"\(text.prefix(40))\" is no model.")
        }
    }
}

/// Multiplies each row's number; without a factor it fails on anything but zeros, as it is asked when it is loaded.
struct ScaleModel: RunnableModel {
    let factor: Float?
    let features: [String]
    var width = 1
    var inputs: [TensorSpec] { [TensorSpec(name: "x", datatype: .fp32, shape: [-1, width])] }
    let outputs = [TensorSpec(name: "probability", datatype: .fp32, shape: [-1, 1])]
    let platform = "test_scale"

    func run(_ inputs: [Tensor]) throws(GyreError) -> [Tensor] {
        guard case .floats(let values) = inputs[0].storage else { return [] }
        guard let factor else {
            if values.allSatisfy({ $0 == 0 }) { return inputs }
            throw GyreError(.internal, "The model broke.")
        }
        return [Tensor(datatype: .fp32, shape: inputs[0].shape, storage: .floats(values.map { $0 * factor }))]
    }
}

// SPDX-License-Identifier: Apache-2.0

import GyreDelivery
import GyreMonitoring
import GyreServing
import Testing

/// Which of a model's numbers quality is computed from.
@Suite struct PredictedScoreTests {
    private func tensor(_ name: String, _ values: [Float], width: Int) -> NamedTensor {
        NamedTensor(
            name: name,
            tensor: Tensor(
                datatype: .fp32, shape: [values.count / width, width], storage: .floats(values)))
    }

    private func classes(_ values: [Int64]) -> NamedTensor {
        let bytes = values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } }
        return NamedTensor(
            name: "label", tensor: Tensor(datatype: .int64, shape: [values.count], storage: .raw(bytes)))
    }

    @Test("of two probabilities it is that of the positive class")
    func pair() {
        let score = PredictedScore([tensor("probabilities", [0.25, 0.75, 0.5, 0.5], width: 2)], row: 0)
        #expect(score?.value == 0.75 && score?.kind == .probability)
    }

    @Test("probabilities that the model gives beside its outputs come first")
    func beside() {
        let beside = tensor("p", [0.1, 0.9], width: 2).tensor
        #expect(PredictedScore([classes([1])], probabilities: beside, row: 0)?.value == Double(Float(0.9)))
    }

    @Test("a class as a whole number gives way to the number beside it")
    func classBesideNumber() {
        let score = PredictedScore([classes([1]), tensor("score", [3.5], width: 1)], row: 0)
        #expect(score?.value == 3.5 && score?.kind == .number)
        #expect(PredictedScore([classes([1])], row: 0)?.kind == .hardClass)
    }

    @Test("of several classes it is the likeliest, as a hard class")
    func several() {
        let score = PredictedScore([tensor("probabilities", [0.125, 0.625, 0.25], width: 3)], row: 0)
        #expect(score?.value == 1 && score?.kind == .hardClass)
    }

    @Test("one number is a probability only where its name says so and it can be one")
    func oneNumber() {
        #expect(PredictedScore([tensor("probability", [0.5], width: 1)], row: 0)?.kind == .probability)
        #expect(PredictedScore([tensor("probability", [1.5], width: 1)], row: 0)?.kind == .number)
        #expect(PredictedScore([tensor("minutes", [0.5], width: 1)], row: 0)?.kind == .number)
    }

    @Test("texts and missing rows have no score")
    func none() {
        let texts = NamedTensor(
            name: "t", tensor: Tensor(datatype: .bytes, shape: [1], storage: .texts([[65]])))
        #expect(PredictedScore([texts], row: 0) == nil)
        #expect(PredictedScore([tensor("p", [0.5], width: 1)], row: 3) == nil)
        #expect(PredictedScore([], row: 0) == nil)
    }
}

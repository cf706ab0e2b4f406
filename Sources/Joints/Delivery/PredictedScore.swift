// SPDX-License-Identifier: Apache-2.0

package import GyreMonitoring
package import GyreServing

/// The one number of a row's answer that quality is computed from, and what it is.
package struct PredictedScore: Sendable, Hashable {
    /// The number.
    package let value: Double
    /// What it is.
    package let kind: ScoreKind

    /// The score in a row of a model's outputs; nil where there is no number.
    ///
    /// `probabilities`: those that the model gives for the log beside its outputs.
    package init?(_ outputs: [NamedTensor], probabilities: Tensor? = nil, row: Int) {
        if let probabilities, let pair = Self.row(row, of: probabilities), pair.count == 2 {
            (value, kind) = (pair[1], .probability)
            return
        }
        var best: Self?
        var isDecided = false
        for output in outputs {
            let tensor = output.tensor
            guard let numbers = Self.row(row, of: tensor), let first = numbers.first else { continue }
            let isReal = tensor.datatype == .fp32 || tensor.datatype == .fp64
            if numbers.count == 1 {
                // A class as a whole number stands beside its probabilities, where there are any.
                if best == nil || isReal && !isDecided {
                    best = Self(first, isReal ? Self.kind(output.name, first) : .hardClass)
                }
            } else if numbers.count == 2 || !Self.areProbabilities(numbers) {
                (value, kind) = (numbers[1], isReal && Self.areProbabilities(numbers) ? .probability : .number)
                return
            } else if best?.kind != .hardClass {
                // Of several classes none is the positive one: what remains is the class that the model holds most likely.
                best = Self(Double(numbers.indices.max { numbers[$0] < numbers[$1] } ?? 0), .hardClass)
                isDecided = true
            }
        }
        guard let best else { return nil }
        self = best
    }

    private init(_ value: Double, _ kind: ScoreKind) {
        self.value = value
        self.kind = kind
    }

    /// A number between 0 and 1 is a probability only where its name says so.
    private static func kind(_ name: String, _ number: Double) -> ScoreKind {
        (0...1).contains(number) && name.lowercased().contains("prob") ? .probability : .number
    }

    private static func areProbabilities(_ numbers: [Double]) -> Bool {
        numbers.allSatisfy { (0...1).contains($0) } && abs(numbers.reduce(0, +) - 1) < 1e-3
    }

    private static func row(_ row: Int, of tensor: Tensor) -> [Double]? {
        guard tensor.datatype != .bytes, tensor.rows > row, tensor.count > 0 else { return nil }
        let width = tensor.count / tensor.rows
        let numbers = (row * width..<(row + 1) * width).compactMap { tensor.number(at: $0) }
        return numbers.count == width ? numbers : nil
    }
}

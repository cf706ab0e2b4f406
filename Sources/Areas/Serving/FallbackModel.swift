// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import Synchronization

/// A converted model that leaves what it would answer otherwise to the original: rows with values that are no finite numbers.
///
/// The original is loaded with the first such request.
final class FallbackModel: RunnableModel {
    private let converted: any RunnableModel
    private let load: @Sendable () throws(GyreError) -> any RunnableModel
    private let original = Mutex<(any RunnableModel)?>(nil)

    init(
        _ converted: any RunnableModel, load: @escaping @Sendable () throws(GyreError) -> any RunnableModel
    ) {
        self.converted = converted
        self.load = load
    }

    var inputs: [TensorSpec] { converted.inputs }
    var outputs: [TensorSpec] { converted.outputs }
    var platform: String { converted.platform }
    var isLenient: Bool { converted.isLenient }
    var features: [String] { converted.features }
    var outsideBytes: Int64 { original.withLock { $0?.outsideBytes ?? 0 } }
    var isRowwise: Bool { converted.isRowwise }

    func runsHere(_ inputs: [Tensor]) -> Bool { converted.runsHere(inputs) && inputs.allSatisfy(\.isFinite) }

    func run(_ inputs: [Tensor]) throws(GyreError) -> [Tensor] {
        if inputs.allSatisfy(\.isFinite) { return try converted.run(inputs) }
        let model = try loaded()
        guard model.takesPayloads else { return try model.run(inputs) }
        let named = zip(converted.inputs, inputs).map { NamedTensor(name: $0.name, tensor: $1) }
        let answer = try PayloadAnswer(try model.run(PayloadTensors.pack(.tensors(named, parameters: [:]))))
        var ordered: [Tensor] = []
        for spec in outputs {
            guard let output = answer.outputs.first(where: { $0.name == spec.name }) else {
                throw GyreError(.internal, "The original of a converted model gave no output \"\(spec.name)\".")
            }
            ordered.append(output.tensor)
        }
        return ordered
    }

    private func loaded() throws(GyreError) -> any RunnableModel {
        try original.withLock { original throws(GyreError) in
            if let known = original { return known }
            let made = try load()
            original = made
            return made
        }
    }

    func close() {
        converted.close()
        original.withLock { $0 }?.close()
    }
}

extension Tensor {
    /// Whether all of its numbers are finite; texts and whole numbers always are.
    var isFinite: Bool {
        guard [.fp16, .fp32, .fp64].contains(datatype) else { return true }
        if case .floats(let values) = storage { return values.allSatisfy(\.isFinite) }
        return (0..<count).allSatisfy { number(at: $0)?.isFinite ?? false }
    }
}

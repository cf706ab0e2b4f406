// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreServing
import GyreTestSupport
import Testing

/// Models that are put together of others.
@Suite struct EnsembleTests {
    private func step(_ model: String, _ input: String, _ output: String) -> Ensemble.Step {
        Ensemble.Step(model: model, version: nil, inputs: ["x": input], outputs: ["y": output])
    }

    private func host() -> ModelHost {
        let host = ModelHost(runtimes: [AddingRuntime()], surroundings: .still)
        for name in ["1", "10", "100"] { host.register(name, 1, ModelSource(file: name, format: .onnx)) }
        return host
    }

    private func source(_ steps: [Ensemble.Step], outputs: [String]) throws -> ModelSource {
        var source = ModelSource(file: "", format: .ensemble)
        source.settings.ensemble = try Ensemble(steps, inputs: ["in"], outputs: outputs)
        source.declaredInputs = [TensorSpec(name: "in", datatype: .fp32, shape: [-1])]
        source.declaredOutputs = outputs.map { TensorSpec(name: $0, datatype: .fp32, shape: [-1]) }
        return source
    }

    private let input = NamedTensor(name: "in", tensor: Tensor(datatype: .fp32, shape: [2], storage: .floats([0, 5])))

    @Test("tensors go from step to step by their names, in whatever order the steps are given")
    func steps() async throws {
        let host = host()
        let steps = [step("100", "b", "c"), step("10", "a", "b"), step("1", "in", "a"), step("1", "in", "d")]
        let hosted = try await host.load("all", 1, try source(steps, outputs: ["c", "d"]))
        let answer = try await hosted.infer([input])
        #expect(answer.map(\.name) == ["c", "d"])
        #expect(answer[0].tensor.storage == .floats([111, 116]) && answer[1].tensor.storage == .floats([1, 6]))
    }

    @Test("steps that cannot be put in order are refused, and say why")
    func refused() {
        func error(_ steps: [Ensemble.Step], _ outputs: [String] = ["out"]) -> String {
            let error = #expect(throws: GyreError.self) { try Ensemble(steps, inputs: ["in"], outputs: outputs) }
            return error?.what ?? ""
        }
        #expect(error([]).contains("1 to 1000"))
        #expect(error([step("1", "in", "out"), step("10", "in", "out")]).contains("Two steps"))
        #expect(error([step("1", "in", "in")]).contains("Two steps"))
        #expect(error([step("1", "none", "out")]).contains("needs the tensor \"none\""))
        #expect(error([step("1", "in", "a")]).contains("the ensemble needs the tensor \"out\""))
        #expect(
            error([step("1", "b", "a"), step("1", "a", "b"), step("1", "in", "out")]).contains("wait for each other"))
    }

    @Test("ensembles that are made of each other end, and say so")
    func circle() async throws {
        let host = host()
        for (name, other) in [("p", "q"), ("q", "p")] {
            var source = ModelSource(file: "", format: .ensemble)
            source.settings.ensemble = try Ensemble(
                [Ensemble.Step(model: other, version: nil, inputs: ["in": "in"], outputs: ["out": "out"])],
                inputs: ["in"], outputs: ["out"])
            source.declaredInputs = [TensorSpec(name: "in", datatype: .fp32, shape: [-1])]
            source.declaredOutputs = [TensorSpec(name: "out", datatype: .fp32, shape: [-1])]
            host.register(name, 1, source)
        }
        let error = await #expect(throws: GyreError.self) { try await host.summon("p").infer([input]) }
        #expect(error?.what == "Ensembles stand 16 deep in each other.")
    }

    @Test("a step that asks a model for an output that it has not, or a model that is not there, fails the whole")
    func missing() async throws {
        let host = host()
        let wrong = Ensemble.Step(model: "1", version: nil, inputs: ["x": "in"], outputs: ["z": "out"])
        let hosted = try await host.load("wrong", 1, try source([wrong], outputs: ["out"]))
        await #expect(throws: GyreError.self) { try await hosted.infer([input]) }
        let absent = try await host.load("absent", 1, try source([step("none", "in", "out")], outputs: ["out"]))
        let error = await #expect(throws: GyreError.self) { try await absent.infer([input]) }
        #expect(error?.code == .notFound)
        await #expect(throws: GyreError.self) {
            try await host.load("bare", 1, ModelSource(file: "", format: .ensemble))
        }
        #expect(hosted.statistics.now.failure.count == 1)
    }
}

/// Models that add the number that their file is called.
private struct AddingRuntime: ModelRuntime {
    let format = ModelFormat.onnx
    func load(_ source: ModelSource) throws(GyreError) -> any RunnableModel { Adding(number: Float(source.file) ?? 0) }
}

private struct Adding: RunnableModel {
    let number: Float
    let inputs = [TensorSpec(name: "x", datatype: .fp32, shape: [-1])]
    let outputs = [TensorSpec(name: "y", datatype: .fp32, shape: [-1])]
    let platform = "test"

    func run(_ inputs: [Tensor]) throws(GyreError) -> [Tensor] {
        guard case .floats(let values) = inputs[0].storage else { return [] }
        return [Tensor(datatype: .fp32, shape: inputs[0].shape, storage: .floats(values.map { $0 + number }))]
    }
}

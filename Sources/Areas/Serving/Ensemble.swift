// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A model that is put together of others: tensors go from one to the next by their names.
package struct Ensemble: Sendable, Hashable {
    /// Its steps, each after those whose tensors it takes.
    package let steps: [Step]

    /// One model's part.
    package struct Step: Sendable, Hashable {
        /// The model that is asked.
        package let model: String
        /// Its version; nil for the usual one.
        package let version: Int?
        /// The ensemble's tensor for each input of the model.
        package let inputs: [String: String]
        /// The ensemble's tensor for each output of the model that is used.
        package let outputs: [String: String]

        /// A step.
        package init(model: String, version: Int?, inputs: [String: String], outputs: [String: String]) {
            self.model = model
            self.version = version
            self.inputs = inputs
            self.outputs = outputs
        }
    }

    /// An ensemble that makes `outputs` of `inputs`; its steps may be given in any order.
    /// - Throws: `.invalid` for a tensor that nothing makes, two steps that make the same, or steps that wait for each other.
    package init(_ steps: [Step], inputs: [String], outputs: [String]) throws(GyreError) {
        guard (1...1000).contains(steps.count) else {
            throw GyreError(.invalid, "An ensemble has from 1 to 1000 steps, and this has \(steps.count).")
        }
        var made = Set(inputs)
        for step in steps {
            for tensor in step.outputs.values where !made.insert(tensor).inserted {
                throw GyreError(.invalid, "Two steps of the ensemble make the tensor \"\(tensor)\".")
            }
        }
        for (name, tensor) in steps.flatMap({ step in step.inputs.map { ("\(step.model).\($0.key)", $0.value) } })
            + outputs.map({ ("the ensemble", $0) })
        where !made.contains(tensor) {
            throw GyreError(.invalid, "\(name) needs the tensor \"\(tensor)\", which no step of the ensemble makes.")
        }
        var known = Set(inputs)
        var left = steps
        var ordered: [Step] = []
        while let next = left.firstIndex(where: { known.isSuperset(of: $0.inputs.values) }) {
            let step = left.remove(at: next)
            known.formUnion(step.outputs.values)
            ordered.append(step)
        }
        guard left.isEmpty else {
            throw GyreError(
                .invalid, "Steps of the ensemble wait for each other.",
                why: left.prefix(10).map(\.model).joined(separator: ", "))
        }
        self.steps = ordered
    }
}

/// An ensemble as a model: its parts are asked of the host that has it.
final class EnsembleModel: ComposedModel {
    let inputs: [TensorSpec]
    let outputs: [TensorSpec]
    let platform = "ensemble"
    private let ensemble: Ensemble
    /// The host has the ensemble, not the other way round.
    private unowned let host: ModelHost

    init(_ source: ModelSource, host: ModelHost) throws(GyreError) {
        guard let ensemble = source.settings.ensemble else {
            throw GyreError(.invalid, "The ensemble has no steps.")
        }
        self.ensemble = ensemble
        self.host = host
        inputs = source.declaredInputs
        outputs = source.declaredOutputs
    }

    /// Ensembles that the present one was asked by.
    @TaskLocal private static var depth = 0
    /// Ensembles within ensembles at most: those that are made of each other would never end.
    private static let deepest = 16

    func answer(_ tensors: [Tensor]) async throws(GyreError) -> [Tensor] {
        guard Self.depth < Self.deepest else {
            throw GyreError(
                .invalid, "Ensembles stand \(Self.deepest) deep in each other.", why: "They may be made of each other.")
        }
        let result: Result<[Tensor], GyreError> = await Self.$depth.withValue(Self.depth + 1) {
            do throws(GyreError) { return .success(try await goThrough(tensors)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func goThrough(_ tensors: [Tensor]) async throws(GyreError) -> [Tensor] {
        var known: [String: Tensor] = [:]
        for (spec, tensor) in zip(inputs, tensors) { known[spec.name] = tensor }
        var left = ensemble.steps[...]
        while !left.isEmpty {
            // Those at the front whose tensors are all there go at the same time.
            let ready = left.prefix { step in step.inputs.values.allSatisfy { known[$0] != nil } }
            left = left.dropFirst(ready.count)
            for (step, given) in try await ask(Array(ready), known) {
                for (output, tensor) in step.outputs {
                    guard let value = given.first(where: { $0.name == output }) else {
                        throw GyreError(
                            .invalid, "The model \"\(step.model)\" of the ensemble has no output \"\(output)\".")
                    }
                    known[tensor] = value.tensor
                }
            }
        }
        return try outputs.map { spec throws(GyreError) in
            guard let tensor = known[spec.name] else {
                throw GyreError(.internal, "The ensemble did not make its output \"\(spec.name)\".")
            }
            return tensor
        }
    }

    private func ask(
        _ steps: [Ensemble.Step], _ known: [String: Tensor]
    ) async throws(GyreError) -> [(Ensemble.Step, [NamedTensor])] {
        guard !steps.isEmpty else { throw GyreError(.internal, "The steps of the ensemble do not go on.") }
        if steps.count == 1 { return [(steps[0], try await ask(steps[0], known))] }
        let results = await withTaskGroup(of: (Int, Result<[NamedTensor], GyreError>).self) { group in
            for (index, step) in steps.enumerated() {
                group.addTask {
                    do throws(GyreError) { return (index, .success(try await self.ask(step, known))) } catch {
                        return (index, .failure(error))
                    }
                }
            }
            var results: [(Int, Result<[NamedTensor], GyreError>)] = []
            for await result in group { results.append(result) }
            return results
        }
        return try results.map { index, result throws(GyreError) in (steps[index], try result.get()) }
    }

    private func ask(_ step: Ensemble.Step, _ known: [String: Tensor]) async throws(GyreError) -> [NamedTensor] {
        var given: [NamedTensor] = []
        for (input, tensor) in step.inputs {
            if let value = known[tensor] { given.append(NamedTensor(name: input, tensor: value)) }
        }
        return try await host.summon(step.model, step.version).infer(given)
    }
}

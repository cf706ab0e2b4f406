// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import Synchronization

/// The models that are loaded, and what they are asked.
///
/// Looking a model up takes a short lock; loading happens elsewhere and is seen by requests only when it has succeeded.
package final class ModelHost: Sendable {
    private let runtime: any ModelRuntime
    private let surroundings: Surroundings
    private let table = Mutex<[String: [Int: HostedModel]]>([:])

    /// A host without models.
    package init(runtime: any ModelRuntime, surroundings: Surroundings) {
        self.runtime = runtime
        self.surroundings = surroundings
    }

    /// Loads a version, tries it on one row of zeros, and only then lets requests see it.
    ///
    /// A version that is loaded stays.
    /// - Throws: whatever the runtime says; what serves already is not touched.
    package func load(_ name: String, _ number: Int, file: String, details: HostedModel.Details) async throws(GyreError)
    {
        if table.withLock({ $0[name]?[number] }) != nil { return }
        let model = try await runtime.load(file: file)
        let hosted = HostedModel(
            name: name, number: number, model: model, details: details, loadedAt: surroundings.now())
        try hosted.warmUp()
        table.withLock { $0[name, default: [:]][number] = hosted }
    }

    /// Forgets a version; requests that run on it end undisturbed.
    package func unload(_ name: String, _ number: Int) {
        table.withLock { table in
            table[name]?[number] = nil
            if table[name]?.isEmpty == true { table[name] = nil }
        }
    }

    /// A loaded version; the newest for nil.
    /// - Throws: `.notFound` naming what is loaded.
    package func model(_ name: String, _ number: Int? = nil) throws(GyreError) -> HostedModel {
        let versions = table.withLock { $0[name] } ?? [:]
        if let number = number ?? versions.keys.max(), let found = versions[number] { return found }
        throw GyreError(
            .notFound,
            number == nil
                ? "Model \"\(name)\" is not found." : "Model \"\(name)\" has no loaded version \(number ?? 0).",
            why: versions.isEmpty ? nil : "Loaded: \(versions.keys.sorted().map(String.init).joined(separator: ", ")).",
            fix: "gyre endpoint list")
    }

    /// All loaded versions by name and number.
    package func models() -> [HostedModel] {
        table.withLock { $0.values.flatMap(\.values) }.sorted { ($0.name, $0.number) < ($1.name, $1.number) }
    }
}

/// A model that is loaded and answers.
package struct HostedModel: Sendable {
    /// The registered model.
    package let name: String
    /// The version.
    package let number: Int
    /// What runs.
    package let model: any RunnableModel
    /// What is known about it beside its tensors.
    package let details: Details
    /// When it was loaded, microseconds since 1970.
    package let loadedAt: Int64

    /// What is known about a model beside its tensors.
    package struct Details: Sendable {
        /// The names of the columns of its one input, in order; empty where unknown.
        package let features: [String]

        /// Details.
        package init(features: [String]) { self.features = features }
    }

    /// One row of zeros (or empty texts) must go through: a model that cannot answer is found before it gets traffic.
    func warmUp() throws(GyreError) {
        var inputs: [NamedTensor] = []
        for spec in model.inputs {
            let shape = spec.shape.map { $0 == -1 ? 1 : $0 }
            let count = Tensor.elementCount(of: shape) ?? 0
            let storage: Tensor.Storage =
                switch spec.datatype {
                case .fp32: .floats([Float](repeating: 0, count: count))
                case .bytes: .texts([[UInt8]](repeating: [], count: count))
                default: .raw([UInt8](repeating: 0, count: count * (spec.datatype.elementBytes ?? 0)))
                }
            inputs.append(
                NamedTensor(name: spec.name, tensor: Tensor(datatype: spec.datatype, shape: shape, storage: storage)))
        }
        _ = try infer(inputs)
    }

    /// As `infer`, but a large batch runs on a thread of its own, so that it does not hold up the ones that answer requests.
    package func inferSuspending(_ inputs: [NamedTensor]) async throws(GyreError) -> [NamedTensor] {
        guard inputs.contains(where: { $0.tensor.count > 8192 }) else { return try infer(inputs) }
        return try await Background.run { () throws(GyreError) in try self.infer(inputs) }
    }

    /// Checks the inputs against the model, runs it, and names the outputs.
    ///
    /// Blocks for the length of the inference.
    /// - Throws: `.invalid` naming the input that is missing, unknown or of the wrong type or shape.
    package func infer(_ inputs: [NamedTensor]) throws(GyreError) -> [NamedTensor] {
        var ordered: [Tensor] = []
        ordered.reserveCapacity(model.inputs.count)
        for spec in model.inputs {
            guard let given = inputs.first(where: { $0.name == spec.name }) else {
                throw GyreError(.invalid, "The input \"\(spec.name)\" of the model \"\(name)\" is missing.")
            }
            try spec.check(given.tensor)
            ordered.append(given.tensor)
        }
        if inputs.count > ordered.count,
            let unknown = inputs.first(where: { given in !model.inputs.contains { $0.name == given.name } })
        {
            throw GyreError(
                .invalid, "The model \"\(name)\" has no input \"\(unknown.name)\".",
                why: "It has \(model.inputs.map(\.name).joined(separator: ", ")).")
        }
        guard (ordered.first?.rows ?? 1) <= Limits.inferenceRows else {
            throw GyreError(
                .limitExceeded, "The request has \(ordered[0].rows) rows; \(Limits.inferenceRows) is the most.")
        }
        let results = try model.run(ordered)
        return zip(model.outputs, results).map { NamedTensor(name: $0.name, tensor: $1) }
    }
}

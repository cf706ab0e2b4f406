// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Loads models of one format.
package protocol ModelRuntime: Sendable {
    /// What it loads.
    var format: ModelFormat { get }

    /// Loads a model; blocks for as long as that takes, so it is called off the serving threads.
    /// - Throws: `.invalid` with the runtime's own message where there is no model that it can run.
    func load(_ source: ModelSource) throws(GyreError) -> any RunnableModel
}

/// A kind of model file.
package enum ModelFormat: String, Sendable, Hashable, CaseIterable {
    case onnx
    case xgboost
    case lightgbm
    case python
    /// Other models put together.
    case ensemble
    /// A model of another server.
    case remote
    /// A service of BentoML, which has routes of its own.
    case bento
    /// An application of Ray Serve on a cluster.
    case ray

    /// Whether it answers HTTP at routes of its own.
    package var isService: Bool { self == .bento || self == .ray }
    /// Whether loading it runs code that came with it.
    package var runsCode: Bool { self == .python || self == .bento || self == .ray }
}

/// Where a model version comes from.
package struct ModelSource: Sendable, Hashable {
    /// Its file, or for Python its folder.
    package let file: String
    /// What the file is.
    package let format: ModelFormat
    /// How it is served.
    package var settings = ModelSettings()
    /// The names of the columns of its one input, in order; empty where unknown.
    package var features: [String] = []
    /// The model and its version, for the log; set as it is loaded.
    package var title = ""
    /// Its inputs as the owner declared them; empty where nothing was said.
    package var declaredInputs: [TensorSpec] = []
    /// Its outputs as the owner declared them; empty where nothing was said.
    package var declaredOutputs: [TensorSpec] = []
    /// What changes when the file does.
    package var revision = ""
    /// Whether it stays loaded whatever other models need.
    package var isPinned = false
    /// Whether its one input goes by any name, and inputs take numbers of any type.
    package var isLenient = false
    /// What becomes of missing values, where that was seen; nil for what the model itself says.
    package var missing: MissingValues?
    /// What boosted trees answer.
    package var treeAnswer = TreeAnswer.values
    /// What answers rows with missing values in its place; empty for itself.
    package var fallback: [ModelSource] = []
    /// The interpreter that has what it requires, for models that Python runs; nil for the usual one.
    package var python: String?
    /// Whether MLflow's scoring server names its outputs.
    package var namesOutputs = false

    /// Bytes of the file, or of all files in the folder.
    package var sizeBytes: Int64 { FileSize.bytes(file) }

    /// A source.
    package init(file: String, format: ModelFormat) {
        self.file = file
        self.format = format
    }
}

/// What becomes of values that are missing.
package enum MissingValues: String, Sendable, Hashable {
    /// What is no number goes to the model, and `null` is refused.
    case asTheyCome
    /// `null` stands for what is no number, and both go to the model.
    case taken
    /// The same, and the model that this one was made of answers rows with missing values.
    case original
    /// Neither goes to the model, which would take them for something else.
    case refused
}

/// What boosted trees answer.
package enum TreeAnswer: String, Sendable, Hashable {
    /// What the trees give, all of them.
    case values
    /// The same of those up to the best one, as scikit-learn's kind of regressors and rankers do.
    case bestValues
    /// The most likely class of those up to the best one, as scikit-learn's kind of classifiers do.
    case classes
}

/// A model in memory.
package protocol RunnableModel: Sendable {
    /// What it takes, in order.
    var inputs: [TensorSpec] { get }
    /// What it gives, in order.
    var outputs: [TensorSpec] { get }
    /// What runs it: `onnxruntime_onnx`.
    var platform: String { get }
    /// Whether it runs in this process: then a short run may borrow the thread of a connection.
    var isInProcess: Bool { get }
    /// Whether a short run of these inputs may borrow the thread of a connection.
    func runsHere(_ inputs: [Tensor]) -> Bool
    /// Whether its one input goes by any name, and inputs take numbers of any type.
    var isLenient: Bool { get }
    /// The names of the columns of its one input, in order, as the model itself has them; empty where it has none.
    var features: [String] { get }
    /// What becomes of missing values.
    var missing: MissingValues { get }
    /// Bytes that it takes in another process; 0 where it is in this one.
    var outsideBytes: Int64 { get }

    /// Whether each row's answer is that row's alone, so that rows of several requests may go together unasked.
    var isRowwise: Bool { get }

    /// Whether it reads what clients send by itself: `run` is then handed what `PayloadTensors` makes of it, and answers in kind.
    var takesPayloads: Bool { get }

    /// What it says of why it would answer a request as it does, in a form of its own; nil where it has nothing to say.
    func explain(_ request: JSONValue) throws(GyreError) -> JSONValue?
    /// Runs it on inputs in the model's order, which fit `inputs`; blocks for the length of the inference.
    ///
    /// One tensor more than `outputs` may come last: the probabilities of classes, for the log of predictions alone.
    func run(_ inputs: [Tensor]) throws(GyreError) -> [Tensor]
    /// Ends what it runs in other processes; no run comes after.
    func close()
}

extension RunnableModel {
    package var isInProcess: Bool { true }
    package func runsHere(_ inputs: [Tensor]) -> Bool { isInProcess }
    package var isLenient: Bool { false }
    package var features: [String] { [] }
    package var missing: MissingValues { .asTheyCome }
    package var outsideBytes: Int64 { 0 }
    package var isRowwise: Bool { false }
    package var takesPayloads: Bool { false }
    package func explain(_ request: JSONValue) throws(GyreError) -> JSONValue? { nil }
    package func close() {}
}

/// A model whose answers are waited for, not computed: others make them.
package protocol ComposedModel: RunnableModel {
    /// Answers inputs in the model's order, which fit `inputs`.
    func answer(_ inputs: [Tensor]) async throws(GyreError) -> [Tensor]
}

extension ComposedModel {
    package var isInProcess: Bool { false }

    package func run(_ inputs: [Tensor]) throws(GyreError) -> [Tensor] {
        throw GyreError(.internal, "A model that is put together of others is not run by itself.")
    }
}

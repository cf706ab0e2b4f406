// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Loads model files of one format.
package protocol ModelRuntime: Sendable {
    /// Loads the model in `file`; blocks for as long as that takes, so it is called off the serving threads.
    /// - Throws: `.invalid` with the runtime's own message where the file is no model it can run.
    func load(file: String) async throws(GyreError) -> any RunnableModel
}

/// A model in memory.
package protocol RunnableModel: Sendable {
    /// What it takes, in order.
    var inputs: [TensorSpec] { get }
    /// What it gives, in order.
    var outputs: [TensorSpec] { get }
    /// What runs it: `onnxruntime_onnx`.
    var platform: String { get }

    /// Runs it on inputs in the model's order, which fit `inputs`; blocks for the length of the inference.
    func run(_ inputs: [Tensor]) throws(GyreError) -> [Tensor]
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreRegistry

/// Keys that MLflow's clients write and read as tags: its own names for things, which no message of the protocol declares.
enum Words {
    /// The models that a run logged, as a JSON list; clients of version 2 keep them there.
    static let loggedModelHistory = "mlflow.log-model.history"
    /// Says that a registered model is a prompt.
    static let isPrompt = RegisteredModel.promptTag
}

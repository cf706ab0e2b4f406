// SPDX-License-Identifier: Apache-2.0

/// What the score of a prediction is, and so which figures of quality can be had from it.
package enum ScoreKind: String, Sendable, Hashable, CaseIterable {
    /// The probability of the positive class, as the model's output says it.
    case probability
    /// A class that the model decided for.
    case hardClass = "class"
    /// Any other number: a regression's, or a score that only ranks.
    case number
}

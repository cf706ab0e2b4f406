// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Makes of a model that needs a process of its own one that runs in this process.
package protocol ModelConverter: Sendable {
    /// Converts the model whose main file is `model`, writes the result to `target`, and compares what both answer.
    ///
    /// Blocks for seconds. Where the two do not agree nothing is written.
    func convert(_ model: String, to target: String) throws(GyreError) -> ModelConversion
}

/// What came of a conversion.
package struct ModelConversion: Sendable, Hashable {
    /// Whether the converted model answers as the original does, so that it may be served.
    package let agrees: Bool
    /// The numbers: `rows` compared, the share with the `same` answer, the `greatest_difference` of a number, the versions of what converted.
    package let numbers: JSONValue

    /// A conversion.
    package init(agrees: Bool, numbers: JSONValue) {
        self.agrees = agrees
        self.numbers = numbers
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreServing

/// Converts scikit-learn models to ONNX by skl2onnx, in a Python process of its own.
package struct SklearnConverter: ModelConverter {
    private let python: String
    /// How long a conversion may take, microseconds.
    private static let timeout: Int64 = 180_000_000
    /// Bytes that its process may take.
    private static let memoryLimit: Int64 = 8 << 30

    /// A converter over this interpreter.
    package init(python: String) { self.python = python }

    package func convert(_ model: String, to target: String) throws(GyreError) -> ModelConversion {
        let worker = try PythonWorker(
            python: python, script: ConverterScript.text, model: model, memoryLimit: Self.memoryLimit,
            arguments: [target], timeout: Self.timeout)
        return ModelConversion(agrees: worker.greeting["agrees"]?.bool ?? false, numbers: worker.greeting)
    }
}

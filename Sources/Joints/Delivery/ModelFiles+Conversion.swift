// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
internal import GyreLedger
package import GyreRegistry
internal import GyreServing

/// Models of scikit-learn are served by ONNX Runtime where both were seen to answer alike; what was seen is on record.
extension ModelFiles {
    private static let kind = "model-conversion"
    /// The line of an MLmodel file that keeps its model from being converted: `metadata={"gyre_serve": "python"}`.
    private static let refusal = "  gyre_serve: python"

    /// What came of converting the model with this digest; nil where nobody tried.
    package func conversion(of digest: Digest) async throws(GyreError) -> JSONValue? {
        try await store.document(Self.kind, digest.hex)?.body
    }

    /// Whether `convert` would try the files of a version: a model of scikit-learn whose owner allows it, and a converter at hand.
    package func mayConvert(_ digest: Digest) async throws(GyreError) -> Bool {
        guard converter != nil else { return false }
        let source = try await original(digest)
        // What compares the two has the packages of the shared interpreter alone.
        return source.format == .python && source.python == nil && Self.isConvertible(source.file)
    }

    /// Converts the files of a version that has been asked to be served, unless that was tried before.
    ///
    /// A model that cannot be converted is served by Python as before.
    @discardableResult
    package func convert(
        _ version: ModelVersion, _ digest: Digest, by actor: String = "gyre"
    ) async throws(GyreError) -> JSONValue? {
        if let known = try await conversion(of: digest) { return known }
        guard let converter, try await mayConvert(digest) else { return nil }
        let source = try await original(digest)
        let target = blobs.makeTemporaryPath()
        defer { try? FileManager.default.removeItem(atPath: target) }  // absent where nothing was written
        let result: ModelConversion
        do throws(GyreError) {
            result = try await Background.run { () throws(GyreError) in try converter.convert(source.file, to: target) }
        } catch {
            // What this machine could not do now it may do later.
            if [.unavailable, .timeout].contains(error.code) { return nil }
            result = ModelConversion(agrees: false, numbers: ["reason": .string(error.description)])
        }
        if let known = try await conversion(of: digest) { return known }  // another request was first
        var body = result.numbers
        body["agrees"] = .bool(result.agrees)
        body["model"] = .string(version.ref.description)
        if result.agrees, body["native"] == nil {
            body["onnx_sha256"] = .string(try await blobs.add(file: target).digest.hex)
        }
        let kept = body
        try await store.commit(
            [.put(Document(Self.kind, digest.hex, kept))],
            recording: [
                Fact(
                    result.agrees ? "serving.model.converted" : "serving.model.not-converted", version.ref, by: actor,
                    inputs: [version.ref], outputs: [Ref("model-file", "sha256:\(digest.hex.prefix(16))")], body: kept)
            ])
        return kept
    }

    /// The converted model in place of the one with this digest; nil where there is none that agrees.
    func converted(_ digest: Digest) async throws(GyreError) -> ModelSource? {
        guard let conversion = try await conversion(of: digest), conversion["agrees"]?.bool == true else { return nil }
        if let file = conversion["file"]?.string, conversion["native"]?.string == ModelFormat.xgboost.rawValue {
            let folder = (try await original(digest).file as NSString).deletingLastPathComponent
            var source = ModelSource(file: "\(folder)/\(try RelativePath(file))", format: .xgboost)
            source.treeAnswer = conversion["answers"]?.string.flatMap(TreeAnswer.init) ?? .values
            source.features = conversion["features"]?.strings ?? []
            return source
        }
        guard
            let hex = conversion["onnx_sha256"]?.string, await blobs.contains(try Digest(hex: hex))
        else { return nil }
        var source = ModelSource(file: try await blobs.file(try Digest(hex: hex)), format: .onnx)
        source.isLenient = true
        source.missing = conversion["missing"]?.string.flatMap(MissingValues.init)
        source.features = conversion["features"]?.strings ?? []
        if source.missing == .original { source.fallback = [try await original(digest)] }
        return source
    }

    /// Whether a main file is scikit-learn's own, or MLflow's folder of that flavour or XGBoost's whose owner allows it.
    private static func isConvertible(_ file: String) -> Bool {
        guard file.hasSuffix("/MLmodel") else { return file.hasSuffix(".joblib") || file.hasSuffix(".pkl") }
        guard let data = FileManager.default.contents(atPath: file) else { return false }
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        return (lines.contains("  sklearn:") || lines.contains("  xgboost:")) && !lines.contains { $0 == refusal }
    }
}

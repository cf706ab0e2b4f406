// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreDelivery
internal import GyreLedger
package import GyreMonitoring
package import GyreRegistry
internal import GyreReleases
internal import GyreServing
internal import GyreTracking

extension Conductor {
    /// One prediction with everything behind it: version, run, code, environment, features, data, checks.
    /// - Throws: `.notFound`.
    package func explain(_ id: String, endpoint: String, log: any PredictionLog) async throws(GyreError) -> JSONValue {
        guard var prediction = try await log.find(id, endpoint: endpoint) else {
            throw GyreError(.notFound, "The endpoint \"\(endpoint)\" has no prediction \"\(id.prefix(80))\".")
        }
        let release = try await releases.release(endpoint, Int(prediction["release"]?.int ?? 0))
        var inputs: JSONValue = [:]
        let columns = prediction["x"]?.array ?? []
        let texts = prediction["t"]?.array ?? []
        for (index, value) in columns.enumerated() {
            let name = index < release.pins.features.count ? release.pins.features[index] : "column \(index + 1)"
            inputs[name] = index < texts.count && !texts[index].isNull ? texts[index] : value
        }
        prediction["inputs"] = inputs
        prediction["x"] = nil
        prediction["t"] = nil
        let graph = try await Lineage(store: store).walk(.up, from: release.ref)
        return [
            "prediction": prediction, "release": release.json,
            "lineage": .array(
                graph.edges.map {
                    [
                        "input": .string($0.input.description), "output": .string($0.output.description),
                        "kind": .string($0.kind), "seq": .int($0.seq),
                    ]
                }),
        ]
    }

    /// A model card filled from the ledger; what nothing is known about is named under `missing`.
    package func card(of version: ModelVersion) async throws(GyreError) -> JSONValue {
        let model = try await registry.model(version.name)
        let content = try await content(of: version)
        let pins = try await builder.pins(of: version, serving: content?.digest ?? .zero)
        var missing: [String] = []
        func known(_ name: String, _ value: JSONValue) -> JSONValue {
            let isEmpty =
                value.isNull || value.string?.isEmpty == true || value.array?.isEmpty == true
                || value.object?.isEmpty == true
            if isEmpty { missing.append(name) }
            return value
        }
        let run = version.runID.isEmpty ? nil : try await tracking.store.run(version.runID)
        let json: JSONValue = [
            "model": .string(version.ref.description), "semantic_version": .string(version.semantic.description),
            "created_ms": .int(version.createdMilliseconds), "purpose": known("purpose", .string(model.description)),
            "description": .string(version.description),
            "training_data": known("training_data", .optional(pins.training?.description)),
            "datasets": known("datasets", .strings(pins.datasets.map(\.description))),
            "checks": known("checks", .strings(pins.checks.map(\.description))),
            "feature_views": known("feature_views", .strings(pins.featureViews.map(\.description))),
            "features": known("features", .strings(pins.features)), "metrics": known("metrics", pins.metrics),
            "limits": known("limits", .optional(version.tags["limits"] ?? model.tags["limits"])),
            "signature": known("signature", version.signature),
            "code": known("code", .optional(pins.pipeline?.description)),
            "environment": known("environment", pins.environment),
            "run": .optional(run?.ref.description),
            "model_sha256": known("model_sha256", .optional(content?.digest.hex)),
            "served_by": known("served_by", .optional(content.map { Self.runtime(of: $0.format) })),
            "files": known("files", .strings(Array((content?.paths ?? []).prefix(200)))),
        ]
        var card = json
        card["missing"] = .strings(missing)
        return card
    }

    /// What the files of a version are; nil where nothing could serve them.
    private func content(of version: ModelVersion) async throws(GyreError) -> ModelFiles.Content? {
        do { return try await builder.files.content(of: version) } catch {
            if [.invalid, .unsupported, .notFound].contains(error.code) { return nil }
            throw error
        }
    }

    private static func runtime(of format: ModelFormat) -> String {
        switch format {
        case .onnx: "ONNX Runtime"
        case .xgboost: "XGBoost"
        case .lightgbm: "LightGBM"
        case .python: "Python, where the server was started with --trust-models"
        case .bento: "BentoML, where the server was started with --trust-models"
        case .ray: "Ray Serve, on the cluster that the server was started with"
        case .ensemble, .remote: format.rawValue
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreLedger
package import GyrePipelines
package import GyreRegistry
internal import GyreReleases
package import GyreTracking
package import GyreVersioning

/// Gathers everything that a model version came from, so that a release can pin it.
package struct ReleaseBuilder: Sendable {
    let registry: Registry
    let tracking: Tracking
    let pipelines: Pipelines
    let versioning: Versioning
    let ingest: Ingest
    let files: ModelFiles

    /// Over these services.
    package init(
        registry: Registry, tracking: Tracking, pipelines: Pipelines, versioning: Versioning, ingest: Ingest,
        files: ModelFiles
    ) {
        self.registry = registry
        self.tracking = tracking
        self.pipelines = pipelines
        self.versioning = versioning
        self.ingest = ingest
        self.files = files
    }

    /// What a release of `version` pins.
    func pins(of version: ModelVersion) async throws(GyreError) -> Release.Pins {
        try await pins(of: version, serving: try await files.servable(version))
    }

    /// The same for a version that may have no file to serve: `digest` is that of the file, or zero.
    func pins(of version: ModelVersion, serving digest: Digest) async throws(GyreError) -> Release.Pins {
        var pins = Release.Pins(model: version.ref, modelDigest: digest)
        pins.configuration = version.tags[ModelImport.tag]
        pins.features = version.signature["metadata"]?["features"]?.strings ?? []
        guard !version.runID.isEmpty, let run = try await tracking.store.run(version.runID) else { return pins }
        pins.run = run.ref
        var metrics: JSONValue = [:]
        for metric in run.metrics { metrics[metric.key] = .double(metric.value) }
        pins.metrics = metrics
        // The tag may be the client's own and name no run of a pipeline.
        guard let id = run.tag("gyre.pipeline_run"), let pipelineRun = try? await pipelines.run(id) else { return pins }
        pins.pipeline = pipelineRun.pipeline
        pins.compiled = pipelineRun.compiled
        pins.pipelineRun = pipelineRun.ref
        var parameters: JSONValue = [:]
        for (name, value) in pipelineRun.parameters.sorted(by: { $0.key < $1.key }) { parameters[name] = value }
        pins.parameters = parameters
        pins.artifacts = try await artifacts(of: pipelineRun.id)
        pins.environment = ["compiled": .string(pipelineRun.compiled.hex), "runner": "uv, Python 3.11"]
        try await addData(to: &pins, from: pipelineRun)
        return pins
    }

    /// The digests of what each task made.
    func artifacts(of run: String) async throws(GyreError) -> JSONValue {
        var json: JSONValue = [:]
        for task in try await pipelines.tasks(of: run) {
            for (name, list) in task.outputs.artifacts.sorted(by: { $0.key < $1.key })
            where !list.allSatisfy({ $0.tree.entries.isEmpty }) {
                json["\(task.path)/\(name)"] = .string(
                    Digest(of: JSONValue.strings(list.map(\.tree.digest.hex)).canonicalBytes).hex)
            }
        }
        return json
    }

    private func addData(to pins: inout Release.Pins, from run: PipelineRun) async throws(GyreError) {
        for value in run.parameters.sorted(by: { $0.key < $1.key }).map(\.value) {
            guard let text = value.string, text.hasPrefix("dataset/") else { continue }
            let training = try await versioning.version(try Ref(parsing: text))
            pins.training = training.ref
            pins.datasets = training.madeFrom.filter { $0.kind == "dataset" }
            pins.featureViews = training.madeFrom.filter { $0.kind == "feature-view" }
            if pins.datasets.isEmpty { pins.datasets = [training.ref] }
        }
        for dataset in pins.datasets {
            for check in try await ingest.checks(of: dataset) {
                if let text = check["ref"]?.string { pins.checks.append(try Ref(parsing: text)) }
            }
        }
    }
}

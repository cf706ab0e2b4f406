// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreBlobs
import GyreLedger
import GyrePipelines
import GyreRegistry
import GyreTracking
import Synchronization

/// Runs a task by doing what a training script does: it tracks a run with the tags it was given, logs a metric and registers a model.
final class TrainingExecutor: TaskExecutor {
    /// What the next training makes.
    struct Training: Sendable {
        /// The model's one file; nil fails.
        var model: String? = "scale 2"
        /// The metric that it logs.
        var areaUnderCurve = 0.75
    }

    /// What the next training makes.
    let next = Mutex(Training())
    /// Where a run tracks and registers; a reproduction has a place of its own.
    let place = Mutex<(@Sendable (String) async throws(GyreError) -> (Tracking, Registry))?>(nil)
    private let blobs: FileBlobStore

    init(blobs: FileBlobStore) { self.blobs = blobs }

    /// Sets what the next training makes.
    func train(_ model: String?, areaUnderCurve: Double = 0.75) {
        next.withLock { $0 = Training(model: model, areaUnderCurve: areaUnderCurve) }
    }

    func run(
        _ launch: TaskLaunch, onStart: nonisolated(nonsending) @escaping @Sendable (Int32?) async -> Void
    ) async throws(GyreError) -> Int32 {
        let training = next.withLock { $0 }
        guard let model = training.model else { return 1 }
        guard let place = place.withLock({ $0 }) else { return 2 }
        let (tracking, registry) = try await place(launch.environment["RUN"] ?? "")
        if try await tracking.store.experiment(0) == nil {
            _ = try await tracking.createExperiment("Default", by: "test")
        }
        var draft = Tracking.RunDraft()
        draft.tags = [
            KeyValue("gyre.pipeline_run", launch.environment["RUN"] ?? ""),
            KeyValue("gyre.task", launch.environment["TASK"] ?? ""),
        ]
        let run = try await tracking.createRun(draft, by: "test")
        var entries = RunEntries()
        entries.metrics = [MetricPoint(key: "auc", value: training.areaUnderCurve, timestampMilliseconds: 1, step: 0)]
        try await tracking.log(run.id, entries)
        let blob = try await blobs.put(Array(model.utf8))
        let folder = String(run.artifactURI.dropFirst("mlflow-artifacts:/".count))
        try await tracking.putArtifact(try RelativePath("\(folder)/model/model.onnx"), blob, by: "test")
        do { _ = try await registry.createModel("delay", by: "test") } catch {
            if error.code != .alreadyExists { throw error }
        }
        var version = Registry.VersionDraft(source: "mlflow-artifacts:/\(folder)/model")
        version.runID = run.id
        version.signature = ["metadata": ["features": ["x"]]]
        _ = try await registry.createVersion(of: "delay", version, by: "test")
        return 0
    }

    func stop(process: Int32?, ofTaskIn folder: String) async {}
}

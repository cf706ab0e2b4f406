// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
package import GyreDelivery
internal import GyreLedger
package import GyrePipelines
package import GyreRegistry
internal import GyreReleases
internal import GyreServing
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
        let digest = try await files.servable(version)
        var pins = try await pins(of: version, serving: digest)
        if let own = try await files.environment(of: digest, model: version.ref.description) {
            pins.environment["model"] = own.json
        }
        return pins
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
        guard let id = run.tag("gyre.pipeline_run"), let pipelineRun = try await pipelines.run(exactly: id) else {
            return pins
        }
        pins.resolved = pipelineRun.resolved
        pins.pipeline = pipelineRun.pipeline
        pins.compiled = pipelineRun.compiled
        pins.pipelineRun = pipelineRun.ref
        var parameters: JSONValue = [:]
        for (name, value) in pipelineRun.parameters.sorted(by: { $0.key < $1.key }) { parameters[name] = value }
        pins.parameters = parameters
        pins.artifacts = try await artifacts(of: pipelineRun.id)
        pins.environment = ["compiled": .string(pipelineRun.compiled.hex), "runner": "uv, Python 3.11"]
        let prefix = "task/\(pipelineRun.id)/"
        let task = run.tag("gyre.task").flatMap { $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : nil }
        try await addData(to: &pins, from: pipelineRun, registeredBy: task)
        return pins
    }

    /// The dataset versions that tasks brought into a run, of those that ended before `task` began; of all for nil.
    static func datasets(read tasks: [TaskRecord], before task: String?) -> Set<Ref> {
        var counted = Set(tasks.map(\.path))
        if let task, let first = tasks.first(where: { $0.path == task }) {
            counted = []
            var waiting = [first]
            while let next = waiting.popLast() {
                guard counted.insert(next.path).inserted else { continue }
                // Who depends on a group of tasks depends on the tasks in it.
                waiting += tasks.filter { other in
                    next.upstream.contains { other.isPart(of: $0) }
                }
            }
        }
        let outputs = tasks.filter { $0.isLeaf && counted.contains($0.path) }.flatMap {
            $0.outputs.artifacts.values.flatMap(\.self)
        }
        return Set(outputs.map(\.ref).filter { $0.kind == "dataset" })
    }

    /// The digests of what each task made.
    func artifacts(of run: String) async throws(GyreError) -> JSONValue {
        var json: JSONValue = [:]
        for task in try await pipelines.tasks(of: run) where task.isLeaf {
            for (name, list) in task.outputs.artifacts.sorted(by: { $0.key < $1.key })
            where !list.allSatisfy({ $0.tree.entries.isEmpty }) {
                json["\(task.path)/\(name)"] = .string(
                    Digest(of: JSONValue.strings(list.map(\.tree.digest.hex)).canonicalBytes).hex)
            }
        }
        return json
    }

    /// Adds the data that went into the model, as the records of the tasks tell it; what a parameter says is no proof.
    ///
    /// `task`: the task that registered the model; nil where it is not known, and then the data of the whole run counts.
    private func addData(
        to pins: inout Release.Pins, from run: PipelineRun, registeredBy task: String?
    ) async throws(GyreError) {
        let read = Self.datasets(read: try await pipelines.tasks(of: run.id), before: task)
        var madeFrom: [Ref: [Ref]] = [:]
        if case .training(let set, let sources) = run.purpose, read.contains(set) {
            pins.training = set
            // The same content may have been made of other things before; what counts is what it was made of for this run.
            madeFrom[set] = sources
        } else if read.count == 1 {
            pins.training = read.first
        }
        var datasets: Set<Ref> = []
        var views: Set<Ref> = []
        for ref in read {
            let sources: [Ref]
            if let told = madeFrom[ref] { sources = told } else { sources = try await versioning.version(ref).madeFrom }
            let data = sources.filter { $0.kind == "dataset" }
            datasets.formUnion(data.isEmpty ? [ref] : data)
            views.formUnion(sources.filter { $0.kind == "feature-view" })
        }
        pins.datasets = datasets.sorted()
        pins.featureViews = views.sorted()
        for dataset in pins.datasets {
            for check in try await ingest.checks(of: dataset) {
                if let text = check["ref"]?.string { pins.checks.append(try Ref(parsing: text)) }
            }
        }
    }
}

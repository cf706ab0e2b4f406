// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger
internal import GyrePipelines
internal import GyreRegistry
package import GyreReleases
internal import GyreTracking

extension Conductor {
    /// Runs the pinned pipeline on the pinned data in the pinned environment, without any cache, and compares.
    /// - Returns: for each artifact whether it is bit-identical, and for each metric by how much it differs.
    package func reproduce(_ release: Release, by actor: String) async throws(GyreError) -> JSONValue {
        guard let compiled = release.pins.compiled else {
            throw GyreError(
                .unsupported, "\(release.ref) cannot be reproduced.",
                why: "Its model was not made by a pipeline of Gyre, so no code is pinned.")
        }
        var request = Pipelines.Request(compiled: try await ingest.blobs.bytes(compiled))
        for member in release.pins.parameters.object?.members ?? [] { request.parameters[member.name] = member.value }
        request.reason = Self.reproduction + release.ref.description
        request.usesCache = false
        let run = try await pipelines.wait(for: try await pipelines.start(request, by: actor).id)
        guard run.state == .succeeded else {
            throw GyreError(
                .internal, "Reproducing \(release.ref) failed.", why: run.message, fix: "gyre pipeline show \(run.id)")
        }
        let report = try await comparison(release, run)
        try await store.commit(
            [],
            recording: [
                Fact("releases.release.reproduced", release.ref, by: actor, inputs: [run.ref], body: report)
            ])
        return report
    }

    private func comparison(_ release: Release, _ run: PipelineRun) async throws(GyreError) -> JSONValue {
        let again = try await builder.artifacts(of: run.id)
        var artifacts: [JSONValue] = []
        for member in release.pins.artifacts.object?.members ?? [] {
            let now = again[member.name] ?? .null
            artifacts.append([
                "name": .string(member.name), "identical": .bool(now == member.value), "old": member.value, "new": now,
            ])
        }
        var metrics: [JSONValue] = []
        var modelIsIdentical: JSONValue = .null
        if let version = try await version(madeBy: run.id) {
            modelIsIdentical = .bool(try await builder.files.servable(version) == release.pins.modelDigest)
            let made = try await tracking.store.run(version.runID)
            for member in release.pins.metrics.object?.members ?? [] {
                let now = made?.metrics.first { $0.key == member.name }?.value
                let difference = now.flatMap { now in member.value.double.map { now - $0 } }
                metrics.append([
                    "name": .string(member.name), "old": member.value, "new": .optional(now),
                    "difference": .optional(difference),
                ])
            }
        }
        let isIdentical = artifacts.allSatisfy { $0["identical"]?.bool == true } && modelIsIdentical.bool != false
        return [
            "release": .string(release.ref.description), "pipeline_run": .string(run.id),
            "identical": .bool(isIdentical),
            "model_identical": modelIsIdentical, "artifacts": .array(artifacts), "metrics": .array(metrics),
        ]
    }

    /// The model version that a run of a pipeline registered.
    func version(madeBy run: String) async throws(GyreError) -> ModelVersion? {
        for version in try await registry.versions().reversed() where !version.runID.isEmpty {
            if try await tracking.store.run(version.runID)?.tag("gyre.pipeline_run") == run { return version }
        }
        return nil
    }
}

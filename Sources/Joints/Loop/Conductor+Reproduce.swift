// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreDelivery
internal import GyreLedger
internal import GyrePipelines
package import GyreRegistry
package import GyreReleases
internal import GyreSearch
package import GyreTracking

/// Where the tasks of a reproduction track and register: a copy of everything as it was when the run began, kept apart.
///
/// What they log or register there is compared and never becomes a run, a version or an alias that anybody sees.
package struct ReproductionSpace: Sendable {
    /// Runs.
    package let tracking: Tracking
    /// Models.
    package let registry: Registry
    /// The files of the models.
    package let files: ModelFiles

    /// A space of these parts.
    package init(tracking: Tracking, registry: Registry, files: ModelFiles) {
        self.tracking = tracking
        self.registry = registry
        self.files = files
    }
}

/// Makes and removes the spaces of reproductions.
package protocol ReproductionSpaces: Sendable {
    /// The space of a pipeline run, made where it is not there.
    func open(_ run: String) async throws(GyreError) -> ReproductionSpace
    /// Removes a space with all that is in it.
    func remove(_ run: String) async throws(GyreError)
    /// Removes the spaces of all runs but these, which a killed server may have left.
    func removeAll(but runs: Set<String>) async throws(GyreError)
    /// The blobs that the spaces name: what they hold is needed until they go.
    func namedDigests() async throws(GyreError) -> Set<Digest>
}

extension Conductor {
    private static let reproductionKind = "reproduction"

    /// Runs the pinned pipeline on the pinned data in the pinned environment, without any cache, and compares.
    ///
    /// Nothing that is live or listed changes.
    /// - Returns: for each artifact whether it is bit-identical, and for each metric by how much it differs.
    package func reproduce(_ release: Release, by actor: String) async throws(GyreError) -> JSONValue {
        let request = try await reproduction(of: release)
        let run = try await pipelines.wait(for: try await pipelines.start(request, by: actor).id)
        guard run.state == .succeeded else {
            throw GyreError(
                .internal, "Reproducing \(release.ref) failed.", why: run.message, fix: "gyre pipeline show \(run.id)")
        }
        if let report = try await store.document(Self.reproductionKind, run.id)?.body { return report }
        return try await compare(run, with: release)
    }

    /// What reproducing a release would run; nothing is run.
    /// - Throws: `.conflict` for a release that cannot be reproduced.
    package func planReproduction(of release: Release, by actor: String) async throws(GyreError) -> JSONValue {
        let run = try await pipelines.plan(try await reproduction(of: release), by: actor).json
        return [
            "release": .string(release.ref.description), "pipeline": run["pipeline"] ?? .null,
            "datasets": .strings(release.pins.datasets.map(\.description)), "parameters": run["parameters"] ?? [:],
            "dry_run": true,
        ]
    }

    /// What makes a release again.
    /// - Throws: `.conflict` for a release that does not pin what that takes.
    private func reproduction(of release: Release) async throws(GyreError) -> Pipelines.Request {
        guard let compiled = release.pins.compiled else {
            throw GyreError(
                .conflict, "\(release.ref) cannot be reproduced.",
                why: "Its model was not made by a pipeline of Gyre, so its code is not known.")
        }
        var request = Pipelines.Request(compiled: try await ingest.blobs.bytes(compiled))
        for member in release.pins.parameters.object?.members ?? [] { request.parameters[member.name] = member.value }
        request.reason = "reproduces \(release.ref)"
        request.purpose = .reproduction(release.ref)
        request.usesCache = false
        request.resolved = release.pins.resolved ?? [:]
        guard !release.pins.datasets.isEmpty else {
            throw GyreError(
                .conflict, "\(release.ref) cannot be reproduced.",
                why: "Its data is not known: no task of its pipeline imported a dataset version.",
                fix: "Let the pipeline read its data with dsl.importer(artifact_uri=\"dataset/NAME@…\").")
        }
        let floating = try await pipelines.floatingImports(request)
        guard floating.isEmpty else {
            throw GyreError(
                .conflict, "\(release.ref) cannot be reproduced.",
                why:
                    "Its data is not pinned: the run read \(floating.joined(separator: ", ")), which means something else by now."
            )
        }
        return request
    }

    /// Compares what a reproduction made, once; its space is removed.
    func reproductionEnded(_ run: PipelineRun, of release: Ref) async throws(GyreError) {
        guard run.state.isEnd, try await store.document(Self.reproductionKind, run.id) == nil else { return }
        guard run.state == .succeeded, let number = release.version.flatMap({ Int($0) }) else {
            return try await spaces.remove(run.id)
        }
        _ = try await compare(run, with: try await releases.release(release.name, number))
    }

    private func compare(_ run: PipelineRun, with release: Release) async throws(GyreError) -> JSONValue {
        let report = try await comparison(release, run)
        try await store.commit(
            [.put(Document(Self.reproductionKind, run.id, report))],
            recording: [
                Fact("releases.release.reproduced", release.ref, by: run.actor, inputs: [run.ref], body: report)
            ])
        try await spaces.remove(run.id)
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
        var modelDigest: Digest?
        let space = try await spaces.open(run.id)
        let model = release.pins.model.name
        let versions = try await Self.versions(madeBy: run.id, space.registry, space.tracking)
        if let version = versions.last(where: { $0.name == model }) {
            modelDigest = try await space.files.content(of: version).digest
            let made = try await space.tracking.store.run(version.runID)
            for member in release.pins.metrics.object?.members ?? [] {
                let now = made?.metrics.first { $0.key == member.name }?.value
                let difference = now.flatMap { now in member.value.double.map { now - $0 } }
                metrics.append([
                    "name": .string(member.name), "old": member.value, "new": .optional(now),
                    "difference": .optional(difference),
                ])
            }
        }
        // A release that pins a registered model is not made again by a run that registers none.
        let modelIsIdentical = modelDigest == release.pins.modelDigest
        let isIdentical = artifacts.allSatisfy { $0["identical"]?.bool == true } && modelIsIdentical
        let read = ReleaseBuilder.datasets(read: try await pipelines.tasks(of: run.id), before: nil)
        return [
            "release": .string(release.ref.description), "pipeline_run": .string(run.id),
            "identical": .bool(isIdentical), "data": .strings(read.map(\.description).sorted()),
            "model_identical": .bool(modelIsIdentical),
            "model_sha256": .optional(modelDigest?.hex), "artifacts": .array(artifacts), "metrics": .array(metrics),
        ]
    }

    /// The model versions that a run of a pipeline registered, oldest first.
    func versions(madeBy run: String) async throws(GyreError) -> [ModelVersion] {
        try await Self.versions(madeBy: run, registry, tracking)
    }

    private static func versions(
        madeBy run: String, _ registry: Registry, _ tracking: Tracking
    ) async throws(GyreError) -> [ModelVersion] {
        let experiments = try await tracking.store.experiments(.all).map(\.id)
        let filter = try Filter("tags.`gyre.pipeline_run` = '\(run)'")
        var query = RunQuery(experimentIDs: experiments, filter: filter)
        query.view = .all
        let tracked = try await tracking.store.runs(try await tracking.store.searchRuns(query).rows)
        let ids = Set(tracked.map(\.id))
        return ids.isEmpty ? [] : try await registry.versions().filter { ids.contains($0.runID) }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreDelivery
package import GyreLedger
package import GyreRegistry
package import GyreReleases
internal import GyreSearch
package import GyreTracking

/// Removes for good what was deleted long enough ago, and never what something live still needs.
package struct Retention: Sendable {
    private let store: any LedgerStore
    private let blobs: any BlobStore
    private let tracking: Tracking
    private let registry: Registry
    private let loggedModels: LoggedModels
    private let releases: Releases
    private let files: ModelFiles
    private let namedElsewhere: @Sendable () async throws(GyreError) -> Set<Digest>
    private let surroundings: Surroundings
    /// Seconds that a blob without a name is kept by the policy.
    private static let graceSeconds: Int64 = 3600
    /// Runs removed in one transaction.
    private static let runsAtOnce = 200

    /// Retention over these.
    ///
    /// `namedElsewhere`: blobs that something beside these stores needs.
    package init(
        store: any LedgerStore, blobs: any BlobStore, tracking: Tracking, registry: Registry,
        loggedModels: LoggedModels, releases: Releases, files: ModelFiles, surroundings: Surroundings,
        namedElsewhere: @escaping @Sendable () async throws(GyreError) -> Set<Digest> = { [] }
    ) {
        self.namedElsewhere = namedElsewhere
        self.store = store
        self.blobs = blobs
        self.tracking = tracking
        self.registry = registry
        self.loggedModels = loggedModels
        self.releases = releases
        self.files = files
        self.surroundings = surroundings
    }

    /// What would go, and what stays although it was deleted.
    package struct Plan: Sendable {
        /// Deleted runs that nothing needs.
        package var runs: [Run] = []
        /// Deleted experiments that will have no run left.
        package var experiments: [Experiment] = []
        /// Deleted logged models.
        package var loggedModels: [LoggedModel] = []
        /// What stays, and the thing that needs it.
        package var kept: [(what: Ref, neededBy: Ref)] = []
    }

    /// What was removed.
    package struct Outcome: Sendable {
        /// The plan that was carried out.
        package let plan: Plan
        /// Blobs that nothing names any more.
        package var blobs = 0
        /// Their bytes.
        package var freedBytes: Int64 = 0
    }

    /// What was deleted at least `seconds` ago.
    package func plan(deletedFor seconds: Int64) async throws(GyreError) -> Plan {
        let before = surroundings.now() / 1000 - seconds * 1000
        let needs = try await needs()
        var plan = Plan()
        for run in try await tracking.store.deletedRuns(before: before, limit: Limits.pageRows) {
            if let user = needs[run.id] { plan.kept.append((run.ref, user)) } else { plan.runs.append(run) }
        }
        let gone = Set(plan.runs.map(\.id))
        for experiment in try await tracking.store.deletedExperiments(before: before) where experiment.id != 0 {
            var query = RunQuery(experimentIDs: [experiment.id], filter: Filter([]))
            query.view = .all
            query.limit = Limits.pageRows
            let page = try await tracking.store.searchRuns(query)
            let runs = try await tracking.store.runs(page.rows)
            if let left = runs.first(where: { !gone.contains($0.id) }) {
                plan.kept.append((experiment.ref, left.ref))
            } else if page.next == nil {
                plan.experiments.append(experiment)
            }
        }
        for model in try await loggedModels.deleted(before: before) {
            if let user = needs[model.id] {
                plan.kept.append((model.ref, user))
            } else {
                plan.loggedModels.append(model)
            }
        }
        return plan
    }

    /// Removes what is deleted for `seconds`, and blobs that nothing names and nobody wrote for `graceSeconds`.
    package func collect(
        deletedFor seconds: Int64, graceSeconds: Int64, by actor: String
    ) async throws(GyreError) -> Outcome {
        let plan = try await plan(deletedFor: seconds)
        var begin = 0
        while begin < plan.runs.count {
            let runs = Array(plan.runs[begin..<min(begin + Self.runsAtOnce, plan.runs.count)])
            try await tracking.store.remove(
                runs,
                recording: runs.map {
                    Fact("retention.run.removed", $0.ref, by: actor, body: ["name": .string($0.name)])
                })
            begin += Self.runsAtOnce
        }
        for model in plan.loggedModels {
            if let folder = try ServedArtifacts.path(model.artifactURI) {
                try await tracking.deleteArtifacts(folder, by: actor)
            }
            try await loggedModels.remove(model, by: actor)
        }
        for experiment in plan.experiments {
            try await tracking.store.remove(
                experiment,
                recording: Fact(
                    "retention.experiment.removed", experiment.ref, by: actor, body: ["name": .string(experiment.name)])
            )
        }
        var outcome = Outcome(plan: plan)
        try await sweep(graceSeconds, by: actor, &outcome)
        return outcome
    }

    /// Removes what was deleted long enough ago for everybody: `seconds` has the time that each project asks for.
    ///
    /// Nothing happens where no project asks for any.
    package func carryOut(deletedFor seconds: [Int64]) async throws(GyreError) {
        guard let seconds = seconds.max() else { return }
        _ = try await collect(deletedFor: seconds, graceSeconds: Self.graceSeconds, by: "policy/retention")
    }

    /// Removes blobs that nothing names.
    private func sweep(_ graceSeconds: Int64, by actor: String, _ outcome: inout Outcome) async throws(GyreError) {
        let all = try await blobs.all()
        var named = try await store.namedDigests()
        // A folder of a model is named by its list of files; the files are named nowhere but there.
        for digest in named { named.formUnion(try await files.members(of: digest)) }
        named.formUnion(try await tracking.store.artifactDigests())
        named.formUnion(try await namedElsewhere())
        for digest in all where !named.contains(digest) {
            if let bytes = try await blobs.remove(digest, unusedFor: graceSeconds) {
                outcome.blobs += 1
                outcome.freedBytes += bytes
            }
        }
        guard outcome.blobs > 0 else { return }
        _ = try await store.commit(
            [],
            recording: [
                Fact(
                    "retention.blobs.removed", Ref("store", "blobs"), by: actor,
                    body: ["blobs": .int(Int64(outcome.blobs)), "bytes": .int(outcome.freedBytes)])
            ])
    }

    /// The ids of runs and logged models that a registered version or a release stands on.
    private func needs() async throws(GyreError) -> [String: Ref] {
        var needs: [String: Ref] = [:]
        for version in try await registry.versions() {
            for id in [version.runID, version.modelID] where !id.isEmpty { needs[id] = version.ref }
            if !version.modelID.isEmpty {
                do throws(GyreError) {
                    let model = try await loggedModels.model(version.modelID, allowsDeleted: true)
                    needs[model.runID] = version.ref
                } catch  where error.code == .notFound {
                    // Clients may name a logged model that is elsewhere.
                }
            }
        }
        for release in try await releases.releases(of: nil) {
            if let run = release.pins.run { needs[run.name] = release.ref }
        }
        return needs
    }
}

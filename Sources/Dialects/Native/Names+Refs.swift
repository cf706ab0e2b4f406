// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreFeatures
internal import GyreLedger
internal import GyrePipelines
internal import GyreRegistry
internal import GyreReleases
internal import GyreTracking
internal import GyreVersioning

/// Refs as people write them: with short ids, aliases and `latest`, or without a version.
extension Names {
    /// The kinds of things that the ledger tells of.
    private static let kinds = [
        "artifact", "check", "code", "dataset", "endpoint", "evaluation-dataset", "experiment", "feature-view", "graph",
        "issue", "ledger", "logged-model", "model", "model-file", "pipeline", "pipeline-run", "project", "release",
        "rollout", "run", "scorer", "store", "suite", "task", "trace", "webhook",
    ]

    /// The ref of one thing that never means anything else, for the lineage.
    ///
    /// Without a version the newest one is meant.
    /// - Throws: `.notFound` for what the ledger does not know.
    func ref(_ text: String) async throws(GyreError) -> Ref {
        let ref = try Ref(parsing: text)
        if ref.floating == nil, ref.version != nil || !["model", "release"].contains(ref.kind), try await isKnown(ref) {
            return ref
        }
        switch ref.kind {
        case "dataset": return try await datasetVersion(ref.name, ref.version ?? "latest").ref
        case "model": return try await version(ref.name, ref.version ?? "latest").ref
        case "release": return try await release(ref.name, ref.version ?? "latest").ref
        case "run": return try await run(ref.name).ref
        case "pipeline-run": return try await pipelineRun(ref.name).ref
        case "experiment": return try await experiment(ref.name).ref
        case "endpoint": return Ref("endpoint", try await endpoint(ref.name).name)
        case "feature-view" where ref.version == nil: return try await featureView(ref.name).ref
        default: break
        }
        let isKind = Self.kinds.contains(ref.kind)
        throw GyreError(
            .notFound, "The ledger knows nothing of \(ref).",
            why: isKind ? nil : "\"\(ref.kind.prefix(40))\" is no kind of thing.",
            fix: isKind
                ? "Write it as gyre ledger log shows it."
                : Nearest.fix(ref.kind, among: Self.kinds, otherwise: Self.kinds.joined(separator: ", ")))
    }

    /// The ref that facts mention: what is written, if a fact has it, else what is meant by it.
    func mentioned(_ text: String) async throws(GyreError) -> Ref {
        let ref = try Ref(parsing: text)
        return try await isKnown(ref) ? ref : try await self.ref(text)
    }

    private func isKnown(_ ref: Ref) async throws(GyreError) -> Bool {
        var query = FactQuery(mentioning: ref)
        query.limit = 1
        return try await !services.ledger.facts(query).isEmpty
    }
}

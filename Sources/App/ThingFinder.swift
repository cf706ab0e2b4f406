// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyrePipelines
internal import GyreRegistry
internal import GyreTracing
internal import GyreTracking

/// Finds what a parameter of a request leads to, for callers who may do something with single things alone.
struct ThingFinder: Sendable {
    let areas: AreaServices

    /// The thing that `name` leads to; nil where it leads to none.
    func find(_ lead: Need.Lead, _ name: String) async throws(GyreError) -> Thing? {
        do throws(GyreError) {
            switch lead {
            case .experiment: return Thing(.experiment, String(try await areas.tracking.experiment(name).id))
            case .experimentName:
                return try await areas.tracking.store.experiment(named: name).map { Thing(.experiment, String($0.id)) }
            case .run:
                return try await areas.tracking.store.run(name).map { Thing(.experiment, String($0.experimentID)) }
            case .loggedModel:
                return Thing(.experiment, String(try await areas.loggedModels.model(name).experimentID))
            case .trace: return Thing(.experiment, String(try await areas.tracing.trace(name).experimentID))
            case .artifactPath: return try await owner(ofPath: name)
            case .pipelineRun: return Thing(.pipeline, try await areas.pipelines.run(name).pipeline.name)
            case .model, .endpoint, .dataset, .featureView, .pipeline: return Admission.thing(lead, name)
            }
        } catch {
            if error.code == .notFound || error.code == .invalid { return nil }
            throw error
        }
    }

    /// The experiment whose files lie below the first part of a path, as they do where nobody chose another place.
    private func owner(ofPath path: String) async throws(GyreError) -> Thing? {
        let first = try RelativePath(path).parts[0]
        let experiment = try await areas.tracking.experiment(first)
        guard try ServedArtifacts.path(experiment.artifactLocation)?.description == first else { return nil }
        return Thing(.experiment, String(experiment.id))
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

extension Tracing {
    /// Keeps an assessment; one that overrides another takes its place.
    package func add(_ assessment: Assessment, by actor: String) async throws(GyreError) -> Assessment {
        try await store.changeAssessments(of: assessment.traceID) { stored throws(GyreError) in
            guard !stored.contains(where: { $0.id == assessment.id }) else {
                throw GyreError(.alreadyExists, "An assessment with the id '\(assessment.id)' exists already.")
            }
            var all = stored
            if let overridden = assessment.overrides {
                guard let index = all.firstIndex(where: { $0.id == overridden }) else {
                    throw Self.missing(overridden, assessment.traceID)
                }
                all[index].isValid = false
            }
            return (all + [assessment], Self.fact("tracing.assessment.created", assessment, by: actor))
        }
        return assessment
    }

    /// An assessment.
    /// - Throws: `.notFound`.
    package func assessment(_ id: String, of trace: String) async throws(GyreError) -> Assessment {
        let info = try await self.trace(trace)
        guard let found = info.assessments.first(where: { $0.id == id }) else { throw Self.missing(id, trace) }
        return found
    }

    /// Changes an assessment.
    package func updateAssessment(
        _ id: String, of trace: String, by actor: String,
        _ change: @escaping @Sendable (inout Assessment) throws(GyreError) -> Void
    ) async throws(GyreError) -> Assessment {
        let now = now
        try await store.changeAssessments(of: trace) { stored throws(GyreError) in
            guard let index = stored.firstIndex(where: { $0.id == id }) else { throw Self.missing(id, trace) }
            var all = stored
            try change(&all[index])
            all[index].updatedMilliseconds = now
            return (all, Self.fact("tracing.assessment.updated", all[index], by: actor))
        }
        return try await assessment(id, of: trace)
    }

    /// Removes an assessment, if it is there; one that it took the place of counts again.
    package func deleteAssessment(_ id: String, of trace: String, by actor: String) async throws(GyreError) {
        guard try await !store.traces([trace]).isEmpty else { return }
        try await store.changeAssessments(of: trace) { stored throws(GyreError) in
            guard let found = stored.first(where: { $0.id == id }) else { return (stored, nil) }
            var all = stored.filter { $0.id != id }
            if let index = all.firstIndex(where: { $0.id == found.overrides }) { all[index].isValid = true }
            return (all, Self.fact("tracing.assessment.deleted", found, by: actor))
        }
    }

    private static func fact(_ kind: String, _ assessment: Assessment, by actor: String) -> Fact {
        Fact(
            kind, Ref("trace", assessment.traceID), by: actor,
            body: [
                "assessment": .string(assessment.id), "name": .string(assessment.name),
                "kind": .string(assessment.content.kind), "source": .string(assessment.sourceType),
            ])
    }

    private static func missing(_ id: String, _ trace: String) -> GyreError {
        GyreError(.notFound, "Assessment with ID '\(id.prefix(80))' not found for trace '\(trace.prefix(80))'")
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreTracing

extension MLflowDialect {
    var assessmentRoutes: [CallRoute] {
        let path = "/traces/{trace_id}/assessments"
        return [
            .post(path, .write(.trace, "trace_id"), createAssessment),
            .get(path + "/{assessment_id}", .read(.trace, "trace_id"), getAssessment),
            .patch(path + "/{assessment_id}", .write(.trace, "trace_id"), updateAssessment),
            .delete(path + "/{assessment_id}", .write(.trace, "trace_id"), deleteAssessment),
        ]
    }

    private func createAssessment(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        guard let json = arguments["assessment"], !json.isNull else {
            throw .missingParameter("assessment")
        }
        let assessment = try TraceRequests.assessment(
            json, trace: try arguments.text("trace_id"), now: tracing.now, newID: "a-" + tracing.newID())
        let made = try await tracing.add(assessment, by: arguments.actor)
        return ["assessment": TraceMessages.assessment(made)]
    }

    private func getAssessment(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let found = try await tracing.assessment(
            try arguments.text("assessment_id"), of: try arguments.text("trace_id"))
        return ["assessment": TraceMessages.assessment(found)]
    }

    private func deleteAssessment(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await tracing.deleteAssessment(
            try arguments.text("assessment_id"), of: try arguments.text("trace_id"), by: arguments.actor)
        return [:]
    }

    private func updateAssessment(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        guard let json = arguments["assessment"], !json.isNull else { throw .missingParameter("assessment") }
        let mask = try arguments.text("update_mask").split(separator: ",").map {
            $0.filter { !$0.isWhitespace }
        }
        let updated = try await tracing.updateAssessment(
            try arguments.text("assessment_id"), of: try arguments.text("trace_id"), by: arguments.actor
        ) { assessment throws(GyreError) in
            for path in mask { try Self.apply(path, of: json, to: &assessment) }
        }
        return ["assessment": TraceMessages.assessment(updated)]
    }

    private static func apply(
        _ path: String, of json: JSONValue, to assessment: inout Assessment
    ) throws(GyreError) {
        switch path {
        case "assessment_name", "assessmentName":
            if let name = (json["assessment_name"] ?? json["assessmentName"])?.string { assessment.name = name }
        case "rationale": assessment.rationale = json["rationale"]?.string
        case "metadata": assessment.metadata.merge(try TraceRequests.texts(json["metadata"], "metadata")) { $1 }
        case "feedback", "expectation":
            let content = try TraceRequests.content([path: json[path] ?? .null])
            switch (assessment.content, content) {
            case (.feedback, .feedback), (.expectation, .expectation): assessment.content = content
            case (.feedback, _):
                throw GyreError(.invalid, "Cannot update expectation value on a Feedback assessment.")
            default: throw GyreError(.invalid, "Cannot update feedback value on an Expectation assessment.")
            }
        case "valid": throw GyreError(.invalid, "Whether an assessment is valid follows from what overrides it.")
        default: break
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreTracing

/// MLflow's JSON as traces and assessments.
enum TraceRequests {
    /// A trace's own account of itself.
    static func info(_ json: JSONValue, now: Int64) throws(GyreError) -> TraceInfo {
        func member(_ snake: String, _ camel: String) -> JSONValue? {
            (json[snake] ?? json[camel]).flatMap { $0.isNull ? nil : $0 }
        }
        let location = member("trace_location", "traceLocation")
        let place = location?["mlflow_experiment"] ?? location?["mlflowExperiment"]
        guard let experiment = place?["experiment_id"] ?? place?["experimentId"] else {
            throw GyreError(
                .invalid, "Missing value for required parameter 'trace.trace_info.trace_location.mlflow_experiment'.",
                why: "Traces are kept in experiments.")
        }
        let id = member("trace_id", "traceId")?.string ?? ""
        var info = TraceInfo(
            id: id, experimentID: try MLflowDialect.experimentID(experiment.string ?? experiment.text),
            requestMilliseconds: 0,
            state: TraceInfo.State(rawValue: json["state"]?.string ?? "") ?? .unspecified)
        if let text = member("request_time", "requestTime")?.string {
            info.requestMilliseconds = try milliseconds(text, "request_time")
        }
        if let text = member("execution_duration", "executionDuration")?.string {
            guard let duration = WellKnown.durationMilliseconds(text) else {
                throw GyreError(
                    .invalid, "Invalid value \"\(text.prefix(40))\" for parameter 'execution_duration' supplied.")
            }
            info.durationMilliseconds = duration
        }
        info.clientRequestID = member("client_request_id", "clientRequestId")?.string
        info.requestPreview = member("request_preview", "requestPreview")?.string
        info.responsePreview = member("response_preview", "responsePreview")?.string
        info.metadata = try texts(member("trace_metadata", "traceMetadata"), "trace_metadata")
        info.tags = try texts(json["tags"], "tags")
        info.assessments = try (json["assessments"]?.array ?? []).map { json throws(GyreError) in
            try assessment(json, trace: id, now: now, newID: "")
        }
        return info
    }

    /// An assessment; the server's own id stands in where the client gave none.
    static func assessment(
        _ json: JSONValue, trace: String, now: Int64, newID: String
    ) throws(GyreError) -> Assessment {
        func member(_ snake: String, _ camel: String) -> JSONValue? {
            (json[snake] ?? json[camel]).flatMap { $0.isNull ? nil : $0 }
        }
        func text(_ snake: String, _ camel: String) -> String? {
            member(snake, camel)?.string.flatMap { $0.isEmpty ? nil : $0 }
        }
        let source = json["source"]
        let told = (source?["source_type"] ?? source?["sourceType"])?.string ?? ""
        let type = ["HUMAN", "LLM_JUDGE", "CODE"].contains(told) ? told : "SOURCE_TYPE_UNSPECIFIED"
        let content = try content(json)
        var overrides = text("overrides", "overrides")
        if case .feedback = content {} else { overrides = nil }
        let created = try text("create_time", "createTime").map { text throws(GyreError) in
            try milliseconds(text, "create_time")
        }
        let updated = try text("last_update_time", "lastUpdateTime").map { text throws(GyreError) in
            try milliseconds(text, "last_update_time")
        }
        return Assessment(
            id: text("assessment_id", "assessmentId")
                ?? (newID.isEmpty ? "a-\(Digest(of: json.text + trace).hex.prefix(32))" : newID),
            name: member("assessment_name", "assessmentName")?.string ?? "", traceID: trace,
            spanID: text("span_id", "spanId"), sourceType: type,
            sourceID: (source?["source_id"] ?? source?["sourceId"])?.string, content: content,
            rationale: text("rationale", "rationale"), metadata: try texts(json["metadata"], "metadata"),
            overrides: overrides, createdMilliseconds: created ?? now, updatedMilliseconds: updated ?? now)
    }

    static func content(_ json: JSONValue) throws(GyreError) -> Assessment.Content {
        if let feedback = json["feedback"], !feedback.isNull {
            let error = feedback["error"].flatMap { $0.isNull ? nil : $0 }
            return .feedback(numbersAsDoubles(feedback["value"] ?? .null), error: error)
        }
        if let expectation = json["expectation"], !expectation.isNull {
            return .expectation(try value(of: expectation))
        }
        if let issue = json["issue"], !issue.isNull {
            return .issue((issue["issue_name"] ?? issue["issueName"])?.string ?? "")
        }
        throw GyreError(
            .invalid, "Unknown assessment type: None", fix: "Give one of feedback, expectation and issue.")
    }

    private static func value(of expectation: JSONValue) throws(GyreError) -> JSONValue {
        if let packed = expectation["serialized_value"] ?? expectation["serializedValue"] {
            let format = (packed["serialization_format"] ?? packed["serializationFormat"])?.string ?? ""
            guard format == "JSON_FORMAT" else {
                throw GyreError(
                    .invalid, "Unknown serialization format: \(format.prefix(40)). Only JSON_FORMAT is supported.")
            }
            return try JSONValue(parsing: packed["value"]?.string ?? "null")
        }
        guard let value = expectation["value"], !value.isNull else {
            throw GyreError(.invalid, "The `value` field must be specified.")
        }
        return numbersAsDoubles(value)
    }

    /// Protobuf's values know one kind of number.
    static func numbersAsDoubles(_ value: JSONValue) -> JSONValue {
        switch value {
        case .int(let number): .double(Double(number))
        case .array(let elements): .array(elements.map(numbersAsDoubles))
        case .object(let object):
            .object(JSONObject(object.members.map { ($0.name, numbersAsDoubles($0.value)) }))
        default: value
        }
    }

    static func texts(_ json: JSONValue?, _ name: String) throws(GyreError) -> [String: String] {
        guard let json, !json.isNull else { return [:] }
        guard let object = json.object else {
            throw .invalidParameter(name, json)
        }
        var texts: [String: String] = [:]
        for member in object.members {
            guard let text = member.value.string else {
                throw .invalidParameter(name, member.value.text, "its values are texts.")
            }
            texts[member.name] = text
        }
        return texts
    }

    private static func milliseconds(_ text: String, _ name: String) throws(GyreError) -> Int64 {
        do { return try Timestamp.parse(text) / 1000 } catch {
            throw GyreError(
                .invalid, "Invalid value \"\(text.prefix(40))\" for parameter '\(name)' supplied.", why: error.what)
        }
    }
}

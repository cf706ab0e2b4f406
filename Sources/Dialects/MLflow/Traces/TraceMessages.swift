// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreTracing

/// Traces in MLflow's JSON.
enum TraceMessages {
    // MARK: Version 3

    static func info(_ trace: TraceInfo) -> JSONValue {
        var json: JSONValue = [
            "trace_id": .string(trace.id),
            "trace_location": [
                "type": "MLFLOW_EXPERIMENT",
                "mlflow_experiment": ["experiment_id": .string(String(trace.experimentID))],
            ],
            "request_time": .string(WellKnown.timestamp(trace.requestMilliseconds)),
            "state": .string(trace.state.rawValue),
        ]
        if let id = trace.clientRequestID { json["client_request_id"] = .string(id) }
        if let preview = trace.requestPreview { json["request_preview"] = .string(preview) }
        if let preview = trace.responsePreview { json["response_preview"] = .string(preview) }
        if let duration = trace.durationMilliseconds {
            json["execution_duration"] = .string(WellKnown.duration(duration))
        }
        if !trace.metadata.isEmpty { json["trace_metadata"] = object(trace.metadata) }
        if !trace.tags.isEmpty { json["tags"] = object(trace.tags) }
        if !trace.assessments.isEmpty { json["assessments"] = .array(trace.assessments.map(assessment)) }
        return json
    }

    static func span(_ span: Span) -> JSONValue {
        var json: JSONValue = [
            "trace_id": .string(base64(String(span.traceID.dropFirst(3)))), "span_id": .string(base64(span.id)),
        ]
        if let parent = span.parentID { json["parent_span_id"] = .string(base64(parent)) }
        json["name"] = .string(span.name)
        json["start_time_unix_nano"] = .int(span.startNanoseconds)
        if span.endNanoseconds != 0 { json["end_time_unix_nano"] = .int(span.endNanoseconds) }
        if !span.attributes.isEmpty { json["attributes"] = pairs(span.attributes) }
        if !span.events.isEmpty {
            json["events"] = .array(
                span.events.map { event in
                    var json: JSONValue = ["time_unix_nano": .int(event.atNanoseconds), "name": .string(event.name)]
                    if !event.attributes.isEmpty { json["attributes"] = pairs(event.attributes) }
                    return json
                })
        }
        if !span.links.isEmpty {
            json["links"] = .array(
                span.links.map { link in
                    var json: JSONValue = [
                        "trace_id": .string(base64(link.traceID)), "span_id": .string(base64(link.spanID)),
                    ]
                    if !link.attributes.isEmpty { json["attributes"] = pairs(link.attributes) }
                    return json
                })
        }
        var status: JSONValue = [:]
        if !span.status.message.isEmpty { status["message"] = .string(span.status.message) }
        if span.status.code != "UNSET" { status["code"] = .string("STATUS_CODE_\(span.status.code)") }
        json["status"] = status
        return json
    }

    private static func pairs(_ attributes: JSONObject) -> JSONValue {
        .array(
            attributes.members.map { member in
                member.value.isNull
                    ? ["key": .string(member.name)] : ["key": .string(member.name), "value": any(member.value)]
            })
    }

    /// A value as OpenTelemetry's `AnyValue`.
    private static func any(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null: [:]
        case .bool: ["bool_value": value]
        case .int: ["int_value": value]
        case .double: ["double_value": value]
        case .string: ["string_value": value]
        case .array(let elements):
            elements.isEmpty ? ["array_value": [:]] : ["array_value": ["values": .array(elements.map(any))]]
        case .object(let object):
            object.isEmpty ? ["kvlist_value": [:]] : ["kvlist_value": ["values": pairs(object)]]
        }
    }

    private static func base64(_ hex: String) -> String {
        let digits = Array(hex.utf8)
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count - 1, by: 2) {
            bytes.append(UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) ?? 0)
        }
        return Data(bytes).base64EncodedString()
    }

    static func assessment(_ assessment: Assessment) -> JSONValue {
        var json: JSONValue = [
            "assessment_id": .string(assessment.id), "assessment_name": .string(assessment.name),
            "trace_id": .string(assessment.traceID),
        ]
        if let span = assessment.spanID { json["span_id"] = .string(span) }
        var source: JSONValue = ["source_type": .string(assessment.sourceType)]
        if let id = assessment.sourceID { source["source_id"] = .string(id) }
        json["source"] = source
        json["create_time"] = .string(WellKnown.timestamp(assessment.createdMilliseconds))
        json["last_update_time"] = .string(WellKnown.timestamp(assessment.updatedMilliseconds))
        switch assessment.content {
        case .feedback(let value, let error):
            var feedback: JSONValue = ["value": value]
            if let error { feedback["error"] = error }
            json["feedback"] = feedback
        case .expectation(let value): json["expectation"] = expectation(value)
        case .issue(let name): json["issue"] = ["issue_name": .string(name)]
        }
        if let rationale = assessment.rationale { json["rationale"] = .string(rationale) }
        if !assessment.metadata.isEmpty { json["metadata"] = object(assessment.metadata) }
        if let overrides = assessment.overrides { json["overrides"] = .string(overrides) }
        json["valid"] = .bool(assessment.isValid)
        return json
    }

    /// Lists and objects travel as JSON inside of text.
    private static func expectation(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array, .object:
            var writer = JSONWriter(separators: .spaced)
            writer.value(value)
            let text = String(decoding: writer.bytes, as: UTF8.self)
            return ["serialized_value": ["serialization_format": "JSON_FORMAT", "value": .string(text)]]
        default: return ["value": value]
        }
    }

    static func object(_ pairs: [String: String]) -> JSONValue {
        .object(JSONObject(pairs.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }

    // MARK: Version 2

    static func oldInfo(_ trace: TraceInfo) -> JSONValue {
        [
            "request_id": .string(trace.id), "experiment_id": .string(String(trace.experimentID)),
            "timestamp_ms": .int(trace.requestMilliseconds), "execution_time_ms": .int(trace.durationMilliseconds ?? 0),
            "status": .string(trace.state == .unspecified ? "TRACE_STATUS_UNSPECIFIED" : trace.state.rawValue),
            "request_metadata": Messages.tags(trace.metadata), "tags": Messages.tags(trace.tags),
        ]
    }
}

/// Protobuf's times in JSON.
enum WellKnown {
    /// RFC 3339 in UTC: whole seconds, or milliseconds.
    static func timestamp(_ milliseconds: Int64) -> String {
        let fraction = (milliseconds % 1000 + 1000) % 1000
        let whole = Timestamp.text((milliseconds - fraction) * 1000)
        return fraction == 0 ? whole : "\(whole.dropLast()).\(String(1000 + fraction).dropFirst())Z"
    }

    /// `1.500s`.
    static func duration(_ milliseconds: Int64) -> String {
        let (seconds, rest) = abs(milliseconds).quotientAndRemainder(dividingBy: 1000)
        let sign = milliseconds < 0 ? "-" : ""
        return rest == 0 ? "\(sign)\(seconds)s" : "\(sign)\(seconds).\(String(1000 + rest).dropFirst())s"
    }

    /// Milliseconds of `1.5s`; nil for anything else.
    static func durationMilliseconds(_ text: String) -> Int64? {
        guard text.hasSuffix("s"), let seconds = Double(text.dropLast()), abs(seconds) < 1e12 else { return nil }
        return Int64((seconds * 1000).rounded(.down))
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreTracing

/// A span as it is stored and searched: JSON in which each attribute's value is JSON inside of text, as MLflow keeps spans.
enum SpanContent {
    static func text(_ span: Span) -> String {
        var attributes = JSONObject()
        for member in span.attributes.members { attributes[member.name] = .string(spaced(member.value)) }
        let content: JSONValue = [
            "trace_id": .string(span.traceID), "span_id": .string(span.id), "parent_span_id": .optional(span.parentID),
            "name": .string(span.name), "start_time_unix_nano": .int(span.startNanoseconds),
            "end_time_unix_nano": .int(span.endNanoseconds),
            "events": .array(
                span.events.map {
                    [
                        "name": .string($0.name), "time_unix_nano": .int($0.atNanoseconds),
                        "attributes": .object($0.attributes),
                    ]
                }),
            "status": ["code": .string("STATUS_CODE_\(span.status.code)"), "message": .string(span.status.message)],
            "attributes": .object(attributes),
            "links": .array(
                span.links.map {
                    [
                        "trace_id": .string($0.traceID), "span_id": .string($0.spanID),
                        "attributes": .object($0.attributes),
                    ]
                }),
        ]
        return spaced(content)
    }

    static func span(_ text: String) throws(GyreError) -> Span {
        let json = try JSONValue(parsing: text)
        var attributes = JSONObject()
        for member in json["attributes"]?.object?.members ?? [] {
            attributes[member.name] = try JSONValue(parsing: member.value.string ?? "null")
        }
        return Span(
            traceID: json["trace_id"]?.string ?? "", id: json["span_id"]?.string ?? "",
            parentID: json["parent_span_id"]?.string, name: json["name"]?.string ?? "",
            startNanoseconds: json["start_time_unix_nano"]?.int ?? 0,
            endNanoseconds: json["end_time_unix_nano"]?.int ?? 0,
            status: Span.Status(
                code: (json["status"]?["code"]?.string ?? "").replacing("STATUS_CODE_", with: ""),
                message: json["status"]?["message"]?.string ?? ""),
            attributes: attributes,
            events: (json["events"]?.array ?? []).map {
                Span.Event(
                    atNanoseconds: $0["time_unix_nano"]?.int ?? 0, name: $0["name"]?.string ?? "",
                    attributes: $0["attributes"]?.object ?? JSONObject())
            },
            links: (json["links"]?.array ?? []).map {
                Span.Link(
                    traceID: $0["trace_id"]?.string ?? "", spanID: $0["span_id"]?.string ?? "",
                    attributes: $0["attributes"]?.object ?? JSONObject())
            })
    }

    static func spaced(_ value: JSONValue) -> String {
        var writer = JSONWriter(separators: .spaced)
        writer.value(value)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

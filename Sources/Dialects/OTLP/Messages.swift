// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreTracing
internal import ProtoOTLP

/// The spans of one request in the words of the domain.
struct OTLPExport {
    /// The spans of one sender.
    struct Group {
        var spans: [Span]
        /// What the sender says of itself.
        var tags: [String: String]
    }

    private(set) var groups: [Group] = []
    var hasResources: Bool { !groups.isEmpty }
    var spanCount: Int { groups.reduce(0) { $0 + $1.spans.count } }

    // MARK: Protobuf

    init(_ request: Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest) throws(GyreError) {
        for resource in request.resourceSpans {
            var group = Group(spans: [], tags: Self.tags(Self.object(resource.resource.attributes)))
            for scope in resource.scopeSpans {
                for span in scope.spans { group.spans.append(try Self.kept(try Self.span(span))) }
            }
            try Self.check(group.tags)
            groups.append(group)
        }
    }

    /// Names and keys are kept as texts of a database, which U+0000 would cut short; values of attributes are kept as JSON.
    private static func kept(_ span: Span) throws(GyreError) -> Span {
        let names = [span.name, span.status.message] + span.events.map(\.name)
        guard !names.contains(where: { $0.utf8.contains(0) }),
            !span.attributes.members.contains(where: { $0.name.utf8.contains(0) })
        else {
            throw GyreError(.invalid, "A name, a status or a key of the span \(span.id) holds the character U+0000.")
        }
        return span
    }

    private static func check(_ tags: [String: String]) throws(GyreError) {
        guard let tag = tags.first(where: { $0.key.utf8.contains(0) || $0.value.utf8.contains(0) }) else { return }
        throw GyreError(
            .invalid, "The resource attribute \"\(tag.key.prefix(200))\" holds the character U+0000.")
    }

    private static func span(_ span: Opentelemetry_Proto_Trace_V1_Span) throws(GyreError) -> Span {
        let traceID = try id(hex(span.traceID), digits: 32)
        let name = "tr-\(traceID)"
        let code =
            switch span.status.code {
            case .ok: "OK"
            case .error: "ERROR"
            default: "UNSET"
            }
        return Span(
            traceID: name, id: try id(hex(span.spanID), digits: 16), parentID: try parent(hex(span.parentSpanID)),
            name: span.name, startNanoseconds: Int64(clamping: span.startTimeUnixNano),
            endNanoseconds: Int64(clamping: span.endTimeUnixNano),
            status: Span.Status(code: code, message: span.status.message),
            attributes: SpanAttributes.settled(object(span.attributes), traceID: name),
            events: span.events.map {
                Span.Event(
                    atNanoseconds: Int64(clamping: $0.timeUnixNano), name: $0.name, attributes: object($0.attributes))
            },
            links: span.links.map {
                Span.Link(traceID: hex($0.traceID), spanID: hex($0.spanID), attributes: object($0.attributes))
            })
    }

    private static func object(_ pairs: [Opentelemetry_Proto_Common_V1_KeyValue]) -> JSONObject {
        JSONObject(merging: pairs.map { ($0.key, value($0.value, depth: 0)) })
    }

    private static func value(_ any: Opentelemetry_Proto_Common_V1_AnyValue, depth: Int) -> JSONValue {
        // What is nested deeper than any document may be is left out.
        guard depth < Limits.jsonDepth else { return .null }
        switch any.value {
        case .stringValue(let text): return .string(text)
        case .boolValue(let flag): return .bool(flag)
        case .intValue(let number): return .int(number)
        case .doubleValue(let number): return .double(number)
        case .arrayValue(let list): return .array(list.values.map { value($0, depth: depth + 1) })
        case .kvlistValue(let list):
            return .object(JSONObject(merging: list.values.map { ($0.key, value($0.value, depth: depth + 1)) }))
        case .bytesValue(let data): return .string(data.base64EncodedString())
        default: return .null
        }
    }

    private static func hex(_ data: Data) -> String {
        data.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    // MARK: JSON

    init(json body: [UInt8]) throws(GyreError) {
        let document: JSONValue
        do { document = try JSONValue(parsing: body) } catch {
            throw GyreError(.invalid, "Invalid OpenTelemetry format", why: error.why)
        }
        for resource in Self.member(document, "resourceSpans", "resource_spans")?.array ?? [] {
            var group = Group(spans: [], tags: Self.tags(Self.object(resource["resource"]?["attributes"])))
            for scope in Self.member(resource, "scopeSpans", "scope_spans")?.array ?? [] {
                for span in scope["spans"]?.array ?? [] { group.spans.append(try Self.kept(try Self.span(span))) }
            }
            try Self.check(group.tags)
            groups.append(group)
        }
    }

    private static func span(_ json: JSONValue) throws(GyreError) -> Span {
        func text(_ camel: String, _ snake: String) -> String { member(json, camel, snake)?.string ?? "" }
        let traceID = "tr-" + (try id(text("traceId", "trace_id"), digits: 32))
        let parent = text("parentSpanId", "parent_span_id")
        let code: String
        switch json["status"]?["code"] {
        case .int(1), .string("STATUS_CODE_OK"): code = "OK"
        case .int(2), .string("STATUS_CODE_ERROR"): code = "ERROR"
        default: code = "UNSET"
        }
        return Span(
            traceID: traceID, id: try id(text("spanId", "span_id"), digits: 16),
            parentID: try Self.parent(parent), name: json["name"]?.string ?? "",
            startNanoseconds: integer(member(json, "startTimeUnixNano", "start_time_unix_nano")),
            endNanoseconds: integer(member(json, "endTimeUnixNano", "end_time_unix_nano")),
            status: Span.Status(code: code, message: json["status"]?["message"]?.string ?? ""),
            attributes: SpanAttributes.settled(object(json["attributes"]), traceID: traceID),
            events: (json["events"]?.array ?? []).map {
                Span.Event(
                    atNanoseconds: integer(member($0, "timeUnixNano", "time_unix_nano")),
                    name: $0["name"]?.string ?? "", attributes: object($0["attributes"]))
            },
            links: (json["links"]?.array ?? []).map {
                Span.Link(
                    traceID: member($0, "traceId", "trace_id")?.string ?? "",
                    spanID: member($0, "spanId", "span_id")?.string ?? "", attributes: object($0["attributes"]))
            })
    }

    private static func member(_ json: JSONValue, _ camel: String, _ snake: String) -> JSONValue? {
        json[camel] ?? json[snake]
    }

    private static func object(_ pairs: JSONValue?) -> JSONObject {
        JSONObject(merging: (pairs?.array ?? []).map { ($0["key"]?.string ?? "", value($0["value"] ?? .null)) })
    }

    private static func value(_ json: JSONValue) -> JSONValue {
        guard let member = json.object?.members.first else { return .null }
        switch member.name {
        case "intValue", "int_value": return .int(integer(member.value))
        case "doubleValue", "double_value":
            return member.value.double.map { .double($0) } ?? member.value.string.flatMap(Double.init).map {
                .double($0)
            }
                ?? .null
        case "arrayValue", "array_value": return .array((member.value["values"]?.array ?? []).map(value))
        case "kvlistValue", "kvlist_value": return .object(object(member.value["values"]))
        default: return member.value
        }
    }

    private static func integer(_ json: JSONValue?) -> Int64 { json?.int ?? json?.string.flatMap(Int64.init) ?? 0 }

    // MARK: Both

    /// An id of that many hexadecimal digits; a shorter one is filled with zeros in front.
    private static func id(_ text: String, digits: Int) throws(GyreError) -> String {
        let lower = text.lowercased()
        guard !lower.isEmpty, lower.utf8.count <= digits, lower.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
            throw GyreError(
                .invalid, "Invalid OpenTelemetry format", why: "\"\(text.prefix(40))\" is no id of a span or a trace.")
        }
        return String(repeating: "0", count: digits - lower.utf8.count) + lower
    }

    private static func parent(_ text: String) throws(GyreError) -> String? {
        text.isEmpty || text.allSatisfy { $0 == "0" } ? nil : try id(text, digits: 16)
    }

    /// A sender's attributes as tags, but for what only tells which library sent them.
    private static func tags(_ attributes: JSONObject) -> [String: String] {
        var tags: [String: String] = [:]
        for member in attributes.members
        where !member.name.hasPrefix("telemetry.sdk.") && !member.name.hasPrefix("mlflow.") && !member.name.isEmpty
            && member.name.count <= 250
        {
            tags[member.name] = String((member.value.string ?? member.value.text).prefix(8000))
        }
        return tags
    }
}

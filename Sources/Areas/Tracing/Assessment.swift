// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What a person, a judge or code said about a trace or one of its spans.
package struct Assessment: Sendable, Hashable {
    /// `a-` and 32 hexadecimal digits.
    package let id: String
    /// What is judged: `relevance`, `correct`.
    package var name: String
    /// The id of the trace that is judged.
    package let traceID: String
    /// The span, if it is about one.
    package let spanID: String?
    /// `HUMAN`, `LLM_JUDGE`, `CODE` or `SOURCE_TYPE_UNSPECIFIED`.
    package let sourceType: String
    /// Who in particular.
    package let sourceID: String?
    /// What was said.
    package var content: Content
    /// Why.
    package var rationale: String?
    /// More about it.
    package var metadata: [String: String]
    /// The assessment that it takes the place of.
    package let overrides: String?
    /// Whether it still counts: false once another has taken its place.
    package var isValid: Bool
    /// When it was made, milliseconds since 1970.
    package let createdMilliseconds: Int64
    /// When it last changed, milliseconds since 1970.
    package var updatedMilliseconds: Int64

    /// What an assessment says.
    package enum Content: Sendable, Hashable {
        /// How good something was, or the error that kept a judge from telling.
        case feedback(JSONValue, error: JSONValue?)
        /// What should have come out.
        case expectation(JSONValue)
        /// A known problem, by its name.
        case issue(String)

        /// The word that the store has for it.
        package var kind: String {
            switch self {
            case .feedback: "feedback"
            case .expectation: "expectation"
            case .issue: "issue"
            }
        }

        /// What was said, as it is searched.
        package var value: JSONValue {
            switch self {
            case .feedback(let value, _), .expectation(let value): value
            case .issue(let name): .string(name)
            }
        }
    }

    /// An assessment that counts.
    package init(
        id: String, name: String, traceID: String, spanID: String?, sourceType: String, sourceID: String?,
        content: Content, rationale: String?, metadata: [String: String], overrides: String?,
        createdMilliseconds: Int64, updatedMilliseconds: Int64
    ) {
        self.id = id
        self.name = name
        self.traceID = traceID
        self.spanID = spanID
        self.sourceType = sourceType
        self.sourceID = sourceID
        self.content = content
        self.rationale = rationale
        self.metadata = metadata
        self.overrides = overrides
        isValid = true
        self.createdMilliseconds = createdMilliseconds
        self.updatedMilliseconds = updatedMilliseconds
    }

    /// As it is stored.
    package init(json: JSONValue) {
        let content: Content =
            switch json["kind"]?.string {
            case "expectation": .expectation(json["value"] ?? .null)
            case "issue": .issue(json["value"]?.string ?? "")
            default: .feedback(json["value"] ?? .null, error: json["error"].flatMap { $0.isNull ? nil : $0 })
            }
        var metadata: [String: String] = [:]
        for member in json["metadata"]?.object?.members ?? [] { metadata[member.name] = member.value.string }
        self.init(
            id: json["id"]?.string ?? "", name: json["name"]?.string ?? "", traceID: json["trace_id"]?.string ?? "",
            spanID: json["span_id"]?.string, sourceType: json["source_type"]?.string ?? "",
            sourceID: json["source_id"]?.string, content: content, rationale: json["rationale"]?.string,
            metadata: metadata, overrides: json["overrides"]?.string,
            createdMilliseconds: json["created_ms"]?.int ?? 0, updatedMilliseconds: json["updated_ms"]?.int ?? 0)
        isValid = json["valid"]?.bool ?? true
    }

    /// As it is stored.
    package var json: JSONValue {
        var error: JSONValue = .null
        if case .feedback(_, let found?) = content { error = found }
        var metadata = JSONObject()
        for (key, value) in self.metadata.sorted(by: { $0.key < $1.key }) { metadata[key] = .string(value) }
        return [
            "id": .string(id), "name": .string(name), "trace_id": .string(traceID), "span_id": .optional(spanID),
            "source_type": .string(sourceType), "source_id": .optional(sourceID), "kind": .string(content.kind),
            "value": content.value, "error": error, "rationale": .optional(rationale), "metadata": .object(metadata),
            "overrides": .optional(overrides), "valid": .bool(isValid), "created_ms": .int(createdMilliseconds),
            "updated_ms": .int(updatedMilliseconds),
        ]
    }
}

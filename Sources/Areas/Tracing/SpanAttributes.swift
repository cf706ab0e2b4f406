// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Brings the attributes of spans into one form, whichever library made them.
///
/// Clients write structured values as JSON inside of text, and each tracing convention has its own names for the same things.
package enum SpanAttributes {
    /// The attributes as they are kept.
    package static func settled(_ attributes: JSONObject, traceID: String) -> JSONObject {
        var settled = JSONObject()
        for member in attributes.members { settled[member.name] = unwrapped(member.value) }
        settled["mlflow.traceRequestId"] = .string(traceID)
        translate(&settled)
        return settled
    }

    /// One layer of JSON inside of text is taken off where it is a text, a list or an object.
    static func unwrapped(_ value: JSONValue) -> JSONValue {
        guard case .string(let text) = value, let first = text.utf8.first(where: { $0 > 0x20 }),
            first == UInt8(ascii: "\"") || first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        else { return value }
        // A text that only looks like JSON stays the text that it is.
        guard let inner = try? JSONValue(parsing: text) else { return value }
        return inner
    }

    /// Fills MLflow's own names from those of OpenTelemetry's GenAI convention, OpenInference and Traceloop; never replaces one.
    private static func translate(_ attributes: inout JSONObject) {
        if let type = attributes["mlflow.spanType"]?.string, type != "UNKNOWN" {
        } else if let type = spanType(attributes) {
            attributes["mlflow.spanType"] = .string(type)
        }
        fill(
            "mlflow.spanInputs",
            ["gen_ai.input.messages", "gen_ai.tool.call.arguments", "input.value", "traceloop.entity.input"],
            &attributes)
        fill(
            "mlflow.spanOutputs",
            ["gen_ai.output.messages", "gen_ai.tool.call.result", "output.value", "traceloop.entity.output"],
            &attributes)
        fill("mlflow.llm.model", ["gen_ai.response.model", "gen_ai.request.model", "llm.model_name"], &attributes)
        fill("mlflow.llm.provider", ["gen_ai.provider.name", "gen_ai.system"], &attributes)
        if attributes["mlflow.chat.tokenUsage"] == nil, let usage = tokenUsage(attributes) {
            attributes["mlflow.chat.tokenUsage"] = usage
        }
    }

    private static func fill(_ name: String, _ sources: [String], _ attributes: inout JSONObject) {
        guard attributes[name] == nil else { return }
        for source in sources {
            if let value = attributes[source], !value.isNull {
                attributes[name] = value
                return
            }
        }
    }

    private static func spanType(_ attributes: JSONObject) -> String? {
        let operation = [
            "chat": "CHAT_MODEL", "create_agent": "AGENT", "embeddings": "EMBEDDING", "execute_tool": "TOOL",
            "generate_content": "LLM", "invoke_agent": "AGENT", "text_completion": "LLM",
        ]
        let kind = [
            "AGENT": "AGENT", "CHAIN": "CHAIN", "EMBEDDING": "EMBEDDING", "EVALUATOR": "EVALUATOR",
            "GUARDRAIL": "GUARDRAIL", "LLM": "LLM", "RERANKER": "RERANKER", "RETRIEVER": "RETRIEVER", "TOOL": "TOOL",
        ]
        let entity = ["agent": "AGENT", "task": "TASK", "tool": "TOOL", "workflow": "WORKFLOW"]
        return attributes["gen_ai.operation.name"]?.string.flatMap { operation[$0] }
            ?? attributes["openinference.span.kind"]?.string.flatMap { kind[$0] }
            ?? attributes["traceloop.span.kind"]?.string.flatMap { entity[$0] }
    }

    private static func tokenUsage(_ attributes: JSONObject) -> JSONValue? {
        func first(_ names: [String]) -> Int64? {
            for name in names {
                if let number = attributes[name]?.int { return number }
            }
            return nil
        }
        let input = first(["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"])
        let output = first([
            "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion",
        ])
        guard input != nil || output != nil else { return nil }
        let total = first(["llm.token_count.total"]) ?? (input ?? 0) + (output ?? 0)
        return [
            "input_tokens": .int(input ?? 0), "output_tokens": .int(output ?? 0), "total_tokens": .int(total),
        ]
    }
}

// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreTestSupport
import Testing

@testable import GyreTracing

/// Attributes of spans, whichever library made them, and the sums over a trace.
@Suite struct SpanAttributesTests {
    private func settled(_ json: JSONValue) -> JSONValue {
        .object(SpanAttributes.settled(json.object ?? JSONObject(), traceID: "tr-1"))
    }

    @Test("JSON inside of text is taken off once, and text that only looks like it stays")
    func unwrapped() {
        #expect(SpanAttributes.unwrapped("{\"a\": 1}") == ["a": 1])
        #expect(SpanAttributes.unwrapped(" [1]") == [1])
        #expect(SpanAttributes.unwrapped("\"text\"") == "text")
        #expect(SpanAttributes.unwrapped("{broken") == "{broken")
        #expect(SpanAttributes.unwrapped("5") == "5")
        #expect(SpanAttributes.unwrapped("") == "")
        #expect(SpanAttributes.unwrapped(7) == 7)
    }

    @Test("each convention's names become MLflow's, and a name that is there is never replaced")
    func conventions() {
        let genAI = settled([
            "gen_ai.operation.name": "chat", "gen_ai.input.messages": "[{\"role\": \"user\"}]",
            "gen_ai.request.model": "asked", "gen_ai.response.model": "answered", "gen_ai.system": "openai",
            "gen_ai.usage.prompt_tokens": 5,
        ])
        #expect(genAI["mlflow.spanType"] == "CHAT_MODEL" && genAI["mlflow.llm.model"] == "answered")
        #expect(genAI["mlflow.spanInputs"] == [["role": "user"]] && genAI["mlflow.llm.provider"] == "openai")
        #expect(
            genAI["mlflow.chat.tokenUsage"] == ["input_tokens": 5, "output_tokens": 0, "total_tokens": 5])
        let inference = settled([
            "openinference.span.kind": "RETRIEVER", "output.value": "found", "llm.token_count.prompt": 1,
            "llm.token_count.completion": 2, "llm.token_count.total": 9,
        ])
        #expect(inference["mlflow.spanType"] == "RETRIEVER" && inference["mlflow.spanOutputs"] == "found")
        #expect(inference["mlflow.chat.tokenUsage"]?["total_tokens"] == 9)
        #expect(settled(["traceloop.span.kind": "workflow"])["mlflow.spanType"] == "WORKFLOW")
        #expect(settled(["mlflow.spanType": "TOOL", "gen_ai.operation.name": "chat"])["mlflow.spanType"] == "TOOL")
        #expect(
            settled(["mlflow.spanType": "UNKNOWN", "gen_ai.operation.name": "chat"])["mlflow.spanType"] == "CHAT_MODEL")
        #expect(settled([:])["mlflow.traceRequestId"] == "tr-1")
    }

    private func summary(_ id: String, in parent: String?, tokens: Int64?, cost: Double? = nil) -> SpanSummary {
        SpanSummary(
            id: id, parentID: parent, startNanoseconds: 0, endNanoseconds: 0,
            tokenUsage: tokens.map { ["input_tokens": .int($0)] }, cost: cost.map { ["total_cost": .double($0)] })
    }

    @Test("a span that counts stands for all below it, at any depth")
    func sums() {
        let spans = [
            summary("a", in: nil, tokens: nil), summary("b", in: "a", tokens: 10, cost: 0.5),
            summary("c", in: "b", tokens: nil), summary("d", in: "c", tokens: 7, cost: 0.25),
            summary("e", in: "a", tokens: 1),
        ]
        #expect(TraceSums.tokenUsage(spans) == "{\"input_tokens\": 11}")
        #expect(TraceSums.cost(spans) == "{\"total_cost\": 0.5}")
        #expect(TraceSums.tokenUsage([summary("a", in: nil, tokens: nil)]) == nil)
        #expect(TraceSums.cost([]) == nil)
    }

    @Test("spans that are each other's parents are counted, and end", arguments: 1...20)
    func circles(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let spans = (0..<20).map { index in
            summary(
                "s\(index)", in: "s\(Int.random(in: 0..<20, using: &random))",
                tokens: Bool.random(using: &random) ? 1 : nil)
        }
        let text = TraceSums.tokenUsage(spans)
        let total = text.flatMap { try? JSONValue(parsing: $0) }?["input_tokens"]?.int ?? 0
        #expect(total <= 20, "seed \(seed)")
    }

    @Test("a conversation is shown by its last message of the role, anything else by its text")
    func previews() {
        func preview(_ value: JSONValue, _ role: String = "user") -> String? { TraceSums.preview(value, role: role) }
        #expect(
            preview(["messages": [["role": "user", "content": "one"], ["role": "user", "content": "two"]]]) == "two")
        #expect(preview(["request": ["input": [["role": "system", "content": "only"]]]]) == "only")
        #expect(preview(["messages": [["role": "user", "content": [["type": "image"], ["text": "seen"]]]]]) == "seen")
        #expect(preview(["choices": [["message": ["role": "assistant", "content": "hi"]]]], "assistant") == "hi")
        #expect(
            preview(["messages": [["role": "user", "content": 5]]])
                == "{\"messages\": [{\"role\": \"user\", \"content\": 5}]}")
        #expect(preview(.null) == nil)
        #expect(preview(.string(String(repeating: "x", count: 1001)))?.count == 1000)
    }
}

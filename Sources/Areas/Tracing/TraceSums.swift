// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// What a trace is, told by its spans.
enum TraceSums {
    /// Tokens of the whole trace: a span that counts stands for all below it.
    static func tokenUsage(_ spans: [SpanSummary]) -> String? {
        let names = [
            "input_tokens", "output_tokens", "total_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
        ]
        let values = counting(spans, \.tokenUsage)
        guard !values.isEmpty else { return nil }
        var sums = JSONObject()
        for name in names {
            let numbers = values.compactMap { $0[name]?.int }
            if !numbers.isEmpty { sums[name] = .int(numbers.reduce(0, &+)) }
        }
        return sums.members.isEmpty ? nil : spaced(.object(sums))
    }

    /// Cost of the whole trace.
    static func cost(_ spans: [SpanSummary]) -> String? {
        let values = counting(spans, \.cost)
        guard !values.isEmpty else { return nil }
        var sums = JSONObject()
        for name in ["input_cost", "output_cost", "total_cost"] {
            let numbers = values.compactMap { $0[name]?.double }
            if !numbers.isEmpty { sums[name] = .double(numbers.reduce(0, +)) }
        }
        return sums.members.isEmpty ? nil : spaced(.object(sums))
    }

    /// The values of the topmost spans that have one.
    private static func counting(
        _ spans: [SpanSummary], _ value: (SpanSummary) -> JSONValue?
    ) -> [JSONValue] {
        var byID: [String: SpanSummary] = [:]
        for span in spans { byID[span.id] = span }
        return byID.values.compactMap { span in
            guard let own = value(span), own.object != nil else { return nil }
            var parent = span.parentID
            // As many steps up as there are spans are enough, whatever the parents say.
            for _ in 0..<byID.count {
                guard let id = parent, let found = byID[id] else { break }
                if value(found)?.object != nil { return nil }
                parent = found.parentID
            }
            return own
        }
    }

    /// Text with a space after each comma and colon, as clients write it.
    static func spaced(_ value: JSONValue) -> String {
        var writer = JSONWriter(separators: .spaced)
        writer.value(value)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// The beginning of what went in or came out, for lists.
    ///
    /// A conversation is shown by its last message of the given role.
    static func preview(_ value: JSONValue?, role: String) -> String? {
        guard let value, !value.isNull else { return nil }
        let text = message(value, role: role) ?? spaced(value)
        return text.count > 1000 ? String(text.prefix(997)) + "..." : text
    }

    private static func message(_ value: JSONValue, role: String) -> String? {
        if let request = value["request"], request.object != nil { return message(request, role: role) }
        var messages: [JSONValue]?
        for name in ["messages", "input", "output"] where messages == nil { messages = value[name]?.array }
        if messages == nil { messages = value["choices"]?.array?.compactMap { $0["message"] } }
        guard let messages, !messages.isEmpty else { return nil }
        let chosen = messages.last { $0["role"]?.string == role } ?? messages.last
        switch chosen?["content"] {
        case .string(let text): return text
        case .array(let parts): return parts.compactMap { $0["text"]?.string }.first
        default: return nil
        }
    }
}

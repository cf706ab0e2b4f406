// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

/// `retryStrategy`.
enum WorkflowRetry {
    static func policy(_ strategy: JSONValue, _ place: String) throws(GyreError) -> RetryPolicy {
        var policy = RetryPolicy()
        policy.limit = .max
        if let limit = strategy["limit"], limit != .null {
            guard let number = limit.int ?? Int64(limit.string ?? ""), number >= 0 else {
                throw GyreError(
                    .unsupported, "\(place).retryStrategy.limit is \(limit.text.prefix(60)), and must be a number.")
            }
            policy.limit = Int(number)
        }
        policy.condition = strategy["expression"]?.string.map { WorkflowText.retry($0).stored }
        if let text = strategy["expression"]?.string, !text.contains("{{") { _ = try ExpressionParser.parse(text) }
        switch strategy["retryPolicy"]?.string {
        case "Always": policy.scope = .all
        case "OnError": policy.scope = .errors
        case "OnFailure": policy.scope = .failures
        // What passes by itself is an error, and not a failure of the command.
        case "OnTransientError": policy.scope = .errors
        case nil: policy.scope = policy.condition == nil ? .failures : .all
        case let other?:
            throw GyreError(
                .invalid, "\(place).retryStrategy.retryPolicy is \"\(other.prefix(40))\".",
                why: "It is Always, OnFailure, OnError or OnTransientError.")
        }
        guard let backoff = strategy["backoff"] else { return policy }
        func seconds(_ name: String) throws(GyreError) -> Double? {
            guard let value = backoff[name], value != .null else { return nil }
            guard let seconds = GoTime.seconds(ExpressionFunctions.text(value)) else {
                throw GyreError(
                    .invalid, "\(place).retryStrategy.backoff.\(name) is no duration: \(value.text.prefix(40))")
            }
            return seconds
        }
        policy.delaySeconds = try seconds("duration") ?? 0
        policy.factor = backoff["factor"].flatMap { Double(ExpressionFunctions.text($0)) } ?? 1
        policy.longestDelaySeconds = try seconds("cap") ?? policy.longestDelaySeconds
        policy.durationSeconds = try seconds("maxDuration")
        return policy
    }
}

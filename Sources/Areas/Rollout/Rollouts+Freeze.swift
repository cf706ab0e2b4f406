// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// A hold on an endpoint's traffic: nothing gets more of it until the hold ends; what fails still loses its share.
package struct Freeze: Sendable, Hashable {
    /// Why.
    package let reason: String
    /// Who asked for it.
    package let actor: String
    /// When it ends by itself, microseconds since 1970; nil for never.
    package let until: Int64?

    init(reason: String, actor: String, until: Int64?) {
        self.reason = reason
        self.actor = actor
        self.until = until
    }

    init(json: JSONValue) {
        self.init(
            reason: json["reason"]?.string ?? "", actor: json["actor"]?.string ?? "", until: json["until"]?.int)
    }

    /// As stored and as the native API tells it.
    package var json: JSONValue {
        ["reason": .string(reason), "actor": .string(actor), "until": .optional(until)]
    }

    /// What is said to somebody whom it stops.
    func refusal(_ endpoint: String) -> GyreError {
        GyreError(
            .conflict, "The traffic of \"\(endpoint)\" is frozen.",
            why: "\(actor) said: \(reason)\(until.map { "; until \(Timestamp.text($0))" } ?? "").",
            fix: "gyre endpoint unfreeze \(endpoint)")
    }
}

extension Rollouts {
    private static let kind = "freeze"

    /// The hold on an endpoint, if one lasts.
    package func freeze(of endpoint: String) async throws(GyreError) -> Freeze? {
        guard let document = try await store.document(Self.kind, endpoint) else { return nil }
        let freeze = Freeze(json: document.body)
        return freeze.until.map { $0 <= surroundings.now() } ?? false ? nil : freeze
    }

    /// - Throws: `.conflict` while the endpoint is frozen.
    package func checkNotFrozen(_ endpoint: String) async throws(GyreError) {
        if let freeze = try await freeze(of: endpoint) { throw freeze.refusal(endpoint) }
    }

    /// Holds an endpoint's traffic where it is, for some seconds or until somebody ends it.
    package func freeze(
        _ endpoint: String, seconds: Int64?, reason: String, by actor: String
    ) async throws(GyreError) -> Freeze {
        guard let split = try await split(endpoint) else {
            throw GyreError(.notFound, "No endpoint is named \"\(endpoint)\".", fix: "gyre endpoint list")
        }
        // A bandit moves traffic with every answer.
        try checkNoBandit(endpoint, split)
        let freeze = Freeze(
            reason: reason, actor: actor, until: seconds.map { surroundings.now() + $0 * 1_000_000 })
        try await store.commit(
            [.put(Document(Self.kind, endpoint, freeze.json))],
            recording: [
                Fact(
                    "rollout.endpoint.frozen", Ref("endpoint", endpoint), by: actor,
                    outputs: [Ref("endpoint", endpoint)], body: freeze.json)
            ])
        return freeze
    }

    /// Ends the hold.
    /// - Throws: `.conflict` where there is none.
    package func unfreeze(_ endpoint: String, reason: String, by actor: String) async throws(GyreError) {
        guard try await freeze(of: endpoint) != nil else {
            throw GyreError(.conflict, "The traffic of \"\(endpoint)\" is not frozen.")
        }
        try await store.commit(
            [.remove(kind: Self.kind, key: endpoint)],
            recording: [
                Fact(
                    "rollout.endpoint.unfrozen", Ref("endpoint", endpoint), by: actor,
                    outputs: [Ref("endpoint", endpoint)], body: ["reason": .string(reason)])
            ])
    }
}

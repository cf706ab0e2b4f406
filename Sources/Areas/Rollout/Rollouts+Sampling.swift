// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// How much of an endpoint's traffic is kept in its prediction log.
extension Rollouts {
    private static let kind = "prediction-sampling"

    /// The share of requests that is kept; 1 where nobody said.
    package func sample(of endpoint: String) async throws(GyreError) -> Double {
        try await store.document(Self.kind, endpoint)?.body["share"]?.double ?? 1
    }

    /// Sets the share of requests that is kept, from 0 to 1; what fails is always kept.
    package func setSample(
        _ share: Double, of endpoint: String, reason: String, by actor: String
    ) async throws(GyreError) {
        guard (0...1).contains(share) else { throw GyreError(.invalid, "The share \(share) is not from 0 to 1.") }
        guard try await split(endpoint) != nil else {
            throw GyreError(.notFound, "No endpoint is named \"\(endpoint)\".", fix: "gyre endpoint list")
        }
        let body: JSONValue = ["share": .double(share), "reason": .string(reason)]
        try await store.commit(
            [.put(Document(Self.kind, endpoint, body))],
            recording: [
                Fact(
                    "rollout.sampling.set", Ref("endpoint", endpoint), by: actor, outputs: [Ref("endpoint", endpoint)],
                    body: body)
            ])
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// What labels say of a rollout after its end.
extension Rollouts {
    /// Seconds after its end for which labels still count for a rollout.
    package static let reviewedSeconds: Int64 = 86_400

    /// The rollout of an endpoint that ended last, if labels that come now still count for it.
    package func lastEnded(_ endpoint: String) async throws(GyreError) -> Rollout? {
        let oldest = surroundings.now() - Self.reviewedSeconds * 1_000_000
        return try await rollouts(of: endpoint).first { $0.endedAt.map { $0 >= oldest } ?? false }
    }

    /// Takes what labels say of a rollout that has ended; a contradiction of a promotion is recorded, once.
    ///
    /// `numbers`: labels and Brier scores over the whole rollout. `judgement`: that they show the canary to be worse; nil if they do not.
    package func reviewed(
        _ rollout: Rollout, numbers: JSONValue, _ judgement: Judge.Judgement?
    ) async throws(GyreError) -> Rollout {
        if looks[rollout.endpoint].map({ $0.rollout == rollout.id }) ?? true {
            looks[rollout.endpoint] = Look(rollout: rollout.id, review: numbers)
        }
        var reviewed = rollout
        reviewed.review = numbers
        guard let judgement, rollout.plan.state == .promoted, rollout.contradicted == nil else { return reviewed }
        let now = surroundings.now()
        return try await store.transact { ledger throws(GyreError) in
            guard let document = try ledger.document("rollout", "\(rollout.endpoint)/\(rollout.id)") else {
                throw GyreError(.notFound, "The rollout \(rollout.ref) is gone.")
            }
            var stored = try Rollout(json: document.body)
            guard stored.contradicted == nil else { return Proposal(stored) }
            stored.contradicted = Rollout.Contradicted(
                at: now, reason: "Labels that came after the promotion speak against it. \(judgement.reason)",
                numbers: judgement.numbers)
            return Proposal(
                stored, [.put(Self.document(stored))],
                recording: [
                    Fact(
                        "rollout.canary.contradicted", stored.ref, by: "policy/canary",
                        inputs: [Ref("release", stored.endpoint, String(stored.canary.release))],
                        outputs: [Ref("endpoint", stored.endpoint)],
                        body: [
                            "reason": .string(stored.contradicted?.reason ?? ""), "numbers": judgement.numbers,
                            "on_contradiction": .string(stored.judge.onContradiction.rawValue),
                        ])
                ])
        }
    }

    /// Gives the former version its traffic back after a promotion that labels contradict, where the judge's policy says so.
    ///
    /// What a person promoted is only told of, and so is what something else replaced since. The former version must be loaded.
    /// - Returns: the rollout; nil where nothing is taken back.
    package func takeBack(_ rollout: Rollout) async throws(GyreError) -> Rollout? {
        guard rollout.isToBeTakenBack else { return nil }
        return try await store.transact { ledger throws(GyreError) in
            let pointer = TrafficSplit.pointer(rollout.endpoint)
            guard let document = try ledger.document("rollout", "\(rollout.endpoint)/\(rollout.id)"),
                let split = TrafficSplit(json: try ledger.pointer(pointer))
            else { return Proposal(nil) }
            var stored = try Rollout(json: document.body)
            // Only what the promotion itself set is taken back.
            guard stored.isToBeTakenBack, split == TrafficSplit(stable: stored.canary) else { return Proposal(nil) }
            stored.contradicted?.isTakenBack = true
            return Proposal(
                stored,
                [.put(Self.document(stored)), .move(pointer, to: TrafficSplit(stable: stored.stable).json)],
                recording: [
                    Fact(
                        "rollout.canary.taken-back", stored.ref, by: "policy/canary",
                        inputs: [Ref("release", stored.endpoint, String(stored.stable.release))],
                        outputs: [Ref("endpoint", stored.endpoint)],
                        body: [
                            "reason": .string(stored.contradicted?.reason ?? ""),
                            "numbers": stored.contradicted?.numbers ?? [:],
                        ])
                ])
        }
    }
}

extension Rollout {
    /// Whether labels contradict it, its policy is to be taken back for that, and nothing was done yet.
    ///
    /// One that was to be judged without labels is never taken back for them.
    package var isToBeTakenBack: Bool {
        guard let contradicted, !contradicted.isTakenBack else { return false }
        return judge.onContradiction == .rollBack && judge.minimumLabels > 0 && endedBy == "policy/canary"
    }
}

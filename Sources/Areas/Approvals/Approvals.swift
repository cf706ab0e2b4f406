// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// Holds calls back until others than their author agree: four eyes, or more.
package struct Approvals: Sendable {
    private let store: any LedgerStore
    private let surroundings: Surroundings
    /// The longest body of a call that is held.
    private static let longestBody = 1 << 20

    /// The approvals that `store` keeps.
    package init(store: any LedgerStore, surroundings: Surroundings) {
        self.store = store
        self.surroundings = surroundings
    }

    // MARK: Rules

    /// All rules.
    package func rules() async throws(GyreError) -> [ApprovalRule] {
        try await store.documents(ApprovalRule.kind).map { document throws(GyreError) in
            try ApprovalRule(stored: document.body)
        }
    }

    /// Sets a rule, over an older one about the same.
    package func set(_ rule: ApprovalRule, by actor: String) async throws(GyreError) {
        try await store.commit(
            [.put(Document(ApprovalRule.kind, rule.key, rule.json))],
            recording: [Fact("approvals.rule.set", Ref("approval-rule", rule.key), by: actor, body: rule.json)])
    }

    /// Removes a rule.
    /// - Throws: `.notFound`.
    package func remove(_ rule: ApprovalRule, by actor: String) async throws(GyreError) {
        guard try await store.document(ApprovalRule.kind, rule.key) != nil else {
            throw GyreError(.notFound, "There is no such rule about approvals.", fix: "gyre approval rules")
        }
        try await store.commit(
            [.remove(kind: ApprovalRule.kind, key: rule.key)],
            recording: [Fact("approvals.rule.removed", Ref("approval-rule", rule.key), by: actor, body: rule.json)])
    }

    /// How many others have to agree that something is done; 0 where it may be done at once.
    package func wanted(_ action: String, _ subject: String?) async throws(GyreError) -> Int {
        try await rules().filter { $0.covers(action, subject) }.map(\.approvers).max() ?? 0
    }

    // MARK: Calls that wait

    /// All that were asked for, newest first.
    package func approvals() async throws(GyreError) -> [Approval] {
        try await store.documents(Approval.kind).map { document throws(GyreError) in
            try Approval(stored: document.body)
        }.reversed()
    }

    /// The approval of that number.
    /// - Throws: `.notFound`.
    package func approval(_ number: Int) async throws(GyreError) -> Approval {
        guard let found = try await store.document(Approval.kind, Approval.key(number)) else {
            throw Self.missing(number)
        }
        return try Approval(stored: found.body)
    }

    /// Keeps a call until it is approved.
    package func ask(
        _ action: String, _ subject: String?, wanted: Int, author: String, reason: String, call: Approval.Call
    ) async throws(GyreError) -> Approval {
        guard call.body.bytes.count <= Self.longestBody else {
            throw GyreError(.limitExceeded, "The call is too large to wait for an approval.")
        }
        let now = surroundings.now()
        return try await store.transact { ledger throws(GyreError) in
            let last = try ledger.documents(Approval.kind, prefix: "").last
            let number =
                (try last.map { document throws(GyreError) in try Approval(stored: document.body).number } ?? 0) + 1
            let approval = Approval(
                number: number, action: action, subject: subject, author: author, reason: reason, call: call,
                wanted: wanted, at: now)
            return Proposal(
                approval, [.create(Document(Approval.kind, Approval.key(number), approval.json))],
                recording: [
                    Fact(
                        "approvals.asked", approval.ref, by: author,
                        body: [
                            "action": .string(action), "subject": .optional(subject), "reason": .string(reason),
                            "wanted": .int(Int64(wanted)),
                        ])
                ])
        }
    }

    /// Says what somebody thinks of it.
    /// - Throws: `.denied` for its author; `.conflict` for what waits no longer, or where the same person has spoken.
    /// - Returns: the approval, which is `.approved` once enough agree.
    package func say(
        _ agrees: Bool, _ number: Int, reason: String, by actor: String
    ) async throws(GyreError) -> Approval {
        try await store.transact { ledger throws(GyreError) in
            guard let found = try ledger.document(Approval.kind, Approval.key(number)) else {
                throw Self.missing(number)
            }
            var approval = try Approval(stored: found.body)
            guard approval.state == .waiting else {
                throw GyreError(.conflict, "The approval \(number) waits no longer: it is \(approval.state.rawValue).")
            }
            guard approval.author != actor || !agrees else {
                throw GyreError(
                    .denied, "\(actor) has asked for it, and does not approve it.",
                    why: "It takes \(approval.wanted == 1 ? "another person" : "\(approval.wanted) others").")
            }
            guard !approval.voices.contains(where: { $0.actor == actor }) else {
                throw GyreError(.conflict, "\(actor) has approved it already.")
            }
            approval.voices.append(Approval.Voice(actor: actor, agrees: agrees, reason: reason))
            if !agrees {
                approval.state = .rejected
            } else if approval.voices.count(where: \.agrees) >= approval.wanted {
                approval.state = .approved
            }
            return Proposal(
                approval, [.put(Document(Approval.kind, found.key, approval.json))],
                recording: [
                    Fact(
                        agrees ? "approvals.approved" : "approvals.rejected", approval.ref, by: actor,
                        body: ["reason": .string(reason), "state": .string(approval.state.rawValue)])
                ])
        }
    }

    /// Keeps that carrying it out failed.
    package func fail(_ number: Int, _ problem: String) async throws(GyreError) {
        try await store.transact { ledger throws(GyreError) in
            guard let found = try ledger.document(Approval.kind, Approval.key(number)) else {
                throw Self.missing(number)
            }
            var approval = try Approval(stored: found.body)
            approval.state = .failed
            approval.problem = problem
            return Proposal(
                (), [.put(Document(Approval.kind, found.key, approval.json))],
                recording: [Fact("approvals.failed", approval.ref, by: "gyre", body: ["why": .string(problem)])])
        }
    }

    private static func missing(_ number: Int) -> GyreError {
        GyreError(.notFound, "There is no approval \(number).", fix: "gyre approval list")
    }
}

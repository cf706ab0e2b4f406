// SPDX-License-Identifier: Apache-2.0

import GyreApprovals
import GyreBase
import GyreLedger
import GyreTestSupport
import Testing

/// Calls that wait until others agree.
@Suite struct ApprovalsTests {
    private let approvals = Approvals(store: MemoryLedgerStore(now: { 0 }), surroundings: ManualClock().surroundings)
    private let call = Approval.Call(method: "POST", target: "/x", body: ["a": 1])

    private func ask(_ wanted: Int) async throws -> Approval {
        try await approvals.ask(
            "alias", "model/delay", wanted: wanted, author: "user/ann", reason: "better", call: call)
    }

    @Test("the strictest rule that covers something counts; a call that does not say on what is covered by all")
    func rules() async throws {
        #expect(try await approvals.wanted("alias", "model/delay") == 0)
        try await approvals.set(try ApprovalRule(action: "alias", subject: "model/delay", approvers: 1), by: "test")
        try await approvals.set(try ApprovalRule(action: nil, subject: nil, approvers: 2), by: "test")
        try await approvals.set(try ApprovalRule(action: "deploy", subject: "endpoint/delay", approvers: 3), by: "test")
        #expect(try await approvals.wanted("alias", "model/delay") == 2)
        #expect(try await approvals.wanted("deploy", "endpoint/delay") == 3)
        #expect(try await approvals.wanted("deploy", "endpoint/other") == 2)
        #expect(try await approvals.wanted("deploy", nil) == 3)
        try await approvals.remove(try ApprovalRule(action: nil, subject: nil, approvers: 2), by: "test")
        #expect(try await approvals.wanted("alias", "model/other") == 0)
        await #expect(throws: GyreError.self) {
            try await approvals.remove(try ApprovalRule(action: nil, subject: nil, approvers: 2), by: "test")
        }
        #expect(throws: GyreError.self) { try ApprovalRule(action: "dance", subject: nil, approvers: 1) }
        #expect(throws: GyreError.self) { try ApprovalRule(action: nil, subject: nil, approvers: 0) }
        #expect(throws: GyreError.self) { try ApprovalRule(action: nil, subject: "nothing", approvers: 1) }
    }

    @Test("others agree, each once, and never the author; one who does not ends it")
    func voices() async throws {
        let first = try await ask(2)
        #expect(first.number == 1 && first.state == .waiting)
        await #expect(throws: GyreError.self) { try await approvals.say(true, 1, reason: "", by: "user/ann") }
        #expect(try await approvals.say(true, 1, reason: "", by: "user/bob").state == .waiting)
        await #expect(throws: GyreError.self) { try await approvals.say(true, 1, reason: "", by: "user/bob") }
        #expect(try await approvals.say(true, 1, reason: "", by: "user/cleo").state == .approved)
        await #expect(throws: GyreError.self) { try await approvals.say(true, 1, reason: "", by: "user/dan") }
        _ = try await ask(1)
        #expect(
            try await approvals.say(false, 2, reason: "no", by: "user/ann").state == .rejected,
            "who asked may take it back")
        _ = try await ask(1)
        try await approvals.fail(3, "it went wrong")
        #expect(try await approvals.approvals().map(\.state) == [.failed, .rejected, .approved])
        #expect(try await approvals.approval(1).call == call)
        await #expect(throws: GyreError.self) { try await approvals.approval(4) }
    }
}

// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreEvaluation
import GyreLedger
import GyreTestSupport
import Testing

/// Known problems.
@Suite struct IssuesTests {
    @Test("an issue keeps what was reported, and what was changed since")
    func issues() async throws {
        let issues = Issues(store: MemoryLedgerStore(now: { 0 }), surroundings: .still)
        func report(_ experiment: String) async throws -> GyreEvaluation.Issue {
            let (id, now) = issues.fresh()
            let issue = GyreEvaluation.Issue(
                id: id, experimentID: experiment, name: "slow", description: "It is slow.", status: "pending",
                severity: nil, rootCauses: ["disk"], sourceRunID: "r", createdBy: "ann", categories: ["speed"],
                atMilliseconds: now)
            try await issues.create(issue, by: "ann")
            return issue
        }
        let issue = try await report("1")
        _ = try await report("2")
        #expect(try await issues.issue(issue.id) == issue)
        #expect(try await issues.issues(in: "1") == [issue])
        #expect(try await issues.issues(in: nil).count == 2)
        let changed = try await issues.update(issue.id, by: "bob") {
            $0.status = "resolved"
            $0.severity = "high"
        }
        #expect(try await issues.issue(issue.id) == changed && changed.severity == "high")
        let error = await #expect(throws: GyreError.self) { try await issues.issue("iss-none") }
        #expect(error?.code == .notFound)
        await #expect(throws: GyreError.self) { try await issues.update("iss-none", by: "ann") { _ in } }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

extension Console {
    /// What is live, what is red, and what happened last.
    func home(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let live = Self.panels(try await get(API.EndpointList.self, "/endpoints").endpoints)
        let facts = try await get(API.FactList.self, "/ledger?limit=12").facts
        let head = try await get(API.Head.self, "/ledger/head")
        let waiting = try await get(API.ApprovalList.self, "/approvals").approvals.filter { $0.state == "waiting" }
        let problems = try await failedRuns() + stoppedData() + contradictedPromotions()
        return Page("Home", in: .home, refreshSeconds: 5) {
            Section("Live") {
                Panels(
                    panels: live,
                    empty: EmptyState("Nothing is served yet. Deploy a model:", command: "gyre endpoint deploy NAME"))
            }
            if !waiting.isEmpty {
                Section("Waits for somebody") {
                    Table(
                        "Approvals", ["What", "On", "Asked by", "Why"],
                        waiting.map { approval in
                            [
                                .link("\(approval.number): \(approval.action)", to: "/approvals"),
                                .text(approval.subject ?? "more than one thing"), .text(approval.author),
                                .short(approval.reason),
                            ]
                        }, empty: "")
                }
            }
            Section("Red") { Table("What failed", ["", "What", "Why"], problems, empty: "Nothing is red.") }
            Section("Last facts") { Self.facts(facts) }
            Sentence("\(head.seq) facts in the ledger. ", .link("All facts", to: "/ledger"))
        }
    }

    private func failedRuns() async throws(GyreError) -> [[Words]] {
        let runs = try await get(API.PipelineRunList.self, "/pipeline-runs").runs
        return runs.prefix(20).filter { $0.state == "FAILED" }.map { run in
            let link = Words.link("pipeline run \(run.id.prefix(8))", to: Percent.path("pipelines", run.id))
            return [.state("failed"), link, .short(run.message ?? "–")]
        }
    }

    /// Dataset versions that a check stopped.
    private func stoppedData() async throws(GyreError) -> [[Words]] {
        let facts = try await get(API.FactList.self, "/ledger?kind=quality.check.failed&limit=20").facts
        return facts.filter { $0.body["severity"]?.string == "critical" }.map { fact in
            let failures = (fact.body["failures"]?.strings ?? []).joined(separator: "; ")
            return [.state("failed"), .reference(fact.subject), .short(failures)]
        }
    }

    /// Promotions that labels spoke against afterwards, and that were not taken back.
    private func contradictedPromotions() async throws(GyreError) -> [[Words]] {
        let facts = try await get(API.FactList.self, "/ledger?kind=rollout.canary.contradicted&limit=20").facts
        let back = try await get(API.FactList.self, "/ledger?kind=rollout.canary.taken-back&limit=100").facts
        let done = Set(back.filter { $0.kind == "rollout.canary.taken-back" }.map(\.subject))
        return facts.filter { !done.contains($0.subject) }.map { fact in
            let name = fact.subject.dropFirst("rollout/".count).prefix { $0 != "@" }
            let link = Words.link("endpoint \(name)", to: Percent.path("endpoints", String(name)))
            return [.state("contradicted"), link, .short(text(fact.body["reason"]))]
        }
    }
}

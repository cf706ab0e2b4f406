// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

extension Console {
    /// What is live, what is red, and what happened last.
    func home(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let endpoints = try await api("/endpoints")["endpoints"]?.array ?? []
        let runs = try await api("/pipeline-runs")["runs"]?.array ?? []
        let facts = try await api("/ledger?limit=12")["facts"]?.array ?? []
        let head = try await api("/ledger/head")
        let stopped = (try await api("/ledger?kind=quality.check.failed&limit=20")["facts"]?.array ?? [])
            .filter { $0["body"]?["severity"]?.string == "critical" }
        let contradicted = try await api("/ledger?kind=rollout.canary.contradicted&limit=20")["facts"]?.array ?? []
        let live = endpoints.map { endpoint in
            let name = text(endpoint["name"])
            return Panel(.link(name, to: Percent.path("endpoints", name))) { Self.traffic(endpoint) }
        }
        let problems =
            runs.prefix(20).filter { $0["state"]?.string == "FAILED" }.map { run -> [Words] in
                let id = text(run["id"])
                let link = Words.link("pipeline run \(id.prefix(8))", to: Percent.path("pipelines", id))
                return [.state("failed"), link, .short(text(run["message"]))]
            }
            + stopped.map { fact in
                let failures = (fact["body"]?["failures"]?.strings ?? []).joined(separator: "; ")
                return [.state("failed"), .reference(text(fact["subject"])), .short(failures)]
            }
            + contradicted.map { fact in
                let name = text(fact["subject"]).dropFirst("rollout/".count).prefix { $0 != "@" }
                let link = Words.link("endpoint \(name)", to: Percent.path("endpoints", String(name)))
                return [.state("contradicted"), link, .short(text(fact["body"]?["reason"]))]
            }
        return Page("Home", in: .home, refreshSeconds: 5) {
            Section("Live") {
                Panels(
                    panels: live,
                    empty: EmptyState("Nothing is served yet. Deploy a model:", command: "gyre endpoint deploy NAME"))
            }
            Section("Red") { Table("What failed", ["", "What", "Why"], problems, empty: "Nothing is red.") }
            Section("Last facts") { Self.facts(facts) }
            Sentence("\(text(head["seq"])) facts in the ledger. ", .link("All facts", to: "/ledger"))
        }
    }
}

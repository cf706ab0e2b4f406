// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML
internal import GyreHTTP

extension Console {
    func home(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let endpoints = try await api("/endpoints")["endpoints"]?.array ?? []
        let runs = try await api("/pipeline-runs")["runs"]?.array ?? []
        let facts = try await api("/ledger?limit=12")["facts"]?.array ?? []
        let head = try await api("/ledger/head")
        let red = runs.prefix(20).filter { $0["state"]?.string == "FAILED" }
        let stopped = (try await api("/ledger?kind=quality.check.failed&limit=20")["facts"]?.array ?? [])
            .filter { $0["body"]?["severity"]?.string == "critical" }
        let live = endpoints.map { endpoint in
            HTML.element(
                "div", [],
                .element(
                    "h3", [], .link(text(endpoint["name"]), to: "/endpoints/\(Block.query(text(endpoint["name"])))")),
                Self.traffic(endpoint))
        }
        let problems =
            red.map {
                [
                    Block.badge("failed"),
                    HTML.link("pipeline run \(text($0["id"]).prefix(8))", to: "/pipelines/\(text($0["id"]))"),
                    HTML(text($0["message"])),
                ]
            }
            + stopped.map {
                [
                    Block.badge("failed"), Block.lineage(text($0["subject"])),
                    HTML(($0["body"]?["failures"]?.strings ?? []).joined(separator: "; ")),
                ]
            }
        return Page(
            title: "Home", section: "Home",
            content: [
                Block.section(
                    "Live",
                    live.isEmpty
                        ? .element(
                            "p", [("class", "empty")],
                            HTML("Nothing is served yet. Deploy a model: gyre endpoint deploy NAME")) : .join(live)),
                Block.section(
                    "Red", Block.table("What failed", ["", "What", "Why"], problems, empty: "Nothing is red.")),
                Block.section("Last facts", Self.facts(facts)),
                .element(
                    "p", [], HTML("\(text(head["seq"])) facts in the ledger. "), .link("All facts", to: "/ledger")),
            ], refreshSeconds: 5)
    }

    static func facts(_ facts: [JSONValue]) -> HTML {
        Block.table(
            "Facts", ["Seq", "When", "Who", "What", "Subject", "Why"],
            facts.map { fact in
                [
                    HTML(fact["seq"]?.text ?? ""), HTML(fact["at"]?.int.map { Timestamp.readable($0) } ?? ""),
                    HTML(fact["actor"]?.string ?? ""),
                    HTML(fact["kind"]?.string ?? ""), Block.lineage(fact["subject"]?.string ?? ""),
                    Block.short(fact["body"]?["reason"]?.string ?? "", 160),
                ]
            }, empty: "Nothing has happened yet.")
    }

    static func split(_ endpoint: JSONValue) -> HTML {
        Drawings.split(
            stable: "version \(endpoint["stable"]?["version"]?.text ?? "?")",
            canary: endpoint["canary"]?["version"].map { "canary: version \($0.text)" },
            percent: endpoint["canary_percent"]?.double ?? 0)
    }

    func text(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null: "–"
        case .string(let text): text
        case .double(let number): Number.readable(number)
        case .some(let other): other.text
        }
    }

    /// A value as a cell of a table: a number with all its digits at hand, a long text with the whole of it.
    func cell(_ value: JSONValue?) -> HTML {
        if case .double(let number)? = value { return Block.figure(number) }
        return Block.short(text(value))
    }

    func time(_ microseconds: Int64?) -> String { microseconds.map { Timestamp.readable($0) } ?? "–" }
}

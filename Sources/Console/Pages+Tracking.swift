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
                Self.split(endpoint))
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

    func runs(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let filter = request.query("filter") ?? ""
        let answer = try await api("/runs?limit=100&filter=\(Block.query(filter))")
        let rows = (answer["runs"]?.array ?? []).map { run -> [HTML] in
            let metrics = (run["metrics"]?.object?.members ?? []).prefix(5).map {
                "\($0.name) \(Block.number($0.value.double))"
            }
            return [
                .link(text(run["name"]), to: "/runs/\(text(run["id"]))"), Block.badge(text(run["status"])),
                HTML(time(run["start_ms"]?.int.map { $0 * 1000 })), HTML(metrics.joined(separator: " · ")),
            ]
        }
        let search = HTML.element(
            "form", [("role", "search")],
            .element(
                "label", [], HTML("Filter "),
                .void(
                    "input",
                    [
                        ("name", "filter"), ("value", filter),
                        ("placeholder", "metrics.auc > 0.7 AND params.rows = '100'"),
                    ])),
            .element("button", [], HTML("Search")))
        return Page(
            title: "Runs", section: "Runs",
            content: [
                search,
                Block.table(
                    "Runs", ["Run", "Status", "Started", "Metrics"], rows,
                    empty: "No run fits. Point a client here: export MLFLOW_TRACKING_URI=…"),
            ])
    }

    func run(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let id = request.parameter("id")
        let run = try await api("/runs/\(Block.query(id))")
        var curves: [HTML] = []
        for metric in (run["metrics"]?.object?.members ?? []).prefix(24) {
            let points =
                try await api("/runs/\(Block.query(id))/history?metric=\(Block.query(metric.name))")["points"]?.array
                ?? []
            curves.append(
                Drawings.curve(metric.name, points.map { ($0["step"]?.double ?? 0, $0["value"]?.double ?? .nan) }))
        }
        func pairs(_ name: String) -> [[HTML]] {
            (run[name]?.object?.members ?? []).map {
                [
                    HTML($0.name),
                    $0.name.hasPrefix("gyre.") && $0.value.string?.contains("/") == true
                        ? Block.lineage(text($0.value)) : HTML(text($0.value)),
                ]
            }
        }
        return Page(
            title: text(run["name"]), section: "Runs",
            content: [
                Block.facts([
                    ("Run", HTML(id)), ("Status", Block.badge(text(run["status"]))),
                    ("Started", HTML(time(run["start_ms"]?.int.map { $0 * 1000 }))),
                    ("Ended", HTML(time(run["end_ms"]?.int.map { $0 * 1000 }))),
                    ("Lineage", Block.lineage("run/\(id)")),
                ]),
                Block.section(
                    "Metrics",
                    curves.isEmpty
                        ? .element("p", [("class", "empty")], HTML("No metric was logged."))
                        : .element("div", [("class", "curves")], curves)),
                Block.section(
                    "Params", Block.table("Params", ["Param", "Value"], pairs("params"), empty: "No param was logged.")),
                Block.section("Tags", Block.table("Tags", ["Tag", "Value"], pairs("tags"), empty: "No tag was set.")),
            ], refreshSeconds: run["status"]?.string == "RUNNING" ? 3 : nil)
    }

    // MARK: Parts that several pages have

    static func facts(_ facts: [JSONValue]) -> HTML {
        Block.table(
            "Facts", ["Seq", "When", "Who", "What", "Subject", "Why"],
            facts.map { fact in
                [
                    HTML(fact["seq"]?.text ?? ""), HTML(fact["at"]?.int.map { Timestamp.readable($0) } ?? ""),
                    HTML(fact["actor"]?.string ?? ""),
                    HTML(fact["kind"]?.string ?? ""), Block.lineage(fact["subject"]?.string ?? ""),
                    HTML(String((fact["body"]?["reason"]?.string ?? "").prefix(160))),
                ]
            }, empty: "Nothing has happened yet.")
    }

    static func split(_ endpoint: JSONValue) -> HTML {
        Drawings.split(
            stable: "version \(endpoint["stable"]?["version"]?.text ?? "?")",
            canary: endpoint["canary"]?["version"].map { "canary: version \($0.text)" },
            percent: Int(endpoint["canary_percent"]?.int ?? 0))
    }

    func text(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null: "–"
        case .string(let text): text
        case .double(let number): Block.number(number)
        case .some(let other): other.text
        }
    }

    func time(_ microseconds: Int64?) -> String { microseconds.map { Timestamp.readable($0) } ?? "–" }
}

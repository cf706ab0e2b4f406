// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML
internal import GyreHTTP

extension Console {
    /// What a list of runs is asked for; every part of it is in the address.
    private struct Selection {
        let experiment: String
        let filter: String
        let order: String

        init(_ request: HTTPRequest) {
            experiment = request.query("experiment") ?? ""
            filter = request.query("filter") ?? ""
            order = request.query("order_by") ?? ""
        }

        var query: String {
            [("experiment", experiment), ("filter", filter), ("order_by", order)].filter { !$0.1.isEmpty }
                .map { "\($0.0)=\(Block.query($0.1))" }.joined(separator: "&")
        }
    }

    func runs(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let selection = Selection(request)
        let after = request.query("after").map { "&after=\(Block.query($0))" } ?? ""
        let answer = try await api("/runs?limit=100&\(selection.query)\(after)")
        let experiments = try await api("/experiments")["experiments"]?.array ?? []
        let rows = (answer["runs"]?.array ?? []).map { run -> [HTML] in
            let metrics = (run["metrics"]?.object?.members ?? []).prefix(5).map {
                "\($0.name) \(Block.number($0.value.double))"
            }
            let id = text(run["id"])
            return [
                .element(
                    "label", [],
                    .void(
                        "input", [("type", "checkbox"), ("name", "id"), ("value", id), ("aria-label", "Compare \(id)")])
                ),
                .link(text(run["name"]), to: "/runs/\(id)"), Block.badge(text(run["status"])),
                HTML(time(run["start_ms"]?.int.map { $0 * 1000 })),
                HTML(String(metrics.joined(separator: " · ").prefix(200))),
            ]
        }
        var links = [
            HTML.link("Compare all that fit", to: "/compare?\(selection.query)"), HTML(" · "),
            .link("CSV", to: "/api/gyre/v1/runs/export?format=csv&\(selection.query)"), HTML(" · "),
            .link("JSON", to: "/api/gyre/v1/runs/export?format=json&\(selection.query)"),
        ]
        if let next = answer["next"] {
            links += [HTML(" · "), .link("Next page", to: "/runs?\(selection.query)&after=\(Block.query(next.text))")]
        }
        let table = Block.table(
            "Runs", ["Compare", "Run", "Status", "Started", "Metrics"], rows,
            empty: "No run fits. Point a client here: export MLFLOW_TRACKING_URI=…")
        return Page(
            title: "Runs", section: "Runs",
            content: [
                search(selection, experiments),
                .element(
                    "form", [("action", "/compare")], table,
                    rows.isEmpty
                        ? .empty
                        : .element(
                            "p", [], [.element("button", [], HTML("Compare the chosen runs")), HTML(" ")] + links)),
            ])
    }

    private func search(_ selection: Selection, _ experiments: [JSONValue]) -> HTML {
        func field(_ label: String, _ name: String, _ value: String, _ example: String) -> HTML {
            .element(
                "label", [], HTML(label + " "),
                .void("input", [("name", name), ("value", value), ("placeholder", example)]))
        }
        let options =
            [HTML.element("option", [("value", "")], HTML("All experiments"))]
            + experiments.prefix(500).map { experiment in
                let id = text(experiment["id"])
                return .element(
                    "option", [("value", id), id == selection.experiment ? ("selected", "") : ("", "")],
                    HTML(text(experiment["name"])))
            }
        return .element(
            "form", [("role", "search")],
            .element("label", [], HTML("Experiment "), .element("select", [("name", "experiment")], options)),
            field("Filter", "filter", selection.filter, "metrics.auc > 0.7 AND params.rows = '100'"),
            field("Order", "order_by", selection.order, "metrics.auc DESC"), .element("button", [], HTML("Search")))
    }

    func run(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let id = request.parameter("id")
        let run = try await api("/runs/\(Block.query(id))")
        let metrics = run["metrics"]?.object?.members ?? []
        var curves: [HTML] = []
        for metric in metrics.prefix(24) {
            let path = "/runs/\(Block.query(id))/history?points=120&metric=\(Block.query(metric.name))"
            let points = try await api(path)["points"]?.array ?? []
            curves.append(
                Drawings.curve(
                    metric.name, run: id, points.map { ($0["step"]?.double ?? 0, $0["value"]?.double ?? .nan) }))
        }
        let isLive = run["status"]?.string == "RUNNING"
        func pairs(_ name: String) -> [[HTML]] {
            (run[name]?.object?.members ?? []).prefix(200).map {
                [
                    HTML($0.name),
                    $0.name.hasPrefix("gyre.") && $0.value.string?.contains("/") == true
                        ? Block.lineage(text($0.value)) : HTML(String(text($0.value).prefix(200))),
                ]
            }
        }
        let rest = metrics.dropFirst(24).prefix(500).map { [HTML($0.name), HTML(Block.number($0.value.double))] }
        return Page(
            title: text(run["name"]), section: "Runs",
            content: [
                Block.facts([
                    ("Run", HTML(id)), ("Status", Block.badge(text(run["status"]))),
                    ("Started", HTML(time(run["start_ms"]?.int.map { $0 * 1000 }))),
                    ("Ended", HTML(time(run["end_ms"]?.int.map { $0 * 1000 }))),
                    ("Lineage", Block.lineage("run/\(id)")),
                ]),
                isLive
                    ? .element(
                        "p", [("data-live", id), ("role", "status"), ("aria-live", "polite")], HTML("The run goes on."))
                    : .empty,
                Block.section(
                    "Metrics",
                    curves.isEmpty ? .element("p", [("class", "empty")], HTML("No metric was logged.")) : curveControls,
                    .element("div", [("class", "curves")], curves),
                    rest.isEmpty
                        ? .empty : Block.table("Further metrics", ["Metric", "Latest"], Array(rest), empty: "")),
                Block.section(
                    "Params", Block.table("Params", ["Param", "Value"], pairs("params"), empty: "No param was logged.")),
                Block.section("Tags", Block.table("Tags", ["Tag", "Value"], pairs("tags"), empty: "No tag was set.")),
            ])
    }

    private var curveControls: HTML {
        .element(
            "form", [("id", "curve-controls")],
            .element(
                "label", [], HTML("Smoothing "),
                .void(
                    "input",
                    [
                        ("type", "range"), ("name", "smooth"), ("min", "0"), ("max", "0.99"), ("step", "0.01"),
                        ("value", "0"),
                    ])),
            .element("label", [], .void("input", [("type", "checkbox"), ("name", "log")]), HTML(" Logarithmic")))
    }

    /// Up to 1,000 runs against each other; the address holds all that was chosen.
    func compare(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let selection = Selection(request)
        let ids = request.query.filter { $0.name == "id" }.map(\.value)
        let picked = ids.prefix(1000).map { "id=\(Block.query($0))" }.joined(separator: "&")
        let query = picked.isEmpty ? selection.query : picked
        let first =
            picked.isEmpty ? selection.query : ids.prefix(8).map { "id=\(Block.query($0))" }.joined(separator: "&")
        let runs = try await api("/runs?limit=8&\(first)")["runs"]?.array ?? []
        func rows(_ part: String) -> [[HTML]] {
            let names = Set(runs.flatMap { ($0[part]?.object?.members ?? []).map(\.name) }).sorted()
            return names.prefix(200).compactMap { name in
                let cells = runs.map { String(text($0[part]?[name]).prefix(40)) }
                guard Set(cells).count > 1 || runs.count == 1 else { return nil }
                return [HTML(name)] + cells.map { HTML($0) }
            }
        }
        let header = ["What"] + runs.map { text($0["name"]) }
        func select(_ label: String, _ name: String) -> HTML {
            .element("label", [], HTML(label + " "), .element("select", [("name", name)], .empty), HTML(" "))
        }
        return Page(
            title: "Compare runs", section: "Runs",
            content: [
                .element(
                    "form", [("id", "comparison-controls")], select("Across", "x"), select("Metric", "y")),
                .element(
                    "div", [("id", "comparison"), ("data-query", query)],
                    .element("figure", [("id", "scatter")], .empty), .element("figure", [("id", "parallel")], .empty)),
                Block.section(
                    "Differences of the first \(runs.count)",
                    Block.table("Params that differ", header, rows("params"), empty: "The params are the same."),
                    Block.table("Metrics that differ", header, rows("metrics"), empty: "The metrics are the same.")),
            ])
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML
internal import GyreHTTP

extension Console {
    /// What a list of runs is asked for; every part of it is in the address.
    struct Selection {
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
            let id = text(run["id"])
            return [
                .element(
                    "label", [],
                    .void(
                        "input", [("type", "checkbox"), ("name", "id"), ("value", id), ("aria-label", "Compare \(id)")])
                ),
                .link(text(run["name"]), to: "/runs/\(id)"), Block.badge(text(run["status"])),
                HTML(time(run["start_ms"]?.int.map { $0 * 1000 })),
                Self.metrics(run["metrics"]?.object?.members ?? []),
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

    /// The first five metrics of a run, and how many more it has.
    private static func metrics(_ members: [JSONObject.Member]) -> HTML {
        let first = members.prefix(5).map {
            Block.short($0.name, 60) + HTML(" ") + Block.figure($0.value.double)
        }
        let more = members.count > 5 ? [HTML("\(members.count - 5) more")] : []
        return .join((first + more).enumerated().flatMap { $0.offset == 0 ? [$0.element] : [HTML(" · "), $0.element] })
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
        let isLive = run["status"]?.string == "RUNNING"
        return Page(
            title: text(run["name"]), section: "Runs",
            content: [
                Block.facts([
                    ("Run", HTML(text(run["id"]))), ("Status", Block.badge(text(run["status"]))),
                    ("Started", HTML(time(run["start_ms"]?.int.map { $0 * 1000 }))),
                    ("Ended", HTML(time(run["end_ms"]?.int.map { $0 * 1000 }))),
                    ("Lineage", Block.lineage("run/\(text(run["id"]))")),
                ]),
                isLive
                    ? .element(
                        "p",
                        [
                            ("id", "live"), ("data-live", text(run["id"])), ("role", "status"), ("aria-live", "polite"),
                        ], HTML("The run goes on.")) : .empty, try await metrics(of: run, isLive: isLive),
                pairs("Params", "Param", run["params"], empty: "No param was logged."),
                pairs("Tags", "Tag", run["tags"], empty: "No tag was set."), try await logged(by: run),
            ])
    }

    /// A curve for each of the first 24 metrics, and a table of the others; a live run's script adds to both.
    private func metrics(of run: JSONValue, isLive: Bool) async throws(GyreError) -> HTML {
        let id = text(run["id"])
        let metrics = run["metrics"]?.object?.members ?? []
        var curves: [HTML] = []
        for metric in metrics.prefix(24) {
            let path = "/runs/\(Block.query(id))/history?points=120&metric=\(Block.query(metric.name))"
            let points = try await api(path)["points"]?.array ?? []
            curves.append(
                Drawings.curve(
                    metric.name, run: id, points.map { ($0["step"]?.double ?? 0, $0["value"]?.double ?? .nan) }))
        }
        let rest = metrics.dropFirst(24)
        let rows = rest.prefix(500).map { metric in
            [
                Block.short(metric.name),
                HTML.element("span", [("data-latest", metric.name)], Block.figure(metric.value.double)),
            ]
        }
        return Block.section(
            "Metrics",
            curves.isEmpty
                ? .element("p", [("class", "empty"), ("id", "no-metric")], HTML("No metric was logged.")) : .empty,
            curves.isEmpty && !isLive ? .empty : curveControls, .element("div", [("class", "curves")], curves),
            rows.isEmpty ? .empty : Block.table("Further metrics", ["Metric", "Latest"], rows, empty: ""),
            Block.cut(rows.count, of: rest.count, "further metrics"))
    }

    /// Names and values in a table; what is long is told in part, with all of it at hand.
    func pairs(_ title: String, _ noun: String, _ values: JSONValue?, empty: String) -> HTML {
        let members = values?.object?.members ?? []
        let rows = members.prefix(200).map { member in
            [
                Block.short(member.name),
                member.name.hasPrefix("gyre.") && member.value.string?.contains("/") == true
                    ? Block.lineage(text(member.value)) : cell(member.value),
            ]
        }
        return Block.section(
            title, Block.table(title, [noun, "Value"], rows, empty: empty),
            Block.cut(rows.count, of: members.count, title.lowercased()))
    }

    /// The models and traces that a run left behind; nothing where there are none.
    private func logged(by run: JSONValue) async throws(GyreError) -> HTML {
        let (id, experiment) = (Block.query(text(run["id"])), Block.query(text(run["experiment"])))
        let models = try await api("/logged-models?experiment=\(experiment)&run=\(id)")["logged_models"]?.array ?? []
        let found = try await api("/traces?experiment=\(experiment)&run=\(id)&limit=50")
        let traces = found["traces"]?.array ?? []
        return (models.isEmpty ? .empty : Block.section("Logged models", loggedModels(models)))
            + (traces.isEmpty
                ? .empty
                : Block.section(
                    "Traces", self.traces(traces),
                    found["next"] == nil
                        ? .empty
                        : .element(
                            "p", [],
                            .link("All traces of the run", to: "/traces?experiment=\(experiment)&run=\(id)"))))
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
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML
internal import GyreHTTP

extension Console {
    func pipelines(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let all = try await api("/pipeline-runs")["runs"]?.array ?? []
        let rows = all.prefix(200).map { run -> [HTML] in
            [
                .link(String(text(run["id"]).prefix(8)), to: "/pipelines/\(text(run["id"]))"),
                HTML(text(run["pipeline"])),
                Block.badge(text(run["state"])), HTML(time(run["started_at"]?.int)), HTML(text(run["actor"])),
                HTML(text(run["reason"])),
            ]
        }
        return Page(
            title: "Pipelines", section: "Pipelines",
            content: [
                Block.table(
                    "Pipeline runs", ["Run", "Pipeline", "State", "Started", "By", "Reason"], Array(rows),
                    empty: "No pipeline has run yet: gyre pipeline run FILE"),
                Block.cut(rows.count, of: all.count, "pipeline runs, the newest first"),
            ], refreshSeconds: 3)
    }

    func pipeline(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let id = request.parameter("id")
        let run = try await api("/pipeline-runs/\(Block.query(id))")
        let tasks = run["tasks"]?.array ?? []
        let nodes = tasks.map { task -> (id: String, text: String, kind: String) in
            let kind =
                switch task["state"]?.string {
                case "SUCCEEDED": "good"
                case "FAILED", "CANCELED": "bad"
                case "RUNNING": "busy"
                default: "plain"
                }
            return (text(task["path"]), text(task["path"]), kind)
        }
        // A group of tasks is no box of its own: who depends on it depends on the tasks in it.
        let edges = tasks.flatMap { task in
            (task["upstream"]?.strings ?? []).flatMap { upstream in
                nodes.filter { $0.id == upstream || $0.id.hasPrefix(upstream + "/") }.map {
                    (from: $0.id, to: text(task["path"]))
                }
            }
        }
        let rows = tasks.map { task -> [HTML] in
            [
                HTML(text(task["path"])), Block.badge(text(task["state"])), HTML(text(task["attempts"])),
                HTML(text(task["cache_reason"])),
                HTML(text(task["message"])), .link("log", to: "?log=\(Block.query(text(task["path"])))#log"),
            ]
        }
        var content = [
            Block.facts([
                ("Pipeline", Block.lineage(text(run["pipeline"]))), ("State", Block.badge(text(run["state"]))),
                ("Started", HTML("\(time(run["started_at"]?.int)) by \(text(run["actor"]))")),
                ("Reason", HTML(text(run["reason"]))),
                ("Parameters", HTML(text(run["parameters"]))),
            ]), Drawings.graph("The graph of tasks", nodes: nodes, edges: edges) { "?log=\(Block.query($0))#log" },
            Block.section(
                "Tasks",
                Block.table(
                    "Tasks", ["Task", "State", "Tries", "Cache", "Message", "Log"], rows, empty: "No task has begun.")),
        ]
        if let task = request.query("log") {
            // A task that has printed nothing yet, or was taken from the cache, has no log.
            let log = (try? await api("/pipeline-runs/\(Block.query(id))/logs?task=\(Block.query(task))"))?["log"]?
                .string
            content.append(
                .element(
                    "section", [("id", "log")], .element("h2", [], HTML("Log of \(task)")),
                    .element("pre", [("tabindex", "0")], HTML(log ?? "There is no log."))))
        }
        return Page(
            title: "Pipeline run \(id.prefix(8))", section: "Pipelines", content: content,
            refreshSeconds: run["ended_at"]?.int == nil ? 2 : nil)
    }

    func data(_ request: HTTPRequest) async throws(GyreError) -> Page {
        var seen: Set<String> = []
        let newest = (try await api("/datasets")["versions"]?.array ?? []).filter {
            seen.insert(text($0["name"])).inserted
        }
        return Page(
            title: "Data", section: "Data",
            content: [versions(newest, caption: "Datasets", empty: "No dataset has a version yet: gyre data add PATH")])
    }

    func dataset(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let name = request.parameter("name")
        let log = try await api("/datasets/\(Block.query(name))")
        var content = [versions(log["versions"]?.array ?? [], caption: "Versions", empty: "")]
        let all = log["versions"]?.array ?? []
        for version in all.prefix(5) {
            let whole = try await api("/datasets/\(Block.query(name))/versions/\(text(version["id"]))")
            for check in whole["checks"]?.array ?? [] {
                let word =
                    check["success"]?.bool == true
                    ? "passed" : check["blocking"]?.bool == true ? "failed" : "passed with warnings"
                let failures = (check["failures"]?.strings ?? []).map { HTML.element("li", [], HTML($0)) }
                let accepted = log["accepted"] == version["id"] ? " (accepted)" : ""
                content.append(
                    Block.section(
                        "Check of \(text(version["id"]))\(accepted)",
                        .element("p", [], Block.badge(word), HTML(" "), Block.lineage(text(check["ref"]))),
                        .element("ul", [], failures)))
            }
        }
        if all.count > 5 {
            content.append(
                .element("p", [("class", "note")], HTML("Checks are shown of the newest 5 of \(all.count) versions.")))
        }
        return Page(title: name, section: "Data", content: content)
    }

    private func versions(_ versions: [JSONValue], caption: String, empty: String) -> HTML {
        Block.table(
            caption, ["Version", "Added", "By", "Files", "Bytes", "Message"],
            versions.map { version in
                [
                    .link(text(version["name"]), to: "/data/\(Block.query(text(version["name"])))") + HTML(" ")
                        + Block.lineage(text(version["ref"])),
                    HTML(time(version["at"]?.int)), HTML(text(version["actor"])), HTML(text(version["files"])),
                    HTML(text(version["size_bytes"])),
                    HTML(text(version["message"])),
                ]
            }, empty: empty)
    }

    func lineage(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let ref = request.query("ref") ?? ""
        let direction = request.query("direction") == "down" ? "down" : "up"
        let form = HTML.element(
            "form", [("role", "search")],
            .element(
                "label", [], HTML("Thing "),
                .void(
                    "input",
                    [("name", "ref"), ("value", ref), ("placeholder", "release/delay@1, dataset/flights@3f2a…")])),
            .element("button", [("name", "direction"), ("value", "up")], HTML("What it came from")),
            .element("button", [("name", "direction"), ("value", "down")], HTML("What was made of it")))
        guard !ref.isEmpty else { return Page(title: "Lineage", section: "Lineage", content: [form]) }
        let answer = try await api("/lineage?ref=\(Block.query(ref))&direction=\(direction)")
        let all = answer["nodes"]?.strings ?? []
        let nodes = all.prefix(150).map {
            (id: $0, text: $0, kind: $0 == ref ? "busy" : "plain")
        }
        let edges = (answer["edges"]?.array ?? []).prefix(600).map { (from: text($0["input"]), to: text($0["output"])) }
        let facts = try await api("/ledger?limit=50&ref=\(Block.query(ref))")["facts"]?.array ?? []
        return Page(
            title: "Lineage of \(ref)", section: "Lineage",
            content: [
                form,
                Drawings.graph("Lineage", nodes: Array(nodes), edges: Array(edges)) {
                    "/lineage?ref=\(Block.query($0))&direction=\(direction)"
                },
                Block.cut(nodes.count, of: all.count, "things, the nearest first"),
                Block.section("Facts about it", Self.facts(facts)),
            ])
    }

    func ledger(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let before = request.query("before").flatMap { Int64($0) }
        let kind = request.query("kind") ?? ""
        var path = "/ledger?limit=100&kind=\(Block.query(kind))"
        if let before { path += "&up_to=\(before - 1)" }
        let facts = try await api(path)["facts"]?.array ?? []
        let form = HTML.element(
            "form", [("role", "search")],
            .element(
                "label", [], HTML("Kind begins with "),
                .void("input", [("name", "kind"), ("value", kind), ("placeholder", "rollout")])),
            .element("button", [], HTML("Show")))
        var content = [form, Self.facts(facts)]
        if let last = facts.last?["seq"]?.int, last > 1, facts.count == 100 {
            content.append(
                .element("p", [], .link("Older facts", to: "/ledger?kind=\(Block.query(kind))&before=\(last)")))
        }
        return Page(title: "Ledger", section: "Ledger", content: content)
    }
}

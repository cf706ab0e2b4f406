// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

extension Console {
    func pipelines(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let rows = (try await api("/pipeline-runs")["runs"]?.array ?? []).map { run -> [Words] in
            let id = text(run["id"])
            return [
                .link(String(id.prefix(8)), to: Percent.path("pipelines", id)), .text(text(run["pipeline"])),
                .state(text(run["state"])), .time(run["started_at"]?.int), .text(text(run["actor"])),
                .short(text(run["reason"])),
            ]
        }
        return Page("Pipelines", in: .pipelines, refreshSeconds: 3) {
            Table(
                "Pipeline runs", ["Run", "Pipeline", "State", "Started", "By", "Reason"], rows,
                empty: EmptyState("No pipeline has run yet:", command: "gyre pipeline run FILE"),
                listing: Listing(request))
        }
    }

    func pipeline(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let id = request.parameter("id")
        let run = try await api(Percent.path("pipeline-runs", id))
        let tasks = run["tasks"]?.array ?? []
        let rows = tasks.map { task -> [Words] in
            let path = text(task["path"])
            return [
                .text(path), .state(text(task["state"])), Words(task["attempts"]), .text(text(task["cache_reason"])),
                .short(text(task["message"])), .link("log", to: Self.log(of: path)),
            ]
        }
        let log = try await log(request)
        return Page(
            "Pipeline run \(id.prefix(8))", in: .pipelines, below: [("Pipelines", "/pipelines")],
            refreshSeconds: run["ended_at"]?.int == nil ? 2 : nil
        ) {
            Facts([
                ("Pipeline", .reference(text(run["pipeline"]))), ("State", .state(text(run["state"]))),
                ("Started", .several([.time(run["started_at"]?.int), "by \(text(run["actor"]))"])),
                ("Reason", .text(text(run["reason"]))), ("Parameters", .text(text(run["parameters"]))),
            ])
            Self.graph(tasks)
            Section("Tasks") {
                Table(
                    "Tasks", ["Task", "State", .number("Tries"), "Cache", "Message", "Log"], rows,
                    empty: "No task has begun.", listing: Listing(request))
            }
            log
        }
    }

    private static func log(of task: String) -> String { Percent.query([("log", task)]) + "#log" }

    /// The log that the address asks for.
    private func log(_ request: HTTPRequest) async throws(GyreError) -> Section? {
        guard let task = request.query("log") else { return nil }
        // A task that has printed nothing yet, or was taken from the cache, has no log.
        let path = Percent.path("pipeline-runs", request.parameter("id"), "logs") + Percent.query([("task", task)])
        let log = (try? await api(path))?["log"]?.string
        return Section("Log of \(task)", anchor: "log") { Log(text: log, label: "Log of \(task)") }
    }

    private static func graph(_ tasks: [JSONValue]) -> Graph {
        let nodes = tasks.map { task in
            let path = text(task["path"])
            return Graph.Node(id: path, text: path, tone: Badge(text(task["state"])).tone, address: log(of: path))
        }
        // A group of tasks is no box of its own: who depends on it depends on the tasks in it.
        let edges = tasks.flatMap { task in
            (task["upstream"]?.strings ?? []).flatMap { upstream in
                nodes.filter { $0.id == upstream || $0.id.hasPrefix(upstream + "/") }.map {
                    Graph.Edge(from: $0.id, to: text(task["path"]))
                }
            }
        }
        return Graph(label: "The graph of tasks", nodes: nodes, edges: edges)
    }
}

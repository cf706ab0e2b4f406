// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

extension Console {
    func pipelines(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let rows = try await get(API.PipelineRunList.self, "/pipeline-runs").runs.map { run -> [Words] in
            [
                .link(String(run.id.prefix(8)), to: Percent.path("pipelines", run.id)), .text(run.pipeline),
                .state(run.state), .time(run.startedAt), .text(run.actor), .short(run.reason),
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
        let run = try await get(API.PipelineRun.self, Percent.path("pipeline-runs", id))
        let tasks = run.tasks ?? []
        let rows = tasks.map { task -> [Words] in
            [
                .text(task.path), .state(task.state), .whole(task.attempts), .text(task.cacheReason),
                .short(task.message ?? "–"), .link("log", to: Self.log(of: task.path)),
            ]
        }
        let log = try await log(request)
        return Page(
            "Pipeline run \(id.prefix(8))", in: .pipelines, below: [("Pipelines", "/pipelines")],
            refreshSeconds: run.endedAt == nil ? 2 : nil
        ) {
            Facts([
                ("Pipeline", .reference(run.pipeline)), ("State", .state(run.state)),
                ("Started", .several([.time(run.startedAt), "by \(run.actor)"])),
                ("Reason", .text(run.reason)), ("Parameters", .text(text(run.parameters))),
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
        let log = (try? await get(API.TaskLog.self, path))?.log
        return Section("Log of \(task)", anchor: "log") { Log(text: log, label: "Log of \(task)") }
    }

    private static func graph(_ tasks: [API.PipelineTask]) -> Graph {
        let nodes = tasks.map { task in
            Graph.Node(id: task.path, text: task.path, tone: Badge(task.state).tone, address: log(of: task.path))
        }
        // A group of tasks is no box of its own: who depends on it depends on the tasks in it.
        let edges = tasks.flatMap { task in
            task.upstream.flatMap { upstream in
                nodes.filter { $0.id == upstream || $0.id.hasPrefix(upstream + "/") }.map {
                    Graph.Edge(from: $0.id, to: task.path)
                }
            }
        }
        return Graph(label: "The graph of tasks", nodes: nodes, edges: edges)
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
internal import GyreBase
internal import GyreHTTP

extension Console {
    var pipelineRoutes: [Route] {
        [
            Route("POST", "/pipelines/{id}", .signedIn) { request throws(GyreError) in
                try await asked(by: request).steer(request)
            },
            Route("POST", "/schedules/{id}", .signedIn) { request throws(GyreError) in
                try await asked(by: request).pause(request)
            },
        ]
    }

    func pipelines(_ request: HTTPRequest) async throws(GyreError) -> Page {
        var query: [(String, String)] = [("limit", "200")]
        for name in ["state", "name"] {
            if let value = request.query(name), !value.isEmpty { query.append((name, value)) }
        }
        let answer = try await get(API.PipelineRunList.self, "/pipeline-runs" + Percent.query(query))
        let rows = answer.runs.map { run -> [Words] in
            [
                .link(String(run.id.prefix(8)), to: Percent.path("pipelines", run.id)), .text(run.name),
                .text(run.pipeline), .state(run.state), .time(run.startedAt), Self.duration(run.startedAt, run.endedAt),
                .text(run.actor), .short(run.reason),
            ]
        }
        let schedules = try await get(API.ScheduleList.self, "/schedules").schedules
        let isFiltered = query.count > 1
        return Page("Pipelines", in: .pipelines, refreshSeconds: 3) {
            Form(
                .search, id: "runs-search",
                fields: [
                    .text("Name", name: "name", value: request.query("name") ?? ""),
                    .choice(
                        "State", name: "state",
                        options: [("", "any")] + ["running", "succeeded", "failed", "canceled"].map { ($0, $0) },
                        chosen: request.query("state") ?? ""),
                ], buttons: [Form.Button("Search")])
            Table(
                "Pipeline runs", ["Run", "Name", "Pipeline", "State", "Started", "Took", "By", "Reason"], rows,
                empty: isFiltered
                    ? EmptyState("No pipeline run is like that.")
                    : EmptyState("No pipeline has run yet:", command: "gyre pipeline run FILE"),
                listing: Listing(request))
            if answer.total > rows.count { Sentence("\(rows.count) of \(answer.total) runs are shown.") }
            Section("Schedules") {
                Table(
                    "Schedules", ["Schedule", "Times", "Next", "Last", .number("Runs"), "Problem", ""],
                    schedules.map(Self.row),
                    empty: EmptyState(
                        "No pipeline runs by itself:",
                        command: "gyre pipeline schedule create NAME FILE --cron \"30 2 * * *\""))
            }
            if !schedules.isEmpty {
                Form(
                    .command(address: "/schedules/one"), id: "schedules",
                    fields: [
                        .choice(
                            "Schedule", name: "schedule", options: schedules.map { ($0.id, $0.name) },
                            chosen: schedules[0].id)
                    ],
                    buttons: [
                        Form.Button("Pause", name: "verb", value: "pause"),
                        Form.Button("Let it run", name: "verb", value: "resume"),
                    ])
            }
        }
    }

    private static func row(_ schedule: API.Schedule) -> [Words] {
        [
            .text(schedule.name),
            .code(times(schedule)),
            schedule.isEnabled ? .time(schedule.next.first) : .state("PAUSED"), .time(schedule.lastTick),
            .whole(schedule.started), .short(schedule.problem ?? "–"),
            .link("runs", to: "/pipelines" + Percent.query([("name", schedule.name)])),
        ]
    }

    private static func times(_ schedule: API.Schedule) -> String {
        if let cron = schedule.cron { return "\(cron) (\(schedule.zone ?? "UTC"))" }
        if let seconds = schedule.intervalSeconds { return "every \(seconds) s" }
        if let dataset = schedule.onDataset { return "dataset/\(dataset) accepted" }
        if let pipeline = schedule.onPipeline { return "\(pipeline) \(schedule.onState?.lowercased() ?? "ended")" }
        return "when called"
    }

    private static func duration(_ start: Int64?, _ end: Int64?) -> Words {
        guard let start, let end else { return .none }
        return .text("\((Double(end - start) / 1e5).rounded() / 10) s")
    }

    func pipeline(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let id = request.parameter("id")
        let run = try await get(API.PipelineRun.self, Percent.path("pipeline-runs", id))
        let tasks = run.tasks ?? []
        let rows = tasks.map { task -> [Words] in
            [
                .text(task.path), .text(task.kind), .state(task.state), Self.duration(task.startedAt, task.endedAt),
                .whole(task.attempts), .text(task.cacheReason), .short(task.message ?? "–"),
                task.kind == "task" ? .link("log", to: Self.log(of: task.path)) : .none,
            ]
        }
        let waiting = (run.waiting ?? []).map { [Words.text($0.path), .short($0.reason)] }
        let log = try await log(request)
        return Page(
            "Pipeline run \(id.prefix(8))", in: .pipelines, below: [("Pipelines", "/pipelines")],
            refreshSeconds: run.endedAt == nil ? 2 : nil
        ) {
            Facts([
                ("Name", .text(run.name)), ("Pipeline", .reference(run.pipeline)), ("State", .state(run.state)),
                ("Started", .several([.time(run.startedAt), "by \(run.actor)"])),
                ("Took", Self.duration(run.startedAt, run.endedAt)),
                ("Reason", .text(run.reason)), ("Parameters", .text(text(run.parameters))),
                ("Message", .short(run.message ?? "–")),
            ])
            controls(run, tasks)
            Self.graph(tasks)
            if !waiting.isEmpty {
                Section("Waiting") { Table("Waiting", ["Task", "For what"], waiting, empty: "Nothing waits.") }
            }
            Section("Tasks") {
                Table(
                    "Tasks", ["Task", "Kind", "State", "Took", .number("Tries"), "Cache", "Message", "Log"], rows,
                    empty: "No task has begun.", listing: Listing(request))
            }
            log
        }
    }

    // MARK: Steering

    /// What can be done with a run as it stands.
    private func controls(_ run: API.PipelineRun, _ tasks: [API.PipelineTask]) -> Form {
        let address = Percent.path("pipelines", run.id)
        if run.endedAt == nil {
            let asking = tasks.filter { $0.kind == "gate" && $0.endedAt == nil }
            var buttons = [Form.Button("Cancel", name: "verb", value: "cancel", warning: "Its processes are stopped.")]
            guard !asking.isEmpty else {
                return Form(.command(address: address), id: "steer", fields: [], buttons: buttons)
            }
            buttons += [
                Form.Button("Approve", name: "verb", value: "approve"),
                Form.Button("Reject", name: "verb", value: "reject"),
            ]
            return Form(
                .command(address: address), id: "steer",
                fields: [
                    .choice("Task", name: "task", options: asking.map { ($0.path, $0.path) }, chosen: asking[0].path),
                    .text("Why", name: "reason"),
                ], buttons: buttons)
        }
        let leaves = tasks.filter { $0.kind != "group" && $0.kind != "loop" }.prefix(500)
        let from = (run.state == "SUCCEEDED" ? [] : [("", "what did not succeed")]) + leaves.map { ($0.path, $0.path) }
        return Form(
            .command(address: address), id: "steer",
            fields: from.isEmpty
                ? [] : [.choice("From", name: "from", options: from, chosen: from[0].0)],
            buttons: from.isEmpty
                ? []
                : [
                    Form.Button(
                        "Run again", name: "verb", value: "retry",
                        warning: "The task is run again with all that depend on it; what else succeeded stays.")
                ])
    }

    private func steer(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let form = Percent.form(try await request.body.collect(limit: 65_536))
        let id = request.parameter("id")
        let address = Percent.path("pipeline-runs", id)
        switch form["verb"] {
        case "cancel": _ = try await act(address + "/cancel", [:])
        case "retry":
            let from = form["from"].flatMap { $0.isEmpty ? nil : $0 }
            _ = try await act(address + "/retry", ["from": .optional(from)])
        case "approve", "reject":
            _ = try await act(
                address + "/answer",
                [
                    "task": .string(form["task"] ?? ""), "approve": .bool(form["verb"] == "approve"),
                    "reason": .string(form["reason"] ?? ""),
                ])
        default: throw GyreError(.invalid, "The form does not say what is to be done.")
        }
        return HTTPResponse(status: 303, headers: [("location", Percent.path("pipelines", id))])
    }

    private func pause(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let form = Percent.form(try await request.body.collect(limit: 65_536))
        guard let verb = form["verb"], ["pause", "resume"].contains(verb), let schedule = form["schedule"] else {
            throw GyreError(.invalid, "The form does not say what is to be done.")
        }
        _ = try await act(Percent.path("schedules", schedule, "enable"), ["enabled": .bool(verb == "resume")])
        return HTTPResponse(status: 303, headers: [("location", "/pipelines")])
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

    /// Nodes that are drawn at most; a larger run is drawn with its loops and groups closed.
    private static let drawn = 60

    private static func graph(_ tasks: [API.PipelineTask]) -> Graph {
        // A group of tasks is no box of its own, unless what is in it would be too much to look at.
        var shown = tasks.filter { $0.kind != "group" && $0.kind != "loop" }
        if shown.count > drawn { shown = tasks.filter { !$0.path.contains("/") && !$0.path.contains("[") } }
        shown = Array(shown.prefix(drawn))
        let nodes = shown.map { task in
            Graph.Node(id: task.path, text: task.path, tone: Badge(task.state).tone, address: log(of: task.path))
        }
        // Who depends on a group depends on the tasks in it.
        let edges = shown.flatMap { task in
            task.upstream.flatMap { upstream in
                nodes.filter {
                    $0.id == upstream || $0.id.hasPrefix(upstream + "/") || $0.id.hasPrefix(upstream + "[")
                }.map { Graph.Edge(from: $0.id, to: task.path) }
            }
        }
        return Graph(label: "The graph of tasks", nodes: nodes, edges: edges)
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
internal import GyreBase
internal import GyreDelivery
internal import GyreHTTP
internal import GyreLoop
internal import GyrePipelines

extension NativeDialect {
    var pipelineCalls: [NativeCall] {
        [
            NativeCall("GET", "/projects", .read, "All projects.", listProjects),
            NativeCall(
                "POST", "/projects", .operate.and(.runCode).asking("policy", .endpoint, "endpoint"),
                "Sets what a project's gyre.yaml says, with its files written in.",
                takes: API.Document.self, hasDryRun: true, applyProject),
            NativeCall(
                "POST", "/projects/{name}/train", .runCode,
                "Starts the project's pipeline on what was accepted: {reason, parameters}.",
                takes: API.TrainRequest.self, hasDryRun: true, train),
            NativeCall(
                "GET", "/pipeline-runs", .list(.pipeline), "Pipeline runs, newest first, a page of them.",
                query: ["state", "pipeline", "schedule", "name", "archived", "limit", "after"], listPipelineRuns),
            NativeCall(
                "POST", "/pipeline-runs/{id}/retry", Need(.runCode, on: .one(.pipelineRun, .argument("id"))),
                "Lets a run go on that did not succeed, or from one task on: {from}.", takes: API.RetryRequest.self,
                retryRun),
            NativeCall(
                "POST", "/pipeline-runs/{id}/answer", Need(.runCode, on: .one(.pipelineRun, .argument("id"))),
                "Answers what a task asks: {task, approve, values, reason}.", takes: API.AnswerRequest.self, answerRun),
            NativeCall(
                "POST", "/pipeline-runs/{id}/pause", Need(.runCode, on: .one(.pipelineRun, .argument("id"))),
                "Begins nothing more of a run for now, or goes on: {paused}.", takes: API.PauseRequest.self, pauseRun),
            NativeCall(
                "POST", "/pipeline-runs/{id}/stop", Need(.runCode, on: .one(.pipelineRun, .argument("id"))),
                "Stops a run, and lets those tasks go on that run whatever happens: {message}.",
                takes: API.StopRequest.self, stopRun),
            NativeCall(
                "POST", "/pipeline-runs/{id}/pass-over", Need(.runCode, on: .one(.pipelineRun, .argument("id"))),
                "Goes on as if a task had succeeded, and does not run it: {task, reason}.",
                takes: API.PassOverRequest.self, passOver),
            NativeCall("GET", "/lock-limits", .read, "How many tasks hold something, and which do now.", listLimits),
            NativeCall(
                "POST", "/lock-limits", .operate, "Sets how many tasks hold something at the same time: {name, limit}.",
                takes: API.LockLimitRequest.self, setLimit),
            NativeCall(
                "POST", "/pipeline-runs/{id}/archive", .write(.pipelineRun, "id"),
                "Leaves a run out of lists, or takes it in again: {archived}.", takes: API.ArchiveRequest.self,
                archiveRun),
            NativeCall(
                "DELETE", "/pipeline-runs/{id}", .write(.pipelineRun, "id"),
                "Removes a run that has ended, with its tasks.", removeRun),
            NativeCall(
                "POST", "/pipeline-runs", .runCode, "Starts a run: {package, parameters, reason, cache}.",
                takes: API.RunRequest.self, hasDryRun: true, startRun),
            NativeCall(
                "GET", "/pipeline-runs/{id}", .read(.pipelineRun, "id"),
                "A run with its tasks, by path, a page of them.",
                query: ["limit", "after"], showPipelineRun),
            NativeCall(
                "POST", "/pipeline-runs/{id}/cancel", Need(.runCode, on: .one(.pipelineRun, .argument("id"))),
                "Stops a run with its processes.",
                takes: API.ReasonRequest.self, hasDryRun: true, cancelRun),
            NativeCall(
                "GET", "/pipeline-runs/{id}/logs", .read(.pipelineRun, "id"),
                "What a task printed: the last MiB, or what came after a place in bytes.",
                query: ["task", "after"], showLog),
        ] + catalogCalls + scheduleCalls
    }

    /// What setting a project would change, by the members of gyre.yaml.
    private func tryApplying(_ project: Project) async throws(GyreError) -> JSONValue {
        try await services.conductor.check(project)
        let old = try await services.conductor.projects().first { $0.name == project.name }?.json ?? [:]
        let keys = (project.json.object?.members ?? []).map(\.name) + (old.object?.members ?? []).map(\.name)
        let changed = Set(keys).filter { project.json[$0] != old[$0] }.sorted()
        return [
            "project": .string(project.name), "ref": .string(project.ref.description),
            "changed": .strings(changed), "is_new": .bool(old == [:]), "dry_run": true,
        ]
    }

    private func listProjects(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        [
            "projects": .array(
                try await services.conductor.projects().map {
                    ["name": .string($0.name), "model": .string($0.model), "endpoint": .string($0.endpoint)]
                })
        ]
    }

    private func applyProject(_ request: NativeRequest<API.Document>) async throws(GyreError) -> JSONValue {
        let project = try Project.read(request.json)
        if request.isDryRun { return try await tryApplying(project) }
        try await services.conductor.apply(project, by: request.actor)
        return ["project": .string(project.name), "ref": .string(project.ref.description)]
    }

    private func train(_ request: NativeRequest<API.TrainRequest>) async throws(GyreError) -> JSONValue {
        let project = try await names.project(request.parameter("name"))
        let overrides = request.body.parameters ?? [:]
        if request.isDryRun {
            return try await services.conductor.planTraining(project, overrides: overrides, by: request.actor)
        }
        return try await services.conductor.train(
            project, reason: request.body.reason ?? "asked for", overrides: overrides, by: request.actor
        ).json
    }

    private func listPipelineRuns(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        var query = PipelineRunQuery()
        query.limit = try request.number("limit", default: 1000, in: 1...1000)
        func asked(_ name: String) -> String? { request.query(name).flatMap { $0.isEmpty ? nil : $0 } }
        if let state = asked("state") { query.conditions.append(.init(.state, .equal, .string(state.uppercased()))) }
        if let pipeline = asked("pipeline") { query.conditions.append(.init(.pipeline, .equal, .string(pipeline))) }
        if let name = asked("name") { query.conditions.append(.init(.name, .contains, .string(name))) }
        if let schedule = asked("schedule") {
            let id = try await services.schedules.schedule(schedule).id
            query.conditions.append(.init(.schedule, .equal, .string(id)))
        }
        if asked("archived") != "true" { query.conditions.append(.init(.isArchived, .equal, false)) }
        if let visible = request.visible(.pipeline) {
            query.conditions.append(.init(.pipeline, .among, .strings(visible.sorted())))
        }
        if let after = asked("after") {
            guard let place = try? JSONValue(parsing: after), let values = place.array else {
                throw GyreError(.invalid, "\"\(after.prefix(60))\" is no place in the list of pipeline runs.")
            }
            query.after = values
        }
        let page = try await services.pipelines.runs(query)
        return [
            "runs": .array(page.runs.map(\.json)), "total": .int(Int64(page.total)),
            "next": .optional(page.next.map { JSONValue.array($0).text }),
        ]
    }

    private func retryRun(_ request: NativeRequest<API.RetryRequest>) async throws(GyreError) -> JSONValue {
        let run = try await names.pipelineRun(request.parameter("id"))
        return try await services.pipelines.retry(run.id, from: request.body.from, by: request.actor).json
    }

    private func answerRun(_ request: NativeRequest<API.AnswerRequest>) async throws(GyreError) -> JSONValue {
        let run = try await names.pipelineRun(request.parameter("id"))
        var values = TaskValues()
        values.parameters = request.body.values ?? [:]
        try await services.pipelines.answer(
            run.id, task: request.body.task, isApproved: request.body.approve, values: values, by: request.actor,
            reason: request.body.reason ?? "")
        return try await names.pipelineRun(run.id).json
    }

    private func pauseRun(_ request: NativeRequest<API.PauseRequest>) async throws(GyreError) -> JSONValue {
        let run = try await names.pipelineRun(request.parameter("id"))
        return try await services.pipelines.pause(run.id, request.body.paused, by: request.actor).json
    }

    private func stopRun(_ request: NativeRequest<API.StopRequest>) async throws(GyreError) -> JSONValue {
        let run = try await names.pipelineRun(request.parameter("id"))
        return try await services.pipelines.stop(run.id, message: request.body.message ?? "", by: request.actor).json
    }

    private func passOver(_ request: NativeRequest<API.PassOverRequest>) async throws(GyreError) -> JSONValue {
        let run = try await names.pipelineRun(request.parameter("id"))
        try await services.pipelines.passOver(
            run.id, task: request.body.task, by: request.actor, reason: request.body.reason ?? "")
        return try await names.pipelineRun(run.id).json
    }

    private func limit(_ name: String, _ limit: Int?) async -> JSONValue {
        [
            "name": .string(name), "limit": .optional(limit.map(Int64.init)),
            "holders": .strings(await services.pipelines.holders(of: name)),
        ]
    }

    private func listLimits(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        var limits: [JSONValue] = []
        for (name, most) in try await services.lockLimits.limits() { limits.append(await limit(name, most)) }
        return ["limits": .array(limits)]
    }

    private func setLimit(_ request: NativeRequest<API.LockLimitRequest>) async throws(GyreError) -> JSONValue {
        try await services.lockLimits.set(request.body.name, request.body.limit, by: request.actor)
        return await limit(request.body.name, request.body.limit)
    }

    private func archiveRun(_ request: NativeRequest<API.ArchiveRequest>) async throws(GyreError) -> JSONValue {
        let run = try await names.pipelineRun(request.parameter("id"))
        return try await services.pipelines.archive(run.id, request.body.archived, by: request.actor).json
    }

    private func removeRun(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let run = try await names.pipelineRun(request.parameter("id"))
        try await services.pipelines.remove(run.id, by: request.actor)
        return ["removed": .string(run.ref.description)]
    }

    private func startRun(_ request: NativeRequest<API.RunRequest>) async throws(GyreError) -> JSONValue {
        let body = request.body
        var start = Pipelines.Request(compiled: Array(body.package.utf8))
        start.parameters = body.parameters ?? [:]
        start.reason = body.reason ?? ""
        start.usesCache = body.cache ?? true
        start.name = body.name
        if request.isDryRun {
            return Self.dry(try await services.pipelines.plan(start, by: request.actor).json)
        }
        return try await services.pipelines.start(start, by: request.actor).json
    }

    private func showPipelineRun(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let run = try await names.pipelineRun(request.parameter("id"))
        var json = run.json
        let limit = try request.number("limit", default: 1000, in: 0...10_000)
        let tasks = try await services.pipelines.tasks(of: run.id, after: request.query("after"), limit: limit + 1)
        json["tasks"] = .array(tasks.prefix(limit).map(\.json))
        json["next_task"] = .optional(tasks.count > limit && limit > 0 ? tasks[limit - 1].path : nil)
        json["waiting"] = .array(
            await services.pipelines.waiting(of: run.id).map {
                ["path": .string($0.path), "reason": .string($0.reason)]
            })
        return json
    }

    private func cancelRun(_ request: NativeRequest<API.ReasonRequest>) async throws(GyreError) -> JSONValue {
        let run = try await names.pipelineRun(request.parameter("id"))
        if !run.state.isEnd, request.isDryRun { return Self.dry(run.json) }
        return try await services.pipelines.cancel(run.id, by: request.actor).json
    }

    private func showLog(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let run = try await names.pipelineRun(request.parameter("id"))
        let task = request.query("task") ?? ""
        do throws(GyreError) {
            let after = try request.number("after", default: -1, in: -1...(1 << 40))
            // What is asked before the log is read: else the last lines could be missed.
            let state = try await services.pipelines.task(task, of: run.id)?.state
            let log = try await services.pipelines.log(of: run.id, task: task, after: after < 0 ? nil : Int64(after))
            return [
                "log": .string(String(decoding: log.bytes, as: UTF8.self)), "end": .int(log.end),
                "is_running": .bool(!(state ?? .pending).isEnd && !run.state.isEnd),
            ]
        } catch {
            guard error.code == .notFound else { throw error }
            let tasks = try await services.pipelines.tasks(of: run.id).map(\.path)
            throw GyreError(
                error.code, error.what,
                fix: Nearest.fix(task, among: tasks, otherwise: "gyre pipeline show \(run.id.prefix(8))"))
        }
    }
}

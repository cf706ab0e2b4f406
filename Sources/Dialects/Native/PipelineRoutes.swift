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
            NativeCall("GET", "/pipeline-runs", .list(.pipeline), "All pipeline runs, newest first.", listPipelineRuns),
            NativeCall(
                "POST", "/pipeline-runs", .runCode, "Starts a run: {package, parameters, reason, cache}.",
                takes: API.RunRequest.self, hasDryRun: true, startRun),
            NativeCall(
                "GET", "/pipeline-runs/{id}", .read(.pipelineRun, "id"), "A run with its tasks.", showPipelineRun),
            NativeCall(
                "POST", "/pipeline-runs/{id}/cancel", Need(.runCode, on: .one(.pipelineRun, .argument("id"))),
                "Stops a run with its processes.",
                takes: API.ReasonRequest.self, hasDryRun: true, cancelRun),
            NativeCall(
                "GET", "/pipeline-runs/{id}/logs", .read(.pipelineRun, "id"), "What a task printed; the last MiB.",
                query: ["task"], showLog),
        ]
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
        let visible = request.visible(.pipeline)
        let runs = try await services.pipelines.runs().filter { visible?.contains($0.pipeline.name) ?? true }
        return ["runs": .array(runs.map(\.json))]
    }

    private func startRun(_ request: NativeRequest<API.RunRequest>) async throws(GyreError) -> JSONValue {
        let body = request.body
        var start = Pipelines.Request(compiled: Array(body.package.utf8))
        start.parameters = body.parameters ?? [:]
        start.reason = body.reason ?? ""
        start.usesCache = body.cache ?? true
        if request.isDryRun {
            return Self.dry(try await services.pipelines.plan(start, by: request.actor).json)
        }
        return try await services.pipelines.start(start, by: request.actor).json
    }

    private func showPipelineRun(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let run = try await names.pipelineRun(request.parameter("id"))
        var json = run.json
        json["tasks"] = .array(try await services.pipelines.tasks(of: run.id).map(\.json))
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
            let log = try await services.pipelines.log(of: run.id, task: task)
            return ["log": .string(String(decoding: log, as: UTF8.self))]
        } catch {
            guard error.code == .notFound else { throw error }
            let tasks = try await services.pipelines.tasks(of: run.id).map(\.path)
            throw GyreError(
                error.code, error.what,
                fix: Nearest.fix(task, among: tasks, otherwise: "gyre pipeline show \(run.id.prefix(8))"))
        }
    }
}

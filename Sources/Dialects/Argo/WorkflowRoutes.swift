// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyrePipelines

extension ArgoDialect {
    var workflowRoutes: [Route] {
        let all = "\(Self.root)/workflows/{namespace}"
        let one = "\(all)/{name}"
        return [
            Route("POST", all, .runCode, create), Route("POST", "\(all)/lint", .read, lint),
            Route("POST", "\(all)/submit", .runCode, submit), Route("GET", all, .list(.pipeline), list),
            Route("GET", "\(Self.root)/workflows/", .list(.pipeline), list),
            Route("GET", "\(Self.root)/workflows", .list(.pipeline), list), Route("GET", one, .read, get),
            Route("DELETE", one, .runCode, delete), Route("PUT", "\(one)/resubmit", .runCode, resubmit),
            Route("PUT", "\(one)/retry", .runCode, retry), Route("PUT", "\(one)/resume", .runCode, resume),
            Route("PUT", "\(one)/suspend", .runCode) { request throws(GyreError) in
                let run = try await run(request)
                _ = try await pipelines.pause(run.id, true, by: request.actor(surface: "argo"))
                return .json(try await object(run))
            },
            Route("PUT", "\(one)/stop", .runCode, stop),
            Route("PUT", "\(one)/terminate", .runCode) { request throws(GyreError) in
                let run = try await run(request)
                return .json(try await object(try await pipelines.cancel(run.id, by: request.actor(surface: "argo"))))
            },
            Route("PUT", "\(one)/set", .runCode, set),
        ]
    }

    /// The run of a request, by its namespace and name.
    func run(_ request: HTTPRequest) async throws(GyreError) -> PipelineRun {
        let (namespace, name) = (request.parameter("namespace"), request.parameter("name"))
        var query = PipelineRunQuery()
        query.conditions = [.init(.namespace, .equal, .string(namespace)), .init(.name, .equal, .string(name))]
        query.limit = 1
        guard let run = try await pipelines.runs(query).runs.first else {
            throw GyreError(.notFound, "workflows.argoproj.io \"\(name.prefix(120))\" not found")
        }
        return run
    }

    /// A run as it is now, with its nodes.
    func object(_ run: PipelineRun) async throws(GyreError) -> JSONValue {
        let run = try await pipelines.run(run.id)
        return WorkflowObject.workflow(
            run, try WorkflowPackage(reading: try await pipelines.package(of: run)),
            tasks: try await pipelines.tasks(of: run.id), isPaused: await pipelines.isPaused(run.id))
    }

    // MARK: Making

    private func create(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        let isTrial = body["serverDryRun"]?.bool ?? false || body["createOptions"]?["dryRun"]?.array?.isEmpty == false
        guard let workflow = body["workflow"] else { throw GyreError(.invalid, "The body has no workflow.") }
        return .json(
            try await start(
                workflow, in: namespace(request, workflow), isTrial: isTrial, by: request.actor(surface: "argo")))
    }

    private func namespace(_ request: HTTPRequest, _ object: JSONValue) -> String {
        let told = request.parameter("namespace")
        return told.isEmpty ? object["metadata"]?["namespace"]?.string ?? "argo" : told
    }

    private func lint(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        guard let workflow = body["workflow"] else { throw GyreError(.invalid, "The body has no workflow.") }
        let package = try await package(workflow, in: namespace(request, workflow))
        try await pipelines.check(Self.request(package, in: namespace(request, workflow)))
        return .json(workflow)
    }

    private func submit(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        let options = body["submitOptions"]
        let isTrial = options?["dryRun"]?.bool ?? false || options?["serverDryRun"]?.bool ?? false
        let namespace = request.parameter("namespace")
        return .json(
            try await start(
                try await submitted(body, in: namespace), in: namespace, isTrial: isTrial,
                by: request.actor(surface: "argo")))
    }

    // MARK: Looking

    private func get(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(Fields.select(try await object(try await run(request)), request.query("fields")))
    }

    private func list(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        var query = PipelineRunQuery()
        let namespace = request.parameter("namespace")
        query.conditions =
            namespace.isEmpty
            ? [.init(.namespace, .greater, "")] : [.init(.namespace, .equal, .string(namespace))]
        let (runs, next) = try await found(request, query)
        var items: [JSONValue] = []
        for run in runs {
            let package = try WorkflowPackage(reading: try await pipelines.package(of: run))
            // Lists tell the nodes as Argo's do, unless they are left out.
            let wantsNodes = request.query("fields").map { $0.contains("status.nodes") && !$0.hasPrefix("-") } ?? false
            items.append(
                WorkflowObject.workflow(
                    run, package, tasks: wantsNodes ? try await pipelines.tasks(of: run.id) : nil))
        }
        let answer: JSONValue = [
            "metadata": next.map { ["resourceVersion": "1", "continue": .string($0)] } ?? ["resourceVersion": "1"],
            "items": .array(items),
        ]
        return .json(Fields.select(answer, request.query("fields")))
    }

    /// A page of the runs that a request's selectors fit, and where the next begins.
    func found(
        _ request: HTTPRequest, _ base: PipelineRunQuery
    ) async throws(GyreError) -> (runs: [PipelineRun], next: String?) {
        let labels = try Selector(request.query("listOptions.labelSelector") ?? "")
        let fields = try Selector(request.query("listOptions.fieldSelector") ?? "")
        let size = try request.number("listOptions.limit", default: 0, in: 0...Limits.pageRows)
        var query = base
        if let name = fields["metadata.name"] { query.conditions.append(.init(.name, .equal, .string(name))) }
        if let visible = request.visible(.pipeline) {
            query.conditions.append(.init(.pipeline, .among, .strings(visible.sorted())))
        }
        if let text = request.query("listOptions.continue"), !text.isEmpty {
            guard let after = try? JSONValue(parsing: text).array else {
                throw GyreError(.invalid, "listOptions.continue is none that a list gave.")
            }
            query.after = after
        }
        let most = size == 0 ? Limits.pageRows : size
        let (prefix, pattern) = (request.query("namePrefix") ?? "", request.query("nameFilter") ?? "")
        let term = request.query("listOptions.nameFilter") ?? ""
        var runs: [PipelineRun] = []
        while true {
            // As many as are wanted still, so that a page ends where a page of the store does.
            query.limit = most - runs.count
            let page = try await pipelines.runs(query)
            for run in page.runs where labels.fits(WorkflowObject.labels(run)) {
                guard run.name.hasPrefix(prefix) || pattern == "Contains" && run.name.contains(prefix),
                    run.name.contains(term)
                else { continue }
                runs.append(run)
            }
            guard let next = page.next else { return (runs, nil) }
            if runs.count == most { return (runs, JSONValue.array(next).text) }
            query.after = next
        }
    }

    private func delete(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let (run, actor) = (try await run(request), request.actor(surface: "argo"))
        if !run.state.isEnd { _ = try await pipelines.cancel(run.id, by: actor) }
        try await pipelines.remove(run.id, by: actor)
        return .json([:])
    }

    // MARK: Steering

    private func resubmit(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        let run = try await run(request)
        return .json(try await again(run, body["parameters"]?.strings ?? [], by: request.actor(surface: "argo")))
    }

    /// The same workflow once more, under a new name.
    func again(_ run: PipelineRun, _ parameters: [String], by actor: String) async throws(GyreError) -> JSONValue {
        var workflow = try WorkflowPackage(reading: try await pipelines.package(of: run)).workflow
        var metadata = workflow["metadata"] ?? [:]
        let generated = metadata["generateName"]?.string ?? run.name + "-"
        metadata["name"] = nil
        metadata["generateName"] = .string(generated)
        var labels = metadata["labels"] ?? [:]
        labels["workflows.argoproj.io/resubmitted-from-workflow"] = .string(run.name)
        metadata["labels"] = labels
        workflow["metadata"] = metadata
        workflow["spec"] = try Self.with(parameters: parameters, workflow["spec"] ?? [:])
        return try await start(workflow, in: run.namespace ?? "argo", isTrial: false, by: actor)
    }

    private func retry(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        return .json(try await retried(try await run(request), body, by: request.actor(surface: "argo")))
    }

    func retried(_ run: PipelineRun, _ body: JSONValue, by actor: String) async throws(GyreError) -> JSONValue {
        guard body["parameters"]?.array?.isEmpty ?? true else {
            throw GyreError(
                .unsupported, "A retry cannot change parameters: what succeeded was run with the old ones.",
                fix: "Resubmit the workflow with the new ones.")
        }
        var path: String?
        if let text = body["nodeFieldSelector"]?.string, !text.isEmpty, body["restartSuccessful"]?.bool == true {
            let nodes = WorkflowNodes(run, nil, try await pipelines.tasks(of: run.id))
            guard let task = nodes.task(try Selector(text)).first else {
                throw GyreError(.notFound, "No node of the workflow fits \"\(text.prefix(120))\".")
            }
            path = task.path
        }
        return try await object(try await pipelines.retry(run.id, from: path, by: actor))
    }

    /// The gates of a run that wait for an answer, of those that a request selects.
    private func gates(_ run: PipelineRun, _ body: JSONValue) async throws(GyreError) -> [TaskRecord] {
        let tasks = try await pipelines.tasks(of: run.id)
        var chosen = tasks
        if let text = body["nodeFieldSelector"]?.string, !text.isEmpty {
            let package = try WorkflowPackage(reading: try await pipelines.package(of: run))
            chosen = WorkflowNodes(run, package, tasks).task(try Selector(text))
        }
        return chosen.filter { $0.kind == "gate" && $0.state == .running }
    }

    private func resume(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let (body, run, actor) = (try await request.json(), try await run(request), request.actor(surface: "argo"))
        let isPaused = await pipelines.isPaused(run.id)
        if isPaused { _ = try await pipelines.pause(run.id, false, by: actor) }
        let gates = try await gates(run, body)
        guard isPaused || !gates.isEmpty else {
            throw GyreError(.conflict, "The workflow \"\(run.name)\" is not suspended.")
        }
        for gate in gates { try await answer(run, gate, isApproved: true, [:], body["message"]?.string, by: actor) }
        return .json(try await object(run))
    }

    /// Answers a gate: values that nobody gave are the defaults that its template has for them.
    private func answer(
        _ run: PipelineRun, _ gate: TaskRecord, isApproved: Bool, _ given: [String: String], _ message: String?,
        by actor: String
    ) async throws(GyreError) {
        let pipeline = try WorkflowPackage(reading: try await pipelines.package(of: run))
        var values = TaskValues()
        for parameter in Self.template(gate.component, of: pipeline)?["outputs"]?["parameters"]?.array ?? [] {
            guard let name = parameter["name"]?.string else { continue }
            if let value = given[name] {
                values.parameters[name] = .string(value)
            } else if let otherwise = parameter["valueFrom"]?["default"] {
                values.parameters[name] = .string(ExpressionFunctions.text(otherwise))
            } else if isApproved {
                throw GyreError(
                    .invalid, "The node \"\(gate.path)\" waits for the value of \"\(name)\".",
                    fix: "Set it with outputParameters before the workflow is resumed.")
            }
        }
        if let unknown = given.keys.sorted().first(where: { values.parameters[$0] == nil }) {
            throw GyreError(.invalid, "The node \"\(gate.path)\" has no output parameter \"\(unknown.prefix(80))\".")
        }
        try await pipelines.answer(
            run.id, task: gate.path, isApproved: isApproved, values: values, by: actor, reason: message ?? "")
    }

    private static func template(_ component: String, of package: WorkflowPackage) -> JSONValue? {
        let specs = [package.workflow["spec"] ?? [:]] + package.templates.values
        let name = component.split(separator: "/").last.map(String.init) ?? component
        return specs.lazy.compactMap { spec in
            (spec["templates"]?.array ?? []).first { $0["name"]?.string == name && $0["suspend"] != nil }
        }.first
    }

    private func stop(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let (body, run, actor) = (try await request.json(), try await run(request), request.actor(surface: "argo"))
        let message = body["message"]?.string ?? ""
        if let text = body["nodeFieldSelector"]?.string, !text.isEmpty {
            for gate in try await gates(run, body) {
                try await pipelines.answer(run.id, task: gate.path, isApproved: false, by: actor, reason: message)
            }
            return .json(try await object(run))
        }
        _ = try await pipelines.stop(run.id, message: message, by: actor)
        return .json(try await object(run))
    }

    private func set(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let (body, run, actor) = (try await request.json(), try await run(request), request.actor(surface: "argo"))
        var given: [String: String] = [:]
        if let text = body["outputParameters"]?.string, !text.isEmpty {
            for member in try JSONValue(parsing: text).object?.members ?? [] {
                given[member.name] = ExpressionFunctions.text(member.value)
            }
        }
        let gates = try await gates(run, body)
        guard !gates.isEmpty else {
            throw GyreError(.conflict, "No node of the workflow that fits waits for an answer.")
        }
        let isApproved: Bool
        switch body["phase"]?.string ?? "" {
        case "Failed", "Error": isApproved = false
        case "Succeeded", "": isApproved = true
        case let other: throw GyreError(.invalid, "A node cannot be set to \"\(other.prefix(40))\".")
        }
        for gate in gates {
            try await answer(run, gate, isApproved: isApproved, given, body["message"]?.string, by: actor)
        }
        return .json(try await object(run))
    }
}

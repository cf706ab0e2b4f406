// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyrePipelines

extension KFPDialect {
    var runRoutes: [Route] {
        let one = "\(Self.root)/runs/{id}"
        func need(_ permissions: Permissions) -> Need { Need(permissions, on: .one(.pipelineRun, .address("id"))) }
        return [
            Route("POST", "\(Self.root)/runs", .runCode, createRun),
            Route("GET", "\(Self.root)/runs", .list(.pipeline), listRuns),
            Route("GET", one, need(.read), getRun),
            Route("DELETE", one, need(.write)) { request throws(GyreError) in
                try await pipelines.remove(try await run(request).id, by: request.actor(surface: "kfp"))
                return .json([:])
            },
            Route("POST", "\(one):archive", need(.write)) { request throws(GyreError) in
                _ = try await pipelines.archive(
                    try await run(request).id, true, by: request.actor(surface: "kfp"))
                return .json([:])
            },
            Route("POST", "\(one):unarchive", need(.write)) { request throws(GyreError) in
                _ = try await pipelines.archive(
                    try await run(request).id, false, by: request.actor(surface: "kfp"))
                return .json([:])
            },
            Route("POST", "\(one):terminate", need(.runCode)) { request throws(GyreError) in
                _ = try await pipelines.cancel(try await run(request).id, by: request.actor(surface: "kfp"))
                return .json([:])
            },
            Route("POST", "\(one):retry", need(.runCode)) { request throws(GyreError) in
                _ = try await pipelines.retry(try await run(request).id, by: request.actor(surface: "kfp"))
                return .json([:])
            },
        ]
    }

    /// The run of a request, by its whole id alone.
    private func run(_ request: HTTPRequest) async throws(GyreError) -> PipelineRun {
        let id = request.parameter("id")
        if let run = try await pipelines.run(exactly: id) { return run }
        throw GyreError(.notFound, "There is no run with the id \"\(id.prefix(80))\".")
    }

    private func createRun(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        let actor = request.actor(surface: "kfp")
        let (package, version) = try await self.package(body)
        var start = Pipelines.Request(compiled: package)
        start.parameters = Messages.parameters(body)
        start.name = body["display_name"]?.string
        start.reason = body["description"]?.string ?? ""
        start.experiment = try await experiment(
            body["experiment_id"]?.string ?? request.query("experiment_id"), by: actor)
        start.annotations = Messages.annotations(body, version)
        let run = try await pipelines.start(start, by: actor)
        return .json(Messages.run(run, specification: try KFPPackage.specification(package)))
    }

    /// The id of an experiment that is there; without a word of it, of the one that is there for all.
    func experiment(_ id: String?, by actor: String) async throws(GyreError) -> String {
        if let id, !id.isEmpty { return try await experiments.experiment(id).id }
        return try await experiments.named(PipelineExperiments.defaultName, by: actor).id
    }

    /// The package that a body names or holds; for one that it names, with the version.
    func package(
        _ body: JSONValue
    ) async throws(GyreError) -> (package: [UInt8], version: PipelineVersion?) {
        if let specification = body["pipeline_spec"], specification != .null { return (specification.bytes, nil) }
        let reference = body["pipeline_version_reference"]
        guard let pipeline = reference?["pipeline_id"]?.string else {
            throw GyreError(
                .invalid, "It is not said what is to be run.",
                why: "The body has neither pipeline_spec nor pipeline_version_reference.")
        }
        let version = try await catalog.version(reference?["pipeline_version_id"]?.string, of: pipeline)
        return (try await catalog.package(version), version)
    }

    private func listRuns(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let listing = try Listing(
            request,
            keys: [
                "run_id", "id", "display_name", "name", "created_at", "scheduled_at", "finished_at", "state", "status",
                "storage_state", "experiment_id", "recurring_run_id",
            ])
        var query = PipelineRunQuery()
        query.order = Self.column(listing.order)
        query.isAscending = listing.isAscending
        query.after = listing.after
        query.limit = listing.size
        for predicate in listing.predicates {
            let column = Self.column(predicate.key)
            var value = predicate.value
            // Whether it is left out of lists is a word to clients.
            if column == .isArchived { value = .bool(value.string == Messages.storageState(true)) }
            query.conditions.append(.init(column, predicate.comparison, value))
        }
        if let experiment = request.query("experiment_id"), !experiment.isEmpty {
            query.conditions.append(.init(.experiment, .equal, .string(experiment)))
        }
        if let visible = request.visible(.pipeline) {
            query.conditions.append(.init(.pipeline, .among, .strings(visible.sorted())))
        }
        let page = try await pipelines.runs(query)
        return .json(
            Messages.list("runs", page.runs.map { Messages.run($0) }, page.next.map(Listing.token), page.total))
    }

    private static func column(_ key: String) -> PipelineRunQuery.Column {
        switch key {
        case "display_name", "name": .name
        case "finished_at": .endedAt
        case "state", "status": .state
        case "storage_state": .isArchived
        case "experiment_id": .experiment
        case "recurring_run_id": .schedule
        case "created_at", "scheduled_at": .startedAt
        default: .id
        }
    }

    private func getRun(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let run = try await run(request)
        let specification = try await pipelines.package(of: run)
        return .json(
            Messages.run(
                run, specification: try KFPPackage.specification(specification),
                tasks: try await pipelines.tasks(of: run.id)))
    }
}

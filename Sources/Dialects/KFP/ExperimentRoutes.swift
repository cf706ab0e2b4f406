// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyrePipelines

extension KFPDialect {
    var experimentRoutes: [Route] {
        let one = "\(Self.root)/experiments/{id}"
        return [
            Route("POST", "\(Self.root)/experiments", .write, createExperiment),
            Route("GET", "\(Self.root)/experiments", .read, listExperiments),
            Route("GET", one, .read) { request throws(GyreError) in
                .json(try await message(try await experiments.experiment(request.parameter("id"))))
            },
            Route("DELETE", one, .write) { request throws(GyreError) in
                try await experiments.remove(request.parameter("id"), by: request.actor(surface: "kfp"))
                return .json([:])
            },
            Route("POST", "\(one):archive", .write) { request throws(GyreError) in
                try await archive(request, true)
            },
            Route("POST", "\(one):unarchive", .write) { request throws(GyreError) in
                try await archive(request, false)
            },
        ]
    }

    private func createExperiment(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        let experiment = try await experiments.create(
            body["display_name"]?.string ?? "", description: body["description"]?.string ?? "",
            by: request.actor(surface: "kfp"))
        return .json(try await message(experiment))
    }

    private func listExperiments(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let listing = try Listing(
            request,
            keys: ["experiment_id", "id", "display_name", "name", "description", "created_at", "storage_state"])
        var all = try await experiments.experiments()
        // Clients count on it: they make it where they do not find it, several at the same time.
        if !all.contains(where: { $0.name == PipelineExperiments.defaultName }) {
            all.append(try await experiments.named(PipelineExperiments.defaultName, by: "gyre"))
        }
        let page = listing.page(all, id: \.id) { experiment, key in
            switch key {
            case "display_name", "name": .string(experiment.name)
            case "description": .string(experiment.description)
            case "created_at": .int(experiment.createdAt)
            case "storage_state": .string(Messages.storageState(experiment.isArchived))
            default: .string(experiment.id)
            }
        }
        var list: [JSONValue] = []
        for experiment in page.items { list.append(try await message(experiment)) }
        return .json(Messages.list("experiments", list, page.token, page.total))
    }

    /// With all its runs and recurring runs, as KFP has it; taken in again, its runs are still left out.
    private func archive(_ request: HTTPRequest, _ isArchived: Bool) async throws(GyreError) -> HTTPResponse {
        let (id, actor) = (request.parameter("id"), request.actor(surface: "kfp"))
        try await experiments.archive(id, isArchived, by: actor)
        guard isArchived else { return .json([:]) }
        var query = PipelineRunQuery()
        query.conditions = [.init(.experiment, .equal, .string(id)), .init(.isArchived, .equal, false)]
        query.limit = Limits.pageRows
        for run in try await pipelines.runs(query).runs { _ = try await pipelines.archive(run.id, true, by: actor) }
        for schedule in try await schedules.schedules() where schedule.experiment == id && schedule.isEnabled {
            _ = try await schedules.enable(schedule.id, false, by: actor)
        }
        return .json([:])
    }

    private func message(_ experiment: PipelineExperiment) async throws(GyreError) -> JSONValue {
        var query = PipelineRunQuery()
        query.conditions = [.init(.experiment, .equal, .string(experiment.id))]
        query.limit = 1
        return Messages.experiment(experiment, lastRunAt: try await pipelines.runs(query).runs.first?.startedAt)
    }
}

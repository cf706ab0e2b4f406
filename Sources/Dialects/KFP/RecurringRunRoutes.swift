// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyrePipelines

extension KFPDialect {
    var recurringRunRoutes: [Route] {
        let one = "\(Self.root)/recurringruns/{id}"
        return [
            Route("POST", "\(Self.root)/recurringruns", .runCode, createRecurringRun),
            Route("GET", "\(Self.root)/recurringruns", .read, listRecurringRuns),
            Route("GET", one, .read) { request throws(GyreError) in
                let schedule = try await schedules.schedule(request.parameter("id"))
                let package = try await schedules.package(schedule)
                return .json(
                    Messages.recurringRun(schedule, specification: try KFPPackage.specification(package)))
            },
            Route("DELETE", one, .runCode) { request throws(GyreError) in
                try await schedules.remove(request.parameter("id"), by: request.actor(surface: "kfp"))
                return .json([:])
            },
            Route("POST", "\(one):enable", .runCode) { request throws(GyreError) in
                _ = try await schedules.enable(request.parameter("id"), true, by: request.actor(surface: "kfp"))
                return .json([:])
            },
            Route("POST", "\(one):disable", .runCode) { request throws(GyreError) in
                _ = try await schedules.enable(request.parameter("id"), false, by: request.actor(surface: "kfp"))
                return .json([:])
            },
        ]
    }

    private func createRecurringRun(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        let actor = request.actor(surface: "kfp")
        let (package, version) = try await self.package(body)
        let source: Schedule.Source
        if let version {
            // Without a version the newest is meant, each time anew.
            let named = body["pipeline_version_reference"]?["pipeline_version_id"]?.string
            source = .version(pipeline: version.pipeline, version: named)
        } else {
            source = .package(Digest(of: package))
        }
        let trigger = body["trigger"] ?? [:]
        var schedule = schedules.draft(
            body["display_name"]?.string ?? "", try Messages.trigger(trigger), source, by: actor)
        let times = trigger["cron_schedule"] ?? trigger["periodic_schedule"]
        if let text = times?["start_time"]?.string { schedule.startsAt = try Timestamp.parse(text) }
        if let text = times?["end_time"]?.string { schedule.endsAt = try Timestamp.parse(text) }
        schedule.description = body["description"]?.string ?? ""
        schedule.parameters = Messages.parameters(body)
        schedule.experiment = try await experiment(body["experiment_id"]?.string, by: actor)
        schedule.annotations = Messages.annotations(body, version)
        schedule.mostRunning = Messages.integer(body["max_concurrency"]).map { Int($0) } ?? 1
        schedule.catchesUp = !(body["no_catchup"]?.bool ?? false)
        schedule.isEnabled = body["mode"]?.string != "DISABLE"
        try await schedules.create(schedule, package: version == nil ? package : nil, by: actor)
        return .json(Messages.recurringRun(schedule, specification: try KFPPackage.specification(package)))
    }

    private func listRecurringRuns(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let listing = try Listing(
            request,
            keys: ["recurring_run_id", "id", "display_name", "name", "created_at", "status", "experiment_id"])
        var all = try await schedules.schedules()
        if let experiment = request.query("experiment_id"), !experiment.isEmpty {
            all = all.filter { $0.experiment == experiment }
        }
        let page = listing.page(all, id: \.id) { schedule, key in
            switch key {
            case "display_name", "name": .string(schedule.name)
            case "created_at": .int(schedule.createdAt)
            case "status": .string(Messages.status(schedule))
            case "experiment_id": .string(schedule.experiment ?? "")
            default: .string(schedule.id)
            }
        }
        // Its name is in camel case, other than that of all other lists.
        return .json(
            Messages.list("recurringRuns", page.items.map { Messages.recurringRun($0) }, page.token, page.total))
    }
}

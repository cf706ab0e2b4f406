// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyrePipelines

/// Packages that are looked at or registered, and schedules.
extension NativeDialect {
    var catalogCalls: [NativeCall] {
        [
            NativeCall(
                "POST", "/pipelines/lint", .read, "Looks at a package without running it: {package}.",
                takes: API.PackageRequest.self, lint),
            NativeCall("GET", "/pipelines", .read, "Registered pipelines with their versions.", listRegistered),
            NativeCall(
                "POST", "/pipelines/{name}/versions", .write,
                "Adds a version to a registered pipeline, which is made if it is not there: {package, version, description}.",
                takes: API.RegisterPipelineRequest.self, register),
            NativeCall(
                "DELETE", "/pipelines/{name}", .write,
                "Removes a registered pipeline with its versions; its runs stay.",
                removeRegistered),
        ]
    }

    var scheduleCalls: [NativeCall] {
        [
            NativeCall("GET", "/schedules", .read, "All schedules with their next times.", listSchedules),
            NativeCall(
                "POST", "/schedules", .runCode, "Keeps a schedule.", takes: API.ScheduleRequest.self,
                hasDryRun: true, createSchedule),
            NativeCall("GET", "/schedules/{id}", .read, "A schedule.", showSchedule),
            NativeCall(
                "POST", "/schedules/{id}/enable", .runCode, "Pauses a schedule, or lets it go on: {enabled}.",
                takes: API.EnableRequest.self, enableSchedule),
            NativeCall(
                "POST", "/schedules/{id}/backfill", .runCode,
                "Acts for the times of a range, but for those that have a run: {from, to}.",
                takes: API.BackfillRequest.self, hasDryRun: true, backfill),
            NativeCall(
                "POST", "/schedules/{id}/call", .runCode,
                "Starts a run of a schedule now: {parameters}. For other programs, as a webhook.",
                takes: API.CallRequest.self, callSchedule),
            NativeCall("DELETE", "/schedules/{id}", .runCode, "Removes a schedule; its runs stay.", removeSchedule),
        ]
    }

    // MARK: Packages

    private func lint(_ request: NativeRequest<API.PackageRequest>) async throws(GyreError) -> JSONValue {
        let outline = try await services.pipelines.outline(Array(request.body.package.utf8))
        let parameters = outline.parameters.sorted { $0.key < $1.key }.map { name, definition -> JSONValue in
            [
                "name": .string(name), "type": .string("\(definition.type)"),
                "default": definition.defaultValue ?? .null, "is_optional": .bool(definition.isOptional),
            ]
        }
        return [
            "pipeline": .string(outline.ref.description), "parameters": .array(parameters),
            "tasks": .array(
                outline.tasks.map { task in
                    [
                        "path": .string(task.path), "kind": .string(task.kind), "upstream": .strings(task.upstream),
                        "condition": .optional(task.condition), "image": .optional(task.image),
                        "runs_after_failure": .bool(task.runsAfterFailure), "retries": .int(Int64(task.retries)),
                    ]
                }),
        ]
    }

    private func listRegistered(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        var list: [JSONValue] = []
        for pipeline in try await services.pipelineCatalog.pipelines().sorted(by: { $0.name < $1.name }) {
            var json = pipeline.json
            json["versions"] = .array(
                try await services.pipelineCatalog.versions(of: pipeline.id).sorted {
                    ($0.createdAt, $0.id) > ($1.createdAt, $1.id)
                }.map(\.json))
            list.append(json)
        }
        return ["pipelines": .array(list)]
    }

    private func register(_ request: NativeRequest<API.RegisterPipelineRequest>) async throws(GyreError) -> JSONValue {
        let catalog = services.pipelineCatalog
        let name = request.parameter("name")
        let package = Array(request.body.package.utf8)
        let existing = try await catalog.pipelines().first { $0.name == name }
        var count = 0
        if let existing { count = try await catalog.versions(of: existing.id).count }
        var description = PipelineCatalog.Description(name: request.body.version ?? String(count + 1))
        description.text = request.body.description ?? ""
        if let existing {
            return try await catalog.add(description, package: package, to: existing.id, by: request.actor).json
        }
        let made = try await catalog.register(
            PipelineCatalog.Description(name: name), version: (description, package), by: request.actor)
        guard let version = made.version else { throw GyreError(.internal, "The version was not made.") }
        return version.json
    }

    private func removeRegistered(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let pipeline = try await services.pipelineCatalog.pipeline(named: request.parameter("name"))
        try await services.pipelineCatalog.remove(pipeline.id, cascading: true, by: request.actor)
        return ["removed": .string(pipeline.ref.description)]
    }

    // MARK: Schedules

    private func told(_ schedule: Schedule) -> JSONValue {
        var json = schedule.json
        json["next"] = .array(services.schedules.upcoming(schedule, 5).map { .int($0) })
        return json
    }

    private func listSchedules(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let all = try await services.schedules.schedules().sorted { ($0.name, $0.id) < ($1.name, $1.id) }
        return ["schedules": .array(all.map(told))]
    }

    private func showSchedule(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        told(try await services.schedules.schedule(request.parameter("id")))
    }

    private func createSchedule(_ request: NativeRequest<API.ScheduleRequest>) async throws(GyreError) -> JSONValue {
        let body = request.body
        var schedule = services.schedules.draft(
            body.name, try Self.trigger(body), try await source(body), by: request.actor)
        schedule.description = body.description ?? ""
        schedule.startsAt = body.startsAt
        schedule.endsAt = body.endsAt
        schedule.parameters = body.parameters ?? [:]
        schedule.mostRunning = body.mostRunning ?? 1
        schedule.catchesUp = body.catchUp ?? false
        schedule.usesCache = body.cache ?? true
        if let word = body.overlap {
            guard let overlap = Schedule.Overlap(rawValue: word) else {
                throw GyreError(
                    .invalid, "\"\(word.prefix(40))\" does not say what is done when a run goes on still.",
                    why: "It is \(Schedule.Overlap.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            schedule.overlap = overlap
        }
        let package = body.package.map { Array($0.utf8) }
        if request.isDryRun {
            try await services.schedules.check(schedule, package: package)
            return told(schedule)
        }
        try await services.schedules.create(schedule, package: package, by: request.actor)
        return told(schedule)
    }

    private static func trigger(_ body: API.ScheduleRequest) throws(GyreError) -> Schedule.Trigger {
        var found: [Schedule.Trigger] = []
        if let cron = body.cron { found.append(.cron(try CronExpression(cron, zone: body.zone ?? "UTC"))) }
        if let seconds = body.intervalSeconds { found.append(.interval(seconds)) }
        if let dataset = body.onDataset { found.append(.event(.accepted(dataset: dataset))) }
        if let pipeline = body.onPipeline {
            found.append(.event(.ended(pipeline: pipeline, state: try body.onState.flatMap(Self.state))))
        }
        if body.onCall == true { found.append(.event(.called)) }
        guard found.count == 1 else {
            throw GyreError(
                .invalid, "The schedule \"\(body.name.prefix(80))\" does not say when it acts, or says it twice.",
                why: "It has one of cron, interval_seconds, on_dataset, on_pipeline and on_call.")
        }
        return found[0]
    }

    private static func state(_ word: String) throws(GyreError) -> PipelineRun.State? {
        if word == "ended" { return nil }
        guard let state = PipelineRun.State(rawValue: word.uppercased()), state.isEnd, state != .skipped else {
            throw GyreError(
                .invalid, "A run does not end \"\(word.prefix(40))\".",
                why: "It is succeeded, failed, canceled or ended.")
        }
        return state
    }

    private func source(_ body: API.ScheduleRequest) async throws(GyreError) -> Schedule.Source {
        if let package = body.package, body.pipeline == nil { return .package(Digest(of: Array(package.utf8))) }
        guard let name = body.pipeline, body.package == nil else {
            throw GyreError(
                .invalid, "The schedule \"\(body.name.prefix(80))\" names nothing to run, or two things.",
                why: "It has either package or pipeline.")
        }
        let pipeline = try await services.pipelineCatalog.pipeline(named: name)
        guard let wanted = body.version else { return .version(pipeline: pipeline.id, version: nil) }
        let versions = try await services.pipelineCatalog.versions(of: pipeline.id)
        guard let version = versions.first(where: { $0.name == wanted }) else {
            throw GyreError(
                .notFound, "The pipeline \"\(name)\" has no version \"\(wanted.prefix(80))\".",
                fix: Nearest.fix(wanted, among: versions.map(\.name), otherwise: "gyre pipeline registered"))
        }
        return .version(pipeline: pipeline.id, version: version.id)
    }

    private func enableSchedule(_ request: NativeRequest<API.EnableRequest>) async throws(GyreError) -> JSONValue {
        told(try await services.schedules.enable(request.parameter("id"), request.body.enabled, by: request.actor))
    }

    private func callSchedule(_ request: NativeRequest<API.CallRequest>) async throws(GyreError) -> JSONValue {
        try await services.schedules.call(
            request.parameter("id"), parameters: request.body.parameters ?? [:], by: request.actor
        ).json
    }

    private func backfill(_ request: NativeRequest<API.BackfillRequest>) async throws(GyreError) -> JSONValue {
        let schedule = try await services.schedules.schedule(request.parameter("id"))
        let times = try await services.schedules.backfill(
            schedule.id, from: request.body.from, to: request.body.to, isTrial: request.isDryRun, by: request.actor)
        return [
            "schedule": .string(schedule.id), "times": .array(times.map { .int($0) }),
            "dry_run": request.isDryRun ? true : .null,
        ]
    }

    private func removeSchedule(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let schedule = try await services.schedules.schedule(request.parameter("id"))
        try await services.schedules.remove(schedule.id, by: request.actor)
        return ["removed": .string(schedule.ref.description)]
    }
}

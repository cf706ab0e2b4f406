// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

/// The nouns of pipelines as KFP's messages have them.
enum Messages {
    /// A list under its name, with what pages need.
    static func list(_ name: String, _ items: [JSONValue], _ token: String?, _ total: Int) -> JSONValue {
        var json: JSONValue = [name: .array(items), "total_size": .int(Int64(total))]
        if let token { json["next_page_token"] = .string(token) }
        return json
    }

    static func storageState(_ isArchived: Bool) -> String { isArchived ? "ARCHIVED" : "AVAILABLE" }

    private static func time(_ microseconds: Int64?) -> JSONValue {
        .optional(microseconds.map { Timestamp.text($0) })
    }

    /// An object without the members that are null.
    private static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(JSONObject(members.filter { $0.1 != .null }))
    }

    // MARK: What comes in

    static func tags(_ json: JSONValue) -> [String: String] {
        var tags: [String: String] = [:]
        for member in json.object?.members ?? [] { tags[member.name] = member.value.string ?? member.value.text }
        return tags
    }

    /// The name and more of a pipeline or a version.
    static func description(_ json: JSONValue) throws(GyreError) -> PipelineCatalog.Description {
        guard let name = json["name"]?.string ?? json["display_name"]?.string else {
            throw GyreError(.invalid, "The body has no name or display_name.")
        }
        var description = PipelineCatalog.Description(name: name)
        description.displayName = json["display_name"]?.string
        description.text = json["description"]?.string ?? ""
        description.tags = tags(json["tags"] ?? [:])
        description.codeSource = json["code_source_url"]?.string ?? ""
        return description
    }

    /// The package of a version that comes in a message.
    static func package(_ json: JSONValue) throws(GyreError) -> [UInt8] {
        if let specification = json["pipeline_spec"], specification != .null { return specification.bytes }
        throw GyreError(
            .unsupported, "A version is not made from a package_url: this server fetches nothing from elsewhere.",
            fix: "Upload the package: client.upload_pipeline or client.upload_pipeline_version.")
    }

    static func parameters(_ body: JSONValue) -> [String: JSONValue] {
        var parameters: [String: JSONValue] = [:]
        for member in body["runtime_config"]?["parameters"]?.object?.members ?? [] {
            parameters[member.name] = member.value
        }
        return parameters
    }

    /// What is kept of a run or a recurring run, to be told again.
    static func annotations(_ body: JSONValue, _ version: PipelineVersion?) -> JSONValue {
        object([
            ("pipeline_id", .optional(version?.pipeline)), ("pipeline_version_id", .optional(version?.id)),
            ("description", body["description"] ?? .null), ("service_account", body["service_account"] ?? .null),
            ("pipeline_root", body["runtime_config"]?["pipeline_root"] ?? .null),
        ])
    }

    /// 64-bit numbers are texts in protobuf's JSON.
    static func integer(_ json: JSONValue?) -> Int64? { json?.int ?? json?.string.flatMap { Int64($0) } }

    static func trigger(_ json: JSONValue) throws(GyreError) -> Schedule.Trigger {
        if let cron = json["cron_schedule"]?["cron"]?.string { return .cron(try CronExpression(cron)) }
        if let seconds = integer(json["periodic_schedule"]?["interval_second"]) { return .interval(seconds) }
        throw GyreError(
            .invalid, "The trigger says no times.",
            why: "It has neither cron_schedule.cron nor periodic_schedule.interval_second.")
    }

    // MARK: What goes out

    static func experiment(_ experiment: PipelineExperiment, lastRunAt: Int64?) -> JSONValue {
        object([
            ("experiment_id", .string(experiment.id)), ("display_name", .string(experiment.name)),
            ("description", .string(experiment.description)), ("created_at", time(experiment.createdAt)),
            ("last_run_created_at", time(lastRunAt)),
            ("storage_state", .string(storageState(experiment.isArchived))),
        ])
    }

    static func pipeline(_ pipeline: RegisteredPipeline) -> JSONValue {
        object([
            ("pipeline_id", .string(pipeline.id)), ("display_name", .string(pipeline.displayName)),
            ("name", .string(pipeline.name)), ("description", .string(pipeline.description)),
            ("created_at", time(pipeline.createdAt)), ("tags", tags(pipeline.tags)),
        ])
    }

    static func version(_ version: PipelineVersion, _ specification: JSONValue) -> JSONValue {
        object([
            ("pipeline_id", .string(version.pipeline)), ("pipeline_version_id", .string(version.id)),
            ("display_name", .string(version.displayName)), ("name", .string(version.name)),
            ("description", .string(version.description)), ("created_at", time(version.createdAt)),
            ("code_source_url", version.codeSource.isEmpty ? .null : .string(version.codeSource)),
            ("pipeline_spec", specification), ("tags", tags(version.tags)),
        ])
    }

    private static func tags(_ tags: [String: String]) -> JSONValue {
        tags.isEmpty
            ? .null : .object(JSONObject(tags.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }

    private static func reference(_ annotations: JSONValue) -> JSONValue {
        guard let pipeline = annotations["pipeline_id"] else { return .null }
        return object([
            ("pipeline_id", pipeline), ("pipeline_version_id", annotations["pipeline_version_id"] ?? .null),
        ])
    }

    private static func runtime(_ parameters: [String: JSONValue], _ annotations: JSONValue) -> JSONValue {
        object([
            (
                "parameters",
                .object(JSONObject(parameters.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
            ),
            ("pipeline_root", annotations["pipeline_root"] ?? .null),
        ])
    }

    private static func error(_ message: String?, _ state: PipelineRun.State) -> JSONValue {
        guard let message, state == .failed || state == .canceled else { return .null }
        return ["code": state == .canceled ? 1 : 2, "message": .string(message)]
    }

    private static func history(_ times: [(Int64?, PipelineRun.State)]) -> JSONValue {
        .array(
            times.compactMap { at, state in
                at.map { ["update_time": .string(Timestamp.text($0)), "state": .string(state.rawValue)] }
            })
    }

    static func run(_ run: PipelineRun, specification: JSONValue? = nil, tasks: [TaskRecord]? = nil) -> JSONValue {
        var times: [(Int64?, PipelineRun.State)] = [(run.startedAt, .pending), (run.startedAt, .running)]
        if run.state.isEnd { times.append((run.endedAt, run.state)) }
        let reference = reference(run.annotations)
        var details: JSONValue = .null
        if let tasks { details = ["task_details": .array(tasks.map { task($0, in: tasks) })] }
        return object([
            ("experiment_id", .optional(run.experiment)), ("run_id", .string(run.id)),
            ("display_name", .string(run.name)), ("storage_state", .string(storageState(run.isArchived))),
            ("description", run.annotations["description"] ?? .null), ("pipeline_version_reference", reference),
            ("pipeline_spec", specification ?? .null), ("runtime_config", runtime(run.parameters, run.annotations)),
            ("service_account", run.annotations["service_account"] ?? .null), ("created_at", time(run.startedAt)),
            ("scheduled_at", time(run.scheduledAt ?? run.startedAt)), ("finished_at", time(run.endedAt)),
            ("state", .string(run.state.rawValue)), ("error", error(run.message, run.state)),
            ("recurring_run_id", .optional(run.schedule)), ("state_history", history(times)),
            ("run_details", details),
        ])
    }

    private static func task(_ task: TaskRecord, in all: [TaskRecord]) -> JSONValue {
        func id(_ path: String) -> String { String(Digest(of: Array("\(task.run)/\(path)".utf8)).hex.prefix(32)) }
        let parent = parentPath(of: task.path)
        let children = task.isLeaf ? [] : all.filter { parentPath(of: $0.path) == task.path }
        var times: [(Int64?, PipelineRun.State)] = [(task.startedAt, .running)]
        if task.state.isEnd { times.append((task.endedAt, task.state)) }
        let last = task.path.split(separator: "/").last.map(String.init) ?? task.path
        return object([
            ("run_id", .string(task.run)), ("task_id", .string(id(task.path))),
            ("display_name", .string(task.name.isEmpty ? last : task.name)), ("create_time", time(task.startedAt)),
            ("start_time", time(task.startedAt)), ("end_time", time(task.endedAt)),
            ("executor_detail", task.kind == "task" ? ["main_job": .string(task.path)] : .null),
            ("state", .string(task.state.rawValue)), ("error", error(task.message, task.state)),
            ("parent_task_id", .optional(parent.map(id))), ("state_history", history(times)),
            ("child_tasks", children.isEmpty ? .null : .array(children.map { ["task_id": .string(id($0.path))] })),
        ])
    }

    /// The group or loop that a task stands in: `a/b` for `a/b/c`, `a/b` for `a/b[3]`.
    private static func parentPath(of path: String) -> String? {
        if path.hasSuffix("]"), let start = path.lastIndex(of: "[") { return String(path[..<start]) }
        return path.lastIndex(of: "/").map { String(path[..<$0]) }
    }

    static func status(_ schedule: Schedule) -> String { schedule.isEnabled ? "ENABLED" : "DISABLED" }

    static func recurringRun(_ schedule: Schedule, specification: JSONValue? = nil) -> JSONValue {
        let ends: [(String, JSONValue)] = [
            ("start_time", time(schedule.startsAt)), ("end_time", time(schedule.endsAt)),
        ]
        let trigger: JSONValue =
            switch schedule.trigger {
            case .cron(let expression):
                ["cron_schedule": object(ends + [("cron", .string(expression.text))])]
            case .interval(let seconds):
                ["periodic_schedule": object(ends + [("interval_second", .string(String(seconds)))])]
            // What acts on something that happens has no form among these.
            case .event: [:]
            }
        return object([
            ("recurring_run_id", .string(schedule.id)), ("display_name", .string(schedule.name)),
            ("description", .string(schedule.description)),
            ("pipeline_version_reference", reference(schedule.annotations)), ("pipeline_spec", specification ?? .null),
            ("runtime_config", runtime(schedule.parameters, schedule.annotations)),
            ("service_account", schedule.annotations["service_account"] ?? .null),
            ("max_concurrency", .string(String(schedule.mostRunning))), ("trigger", trigger),
            ("mode", .string(schedule.isEnabled ? "ENABLE" : "DISABLE")), ("created_at", time(schedule.createdAt)),
            ("status", .string(status(schedule))), ("error", error(schedule.problem, .failed)),
            ("no_catchup", .bool(!schedule.catchesUp)), ("experiment_id", .optional(schedule.experiment)),
        ])
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

struct PipelineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline", abstract: "Pipeline runs.",
        subcommands: [
            Run.self, Train.self, List.self, Show.self, Logs.self, Explain.self, Cancel.self, Retry.self, Approve.self,
            Pause.self, Resume.self, Stop.self, Skip.self, Limit.self, Archive.self, Remove.self, Lint.self,
            Register.self, Registered.self, Unregister.self,
            ScheduleCommand.self, Backfill.self,
        ])

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a pipeline that kfp compiled, or an Argo workflow, and wait for its end.",
            discussion: "Example: gyre pipeline run train.yaml --parameter training=dataset/delay-training@latest")
        @Argument(help: "The YAML that the kfp compiler wrote, or that of a workflow.") var file: String
        @Option(name: .shortAndLong, help: "NAME=VALUE; the value is JSON where it reads as such.") var parameter:
            [String] = []
        @Option(help: "Why it is run.") var reason = ""
        @Flag(inversion: .prefixedNo, help: "Take results of earlier runs for the same inputs.") var cache = true
        @Option(help: "What people call the run; the pipeline's name where it is not said.") var name: String?
        @Flag(help: "Do not wait for the end: print the run's id.") var detach = false
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: JSONValue = [
                "package": .string(try FileText.read(file)), "reason": .string(reason), "cache": .bool(cache),
            ]
            body["parameters"] = try Parameters.read(parameter)
            body["name"] = .optional(name)
            if detach, !trial.dryRun {
                let run = try await connection.with { [body] in
                    guard $0.address != nil else {
                        throw GyreError(
                            .invalid, "Without a server nobody goes on with the run once this command ends.",
                            fix: "gyre up, or leave --detach out.")
                    }
                    return try await $0.post(API.PipelineRun.self, "/pipeline-runs", body)
                }
                return output.render(run, ids: [run.id]) { run.id }
            }
            if trial.dryRun {
                let request = trial.marked(body)
                let run = try await connection.post(API.PipelineRun.self, "/pipeline-runs", request)
                let data = run.resolved.sorted { $0.key < $1.key }.map { "\($0.key) (now \($0.value))" }
                return output.render(run, ids: [run.pipeline]) { RunPlan.text(run.pipeline, data, run.parameters) }
            }
            try await RunProgress.follow(connection, output, creating: true) {
                try await $0.post(API.PipelineRun.self, "/pipeline-runs", body)
            }
        }
    }

    struct Train: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Train a project's model on the data that was accepted, and wait for the end.",
            discussion: "Example: gyre pipeline train flights --reason \"first model\"")
        @Argument(help: "The project.") var project: String
        @Option(name: .shortAndLong, help: "NAME=VALUE; the value is JSON where it reads as such.") var parameter:
            [String] = []
        @Option(help: "Why it is trained.") var reason = "asked for"
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let body: JSONValue = ["reason": .string(reason), "parameters": try Parameters.read(parameter)]
            if trial.dryRun {
                let path = Percent.path("projects", project, "train")
                let plan = try await connection.post(API.TrainPlan.self, path, trial.marked(body))
                return output.render(plan, ids: plan.datasets) {
                    RunPlan.text(plan.pipeline, plan.datasets, plan.parameters)
                }
            }
            try await RunProgress.follow(connection, output) {
                try await $0.post(API.PipelineRun.self, Percent.path("projects", project, "train"), body)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the runs, newest first.",
            discussion: "Example: gyre pipeline list --state failed --pipeline train")
        @Option(help: "Only runs of this state: running, succeeded, failed, canceled.") var state: String?
        @Option(help: "Only runs of this pipeline.") var pipeline: String?
        @Option(help: "Only runs that this schedule started.") var schedule: String?
        @Option(help: "Only runs whose name has this in it.") var name: String?
        @Flag(help: "With those that were archived.") var archived = false
        @Option(help: "At most so many.") var limit = 50
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard (1...1000).contains(limit) else { throw ValidationError("--limit is 1 to 1000.") }
        }

        func run() async throws {
            let query = Percent.query(
                [
                    ("state", state), ("pipeline", pipeline), ("schedule", schedule), ("name", name),
                    ("archived", archived ? "true" : nil), ("limit", String(limit)),
                ].compactMap { name, value in value.map { (name, $0) } })
            let answer = try await connection.get(API.PipelineRunList.self, "/pipeline-runs" + query)
            output.render(answer, ids: answer.runs.map(\.id)) {
                let table = TextTable(
                    ["RUN", "NAME", "PIPELINE", "STATE", "STARTED", "TIME", "BY", "REASON"],
                    answer.runs.map {
                        [
                            String($0.id.prefix(8)), $0.name, $0.pipeline, $0.state, Cell.time($0.startedAt),
                            RunProgress.time($0.startedAt, $0.endedAt), $0.actor, $0.reason,
                        ]
                    }
                ).text(empty: "No such pipeline run. Run one: gyre pipeline run FILE")
                return answer.total > answer.runs.count
                    ? table + "\n\(answer.runs.count) of \(answer.total) runs." : table
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a run with its tasks.", discussion: "Example: gyre pipeline show 9c1e")
        @Argument(help: "The run's id, or its first digits.") var id: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let run = try await connection.get(API.PipelineRun.self, Percent.path("pipeline-runs", id))
            output.render(run, ids: (run.tasks ?? []).map(\.path)) { RunProgress.table(run.value) }
        }
    }

    struct Logs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what a task wrote.", discussion: "Example: gyre pipeline logs 9c1e train --follow")
        @Argument(help: "The run's id, or its first digits.") var id: String
        @Argument(help: "The task.") var task: String
        @Flag(name: .shortAndLong, help: "Go on with what it writes until it ends.") var follow = false
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let path = Percent.path("pipeline-runs", id, "logs")
            try await connection.with { connection in
                var place: Int64?
                while true {
                    let query = [("task", task)] + (place.map { [("after", String($0))] } ?? [])
                    let answer = try await log(connection, path + Percent.query(query))
                    if let answer {
                        print(answer.log, terminator: "")
                        let isAll = place == answer.end || answer.log.isEmpty
                        place = answer.end
                        if !follow || (!answer.isRunning && isAll) { return }
                        if !isAll { continue }
                    }
                    try await Task.sleep(for: .milliseconds(300))
                }
            }
        }

        /// The log, or nil for a task that has not begun yet and is waited for.
        private func log(_ connection: any Connection, _ path: String) async throws -> Answer<API.TaskLog>? {
            do throws(GyreError) {
                return try await connection.get(API.TaskLog.self, path)
            } catch {
                guard error.code == .notFound, follow else { throw error }
                let run = try await connection.get(API.PipelineRun.self, Percent.path("pipeline-runs", id))
                if run.endedAt != nil { throw error }
                return nil
            }
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say why each task of a run ran, did not, or waits.",
            discussion: "Example: gyre pipeline explain 9c1e train")
        @Argument(help: "The run's id, or its first digits.") var id: String
        @Argument(help: "The task; all of them where it is not said.") var task: String?
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let run = try await connection.get(API.PipelineRun.self, Percent.path("pipeline-runs", id))
            let tasks = (run.tasks ?? []).filter { task == nil || $0.path == task }
            let waiting = (run.waiting ?? []).filter { task == nil || $0.path == task }
            if let task, tasks.isEmpty, waiting.isEmpty {
                throw GyreError(
                    .notFound, "The run \(id) has no task \"\(task)\".",
                    fix: Nearest.fix(
                        task, among: (run.tasks ?? []).map(\.path), otherwise: "gyre pipeline show \(id)"))
            }
            output.render(run, ids: tasks.map(\.path)) {
                let rows =
                    tasks.map { [$0.path, $0.state, RunProgress.why($0)] }
                    + waiting.filter { wait in !tasks.contains { $0.path == wait.path && $0.endedAt != nil } }
                    .map { [$0.path, "WAITING", $0.reason] }
                return TextTable(["TASK", "STATE", "WHY"], rows).text(empty: "No task has begun.")
            }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop a run with its processes.", discussion: "Example: gyre pipeline cancel 9c1e")
        @Argument(help: "The run's id, or its first digits.") var id: String
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = Percent.path("pipeline-runs", id, "cancel")
            let run = try await connection.post(API.PipelineRun.self, path, trial.marked([:]))
            output.render(run, ids: [run.id]) {
                trial.dryRun
                    ? "The run \(run.id.prefix(8)) of \(run.pipeline) would be stopped."
                    : "The run \(run.id.prefix(8)) is \(run.state)."
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a run go on that did not succeed; what succeeded is not run again.",
            discussion: "Example: gyre pipeline retry 9c1e --from train")
        @Argument(help: "The run's id, or its first digits.") var id: String
        @Option(help: "Run this task again, and all that depend on it, whatever their ends.") var from: String?
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = Percent.path("pipeline-runs", id, "retry")
            let body: JSONValue = ["from": .optional(from)]
            try await RunProgress.follow(connection, output) {
                try await $0.post(API.PipelineRun.self, path, body)
            }
        }
    }

    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Answer what a task of a run asks.",
            discussion: "Example: gyre pipeline approve 9c1e check --reason \"looks right\"")
        @Argument(help: "The run's id, or its first digits.") var id: String
        @Argument(help: "The task that asks.") var task: String
        @Flag(help: "Say no: the task fails.") var reject = false
        @Option(name: .shortAndLong, help: "NAME=VALUE that the task gives; the value is JSON where it reads as such.")
        var value: [String] = []
        @Option(help: "Why.") var reason = ""
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let body: JSONValue = [
                "task": .string(task), "approve": .bool(!reject), "reason": .string(reason),
                "values": try Parameters.read(value),
            ]
            let run = try await connection.post(
                API.PipelineRun.self, Percent.path("pipeline-runs", id, "answer"), body)
            output.render(run, ids: [run.id]) { "The task \(task) of the run \(run.id.prefix(8)) was answered." }
        }
    }

    struct Archive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Leave a run out of lists, or take it in again.",
            discussion: "Example: gyre pipeline archive 9c1e")
        @Argument(help: "The run's id, or its first digits.") var id: String
        @Flag(help: "Take it in again.") var undo = false
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = Percent.path("pipeline-runs", id, "archive")
            let run = try await connection.post(API.PipelineRun.self, path, ["archived": .bool(!undo)])
            output.render(run, ids: [run.id]) {
                "The run \(run.id.prefix(8)) is \(run.isArchived ? "left out of lists" : "in the lists")."
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Remove a run that has ended, with its tasks and their folders.",
            discussion: "The ledger keeps what it was. Example: gyre pipeline rm 9c1e")
        @Argument(help: "The run's id, or its first digits.") var id: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.with { [path = Percent.path("pipeline-runs", id)] in
                try Answer<API.Removed>(try await $0.call("DELETE", path, nil))
            }
            output.render(answer, ids: [answer.removed]) { "removed \(answer.removed)" }
        }
    }
}

/// What a run would be, in the words of a dry run.
enum RunPlan {
    static func text(_ pipeline: String, _ data: [String], _ parameters: JSONValue) -> String {
        var text = "\(pipeline) would run"
        if !data.isEmpty { text += " on \(data.joined(separator: ", "))" }
        let parameters = (parameters.object?.members ?? []).map { [$0.name, Cell.text($0.value)] }
        return text + ".\n" + TextTable(["PARAMETER", "VALUE"], parameters).text(empty: "It takes no parameters.")
    }
}

enum Parameters {
    static func read(_ list: [String]) throws -> JSONValue {
        var json: JSONValue = [:]
        for item in list {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else { throw ValidationError("\"\(item)\" is not NAME=VALUE.") }
            // What is no JSON is a text as it stands.
            json[parts[0]] = (try? JSONValue(parsing: parts[1])) ?? .string(parts[1])
        }
        return json
    }
}

enum RunProgress {
    /// Starts a run and tells of its tasks until it ends; exit status 1 if it did not succeed.
    static func follow(
        _ options: ConnectionOptions, _ output: OutputOptions, creating: Bool = false,
        _ start: (any Connection) async throws -> Answer<API.PipelineRun>
    ) async throws {
        let run = try await options.with(creating: creating) { connection in
            let id = try await start(connection).id
            var told: [String: String] = [:]
            while true {
                let run = try await connection.get(API.PipelineRun.self, Percent.path("pipeline-runs", id))
                for task in run.tasks ?? [] where told.updateValue(task.state, forKey: task.path) != task.state {
                    tell("  \(task.state.lowercased())  \(task.path)")
                }
                if run.endedAt != nil { return run }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
        output.render(run, ids: [run.id]) { table(run.value) }
        if run.state != "SUCCEEDED" { throw ExitCode(1) }
    }

    /// How long something took; a dash where it has not ended.
    static func time(_ start: Int64?, _ end: Int64?) -> String {
        guard let end else { return "-" }
        return "\((Double(end - (start ?? end)) / 1e5).rounded() / 10) s"
    }

    /// Why a task ended as it did, or ran at all.
    static func why(_ task: API.PipelineTask) -> String {
        if let message = task.message, !message.isEmpty { return message }
        let tries = task.attempts > 1 ? "; \(task.attempts) attempts" : ""
        return (task.cacheReason.isEmpty ? task.kind : task.cacheReason) + tries
    }

    static func table(_ run: API.PipelineRun) -> String {
        let tasks = (run.tasks ?? []).map { task in
            [
                task.path, task.state, time(task.startedAt, task.endedAt), task.cacheReason, task.message ?? "",
            ]
        }
        let head = "run \(run.id) of \(run.pipeline): \(run.state)"
        let message = run.message.map { "\n\($0)" } ?? ""
        let more = run.nextTask == nil ? "" : "\nThe first \(tasks.count) tasks are shown."
        return head + message + "\n"
            + TextTable(["TASK", "STATE", "TIME", "CACHE", "MESSAGE"], tasks).text(empty: "No task has begun.") + more
    }
}

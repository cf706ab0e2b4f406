// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

struct PipelineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline", abstract: "Pipeline runs.",
        subcommands: [Run.self, Train.self, List.self, Show.self, Logs.self, Cancel.self])

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a compiled Kubeflow pipeline, and wait for its end.",
            discussion: "Example: gyre pipeline run train.yaml --parameter training=dataset/delay-training@latest")
        @Argument(help: "The YAML that the kfp compiler wrote.") var file: String
        @Option(name: .shortAndLong, help: "NAME=VALUE; the value is JSON where it reads as such.") var parameter:
            [String] = []
        @Option(help: "Why it is run.") var reason = ""
        @Flag(inversion: .prefixedNo, help: "Take results of earlier runs for the same inputs.") var cache = true
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: JSONValue = [
                "package": .string(try FileText.read(file)), "reason": .string(reason), "cache": .bool(cache),
            ]
            body["parameters"] = try Parameters.read(parameter)
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
            abstract: "List the runs, newest first.", discussion: "Example: gyre pipeline list")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.PipelineRunList.self, "/pipeline-runs")
            output.render(answer, ids: answer.runs.map(\.id)) {
                TextTable(
                    ["RUN", "PIPELINE", "STATE", "STARTED", "BY", "REASON"],
                    answer.runs.map {
                        [String($0.id.prefix(8)), $0.pipeline, $0.state, Cell.time($0.startedAt), $0.actor, $0.reason]
                    }
                ).text(empty: "No pipeline has run yet. Run one: gyre pipeline run FILE")
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
            abstract: "Print what a task wrote.", discussion: "Example: gyre pipeline logs 9c1e train")
        @Argument(help: "The run's id, or its first digits.") var id: String
        @Argument(help: "The task.") var task: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let path = Percent.path("pipeline-runs", id, "logs") + Percent.query([("task", task)])
            print(try await connection.get(API.TaskLog.self, path).log, terminator: "")
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
}

/// What a run would be, in the words of a dry run.
private enum RunPlan {
    static func text(_ pipeline: String, _ data: [String], _ parameters: JSONValue) -> String {
        var text = "\(pipeline) would run"
        if !data.isEmpty { text += " on \(data.joined(separator: ", "))" }
        let parameters = (parameters.object?.members ?? []).map { [$0.name, Cell.text($0.value)] }
        return text + ".\n" + TextTable(["PARAMETER", "VALUE"], parameters).text(empty: "It takes no parameters.")
    }
}

private enum Parameters {
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

private enum RunProgress {
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

    static func table(_ run: API.PipelineRun) -> String {
        let tasks = (run.tasks ?? []).map { task in
            let seconds = task.endedAt.map { Double($0 - (task.startedAt ?? $0)) / 1e6 }
            return [
                task.path, task.state, seconds.map { "\(($0 * 10).rounded() / 10) s" } ?? "-", task.cacheReason,
                task.message ?? "",
            ]
        }
        let head = "run \(run.id) of \(run.pipeline): \(run.state)"
        let message = run.message.map { "\n\($0)" } ?? ""
        return head + message + "\n"
            + TextTable(["TASK", "STATE", "TIME", "CACHE", "MESSAGE"], tasks).text(empty: "No task has begun.")
    }
}

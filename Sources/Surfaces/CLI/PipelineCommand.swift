// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
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
                let run = try await connection.with { try await $0.call("POST", "/pipeline-runs", request) }
                return output.render(run, ids: [Cell.text(run["pipeline"])]) { RunPlan.text(run) }
            }
            try await RunProgress.follow(connection, output, creating: true) {
                try await $0.call("POST", "/pipeline-runs", body)
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
                let request = trial.marked(body)
                let plan = try await connection.with { try await $0.call("POST", path, request) }
                return output.render(plan, ids: plan["datasets"]?.strings ?? []) { RunPlan.text(plan) }
            }
            try await RunProgress.follow(connection, output) {
                try await $0.call("POST", Percent.path("projects", project, "train"), body)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the runs, newest first.", discussion: "Example: gyre pipeline list")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.with { try await $0.call("GET", "/pipeline-runs", nil) }
            let runs = answer["runs"]?.array ?? []
            output.render(answer, ids: runs.map { Cell.text($0["id"]) }) {
                TextTable(
                    ["RUN", "PIPELINE", "STATE", "STARTED", "BY", "REASON"],
                    runs.map {
                        [
                            String(Cell.text($0["id"]).prefix(8)), Cell.text($0["pipeline"]), Cell.text($0["state"]),
                            Cell.time($0["started_at"]),
                            Cell.text($0["actor"]), Cell.text($0["reason"]),
                        ]
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
            let run = try await connection.with { try await $0.call("GET", Percent.path("pipeline-runs", id), nil) }
            output.render(run, ids: (run["tasks"]?.array ?? []).map { Cell.text($0["path"]) }) {
                RunProgress.table(run)
            }
        }
    }

    struct Logs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what a task wrote.", discussion: "Example: gyre pipeline logs 9c1e train")
        @Argument(help: "The run's id, or its first digits.") var id: String
        @Argument(help: "The task.") var task: String
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            let answer = try await connection.with {
                try await $0.call(
                    "GET", Percent.path("pipeline-runs", id, "logs") + Percent.query([("task", task)]), nil)
            }
            print(Cell.text(answer["log"]), terminator: "")
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
            let run = try await connection.with {
                try await $0.call("POST", Percent.path("pipeline-runs", id, "cancel"), trial.marked([:]))
            }
            output.render(run, ids: [Cell.text(run["id"])]) {
                trial.dryRun
                    ? "The run \(Cell.text(run["id"]).prefix(8)) of \(Cell.text(run["pipeline"])) would be stopped."
                    : "The run \(Cell.text(run["id"]).prefix(8)) is \(Cell.text(run["state"]))."
            }
        }
    }
}

/// What a run would be, in the words of a dry run.
private enum RunPlan {
    static func text(_ plan: JSONValue) -> String {
        var text = "\(Cell.text(plan["pipeline"])) would run"
        let data =
            plan["datasets"]?.strings
            ?? (plan["resolved"]?.object?.members ?? []).map {
                "\($0.name) (now \(Cell.text($0.value)))"
            }
        if !data.isEmpty { text += " on \(data.joined(separator: ", "))" }
        let parameters = (plan["parameters"]?.object?.members ?? []).map { [$0.name, Cell.text($0.value)] }
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
        _ start: (any Connection) async throws -> JSONValue
    ) async throws {
        let run = try await options.with(creating: creating) { connection in
            let id = Cell.text(try await start(connection)["id"])
            var told: [String: String] = [:]
            while true {
                let run = try await connection.call("GET", "/pipeline-runs/\(id)", nil)
                for task in run["tasks"]?.array ?? [] {
                    let state = Cell.text(task["state"])
                    if told.updateValue(state, forKey: Cell.text(task["path"])) != state {
                        tell("  \(state.lowercased())  \(Cell.text(task["path"]))")
                    }
                }
                if run["ended_at"]?.int != nil { return run }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
        output.render(run, ids: [Cell.text(run["id"])]) { table(run) }
        if run["state"]?.string != "SUCCEEDED" { throw ExitCode(1) }
    }

    static func table(_ run: JSONValue) -> String {
        let tasks = (run["tasks"]?.array ?? []).map { task in
            let seconds = (task["ended_at"]?.double ?? 0) - (task["started_at"]?.double ?? 0)
            return [
                Cell.text(task["path"]), Cell.text(task["state"]),
                task["ended_at"]?.int == nil ? "-" : "\((seconds / 1e5).rounded() / 10) s",
                Cell.text(task["cache_reason"]), task["message"]?.string ?? "",
            ]
        }
        let head = "run \(Cell.text(run["id"])) of \(Cell.text(run["pipeline"])): \(Cell.text(run["state"]))"
        let message = run["message"]?.string.map { "\n\($0)" } ?? ""
        return head + message + "\n"
            + TextTable(["TASK", "STATE", "TIME", "CACHE", "MESSAGE"], tasks).text(empty: "No task has begun.")
    }
}

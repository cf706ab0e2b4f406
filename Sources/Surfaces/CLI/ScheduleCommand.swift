// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

/// Schedules of pipelines.
struct ScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule", abstract: "Pipelines that run by themselves, by cron or every so often.",
        discussion: "Example: gyre pipeline schedule list",
        subcommands: [Create.self, List.self, Show.self, Call.self, Pause.self, Resume.self, Remove.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a pipeline by itself from now on.",
            discussion: """
                The server runs it while it is up. Times that were missed while it was down are made up for: the last alone, or all with
                --catch-up.
                Example: gyre pipeline schedule create nightly train.yaml --cron "30 2 * * *" --zone Europe/Berlin
                """)
        @Argument(help: "What people call it.") var name: String
        @Argument(help: "The YAML that the kfp compiler wrote; or name a registered one with --pipeline.")
        var file: String?
        @Option(help: "A registered pipeline; its newest version at the time of each run.") var pipeline: String?
        @Option(name: .customLong("pipeline-version"), help: "That version of the registered pipeline.")
        var version: String?
        @Option(
            help: "Minute, hour, day of month, month, day of week; with seconds in front where there are six fields.")
        var cron: String?
        @Option(help: "The zone whose clocks are meant.") var zone = "UTC"
        @Option(help: "In place of cron: every so many seconds.") var every: Int64?
        @Option(
            help:
                "In place of times: each time that a version of this dataset is accepted; [[Dataset]] in parameters is that version."
        )
        var onDataset: String?
        @Option(
            help: "In place of times: each time that a run of this pipeline ends; [[Run]] in parameters is that run.")
        var onPipeline: String?
        @Option(help: "How that run must end: succeeded, failed, canceled or ended.") var onState = "succeeded"
        @Flag(help: "In place of times: when it is called, and then alone.") var onCall = false
        @Option(help: "Before this time it starts none, as 2026-03-01T10:00:00Z.") var start: String?
        @Option(help: "After this time it starts none.") var end: String?
        @Option(name: .shortAndLong, help: "NAME=VALUE; the value is JSON where it reads as such.") var parameter:
            [String] = []
        @Option(help: "When a run goes on still: allow, forbid or replace.") var overlap = "allow"
        @Option(help: "How many runs of it go on at the same time.") var mostRunning = 1
        @Flag(help: "Make up for every time that was missed.") var catchUp = false
        @Flag(inversion: .prefixedNo, help: "Take results of earlier runs for the same inputs.") var cache = true
        @Option(help: "What it is for.") var description = ""
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard (file == nil) != (pipeline == nil) else {
                throw ValidationError("Name a file, or a registered pipeline with --pipeline.")
            }
            let ways = [cron != nil, every != nil, onDataset != nil, onPipeline != nil, onCall].filter { $0 }.count
            guard ways == 1 else {
                throw ValidationError("Say one of --cron, --every, --on-dataset, --on-pipeline and --on-call.")
            }
            guard version == nil || pipeline != nil else {
                throw ValidationError("--pipeline-version is of a registered pipeline: say --pipeline.")
            }
        }

        func run() async throws {
            var body: JSONValue = [
                "name": .string(name), "pipeline": .optional(pipeline), "version": .optional(version),
                "cron": .optional(cron), "zone": .string(zone), "interval_seconds": .optional(every),
                "overlap": .string(overlap), "most_running": .int(Int64(mostRunning)), "catch_up": .bool(catchUp),
                "cache": .bool(cache), "description": .string(description),
                "parameters": try Parameters.read(parameter), "on_dataset": .optional(onDataset),
                "on_pipeline": .optional(onPipeline), "on_state": onPipeline == nil ? .null : .string(onState),
                "on_call": onCall ? true : .null,
            ]
            if let file { body["package"] = .string(try FileText.read(file)) }
            body["starts_at"] = try start.map { .int(try Timestamp.parse($0)) } ?? .null
            body["ends_at"] = try end.map { .int(try Timestamp.parse($0)) } ?? .null
            let request = trial.marked(body)
            let schedule = try await connection.with(creating: true) {
                try await $0.post(API.Schedule.self, "/schedules", request)
            }
            output.render(schedule, ids: [schedule.id]) {
                if schedule.next.isEmpty {
                    return
                        "\(schedule.name) \(trial.dryRun ? "would run" : "runs") \(ScheduleCommand.times(schedule.value))"
                }
                let times = schedule.next.map { Timestamp.readable($0) + " UTC" }.joined(separator: ", ")
                return "\(schedule.name) \(trial.dryRun ? "would run" : "runs") at \(times), …"
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List schedules with their next times.", discussion: "Example: gyre pipeline schedule list")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.ScheduleList.self, "/schedules")
            output.render(answer, ids: answer.schedules.map(\.id)) {
                TextTable(
                    ["SCHEDULE", "ID", "TIMES", "NEXT", "RUNS", "PROBLEM"],
                    answer.schedules.map {
                        [
                            $0.name, String($0.id.prefix(8)), ScheduleCommand.times($0), ScheduleCommand.next($0),
                            String($0.started), $0.problem ?? "",
                        ]
                    }
                ).text(empty: "There are no schedules. Make one: gyre pipeline schedule create NAME FILE --cron TIMES")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a schedule with its next times.", discussion: "Example: gyre pipeline schedule show nightly"
        )
        @Argument(help: "The schedule's name, or its id.") var id: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let schedule = try await connection.get(API.Schedule.self, Percent.path("schedules", id))
            output.render(schedule, ids: [schedule.id]) {
                TextTable(
                    ["", ""],
                    [
                        ["schedule", "\(schedule.name) (\(schedule.id))"],
                        ["times", ScheduleCommand.times(schedule.value)],
                        ["state", schedule.isEnabled ? "enabled" : "paused"],
                        ["when a run goes on", "\(schedule.overlap), \(schedule.mostRunning) at the same time"],
                        ["missed times", schedule.catchesUp ? "all are made up for" : "the last is made up for"],
                        ["runs started", String(schedule.started)],
                        ["last", schedule.lastTick.map { Timestamp.readable($0) + " UTC" } ?? "-"],
                        ["next", schedule.next.map { Timestamp.readable($0) + " UTC" }.joined(separator: ", ")],
                        ["still to fill in", String(schedule.backlog.count)],
                        ["problem", schedule.problem ?? "-"],
                    ]
                ).text(empty: "")
            }
        }
    }

    struct Call: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Start a run of a schedule now, with its parameters.",
            discussion: """
                Other programs post to /api/gyre/v1/schedules/NAME/call with a token.
                Example: gyre pipeline schedule call nightly -p rows=1000
                """)
        @Argument(help: "The schedule's name, or its id.") var id: String
        @Option(name: .shortAndLong, help: "NAME=VALUE; the value is JSON where it reads as such.") var parameter:
            [String] = []
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let run = try await connection.post(
                API.PipelineRun.self, Percent.path("schedules", id, "call"),
                ["parameters": try Parameters.read(parameter)])
            output.render(run, ids: [run.id]) { "The run \(run.id.prefix(8)) was started." }
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep a schedule from starting runs.", discussion: "Example: gyre pipeline schedule pause nightly"
        )
        @Argument(help: "The schedule's name, or its id.") var id: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { try await ScheduleCommand.enable(id, false, connection, output) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a schedule start runs again.", discussion: "Example: gyre pipeline schedule resume nightly")
        @Argument(help: "The schedule's name, or its id.") var id: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { try await ScheduleCommand.enable(id, true, connection, output) }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Remove a schedule; its runs stay.",
            discussion: "Example: gyre pipeline schedule rm nightly")
        @Argument(help: "The schedule's name, or its id.") var id: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.with { [path = Percent.path("schedules", id)] in
                try Answer<API.Removed>(try await $0.call("DELETE", path, nil))
            }
            output.render(answer, ids: [answer.removed]) { "removed \(answer.removed)" }
        }
    }

    private static func enable(
        _ id: String, _ isEnabled: Bool, _ connection: ConnectionOptions, _ output: OutputOptions
    ) async throws {
        let path = Percent.path("schedules", id, "enable")
        let schedule = try await connection.post(API.Schedule.self, path, ["enabled": .bool(isEnabled)])
        output.render(schedule, ids: [schedule.id]) {
            schedule.isEnabled ? "\(schedule.name) runs next: \(next(schedule.value))" : "\(schedule.name) is paused."
        }
    }

    private static func times(_ schedule: API.Schedule) -> String {
        if let cron = schedule.cron { return "\(cron) (\(schedule.zone ?? "UTC"))" }
        if let dataset = schedule.onDataset { return "when dataset/\(dataset) is accepted" }
        if let pipeline = schedule.onPipeline {
            return "when a run of \(pipeline) \(schedule.onState.map { "has \($0.lowercased())" } ?? "ends")"
        }
        if schedule.onCall == true { return "when it is called" }
        return "every \(schedule.intervalSeconds ?? 0) s"
    }

    private static func next(_ schedule: API.Schedule) -> String {
        guard schedule.isEnabled else { return "paused" }
        if schedule.next.isEmpty, schedule.cron == nil, schedule.intervalSeconds == nil { return "-" }
        return schedule.next.first.map { Timestamp.readable($0) } ?? "never again"
    }
}

extension PipelineCommand {
    struct Backfill: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have a schedule act for the times of a range, but for those that have a run.",
            discussion: "Example: gyre pipeline backfill nightly --from 2026-01-01 --to 2026-02-01 --dry-run")
        @Argument(help: "The schedule's name, or its id.") var id: String
        @Option(help: "The first time, as 2026-03-01 or 2026-03-01T10:00:00Z.") var from: String
        @Option(help: "The last time.") var to: String
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let body: JSONValue = ["from": .int(try Timestamp.parse(from)), "to": .int(try Timestamp.parse(to))]
            let answer = try await connection.post(
                API.Backfill.self, Percent.path("schedules", id, "backfill"), trial.marked(body))
            output.render(answer, ids: answer.times.map { Timestamp.text($0) }) {
                let times = answer.times.map { Timestamp.readable($0) + " UTC" }
                let list = times.count > 6 ? times.prefix(3) + ["…"] + times.suffix(2) : times[...]
                return "\(times.count) runs \(trial.dryRun ? "would be" : "will be") started"
                    + (times.isEmpty ? "." : ": \(list.joined(separator: ", "))")
            }
        }
    }
}

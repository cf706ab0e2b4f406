// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

extension PipelineCommand {
    private static func pause(
        _ id: String, _ isPaused: Bool, _ connection: ConnectionOptions, _ output: OutputOptions
    ) async throws {
        let path = Percent.path("pipeline-runs", id, "pause")
        let run = try await connection.post(API.PipelineRun.self, path, ["paused": .bool(isPaused)])
        output.render(run, ids: [run.id]) {
            isPaused
                ? "Nothing more of the run \(run.id.prefix(8)) is begun until: gyre pipeline resume \(run.id.prefix(8))"
                : "The run \(run.id.prefix(8)) goes on."
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begin nothing more of a run for now; what runs goes on.",
            discussion: "Example: gyre pipeline pause 9c1e")
        @Argument(help: "The run's id, or its first digits.") var id: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { try await PipelineCommand.pause(id, true, connection, output) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Go on with a run that was paused.", discussion: "Example: gyre pipeline resume 9c1e")
        @Argument(help: "The run's id, or its first digits.") var id: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { try await PipelineCommand.pause(id, false, connection, output) }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop a run, and let its exit handlers run.",
            discussion:
                "To stop it without them: gyre pipeline cancel. Example: gyre pipeline stop 9c1e --message \"too costly\""
        )
        @Argument(help: "The run's id, or its first digits.") var id: String
        @Option(help: "Why; it stands with the run.") var message = ""
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = Percent.path("pipeline-runs", id, "stop")
            let run = try await connection.post(API.PipelineRun.self, path, ["message": .string(message)])
            output.render(run, ids: [run.id]) { "The run \(run.id.prefix(8)) is being stopped." }
        }
    }

    struct Skip: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Go on as if a task had succeeded, and do not run it.",
            discussion: """
                It gives nothing: tasks that take what it would give fail. The reason stands with the task.
                Example: gyre pipeline skip 9c1e notify --reason "the mail server is down"
                """)
        @Argument(help: "The run's id, or its first digits.") var id: String
        @Argument(help: "The task's path.") var task: String
        @Option(help: "Why.") var reason: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let run = try await connection.post(
                API.PipelineRun.self, Percent.path("pipeline-runs", id, "pass-over"),
                ["task": .string(task), "reason": .string(reason)])
            output.render(run, ids: [run.id]) { "The task \(task) of the run \(run.id.prefix(8)) is not run." }
        }
    }

    struct Limit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "How many tasks of all runs hold a semaphore at the same time.",
            discussion: "Example: gyre pipeline limit set my-config/workflow 2",
            subcommands: [List.self, Set.self, Remove.self])

        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "List limits, and who holds what.", discussion: "Example: gyre pipeline limit list")
            @OptionGroup var connection: ConnectionOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let list = try await connection.get(API.LockLimitList.self, "/lock-limits")
                output.render(list, ids: list.limits.map(\.name)) {
                    TextTable(
                        ["NAME", "LIMIT", "HELD BY"],
                        list.limits.map { limit in
                            let holders = limit.holders.map { String($0.suffix(60)) }.joined(separator: ", ")
                            return [limit.name, limit.limit.map(String.init) ?? "", holders]
                        }
                    ).text(
                        empty: "No limit yet. A workflow names one by its semaphore: gyre pipeline limit set NAME 2")
                }
            }
        }

        struct Set: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Set a limit.", discussion: "Example: gyre pipeline limit set database 4")
            @Argument(help: "What tasks ask for: the key of a semaphore, or MAP/KEY.") var name: String
            @Argument(help: "How many tasks hold it at the same time.") var limit: Int
            @OptionGroup var connection: ConnectionOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let set = try await connection.post(
                    API.LockLimit.self, "/lock-limits", ["name": .string(name), "limit": .int(Int64(limit))])
                output.render(set, ids: [set.name]) { "\(limit) tasks hold \(name) at the same time." }
            }
        }

        struct Remove: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "rm", abstract: "Remove a limit; tasks that ask for it fail then.",
                discussion: "Example: gyre pipeline limit rm database")
            @Argument(help: "What tasks ask for.") var name: String
            @OptionGroup var connection: ConnectionOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let set = try await connection.post(
                    API.LockLimit.self, "/lock-limits", ["name": .string(name), "limit": .null])
                output.render(set, ids: [set.name]) { "\(name) has no limit any more." }
            }
        }
    }
}

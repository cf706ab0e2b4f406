// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Releases: everything that went out together.",
        subcommands: [List.self, Show.self, Diff.self, Reproduce.self, Rollback.self])

    /// `delay@3`, or `release/delay@3` as other commands print it, in its parts.
    struct Name: ExpressibleByArgument {
        let endpoint: String
        /// Digits, or `latest`.
        let number: String

        init?(argument: String) {
            let text = argument.hasPrefix("release/") ? String(argument.dropFirst("release/".count)) : argument
            let parts = text.split(separator: "@").map(String.init)
            guard parts.count == 2, parts[1] == "latest" || Int(parts[1]) != nil else { return nil }
            (endpoint, number) = (parts[0], parts[1])
        }

        var path: String { Percent.path("releases", endpoint, number) }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List releases, newest first.", discussion: "Example: gyre release list delay")
        @Argument(help: "Only of this endpoint.") var endpoint: String?
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = "/releases" + Percent.query([("endpoint", endpoint)])
            let answer = try await connection.with { try await $0.call("GET", path, nil) }
            let list = try API.ReleaseList(answer: answer).releases
            output.render(answer, ids: list.map(\.ref)) {
                TextTable(
                    ["RELEASE", "MODEL", "MADE", "BY", "REASON"],
                    list.map { [$0.ref, $0.pins.model, Cell.time(.int($0.at)), $0.actor, $0.reason] }
                ).text(empty: "Nothing was released yet. Deploy a model: gyre endpoint deploy NAME")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show all that a release pins.", discussion: "Example: gyre release show delay@2")
        @Argument(help: "ENDPOINT@NUMBER, or ENDPOINT@latest.") var release: Name
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = release.path
            let answer = try await connection.with { try await $0.call("GET", path, nil) }
            output.render(answer, ids: [Cell.text(answer["ref"])]) {
                let rows = (answer["pins"]?.object?.members ?? []).map {
                    [$0.name, String(Cell.pinned($0.value).prefix(160))]
                }
                return TextTable(["PINNED", "VALUE"], rows).text(empty: "")
            }
        }
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what two releases pin differently.", discussion: "Example: gyre release diff delay@1 --to 2"
        )
        @Argument(help: "ENDPOINT@NUMBER, or ENDPOINT@latest.") var release: Name
        @Option(help: "The other release's number, or latest.") var to: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = release.path + "/diff" + Percent.query([("to", to)])
            let answer = try await connection.with { try await $0.call("GET", path, nil) }
            let changes = answer["changes"]?.array ?? []
            output.render(answer, ids: changes.map { Cell.text($0["name"]) }) {
                TextTable(
                    ["PINNED", "BEFORE", "AFTER"],
                    changes.map {
                        [
                            Cell.text($0["name"]), String(Cell.text($0["old"]).prefix(70)),
                            String(Cell.text($0["new"]).prefix(70)),
                        ]
                    }
                ).text(empty: "They pin the same.")
            }
        }
    }

    struct Reproduce: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a release again from what it pins, and compare.",
            discussion: "Exit status 1 if something is not bit-identical. Example: gyre release reproduce delay@1")
        @Argument(help: "ENDPOINT@NUMBER, or ENDPOINT@latest.") var release: Name
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            if trial.dryRun { return try await plan() }
            tell("running the pinned pipeline on the pinned data …")
            let path = release.path
            let answer = try await connection.with { try await $0.call("POST", path + "/reproduce", [:]) }
            output.render(answer, ids: [Cell.text(answer["pipeline_run"])]) {
                var rows = (answer["artifacts"]?.array ?? []).map {
                    [Cell.text($0["name"]), $0["identical"]?.bool == true ? "bit-identical" : "differs"]
                }
                rows.append([
                    "the served model file", answer["model_identical"]?.bool == true ? "bit-identical" : "differs",
                ])
                for metric in answer["metrics"]?.array ?? [] {
                    rows.append([
                        "metric \(Cell.text(metric["name"]))",
                        "\(Cell.text(metric["old"])) → \(Cell.text(metric["new"]))",
                    ])
                }
                return TextTable(["WHAT", "REPRODUCED"], rows).text(empty: "")
            }
            if answer["identical"]?.bool != true { throw ExitCode(1) }
        }

        private func plan() async throws {
            let (path, body) = (release.path + "/reproduce", trial.marked([:]))
            let plan = try await connection.with { try await $0.call("POST", path, body) }
            output.render(plan, ids: [Cell.text(plan["release"])]) {
                "\(Cell.text(plan["release"])) would be made again by \(Cell.text(plan["pipeline"])) on \((plan["datasets"]?.strings ?? []).joined(separator: ", "))."
            }
        }
    }

    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring an endpoint to a release at once, back or forward; a rollout under way is aborted.",
            discussion: "Example: gyre release rollback delay@1")
        @Argument(help: "ENDPOINT@NUMBER, or ENDPOINT@latest.") var release: Name
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = release.path + "/rollback"
            let answer = try await connection.with { try await $0.call("POST", path, trial.marked([:])) }
            output.render(answer, ids: [Cell.text(answer["ref"])]) {
                "\(release.endpoint) \(trial.dryRun ? "would serve" : "serves") \(Cell.text(answer["pins"]?["model"])) of \(Cell.text(answer["ref"]))."
            }
        }
    }
}

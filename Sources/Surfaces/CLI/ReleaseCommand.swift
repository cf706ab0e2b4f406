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
            let answer = try await connection.get(API.ReleaseList.self, path)
            output.render(answer, ids: answer.releases.map(\.ref)) {
                TextTable(
                    ["RELEASE", "MODEL", "MADE", "BY", "REASON"],
                    answer.releases.map { [$0.ref, $0.pins.model, Cell.time($0.at), $0.actor, $0.reason] }
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
            let answer = try await connection.get(API.Release.self, release.path)
            output.render(answer, ids: [answer.ref]) {
                // All that is pinned, under the names that the API gives it.
                let rows = (answer.json["pins"]?.object?.members ?? []).map {
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
            let diff = try await connection.get(API.ReleaseDiff.self, path)
            output.render(diff, ids: diff.changes.map(\.name)) {
                TextTable(
                    ["PINNED", "BEFORE", "AFTER"],
                    diff.changes.map {
                        [$0.name, String(Cell.text($0.old).prefix(70)), String(Cell.text($0.new).prefix(70))]
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
            let made = try await connection.post(API.Reproduction.self, release.path + "/reproduce")
            output.render(made, ids: [made.pipelineRun]) {
                var rows = made.artifacts.map { [$0.name, Self.word($0.identical)] }
                rows.append(["the served model file", Self.word(made.modelIdentical)])
                for metric in made.metrics {
                    rows.append(["metric \(metric.name)", "\(Cell.text(metric.old)) → \(Cell.text(metric.new))"])
                }
                return TextTable(["WHAT", "REPRODUCED"], rows).text(empty: "")
            }
            if !made.identical { throw ExitCode(1) }
        }

        private func plan() async throws {
            let path = release.path + "/reproduce"
            let plan = try await connection.post(API.ReproductionPlan.self, path, trial.marked([:]))
            output.render(plan, ids: [plan.release]) {
                "\(plan.release) would be made again by \(plan.pipeline) on \(plan.datasets.joined(separator: ", "))."
            }
        }

        private static func word(_ isIdentical: Bool) -> String { isIdentical ? "bit-identical" : "differs" }
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
            let live = try await connection.post(API.Release.self, path, trial.marked([:]))
            output.render(live, ids: [live.ref]) {
                "\(release.endpoint) \(trial.dryRun ? "would serve" : "serves") \(live.pins.model) of \(live.ref)."
            }
        }
    }
}

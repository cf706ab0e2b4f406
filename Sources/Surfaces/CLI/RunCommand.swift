// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Tracked runs.", subcommands: [List.self, Show.self, Compare.self, Best.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List runs, newest first.",
            discussion: "Example: gyre run list --filter \"metrics.auc > 0.7\" --order-by \"metrics.auc DESC\"")
        @Option(help: "Only of this experiment: its name or id.") var experiment: String?
        @Option(help: "MLflow's filter language.") var filter: String?
        @Option(help: "A key with ASC or DESC.") var orderBy: String?
        @Option(help: "At most this many.") var limit = 50
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path =
                "/runs"
                + Percent.query([
                    ("limit", String(limit)), ("experiment", experiment), ("filter", filter), ("order_by", orderBy),
                ])
            let (answer, address) = try await connection.with {
                (try await $0.get(API.RunList.self, path), $0.address)
            }
            output.render(answer, ids: answer.runs.map(\.id)) {
                TextTable(
                    ["RUN", "NAME", "STATUS", "STARTED", "METRICS"],
                    answer.runs.map { run in
                        let metrics = (run.metrics.object?.members ?? []).prefix(4).map {
                            "\($0.name)=\(Cell.text($0.value))"
                        }
                        return [
                            String(run.id.prefix(8)), run.name, run.status, Cell.time(milliseconds: run.startMs),
                            metrics.joined(separator: " "),
                        ]
                    }
                ).text(empty: empty(address))
            }
        }

        /// What to do where no run is found: another question, or a first run.
        private func empty(_ address: String?) -> String {
            if experiment != nil || filter != nil { return "No run fits." }
            guard let address else {
                return "There is no run yet. Start a server with gyre up, and point a client at it."
            }
            return "There is no run yet. Point a client here: export MLFLOW_TRACKING_URI=\(address)"
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a run.", discussion: "Example: gyre run show 0e3de8f5")
        @Argument(help: "The run's id, its first digits, or its name.") var id: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let run = try await connection.get(API.Run.self, Percent.path("runs", id))
            output.render(run, ids: [run.id]) {
                var rows = [["name", run.name], ["status", run.status], ["experiment", run.experiment]]
                // In the order that they were logged in.
                for part in ["params", "metrics", "tags"] {
                    for member in run.json[part]?.object?.members ?? [] {
                        rows.append(["\(part).\(member.name)", String(Cell.text(member.value).prefix(100))])
                    }
                }
                return TextTable(["WHAT", "VALUE"], rows).text(empty: "")
            }
        }
    }
}

struct Experiment: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Experiments.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the experiments.", discussion: "Example: gyre experiment list")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.ExperimentList.self, "/experiments")
            output.render(answer, ids: answer.experiments.map(\.id)) {
                TextTable(
                    ["ID", "NAME", "CREATED"],
                    answer.experiments.map { [$0.id, $0.name, Cell.time(milliseconds: $0.createdMs)] }
                ).text(empty: "There is no experiment.")
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
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
                (try await $0.call("GET", path, nil), $0.address)
            }
            let runs = answer["runs"]?.array ?? []
            output.render(answer, ids: runs.map { Cell.text($0["id"]) }) {
                TextTable(
                    ["RUN", "NAME", "STATUS", "STARTED", "METRICS"],
                    runs.map { run in
                        let metrics = (run["metrics"]?.object?.members ?? []).prefix(4).map {
                            "\($0.name)=\(Cell.text($0.value))"
                        }
                        return [
                            String(Cell.text(run["id"]).prefix(8)), Cell.text(run["name"]), Cell.text(run["status"]),
                            Cell.time(run["start_ms"]?.int.map { .int($0 * 1000) }), metrics.joined(separator: " "),
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
            let run = try await connection.with { try await $0.call("GET", Percent.path("runs", id), nil) }
            output.render(run, ids: [Cell.text(run["id"])]) {
                var rows: [[String]] = ["name", "status", "experiment"].map { [$0, Cell.text(run[$0])] }
                for part in ["params", "metrics", "tags"] {
                    for member in run[part]?.object?.members ?? [] {
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
            let answer = try await connection.with { try await $0.call("GET", "/experiments", nil) }
            let list = answer["experiments"]?.array ?? []
            output.render(answer, ids: list.map { Cell.text($0["id"]) }) {
                TextTable(
                    ["ID", "NAME", "CREATED"],
                    list.map {
                        [
                            Cell.text($0["id"]), Cell.text($0["name"]),
                            Cell.time($0["created_ms"]?.int.map { .int($0 * 1000) }),
                        ]
                    }
                ).text(empty: "There is no experiment.")
            }
        }
    }
}

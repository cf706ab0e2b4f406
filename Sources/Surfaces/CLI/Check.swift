// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a dataset version with a Great Expectations suite.",
        discussion:
            "Exit status 0 if all holds or warnings alone fail, 1 if not; the result is recorded unless --dry-run. Example: gyre check checks/flights.json flights@latest"
    )

    @Argument(help: "The suite, as great_expectations writes it.") var suite: String
    @Argument(help: "The dataset, with @version where it is not the newest.") var dataset: String
    @Flag(help: "Check, and record nothing.") var dryRun = false
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let body: JSONValue = [
            "dry_run": .bool(dryRun), "dataset": .string(dataset),
            "suite": try JSONValue(parsing: try FileText.read(suite)),
        ]
        let answer = try await connection.post(API.CheckAnswer.self, "/checks", body)
        let summary = answer.gyre
        output.render(answer, ids: summary.check.map { [$0] } ?? []) {
            let count = answer.statistics.evaluatedExpectations
            var text = "\(CheckWords.of(summary.state)): \(count) expectations over \(summary.dataset)"
            for failure in summary.failures { text += "\n  - \(failure)" }
            if dryRun { text += "\nNothing was recorded." }
            return text
        }
        if !answer.success, summary.state != "warned" { throw ExitCode(1) }
    }
}

/// How a check went, in the words that every surface uses.
enum CheckWords {
    static func of(_ state: String?) -> String {
        switch state {
        case "passed": "passed"
        case "warned": "passed with warnings"
        default: "FAILED"
        }
    }
}

struct Feature: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Feature views.", subcommands: [List.self, Materialize.self, Get.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the feature views.", discussion: "Example: gyre feature list")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.FeatureViewList.self, "/features")
            output.render(answer, ids: answer.views.map(\.name)) {
                TextTable(
                    ["VIEW", "DATASET", "ENTITIES", "TTL", "FEATURES"],
                    answer.views.map {
                        [
                            $0.name, $0.dataset, $0.entities.joined(separator: ","),
                            $0.ttlSeconds.map { "\($0) s" } ?? "-", $0.features.joined(separator: ","),
                        ]
                    }
                ).text(empty: "There is no feature view yet. Define one in gyre.yaml: gyre apply -f gyre.yaml")
            }
        }
    }

    struct Materialize: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring the latest values of a view into the online store.",
            discussion: "Example: gyre feature materialize weather --as-of 2013-03-01")
        @Argument(help: "The view.") var name: String
        @Option(help: "Only values that were known then.") var asOf: String?
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = Percent.path("features", name, "materialize")
            let made = try await connection.post(
                API.Materialized.self, path, trial.marked(["as_of": .optional(asOf)]))
            output.render(made, ids: [made.view]) {
                trial.dryRun
                    ? "The values of \(made.view) would come online from \(made.source)."
                    : "\(Cell.text(made.rows)) entities of \(made.view) are online, from \(made.source)."
            }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read the latest values of an entity.", discussion: "Example: gyre feature get weather JFK")
        @Argument(help: "The view.") var name: String
        @Argument(help: "The entity's values, in the view's order.") var entity: [String]
        @Option(help: "Judge the age of the values as of then.") var now: String?
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let query = Percent.query(entity.map { ("entity", $0) } + [("now", now)])
            let row = try await connection.get(API.OnlineRow.self, Percent.path("features", name, "online") + query)
            output.render(row, ids: [row.status]) {
                let rows = (row.values.object?.members ?? []).map { [$0.name, Cell.text($0.value)] }
                return TextTable(["FEATURE", "VALUE"], rows).text(empty: "")
                    + "\n\(row.status) \(Cell.text(row.eventTimestamp))"
            }
        }
    }
}

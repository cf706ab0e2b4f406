// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

struct EndpointCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "endpoint", abstract: "Endpoints, their traffic and rollouts.",
        subcommands: [
            List.self, Show.self, Deploy.self, Promote.self, Abort.self, Pause.self, Resume.self, Traffic.self,
            Freeze.self, Unfreeze.self, FlagCommand.self, BanditCommand.self, Log.self, Explain.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the endpoints.", discussion: "Example: gyre endpoint list")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.EndpointList.self, "/endpoints")
            output.render(answer, ids: answer.endpoints.map(\.name)) {
                TextTable(
                    ["ENDPOINT", "STABLE", "CANARY", "TRAFFIC"],
                    answer.endpoints.map {
                        [
                            $0.name, "version \($0.stable.version)", $0.canary.map { "version \($0.version)" } ?? "-",
                            TrafficText.shares($0),
                        ]
                    }
                ).text(empty: "Nothing is served yet. Deploy a model: gyre endpoint deploy NAME")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show an endpoint: traffic, rollouts with the judge's numbers, reports.",
            discussion: "Example: gyre endpoint show delay")
        @Argument(help: "The endpoint.") var name: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let endpoint = try await connection.get(API.Endpoint.self, Percent.path("endpoints", name))
            output.render(endpoint, ids: [name]) {
                let stable = endpoint.stable
                var text = "\(endpoint.name): version \(stable.version) of release \(stable.release) is stable"
                if let canary = endpoint.canary {
                    text += ", version \(canary.version) of release \(canary.release) is the canary"
                }
                text += "\ntraffic: \(TrafficText.shares(endpoint.value))"
                text += TrafficText.sharing(endpoint.value)
                let counts = endpoint.counts.map {
                    [
                        Cell.text($0.version), Cell.text($0.predictions), Cell.text($0.labels), Cell.text($0.errors),
                        Cell.text($0.latencyUsP50), Cell.text($0.latencyUsP99),
                    ]
                }
                text +=
                    "\n\n"
                    + TextTable(["VERSION", "PREDICTIONS", "LABELS", "ERRORS", "P50 µs", "P99 µs"], counts).text(
                        empty: "No prediction yet.")
                let rollouts = endpoint.rollouts.map {
                    [
                        $0.id, Cell.text($0.canary.version), EndpointCommand.state($0),
                        $0.contradicted?.reason ?? $0.lastReason,
                    ]
                }
                return text + "\n\n"
                    + TextTable(["ROLLOUT", "VERSION", "STATE", "LAST WORD"], rollouts).text(empty: "No rollout yet.")
            }
        }
    }

    /// How a rollout goes or went, what labels said of it later included.
    fileprivate static func state(_ rollout: API.Rollout) -> String {
        guard let contradicted = rollout.contradicted else { return rollout.state }
        return contradicted.takenBack ? "taken back" : "\(rollout.state), CONTRADICTED"
    }

    struct Deploy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Release a model version and roll it out: a canary, or all at once where nothing is served yet.",
            discussion: """
                On an endpoint that serves, all traffic moves at once only with --strategy all-at-once.
                Example: gyre endpoint deploy delay --version 4 --reason "new features" --dry-run
                """)
        @Argument(help: "The endpoint; also the model where --model is not said.") var name: String
        @Option(help: "The model.") var model: String?
        @Option(help: "A number, an alias or latest.") var version = "latest"
        @Option(help: "canary, shadow, blue-green or all-at-once.") var strategy = "canary"
        @Option(help: "Percents of traffic, rising: 1,10,50,100; as the project says where it is left out.")
        var steps: String?
        @Option(help: "Why.") var reason = "asked for"
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: JSONValue = [
                "model": .optional(model), "version": .string(version), "reason": .string(reason),
                "strategy": .string(strategy),
            ]
            if let steps {
                let numbers = steps.split(separator: ",").map { Int64($0.filter { !$0.isWhitespace }) }
                guard !numbers.contains(nil) else {
                    throw GyreError(.invalid, "\"\(steps)\" are no steps.", fix: "--steps 1,10,50,100")
                }
                body["steps"] = .array(numbers.map { .int($0 ?? 0) })
            }
            let path = Percent.path("endpoints", name, "deploy")
            if trial.dryRun {
                let plan = try await connection.post(API.DeployPlan.self, path, trial.marked(body))
                return output.render(plan, ids: [name]) { Self.sentence(plan.value) }
            }
            let release = try await connection.post(API.Release.self, path, body)
            output.render(release, ids: [release.ref]) { "\(release.ref) with \(release.pins.model) goes out." }
        }

        /// What would be done.
        private static func sentence(_ plan: API.DeployPlan) -> String {
            let what = "\(plan.pins.model) would go out on \(plan.endpoint)"
            guard let stable = plan.stable else {
                return "\(what) with all traffic at once, since nothing is served there yet."
            }
            if plan.steps == [100] { return "\(what) with all traffic at once, in place of version \(stable)." }
            let copies = plan.mirrored ? " with copies of the requests, then" : ""
            let steps = plan.steps.map { "\($0) %" }.joined(separator: ", ")
            return "\(what) beside version \(stable)\(copies) in the steps \(steps)."
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one prediction with everything behind it.",
            discussion: "Example: gyre endpoint explain delay 3f2a…")
        @Argument(help: "The endpoint.") var name: String
        @Argument(help: "The prediction's id, or its first digits.") var id: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = Percent.path("endpoints", name, "predictions", id)
            let answer = try await connection.get(API.Explanation.self, path)
            output.render(answer, ids: [id]) {
                let prediction = answer.prediction
                let pins = answer.release.pins
                var rows = [
                    ["prediction", prediction.id], ["answered", Cell.time(prediction.at)],
                    ["score", Cell.text(prediction.score)], ["label", Cell.text(prediction.label)],
                ]
                rows += TrafficText.circumstances(prediction)
                let package = pins.compiled.map { "package sha256:\($0.prefix(12)), " } ?? ""
                rows += [
                    ["release", answer.release.ref], ["model", pins.model], ["run", Cell.pinned(pins.run)],
                    ["pipeline", Cell.pinned(pins.pipeline)], ["pipeline_run", Cell.pinned(pins.pipelineRun)],
                    ["training", Cell.pinned(pins.training)], ["datasets", Cell.pinned(pins.datasets)],
                    ["checks", Cell.pinned(pins.checks)], ["feature_views", Cell.pinned(pins.featureViews)],
                    ["code and environment", package + Cell.pinned(pins.environment["runner"] ?? .null)],
                    ["model file", "sha256:\(pins.modelSha256)"],
                ]
                return TextTable(["WHAT", "VALUE"], rows).text(empty: "")
            }
        }
    }
}

struct Monitor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compute a window's drift and performance, and act on it as the policies say.",
        discussion: "Example: gyre monitor delay --window 2013-04 --from 2013-04-01 --to 2013-05-01")
    @Argument(help: "The endpoint.") var name: String
    @Option(help: "The window's name.") var window = "all"
    @Option(help: "Its start, in event time.") var from = "1970-01-01"
    @Option(help: "Its end, not included.") var to = "9999-01-01"
    @Flag(help: "Compute the report and say what the policies would do; record and do nothing.") var dryRun = false
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let body: JSONValue = [
            "window": .string(window), "from": .string(from), "to": .string(to), "dry_run": .bool(dryRun),
        ]
        let path = Percent.path("endpoints", name, "monitor")
        let report = try await connection.post(API.MonitorReport.self, path, body)
        output.render(report, ids: [window]) {
            let rows = report.drift.map {
                [$0.column, Cell.text($0.psi), $0.test, Cell.text($0.statistic), Cell.text($0.p)]
            }
            var text = "\(window): \(report.rows) predictions of version \(report.version)\n"
            text += TextTable(["COLUMN", "PSI", "TEST", "STATISTIC", "P"], rows).text(empty: "Nothing to compare with.")
            // All figures there are, under the names that the API gives them.
            for member in report.json["performance"]?.object?.members ?? [] {
                text += "\n\(member.name): \(Cell.text(member.value))"
            }
            for action in report.actions ?? [] {
                text += "\n→ \(dryRun ? "would be done: " : "")\(action)"
            }
            if dryRun { text += "\nNothing was recorded or done." }
            return text
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
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
            let answer = try await connection.with { try await $0.call("GET", "/endpoints", nil) }
            let list = answer["endpoints"]?.array ?? []
            output.render(answer, ids: list.map { Cell.text($0["name"]) }) {
                TextTable(
                    ["ENDPOINT", "STABLE", "CANARY", "TRAFFIC"],
                    list.map {
                        [
                            Cell.text($0["name"]), "version \(Cell.text($0["stable"]?["version"]))",
                            $0["canary"]?["version"]?.int.map { "version \($0)" } ?? "-", TrafficText.shares($0),
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
            let answer = try await connection.with { try await $0.call("GET", Percent.path("endpoints", name), nil) }
            output.render(answer, ids: [name]) {
                let stable = answer["stable"] ?? [:]
                var text =
                    "\(Cell.text(answer["name"])): version \(Cell.text(stable["version"])) of release \(Cell.text(stable["release"])) is stable"
                if let canary = answer["canary"], !canary.isNull {
                    text +=
                        ", version \(Cell.text(canary["version"])) of release \(Cell.text(canary["release"])) is the canary"
                }
                text += "\ntraffic: \(TrafficText.shares(answer))"
                text += TrafficText.sharing(answer)
                let counts = (answer["counts"]?.array ?? []).map { row in
                    ["version", "predictions", "labels", "errors", "latency_us_p50", "latency_us_p99"].map {
                        Cell.text(row[$0])
                    }
                }
                text +=
                    "\n\n"
                    + TextTable(["VERSION", "PREDICTIONS", "LABELS", "ERRORS", "P50 µs", "P99 µs"], counts).text(
                        empty: "No prediction yet.")
                let rollouts = (answer["rollouts"]?.array ?? []).map {
                    [
                        Cell.text($0["id"]), Cell.text($0["canary"]?["version"]), EndpointCommand.state($0),
                        EndpointCommand.lastWord($0),
                    ]
                }
                return text + "\n\n"
                    + TextTable(["ROLLOUT", "VERSION", "STATE", "LAST WORD"], rollouts).text(empty: "No rollout yet.")
            }
        }
    }

    /// How a rollout goes or went, what labels said of it later included.
    fileprivate static func state(_ rollout: JSONValue) -> String {
        guard let contradicted = rollout["contradicted"], !contradicted.isNull else {
            return Cell.text(rollout["state"])
        }
        return contradicted["taken_back"]?.bool == true ? "taken back" : "\(Cell.text(rollout["state"])), CONTRADICTED"
    }

    fileprivate static func lastWord(_ rollout: JSONValue) -> String {
        rollout["contradicted"]?["reason"]?.string ?? Cell.text(rollout["last_reason"])
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
            let request = trial.marked(body)
            let release = try await connection.with {
                try await $0.call("POST", Percent.path("endpoints", name, "deploy"), request)
            }
            output.render(release, ids: [trial.dryRun ? name : Cell.text(release["ref"])]) {
                trial.dryRun
                    ? Self.plan(release)
                    : "\(Cell.text(release["ref"])) with \(Cell.text(release["pins"]?["model"])) goes out."
            }
        }

        /// What would be done, in a sentence.
        private static func plan(_ plan: JSONValue) -> String {
            let what = "\(Cell.text(plan["pins"]?["model"])) would go out on \(Cell.text(plan["endpoint"]))"
            let steps = (plan["steps"]?.array ?? []).map { "\(Cell.text($0)) %" }.joined(separator: ", ")
            guard let stable = plan["stable"]?.int else {
                return "\(what) with all traffic at once, since nothing is served there yet."
            }
            if plan["steps"]?.array == [100] {
                return "\(what) with all traffic at once, in place of version \(stable)."
            }
            let copies = plan["mirrored"]?.bool == true ? " with copies of the requests, then" : ""
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
            let answer = try await connection.with {
                try await $0.call("GET", Percent.path("endpoints", name, "predictions", id), nil)
            }
            output.render(answer, ids: [id]) {
                let prediction = answer["prediction"] ?? [:]
                let pins = answer["release"]?["pins"] ?? [:]
                var rows = [
                    ["prediction", Cell.text(prediction["id"])], ["answered", Cell.time(prediction["at"])],
                    ["score", Cell.text(prediction["score"])],
                    ["label", Cell.text(prediction["label"])],
                ]
                rows += TrafficText.circumstances(prediction)
                rows.append(["release", Cell.text(answer["release"]?["ref"])])
                let parts = [
                    "model", "run", "pipeline", "pipeline_run", "training", "datasets", "checks", "feature_views",
                ]
                for part in parts { rows.append([part, Cell.pinned(pins[part])]) }
                let package = pins["compiled"]?.string.map { "package sha256:\($0.prefix(12)), " } ?? ""
                rows.append(["code and environment", package + Cell.pinned(pins["environment"]?["runner"])])
                rows.append(["model file", "sha256:\(Cell.text(pins["model_sha256"]))"])
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
        let report = try await connection.with {
            try await $0.call("POST", Percent.path("endpoints", name, "monitor"), body)
        }
        output.render(report, ids: [window]) {
            let rows = (report["drift"]?.array ?? []).map {
                [
                    Cell.text($0["column"]), Cell.text($0["psi"]), Cell.text($0["test"]), Cell.text($0["statistic"]),
                    Cell.text($0["p"]),
                ]
            }
            var text =
                "\(window): \(Cell.text(report["rows"])) predictions of version \(Cell.text(report["version"]))\n"
            text += TextTable(["COLUMN", "PSI", "TEST", "STATISTIC", "P"], rows).text(empty: "Nothing to compare with.")
            for member in report["performance"]?.object?.members ?? [] {
                text += "\n\(member.name): \(Cell.text(member.value))"
            }
            for action in report["actions"]?.strings ?? [] {
                text += "\n→ \(dryRun ? "would be done: " : "")\(action)"
            }
            if dryRun { text += "\nNothing was recorded or done." }
            return text
        }
    }
}

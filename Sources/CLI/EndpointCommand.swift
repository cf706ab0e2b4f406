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
                            Cell.text($0["canary"]?["version"]),
                            $0["bandit"]?["algorithm"]?.string ?? "\(Cell.text($0["canary_percent"])) %",
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
            let answer = try await connection.with { try await $0.call("GET", "/endpoints/\(name)", nil) }
            output.render(answer, ids: [name]) {
                var text =
                    "\(name): version \(Cell.text(answer["stable"]?["version"])) of release \(Cell.text(answer["stable"]?["release"])) is stable"
                if let canary = answer["canary"], !canary.isNull {
                    text += "; version \(Cell.text(canary["version"])) has \(Cell.text(answer["canary_percent"])) %"
                }
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
                        Cell.text($0["id"]), Cell.text($0["canary"]?["version"]), Cell.text($0["state"]),
                        Cell.text($0["last_reason"]),
                    ]
                }
                return text + "\n\n"
                    + TextTable(["ROLLOUT", "VERSION", "STATE", "LAST WORD"], rollouts).text(empty: "No rollout yet.")
            }
        }
    }

    struct Deploy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Release a model version and roll it out: at once on an empty endpoint, else as a canary.",
            discussion: "Example: gyre endpoint deploy delay --version 4 --reason \"new features\"")
        @Argument(help: "The endpoint; also the model where --model is not said.") var name: String
        @Option(help: "The model.") var model: String?
        @Option(help: "A number, an alias or latest.") var version = "latest"
        @Option(help: "canary, shadow, blue-green or all-at-once; as the project says where it is left out.")
        var strategy: String?
        @Option(help: "Percents of traffic, rising: 1,10,50,100.") var steps: String?
        @Option(help: "Why.") var reason = "asked for"
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: JSONValue = ["model": .optional(model), "version": .string(version), "reason": .string(reason)]
            if let strategy { body["strategy"] = .string(strategy) }
            if let steps {
                let numbers = steps.split(separator: ",").map { Int64($0.filter { !$0.isWhitespace }) }
                guard !numbers.contains(nil) else {
                    throw GyreError(.invalid, "\"\(steps)\" are no steps.", fix: "--steps 1,10,50,100")
                }
                body["steps"] = .array(numbers.map { .int($0 ?? 0) })
            }
            let release = try await connection.with { try await $0.call("POST", "/endpoints/\(name)/deploy", body) }
            output.render(release, ids: [Cell.text(release["ref"])]) {
                "\(Cell.text(release["ref"])) with \(Cell.text(release["pins"]?["model"])) goes out."
            }
        }
    }

    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give the canary all traffic.", discussion: "Example: gyre endpoint promote delay")
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "Why.") var reason: String?
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        func run() async throws { try await RolloutVerb.run("promote", name, reason, connection, output) }
    }

    struct Abort: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take the canary's traffic back.", discussion: "Example: gyre endpoint abort delay")
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "Why.") var reason: String?
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        func run() async throws { try await RolloutVerb.run("abort", name, reason, connection, output) }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hold the rollout where it is.", discussion: "Example: gyre endpoint pause delay")
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "Why.") var reason: String?
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        func run() async throws { try await RolloutVerb.run("pause", name, reason, connection, output) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a paused rollout go on.", discussion: "Example: gyre endpoint resume delay")
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "Why.") var reason: String?
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        func run() async throws { try await RolloutVerb.run("resume", name, reason, connection, output) }
    }

    struct Traffic: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set the canary's share and hold it there, for a comparison that lasts.",
            discussion: "Example: gyre endpoint traffic delay --canary 30 --reason \"A/B test until Friday\"")
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "Percent of the traffic that the canary gets, from 0 to 99.") var canary: Int
        @Option(help: "Why.") var reason: String?
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: JSONValue = ["canary_percent": .int(Int64(canary))]
            if let reason { body["reason"] = .string(reason) }
            let rollout = try await connection.with { try await $0.call("POST", "/endpoints/\(name)/traffic", body) }
            output.render(rollout, ids: [Cell.text(rollout["id"])]) {
                "Version \(Cell.text(rollout["canary"]?["version"])) of \(name) has \(Cell.text(rollout["percent"])) % and stays there."
            }
        }
    }

    struct Freeze: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hold the traffic where it is; a version that fails still loses its share.",
            discussion: "Example: gyre endpoint freeze delay --hours 12 --reason \"sale\"")
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "How long; until it is unfrozen where this is left out.") var hours: Double?
        @Option(help: "Why.") var reason = "asked for"
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: JSONValue = ["reason": .string(reason)]
            if let hours { body["seconds"] = .int(Int64(max(0, min(hours * 3600, 1e9)))) }
            let freeze = try await connection.with { try await $0.call("POST", "/endpoints/\(name)/freeze", body) }
            output.render(freeze, ids: [name]) {
                "The traffic of \(name) is frozen\(freeze["until"]?.int == nil ? "" : " until " + Cell.time(freeze["until"]))."
            }
        }
    }

    struct Unfreeze: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End the hold on the traffic.", discussion: "Example: gyre endpoint unfreeze delay")
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "Why.") var reason = "asked for"
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let body: JSONValue = ["reason": .string(reason)]
            let answer = try await connection.with { try await $0.call("POST", "/endpoints/\(name)/unfreeze", body) }
            output.render(answer, ids: [name]) { "The traffic of \(name) may change again." }
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one prediction with everything behind it.",
            discussion: "Example: gyre endpoint explain delay 3f2a…")
        @Argument(help: "The endpoint.") var name: String
        @Argument(help: "The prediction's id.") var id: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.with {
                try await $0.call("GET", "/endpoints/\(name)/predictions/\(URLText.encode(id))", nil)
            }
            output.render(answer, ids: [id]) {
                let prediction = answer["prediction"] ?? [:]
                let pins = answer["release"]?["pins"] ?? [:]
                var rows = [
                    ["prediction", id], ["answered", Cell.time(prediction["at"])],
                    ["score", Cell.text(prediction["score"])],
                    ["label", Cell.text(prediction["label"])],
                ]
                rows += TrafficText.circumstances(prediction)
                rows.append(["release", Cell.text(answer["release"]?["ref"])])
                for part in ["model", "run", "pipeline", "pipeline_run", "training"] {
                    rows.append([part, Cell.text(pins[part])])
                }
                for part in ["datasets", "checks", "feature_views"] {
                    rows.append([part, pins[part]?.strings.joined(separator: "  ") ?? "-"])
                }
                rows.append([
                    "code and environment",
                    "package sha256:\(Cell.text(pins["compiled"]).prefix(12)), \(Cell.text(pins["environment"]?["runner"]))",
                ])
                rows.append(["model file", "sha256:\(Cell.text(pins["model_sha256"]))"])
                return TextTable(["WHAT", "VALUE"], rows).text(empty: "")
            }
        }
    }
}

private enum RolloutVerb {
    static func run(
        _ verb: String, _ name: String, _ reason: String?, _ connection: ConnectionOptions, _ output: OutputOptions
    ) async throws {
        let body: JSONValue = reason.map { ["reason": .string($0)] } ?? [:]
        let rollout = try await connection.with {
            try await $0.call("POST", "/endpoints/\(name)/rollout/\(verb)", body)
        }
        output.render(rollout, ids: [Cell.text(rollout["id"])]) {
            "The rollout \(Cell.text(rollout["id"])) of \(name) is \(Cell.text(rollout["state"]))."
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
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let body: JSONValue = ["window": .string(window), "from": .string(from), "to": .string(to)]
        let report = try await connection.with { try await $0.call("POST", "/endpoints/\(name)/monitor", body) }
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
            for action in report["actions"]?.strings ?? [] { text += "\n→ \(action)" }
            return text
        }
    }
}

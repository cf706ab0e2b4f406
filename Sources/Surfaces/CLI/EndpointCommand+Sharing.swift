// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreBase

/// What shares an endpoint's traffic by other means than a percent.
extension EndpointCommand {
    struct FlagCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "flag",
            abstract:
                "Send requests with an attribute of some values to one side of the rollout, whatever the shares are.",
            discussion: """
                Attributes come as parameters of the Open Inference Protocol, or in the header Gyre-Attributes: country=DE, plan=pro.
                Example: gyre endpoint flag delay --attribute country --values DE,FR
                """)
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "The attribute.") var attribute: String?
        @Option(help: "Its values that fit, with commas between.") var values: String?
        @Option(help: "canary or stable.") var to = "canary"
        @Flag(help: "Take all rules away, before the one that is given.") var clear = false
        @Option(help: "Why.") var reason = "asked for"
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard ["canary", "stable"].contains(to) else { throw ValidationError("--to is canary or stable.") }
            guard clear || attribute != nil else { throw ValidationError("Name an --attribute, or --clear all rules.") }
            guard (attribute == nil) == (values == nil) else {
                throw ValidationError("--attribute and --values go together.")
            }
        }

        func run() async throws {
            let (name, clear, to, reason) = (name, clear, to, reason)
            let (attribute, values, trial) = (attribute, values, trial)
            let rollout = try await connection.with { connection in
                let shown = try await connection.call("GET", Percent.path("endpoints", name), nil)
                var rules = clear ? [] : shown["rules"]?.array ?? []
                if let attribute, let values {
                    let list = values.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
                    rules.append(["attribute": .string(attribute), "values": .strings(list), "to": .string(to)])
                }
                return try await connection.call(
                    "POST", Percent.path("endpoints", name, "rules"),
                    trial.marked(["rules": .array(rules), "reason": .string(reason)]))
            }
            output.render(rollout, ids: [name]) {
                let rules = rollout["rules"]?.array ?? []
                return TextTable(["ATTRIBUTE", "VALUES", "TO"], rules.map(TrafficText.row)).text(
                    empty: "\(name) has no rules.")
            }
        }
    }

    struct Log: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep all requests in the prediction log, or a sample; what fails is always kept.",
            discussion: """
                The judge and bandits see all requests; after a restart they count anew what the log has. Labels join what was kept.
                Example: gyre endpoint log delay --sample 0.1
                """)
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "The share that is kept, from 0 to 1.") var sample: Double
        @Option(help: "Why.") var reason = "asked for"
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let body = trial.marked(["share": .double(sample), "reason": .string(reason)])
            let answer = try await connection.with {
                try await $0.call("POST", Percent.path("endpoints", name, "logging"), body)
            }
            output.render(answer, ids: [name]) {
                "The log of \(name) \(trial.dryRun ? "would keep" : "keeps") \(Cell.text(.double(sample * 100))) % of its requests."
            }
        }
    }

    struct BanditCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "bandit",
            abstract: "Let a bandit share the traffic among versions by what comes of their answers.",
            discussion: """
                Labels that are sent for predictions are the rewards; gyre endpoint show tells what was learned.
                Example: gyre endpoint bandit start delay --versions 3,4 --algorithm thompson
                """,
            subcommands: [Start.self, Stop.self])

        struct Start: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Begin: the version that is stable, and those named, are the arms.",
                discussion: "Example: gyre endpoint bandit start delay --versions 3,4 --algorithm epsilon-greedy")
            @Argument(help: "The endpoint.") var name: String
            @Option(
                help: "The versions beside the one that is stable, with commas between: numbers, aliases or latest.")
            var versions: String
            @Option(help: "The model, where its name is not the endpoint's.") var model: String?
            @Option(help: "epsilon-greedy, thompson or exp3.") var algorithm = "thompson"
            @Option(help: "The share of requests given out evenly, from 0 to 1 (epsilon-greedy, exp3).")
            var exploration = 0.1
            @Option(help: "label: the label itself, from 0 to 1; accuracy: how close the score came to it.")
            var reward = "label"
            @Option(help: "Why.") var reason = "asked for"
            @OptionGroup var trial: DryRunOptions
            @OptionGroup var connection: ConnectionOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let list = versions.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
                let body = trial.marked([
                    "versions": .strings(list), "model": .optional(model), "algorithm": .string(algorithm),
                    "exploration": .double(exploration), "reward": .string(reward), "reason": .string(reason),
                ])
                let bandit = try await connection.with {
                    try await $0.call("POST", Percent.path("endpoints", name, "bandit"), body)
                }
                output.render(bandit, ids: [name]) {
                    let arms = (bandit["arms"]?.array ?? []).map { Cell.text($0["version"]) }
                    return
                        "\(algorithm) \(trial.dryRun ? "would choose" : "chooses") among the versions \(arms.joined(separator: ", ")) of \(name)."
                }
            }
        }

        struct Stop: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "End it: all traffic goes to the version named, or to the one that was stable before.",
                discussion: "Example: gyre endpoint bandit stop delay --version 4")
            @Argument(help: "The endpoint.") var name: String
            @Option(help: "The version that gets all traffic.") var version: Int?
            @Option(help: "Why.") var reason = "asked for"
            @OptionGroup var trial: DryRunOptions
            @OptionGroup var connection: ConnectionOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let query = [
                    ("reason", reason), ("version", version.map(String.init)), ("dry_run", trial.dryRun ? "true" : nil),
                ]
                let path = Percent.path("endpoints", name, "bandit") + Percent.query(query)
                let split = try await connection.with { try await $0.call("DELETE", path, nil) }
                output.render(split, ids: [name]) {
                    "Version \(Cell.text(split["stable"]?["version"])) of \(name) \(trial.dryRun ? "would have" : "has") all traffic."
                }
            }
        }
    }
}

/// How an endpoint's traffic is told.
enum TrafficText {
    static func row(_ rule: JSONValue) -> [String] {
        [Cell.text(rule["attribute"]), rule["values"]?.strings.joined(separator: ", ") ?? "-", Cell.text(rule["to"])]
    }

    /// What each side gets of the traffic.
    static func shares(_ endpoint: JSONValue) -> String {
        if let algorithm = endpoint["bandit"]?["algorithm"]?.string { return "shared by a bandit, \(algorithm)" }
        let percent = endpoint["canary_percent"]?.int ?? 0
        let stable = "stable \(Cell.text(endpoint["stable_percent"] ?? .int(100 - percent))) %"
        guard let canary = endpoint["canary"], !canary.isNull else { return stable }
        return "\(stable), canary \(percent) %" + (endpoint["mirrored"]?.bool == true ? " and copies" : "")
    }

    /// Why a version answered, and how; nothing for predictions that say nothing of it.
    static func circumstances(_ prediction: JSONValue) -> [[String]] {
        guard let how = prediction["how"], !how.isNull else { return [] }
        let chance = how["p"]?.double.map { " (\(Cell.text(.double($0 * 100))) %)" } ?? ""
        var rows = [["version", "\(Cell.text(prediction["version"])), chosen by: \(Cell.text(how["by"]))\(chance)"]]
        if let via = how["via"]?.string { rows.append(["asked by", via]) }
        let batch = how["batch_rows"]?.int.map { ", in a batch of \($0) rows" } ?? ""
        rows.append([
            "time",
            how["cached"]?.bool == true
                ? "kept from an equal request"
                : "\(Cell.text(prediction["latency_us"])) µs: waited \(Cell.text(how["queue_us"])), ran \(Cell.text(how["run_us"]))\(batch)",
        ])
        return rows
    }

    /// Its rules, and what its bandit learned; nothing where it has neither.
    static func sharing(_ endpoint: JSONValue) -> String {
        var text = ""
        if let rules = endpoint["rules"]?.array, !rules.isEmpty {
            text += "\n\n" + TextTable(["ATTRIBUTE", "VALUES", "TO"], rules.map(row)).text(empty: "")
        }
        if let learned = endpoint["learned"]?.array {
            let arms = learned.map { arm in
                ["version", "requests", "rewards", "mean_reward"].map { Cell.text(arm[$0]) }
            }
            text += "\n\n\(Cell.text(endpoint["bandit"]?["algorithm"])) has the traffic:\n"
            text += TextTable(["VERSION", "REQUESTS", "REWARDS", "MEAN REWARD"], arms).text(empty: "")
        }
        return text
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
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
                let shown = try await connection.get(API.Endpoint.self, Percent.path("endpoints", name))
                var rules = clear ? [] : shown.json["rules"]?.array ?? []
                if let attribute, let values {
                    let list = values.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
                    rules.append(["attribute": .string(attribute), "values": .strings(list), "to": .string(to)])
                }
                return try await connection.post(
                    API.Rollout.self, Percent.path("endpoints", name, "rules"),
                    trial.marked(["rules": .array(rules), "reason": .string(reason)]))
            }
            output.render(rollout, ids: [name]) {
                TextTable(["ATTRIBUTE", "VALUES", "TO"], rollout.rules.map(TrafficText.row)).text(
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
            let answer = try await connection.post(API.Logging.self, Percent.path("endpoints", name, "logging"), body)
            output.render(answer, ids: [name]) {
                "The log of \(name) \(trial.dryRun ? "would keep" : "keeps") \(Cell.text(sample * 100)) % of its requests."
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
                let path = Percent.path("endpoints", name, "bandit")
                if trial.dryRun {
                    let plan = try await connection.post(API.BanditPlan.self, path, body)
                    return output.render(plan, ids: [name]) {
                        "\(algorithm) would choose among the versions \(Self.list(plan.arms.map(\.version))) of \(name)."
                    }
                }
                let bandit = try await connection.post(API.Bandit.self, path, body)
                output.render(bandit, ids: [name]) {
                    "\(algorithm) chooses among the versions \(Self.list(bandit.arms.map(\.version))) of \(name)."
                }
            }

            private static func list(_ versions: [Int]) -> String {
                versions.map(String.init).joined(separator: ", ")
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
                let split = try await connection.with {
                    try Answer<API.Traffic>(try await $0.call("DELETE", path, nil))
                }
                output.render(split, ids: [name]) {
                    "Version \(split.stable.version) of \(name) \(trial.dryRun ? "would have" : "has") all traffic."
                }
            }
        }
    }
}

/// What is told of traffic alike by a list of endpoints and by one.
protocol SharedTraffic {
    var canary: API.Side? { get }
    var canaryPercent: Int { get }
    var stablePercent: Int? { get }
    var mirrored: Bool { get }
    var bandit: API.Bandit? { get }
}

extension API.Endpoint: SharedTraffic {}
extension API.EndpointSummary: SharedTraffic {}

/// How an endpoint's traffic is told.
enum TrafficText {
    static func row(_ rule: API.Rule) -> [String] {
        [rule.attribute, rule.values.joined(separator: ", "), rule.to ?? "canary"]
    }

    /// What each side gets of the traffic.
    static func shares(_ traffic: some SharedTraffic) -> String {
        if let bandit = traffic.bandit { return "shared by a bandit, \(bandit.algorithm)" }
        let stable = "stable \(traffic.stablePercent ?? 100 - traffic.canaryPercent) %"
        guard traffic.canary != nil else { return stable }
        return "\(stable), canary \(traffic.canaryPercent) %" + (traffic.mirrored ? " and copies" : "")
    }

    /// Why a version answered, and how; nothing for predictions that say nothing of it.
    static func circumstances(_ prediction: API.Prediction) -> [[String]] {
        guard let how = prediction.how else { return [] }
        let chance = how.p.map { " (\(Cell.text($0 * 100)) %)" } ?? ""
        var rows = [["version", "\(prediction.version), chosen by: \(how.by)\(chance)"]]
        if let via = how.via { rows.append(["asked by", via]) }
        let batch = how.batchRows.map { ", in a batch of \($0) rows" } ?? ""
        rows.append([
            "time",
            how.cached == true
                ? "kept from an equal request"
                : "\(prediction.latencyUs) µs: waited \(Cell.text(how.queueUs)), ran \(Cell.text(how.runUs))\(batch)",
        ])
        return rows
    }

    /// Its rules, and what its bandit learned; nothing where it has neither.
    static func sharing(_ endpoint: API.Endpoint) -> String {
        var text = ""
        if let rules = endpoint.rules, !rules.isEmpty {
            text += "\n\n" + TextTable(["ATTRIBUTE", "VALUES", "TO"], rules.map(row)).text(empty: "")
        }
        if let learned = endpoint.learned {
            let arms = learned.map {
                [Cell.text($0.version), Cell.text($0.requests), Cell.text($0.rewards), Cell.text($0.meanReward)]
            }
            text += "\n\n\(Cell.text(endpoint.bandit?.algorithm)) has the traffic:\n"
            text += TextTable(["VERSION", "REQUESTS", "REWARDS", "MEAN REWARD"], arms).text(empty: "")
        }
        return text
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

/// A person's word on a rollout, and holds on the traffic.
extension EndpointCommand {
    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give the canary all traffic now, whatever the judge has seen.",
            discussion: "Example: gyre endpoint promote delay")
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "Why.") var reason: String?
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        func run() async throws { try await RolloutVerb.run("promote", name, reason, trial, connection, output) }
    }

    struct Abort: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take the canary's traffic back and end the rollout.",
            discussion: "Example: gyre endpoint abort delay")
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "Why.") var reason: String?
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        func run() async throws { try await RolloutVerb.run("abort", name, reason, trial, connection, output) }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hold the rollout where it is; a canary that fails is still rolled back.",
            discussion: "Example: gyre endpoint pause delay")
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "Why.") var reason: String?
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        func run() async throws { try await RolloutVerb.run("pause", name, reason, trial, connection, output) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a paused rollout go on.", discussion: "Example: gyre endpoint resume delay")
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "Why.") var reason: String?
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        func run() async throws { try await RolloutVerb.run("resume", name, reason, trial, connection, output) }
    }

    struct Traffic: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set the canary's share and hold it there, for a comparison that lasts.",
            discussion: "Example: gyre endpoint traffic delay --canary 30 --reason \"A/B test until Friday\"")
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "Percent of the traffic that the canary gets, from 0 to 99.") var canary: Int
        @Option(help: "Why.") var reason: String?
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard (0...99).contains(canary) else {
                throw ValidationError("--canary is from 0 to 99; gyre endpoint promote gives the canary all traffic.")
            }
        }

        func run() async throws {
            var body: JSONValue = ["canary_percent": .int(Int64(canary))]
            if let reason { body["reason"] = .string(reason) }
            let path = Percent.path("endpoints", name, "traffic")
            let rollout = try await connection.post(API.Rollout.self, path, trial.marked(body))
            output.render(rollout, ids: [rollout.id]) {
                let version = "Version \(rollout.canary.version) of \(name)"
                let share = "\(rollout.percent) %"
                return trial.dryRun
                    ? "\(version) would have \(share) and stay there." : "\(version) has \(share) and stays there."
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
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard hours.map({ $0 * 3600 >= 1 && $0 <= 8760 }) ?? true else {
                throw ValidationError("--hours is from one second, 0.0003, to a year, 8760.")
            }
        }

        func run() async throws {
            var body: JSONValue = ["reason": .string(reason)]
            if let hours { body["seconds"] = .int(Int64(hours * 3600)) }
            let path = Percent.path("endpoints", name, "freeze")
            let freeze = try await connection.post(API.Freeze.self, path, trial.marked(body))
            output.render(freeze, ids: [name]) {
                let until = freeze.until.map { " until " + Cell.time($0) } ?? ""
                return "The traffic of \(name) \(trial.dryRun ? "would be" : "is") frozen\(until)."
            }
        }
    }

    struct Unfreeze: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End the hold on the traffic.", discussion: "Example: gyre endpoint unfreeze delay")
        @Argument(help: "The endpoint.") var name: String
        @Option(help: "Why.") var reason = "asked for"
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let body = trial.marked(["reason": .string(reason)])
            let answer = try await connection.post(API.Unfrozen.self, Percent.path("endpoints", name, "unfreeze"), body)
            output.render(answer, ids: [name]) {
                trial.dryRun
                    ? "The hold of \(Cell.text(answer.was?.actor)) would end: \(Cell.text(answer.was?.reason))."
                    : "The traffic of \(name) may change again."
            }
        }
    }
}

private enum RolloutVerb {
    static func run(
        _ verb: String, _ name: String, _ reason: String?, _ trial: DryRunOptions, _ connection: ConnectionOptions,
        _ output: OutputOptions
    ) async throws {
        let body = trial.marked(reason.map { ["reason": .string($0)] } ?? [:])
        let path = Percent.path("endpoints", name, "rollout", verb)
        let rollout = try await connection.post(API.Rollout.self, path, body)
        output.render(rollout, ids: [rollout.id]) {
            let state = rollout.state.replacing("_", with: " ")
            return "The rollout \(rollout.id) of version \(rollout.canary.version) on \(name) "
                + "\(trial.dryRun ? "would be" : "is") \(state)."
        }
    }
}

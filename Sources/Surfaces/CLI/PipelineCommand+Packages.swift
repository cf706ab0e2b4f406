// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

/// Compiled packages: looked at, and registered to be run by name.
extension PipelineCommand {
    struct Lint: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Look at a compiled pipeline without running it: what it takes, its tasks, what cannot be run here.",
            discussion: "Example: gyre pipeline lint train.yaml")
        @Argument(help: "The YAML that the kfp compiler wrote.") var file: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let body: JSONValue = ["package": .string(try FileText.read(file))]
            let outline = try await connection.with(creating: true) {
                try await $0.post(API.PackageOutline.self, "/pipelines/lint", body)
            }
            output.render(outline, ids: outline.tasks.map(\.path)) {
                let parameters = outline.parameters.map { parameter in
                    let value = parameter.default == .null ? nil : Cell.text(parameter.default)
                    return [parameter.name, parameter.type, value ?? (parameter.isOptional ? "optional" : "needed")]
                }
                let tasks = outline.tasks.map { task in
                    [task.path, task.kind, task.upstream.joined(separator: ", "), task.image ?? "", Self.rules(task)]
                }
                return "\(outline.pipeline) can be run here.\n"
                    + TextTable(["PARAMETER", "TYPE", "DEFAULT"], parameters).text(empty: "It takes no parameters.")
                    + "\n"
                    + TextTable(["TASK", "KIND", "AFTER", "IMAGE", "RULES"], tasks).text(empty: "It has no tasks.")
            }
        }

        private static func rules(_ task: API.PackageTask) -> String {
            var rules: [String] = []
            if let condition = task.condition { rules.append("if \(condition)") }
            if task.runsAfterFailure { rules.append("whatever the ends before it") }
            if task.retries > 0 { rules.append("\(task.retries) retries") }
            return rules.joined(separator: "; ")
        }
    }

    struct Register: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register a compiled pipeline, or a new version of it, to be run by name.",
            discussion: "Example: gyre pipeline register train train.yaml --version 2026-03")
        @Argument(help: "What it is registered under.") var name: String
        @Argument(help: "The YAML that the kfp compiler wrote.") var file: String
        @Option(help: "What the version is called; the next number where it is not said.") var version: String?
        @Option(help: "What is new in it.") var description = ""
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let body: JSONValue = [
                "package": .string(try FileText.read(file)), "version": .optional(version),
                "description": .string(description),
            ]
            let path = Percent.path("pipelines", name, "versions")
            let made = try await connection.with(creating: true) {
                try await $0.post(API.PipelineVersion.self, path, body)
            }
            output.render(made, ids: [made.id]) { "registered \(name) \(made.name) (\(made.ref))" }
        }
    }

    struct Registered: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List registered pipelines with their versions.", discussion: "Example: gyre pipeline registered")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.RegisteredPipelineList.self, "/pipelines")
            output.render(answer, ids: answer.pipelines.map(\.name)) {
                let rows = answer.pipelines.flatMap { pipeline in
                    pipeline.versions.map {
                        [pipeline.name, $0.name, $0.ref, Cell.time($0.createdAt), $0.description]
                    }
                }
                return TextTable(["PIPELINE", "VERSION", "CODE", "SINCE", "DESCRIPTION"], rows).text(
                    empty: "No pipeline is registered. Register one: gyre pipeline register NAME FILE")
            }
        }
    }

    struct Unregister: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a registered pipeline with its versions; its runs stay.",
            discussion: "Example: gyre pipeline unregister train")
        @Argument(help: "What it is registered under.") var name: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.with { [path = Percent.path("pipelines", name)] in
                try Answer<API.Removed>(try await $0.call("DELETE", path, nil))
            }
            output.render(answer, ids: [answer.removed]) { "removed \(answer.removed)" }
        }
    }
}

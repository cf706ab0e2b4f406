// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

struct Model: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Registered models.",
        subcommands: [
            List.self, Show.self, Card.self, Alias.self, Import.self, Configure.self, Convert.self, Served.self,
            Predict.self, History.self, Undo.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the models.", discussion: "Example: gyre model list")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.ModelList.self, "/models")
            let models = answer.models
            output.render(answer, ids: models.map(\.name)) {
                TextTable(
                    ["MODEL", "VERSIONS", "LATEST", "ALIASES", "DESCRIPTION"],
                    models.map { model in
                        let aliases = model.aliases.sorted { $0.key < $1.key }.map { "\($0.key)→\($0.value)" }
                        return [
                            model.name, String(model.versions), model.latest.map { String($0) } ?? "-",
                            aliases.joined(separator: " "), model.description,
                        ]
                    }
                ).text(empty: "No model is registered yet. Register one: mlflow.register_model(…)")
            }
        }
    }

    struct Served: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what the server serves: state, memory, requests, and why a model is not loaded.",
            discussion: "Example: gyre model served")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.ServedModels.self, "/served")
            let models = answer.models
            output.render(answer, ids: models.map { "\($0.name)@\($0.version.map { String($0) } ?? "-")" }) {
                TextTable(
                    ["MODEL", "VERSION", "STATE", "RUNS ON", "MEMORY", "REQUESTS", "WHY"],
                    models.map { model in
                        [
                            model.name, model.version.map { String($0) } ?? "-", model.state, model.platform ?? "-",
                            model.bytes.map { Cell.size($0) } ?? "-", model.requests.map { String($0) } ?? "-",
                            model.reason,
                        ]
                    }
                ).text(empty: "No model is served. Serve a folder of them: gyre up --model-repository DIR")
            }
        }
    }

    struct Convert: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Convert a scikit-learn model to ONNX, and show how its answers compare with the original's.",
            discussion: """
                With gyre up --trust-models this happens as models are registered. A model logged with metadata={"gyre_serve": "python"} is left as it is.
                Example: gyre model convert delay --version 3
                """)
        @Argument(help: "The model.") var name: String
        @Option(help: "A number, an alias or latest.") var version = "latest"
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = Percent.path("models", name, "versions", version, "conversion")
            let found = try await connection.post(API.Conversion.self, path, trial.marked([:]))
            output.render(found, ids: found.onnxSha256.map { [$0] } ?? []) {
                if trial.dryRun, found.agrees == nil { return "\(Cell.text(found.model)) would be converted." }
                return TextTable(
                    ["WHAT", "VALUE"],
                    [
                        ["model", Cell.text(found.model)], ["agrees", found.agrees.map { "\($0)" } ?? "-"],
                        ["reason", Cell.text(found.reason)], ["rows", Cell.text(found.rows)],
                        ["same", Cell.text(found.same)], ["greatest_difference", Cell.text(found.greatestDifference)],
                        ["computes_in", Cell.text(found.computesIn)], ["skl2onnx", Cell.text(found.skl2onnx)],
                        ["scikit_learn", Cell.text(found.scikitLearn)], ["onnx_sha256", Cell.text(found.onnxSha256)],
                    ]
                ).text(empty: "")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a model with its versions.", discussion: "Example: gyre model show delay")
        @Argument(help: "The model.") var name: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let model = try await connection.get(API.Model.self, Percent.path("models", name))
            output.render(model, ids: model.versions.map { "\(name)@\($0.number)" }) {
                TextTable(
                    ["VERSION", "SEMANTIC", "CREATED", "RUN", "ALIASES"],
                    model.versions.map { version in
                        let own = model.aliases.filter { $0.value == version.number }.keys.sorted()
                        return [
                            String(version.number), version.semantic, Cell.time(milliseconds: version.createdMs),
                            String(version.runId.prefix(8)), own.joined(separator: ", "),
                        ]
                    }
                ).text(empty: "The model has no version yet.")
            }
        }
    }

    struct Card: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the model card of a version, filled from the ledger.",
            discussion: "Example: gyre model card delay --version champion --markdown > CARD.md")
        @Argument(help: "The model.") var name: String
        @Option(help: "A number, an alias or latest.") var version = "latest"
        @Flag(help: "Print the card as Markdown.") var markdown = false
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = Percent.path("models", name, "versions", version, "card")
            if markdown {
                let text = try await connection.with { try await $0.call("GET", path + "?format=markdown", nil) }
                return print(text["markdown"]?.string ?? "")
            }
            let card = try await connection.with { try await $0.call("GET", path, nil) }
            output.render(card, ids: [Cell.text(card["model"])]) {
                let rows = (card.object?.members ?? []).map { [$0.name, String(Cell.text($0.value).prefix(140))] }
                return TextTable(["WHAT", "VALUE"], rows).text(empty: "")
            }
        }
    }

    struct Alias: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Point an alias at a version; traffic does not follow it.",
            discussion: "Example: gyre model alias delay champion --version 3")
        @Argument(help: "The model.") var name: String
        @Argument(help: "The alias.") var alias: String
        @Option(help: "The version's number, another alias or latest.") var version: String
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if let number = Int(version), number < 1 {
                throw ValidationError("--version is \(version); versions start at 1.")
            }
        }

        func run() async throws {
            let path = Percent.path("models", name, "aliases", alias)
            let answer = try await connection.post(API.Alias.self, path, trial.marked(["version": .string(version)]))
            output.render(answer, ids: [alias]) {
                let before = answer.old.map { "; it was \($0)" } ?? ""
                let verb = trial.dryRun ? "would be" : "is"
                return "\(name)@\(alias) \(verb) version \(answer.version) now\(before)."
            }
        }
    }
}

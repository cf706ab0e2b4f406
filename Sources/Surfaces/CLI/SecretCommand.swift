// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

struct SecretCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secret", abstract: "Secrets: given to tasks by name, sealed on disk, never told.",
        discussion: "A task whose variable is secret://NAME gets what the name stands for.",
        subcommands: [List.self, Set.self, Remove.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the names of secrets.", discussion: "Example: gyre secret list")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.SecretList.self, "/secrets")
            output.render(answer, ids: answer.secrets.map(\.name)) {
                TextTable(
                    ["SECRET", "SET", "BY"], answer.secrets.map { [$0.name, Cell.time($0.changedAt), $0.actor] }
                ).text(empty: "There are no secrets. Set one: gyre secret set NAME")
            }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set a secret; it is asked for, or read from standard input.",
            discussion: "Example: gyre secret set warehouse < password.txt")
        @Argument(help: "What it is called.") var name: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let value = try SecretPrompt.read("The secret \(name)")
            let answer = try await connection.post(
                API.Secret.self, Percent.path("secrets", name), ["value": .string(value)])
            output.render(answer, ids: [answer.name]) { "set \(answer.name)" }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Remove a secret.", discussion: "Example: gyre secret rm warehouse")
        @Argument(help: "The secret.") var name: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.with { [path = Percent.path("secrets", name)] in
                try Answer<API.Removed>(try await $0.call("DELETE", path, nil))
            }
            output.render(answer, ids: [answer.removed]) { "removed \(answer.removed)" }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Users and service accounts: who may sign in.",
        subcommands: [List.self, Create.self, Change.self, Password.self, Delete.self, Erase.self])

    /// `ann`, `user/ann` or `service/ci`, in its parts.
    struct Name: ExpressibleByArgument {
        let kind: String
        let name: String

        init?(argument: String) {
            let parts = argument.split(separator: "/", maxSplits: 1).map(String.init)
            guard let last = parts.last, parts.count == 1 || ["user", "service"].contains(parts[0]) else { return nil }
            kind = parts.count == 1 ? "user" : parts[0]
            name = last
        }

        var path: String { Percent.path("accounts", kind, name) }
    }

    static func table(_ accounts: [API.Account]) -> String {
        TextTable(
            ["NAME", "KIND", "ADMINISTRATOR", "PASSWORD", "STATE", "MADE"],
            accounts.map {
                [
                    $0.name, $0.kind, $0.administrator ? "yes" : "-", $0.hasPassword ? "yes" : "-",
                    $0.disabled ? "disabled" : "active", $0.createdAt,
                ]
            }
        ).text(empty: "Nobody was made yet, so nobody has to sign in: gyre user create NAME --administrator --password")
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List users and service accounts.", discussion: "Example: gyre user list")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.AccountList.self, "/accounts")
            output.render(answer, ids: answer.accounts.map { "\($0.kind)/\($0.name)" }) {
                UserCommand.table(answer.accounts)
            }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a user, or a service account for a program.",
            discussion: """
                Examples: gyre user create ann --password --role writer
                          gyre user create ci --service --role writer
                A new account may do nothing until it is given a role. --password asks for one, or reads it from standard input.
                """)
        @Argument(help: "What it is called.") var name: String
        @Flag(help: "It is a program, and has tokens instead of a password.") var service = false
        @Flag(help: "It keeps users, tokens and workspaces, and may do everything everywhere.") var administrator =
            false
        @Flag(help: "Ask for a password.") var password = false
        @Option(
            help:
                "A role in the workspace: predictor, reader, writer, operator, runner or administrator; may be repeated."
        )
        var role: [String] = []
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: JSONValue = [
                "name": .string(name), "kind": service ? "service" : "user", "administrator": .bool(administrator),
            ]
            if password { body["password"] = .string(try SecretPrompt.read("Password of \(name)")) }
            let request = body
            let answer = try await connection.with(creating: true) { connection in
                let made = try await connection.post(API.Account.self, "/accounts", request)
                for role in role {
                    _ = try await connection.post(
                        API.Grant.self, "/roles",
                        ["principal": .string("\(service ? "service" : "user")/\(name)"), "role": .string(role)])
                }
                return made
            }
            output.render(answer, ids: ["\(answer.kind)/\(answer.name)"]) { UserCommand.table([answer.value]) }
        }
    }

    struct Change: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Change an account.", discussion: "Example: gyre user set ann --disable")
        @Argument(help: "NAME, user/NAME or service/NAME.") var name: Name
        @Flag(inversion: .prefixedNo, help: "Whether it keeps users, tokens and workspaces.") var administrator: Bool?
        @Flag(help: "Take nothing that it shows from now on.") var disable = false
        @Flag(help: "Take what it shows again.") var enable = false
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard !(disable && enable) else { throw ValidationError("--disable and --enable exclude each other.") }
        }

        func run() async throws {
            var body: JSONValue = [:]
            if let administrator { body["administrator"] = .bool(administrator) }
            if disable || enable { body["disabled"] = .bool(disable) }
            let answer = try await connection.post(API.Account.self, name.path, body)
            output.render(answer, ids: ["\(answer.kind)/\(answer.name)"]) { UserCommand.table([answer.value]) }
        }
    }

    struct Password: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set a password; it is asked for, or read from standard input.",
            discussion: "Example: gyre user password ann")
        @Argument(help: "NAME or user/NAME.") var name: Name
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let password = try SecretPrompt.read("New password of \(name.name)")
            let answer = try await connection.post(API.Account.self, name.path, ["password": .string(password)])
            output.render(answer, ids: ["\(answer.kind)/\(answer.name)"]) { UserCommand.table([answer.value]) }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove an account with its tokens and roles; what it did stays in the ledger.",
            discussion: "Example: gyre user delete ann")
        @Argument(help: "NAME, user/NAME or service/NAME.") var name: Name
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.with { [path = name.path] in
                try Answer<API.Removed>(try await $0.call("DELETE", path, nil))
            }
            output.render(answer, ids: [answer.removed]) { "removed \(answer.removed)" }
        }
    }

    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Erase what the ledger says of somebody beside the name: addresses and clients; the chain stays whole.",
            discussion: "Example: gyre user erase ann --yes")
        @Argument(help: "NAME, user/NAME or service/NAME.") var name: Name
        @Flag(help: "Yes, it cannot be had back.") var yes = false
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard yes else {
                throw GyreError(
                    .invalid, "What is erased cannot be had back.", fix: "gyre user erase \(name.name) --yes")
            }
            let answer = try await connection.post(API.Removed.self, name.path + "/erase", [:])
            output.render(answer, ids: [answer.removed]) { "erased what was said of \(answer.removed)" }
        }
    }
}

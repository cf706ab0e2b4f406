// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import GyreAPI
internal import GyreBase

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Tokens: what programs show to be known.",
        subcommands: [List.self, Create.self, Revoke.self])

    static func table(_ tokens: [API.Token]) -> String {
        TextTable(
            ["TOKEN", "NAME", "OWNER", "MAY", "WORKSPACE", "ENDS", "LAST USE"],
            tokens.map {
                [
                    $0.id, $0.name, $0.owner, $0.scope.count == 7 ? "all" : $0.scope.joined(separator: " "),
                    Cell.text($0.workspace), $0.expiresAt ?? "never", Cell.text($0.lastUsedAt),
                ]
            }
        ).text(empty: "There are no tokens. Make one: gyre token create laptop")
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List your tokens, newest first.", discussion: "Example: gyre token list --all")
        @Flag(help: "Those of everybody.") var all = false
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.TokenList.self, "/tokens" + (all ? "?all=true" : ""))
            output.render(answer, ids: answer.tokens.map(\.id)) { TokenCommand.table(answer.tokens) }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token; its secret is printed this once.",
            discussion: """
                Examples: gyre token create laptop --days 90
                          gyre token create shop --owner service/shop --scope predict
                The secret goes to standard output, everything else to standard error.
                """)
        @Argument(help: "What it is called.") var name: String
        @Option(help: "Whose it is: user/NAME or service/NAME; yours where it is not said.") var owner: String?
        @Option(
            help:
                "What it may do at most: read, predict, write, operate, run_code, administer or manage; may be repeated. All that its owner may, where it is not said."
        ) var scope: [String] = []
        @Option(help: "The one workspace that it may be used in.") var only: String?
        @Option(help: "Days until it ends.") var days: Int64?
        @Option(help: "Requests a second that it may make.") var rate: Int?
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: JSONValue = ["name": .string(name)]
            body["owner"] = .optional(owner)
            if !scope.isEmpty { body["scope"] = .strings(scope) }
            body["workspace"] = .optional(only)
            body["lifetime_seconds"] = .optional(days.map { $0 * 86_400 })
            body["requests_per_second"] = .optional(rate.map(Int64.init))
            let answer = try await connection.post(API.Token.self, "/tokens", body)
            if output.format == .json { return print(answer.json.indented()) }
            tell("token \(answer.id) of \(answer.owner); its secret is told only now:")
            print(answer.secret ?? "")
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a token at once.", discussion: "Example: gyre token revoke laptop")
        @Argument(help: "Its id or its name.") var token: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.with { [path = Percent.path("tokens", token)] in
                try Answer<API.Removed>(try await $0.call("DELETE", path, nil))
            }
            output.render(answer, ids: [answer.removed]) { "revoked \(answer.removed)" }
        }
    }
}

struct WhoAmI: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami", abstract: "Say who you are for the server, and what you may do.",
        discussion: "Example: gyre whoami")
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await connection.get(API.Identity.self, "/whoami")
        output.render(answer, ids: [answer.name ?? "anybody"]) {
            var rows = [
                [
                    "name",
                    answer.name ?? (answer.authentication ? "nobody is signed in" : "anybody: nobody has to sign in"),
                ],
                ["workspace", answer.workspace], ["may", answer.permissions.joined(separator: " ")],
            ]
            rows += answer.things.sorted { $0.key < $1.key }.map { [$0.key, $0.value.joined(separator: " ")] }
            rows.append(["workspaces", answer.workspaces.joined(separator: " ")])
            return TextTable(["WHAT", "VALUE"], rows).text(empty: "")
        }
    }
}

struct Refusals: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List calls that were not let in, newest first.", discussion: "Example: gyre refusals --limit 20")
    @Option(help: "At most this many.") var limit = 50
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await connection.get(API.RefusalList.self, "/refusals?limit=\(limit)")
        output.render(answer, ids: answer.refusals.map(\.path)) {
            TextTable(
                ["WHEN", "CODE", "WHO", "FROM", "CALL"],
                answer.refusals.map {
                    [$0.at, $0.code, Cell.text($0.caller), Cell.text($0.address), "\($0.method) \($0.path)"]
                }
            ).text(empty: "Every call was let in since the server started.")
        }
    }
}

struct LogIn: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Sign in to a server; later commands to it are known by a token that is kept.",
        discussion: """
            Examples: gyre login https://gyre.example --user ann
                      gyre login http://127.0.0.1:5000 < token.txt
            With --user a password is asked for and a token made with it; without, a token is asked for.
            """)
    @Argument(help: "The server's address.") var server: String
    @Option(help: "Sign in with this name and a password.") var user: String?

    func run() async throws {
        let url = RemoteConnection.whole(server)
        guard let environment = CommandEnvironment.current else {
            throw GyreError(.internal, "Commands run inside of gyre only.")
        }
        let secret: String
        if let user {
            let password = try SecretPrompt.read("Password of \(user)")
            let name = "login \(ProcessInfo.processInfo.hostName) \(Surname.random())"
            let connection = RemoteConnection(
                url: url, actor: environment.actor, basic: (user, password), authority: environment.authority)
            let made = try await connection.post(
                API.Token.self, "/tokens", ["name": .string(name), "lifetime_seconds": .int(90 * 86_400)])
            secret = made.secret ?? ""
        } else {
            secret = try SecretPrompt.read("Token for \(url)")
        }
        let connection = RemoteConnection(
            url: url, actor: environment.actor, token: secret, authority: environment.authority)
        let me = try await connection.get(API.Identity.self, "/whoami")
        guard let name = me.name else {
            throw GyreError(.unauthenticated, "The server does not know the token.", fix: "gyre token create NAME")
        }
        try SavedCredentials.keep(secret, for: url)
        tell("signed in to \(url) as \(name)")
    }

    /// Tells the tokens of several logins on one machine apart.
    private enum Surname {
        static func random() -> String { String(Int.random(in: 0..<0xFFFF), radix: 16) }
    }
}

struct LogOut: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Forget the token that is kept for a server, and end it there.",
        discussion: "Example: gyre logout https://gyre.example")
    @Argument(help: "The server's address.") var server: String

    func run() async throws {
        let url = RemoteConnection.whole(server)
        guard let token = SavedCredentials.token(for: url), let environment = CommandEnvironment.current else {
            throw GyreError(.notFound, "No token is kept for \(url).")
        }
        try SavedCredentials.keep(nil, for: url)
        // What is kept nowhere any more is ended there too, where the server can be reached.
        let connection = RemoteConnection(
            url: url, actor: environment.actor, token: token, authority: environment.authority)
        do {
            _ = try await connection.call("DELETE", "/tokens/current", nil)
            tell("signed out of \(url)")
        } catch {
            tell("the token is forgotten here; ending it on the server failed: \(error)")
        }
    }
}

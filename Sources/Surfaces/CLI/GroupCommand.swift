// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

struct GroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group", abstract: "Groups: users and service accounts that are given roles together.",
        subcommands: [List.self, Create.self, Add.self, Remove.self, Delete.self])

    static func table(_ groups: [API.Group]) -> String {
        TextTable(["GROUP", "MEMBERS"], groups.map { [$0.name, $0.members.joined(separator: " ")] })
            .text(empty: "There are no groups. Make one: gyre group create science")
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List groups with their members.", discussion: "Example: gyre group list")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.GroupList.self, "/groups")
            output.render(answer, ids: answer.groups.map(\.name)) { GroupCommand.table(answer.groups) }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a group.",
            discussion:
                "Example: gyre group create science. A group of the identity provider with the same name has its roles."
        )
        @Argument(help: "What it is called.") var name: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.post(API.Group.self, "/groups", ["name": .string(name)])
            output.render(answer, ids: [answer.name]) { GroupCommand.table([answer.value]) }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take somebody into a group.", discussion: "Example: gyre group add science ann")
        @Argument(help: "The group.") var group: String
        @Argument(help: "NAME, user/NAME or service/NAME.") var member: UserCommand.Name
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.post(
                API.Group.self, Percent.path("groups", group, "members"),
                ["member": .string("\(member.kind)/\(member.name)")])
            output.render(answer, ids: [answer.name]) { GroupCommand.table([answer.value]) }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take somebody out of a group.", discussion: "Example: gyre group remove science ann")
        @Argument(help: "The group.") var group: String
        @Argument(help: "NAME, user/NAME or service/NAME.") var member: UserCommand.Name
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.post(
                API.Group.self, Percent.path("groups", group, "members"),
                ["member": .string("\(member.kind)/\(member.name)"), "leaves": true])
            output.render(answer, ids: [answer.name]) { GroupCommand.table([answer.value]) }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a group with its roles.", discussion: "Example: gyre group delete science")
        @Argument(help: "The group.") var name: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.with { [path = Percent.path("groups", name)] in
                try Answer<API.Removed>(try await $0.call("DELETE", path, nil))
            }
            output.render(answer, ids: [answer.removed]) { "removed \(answer.removed)" }
        }
    }
}

struct RoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "role", abstract: "Roles: who may do what, in a workspace or with one thing in it.",
        discussion: """
            predictor asks endpoints; reader sees all; writer makes and changes what is not live; operator moves what is live;
            runner runs code (pipelines, models that Python runs); administrator does everything in the workspace.
            """, subcommands: [List.self, Give.self, Take.self])

    static func table(_ grants: [API.Grant]) -> String {
        TextTable(
            ["WHO", "ROLE", "WORKSPACE", "ON"],
            grants.map { [$0.principal, $0.role, Cell.text($0.workspace), $0.thing ?? "everything"] }
        ).text(empty: "Nobody has a role here. Give one: gyre role give ann writer")
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the roles that were given.", discussion: "Example: gyre role list --all")
        @Flag(help: "Of all workspaces.") var all = false
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.GrantList.self, "/roles" + (all ? "?all=true" : ""))
            output.render(answer, ids: answer.roles.map { "\($0.principal) \($0.role)" }) {
                RoleCommand.table(answer.roles)
            }
        }
    }

    /// Who has what.
    struct Words: ParsableArguments {
        @Argument(help: "NAME, user/NAME, service/NAME or group/NAME.") var who: String
        @Argument(help: "predictor, reader, writer, operator, runner or administrator.") var role: String
        @Option(
            help:
                "On one thing alone: experiment/ID, model/NAME, endpoint/NAME, dataset/NAME, feature-view/NAME, pipeline/NAME."
        )
        var on: String?

        var body: JSONValue { ["principal": .string(who), "role": .string(role), "thing": .optional(on)] }
    }

    struct Give: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give somebody a role.",
            discussion:
                "Example: gyre role give group/science writer, or gyre role give shop predictor --on endpoint/delay")
        @OptionGroup var words: Words
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.post(API.Grant.self, "/roles", words.body)
            output.render(answer, ids: [answer.principal]) { RoleCommand.table([answer.value]) }
        }
    }

    struct Take: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a role away.", discussion: "Example: gyre role take ann writer")
        @OptionGroup var words: Words
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.with { [body = words.body] in
                try Answer<API.Grant>(try await $0.call("DELETE", "/roles", body))
            }
            output.render(answer, ids: [answer.principal]) { "\(answer.principal) is no \(answer.role) any more" }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

struct Routes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List every address of the server, and what a caller of it must be allowed.",
        discussion: "Example: gyre routes --markdown > Docs/routes.md")
    @Flag(help: "Print a table in Markdown.") var markdown = false
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await connection.with(creating: true) { try await $0.get(API.RouteList.self, "/routes") }
        output.render(answer, ids: answer.routes.map { "\($0.method) \($0.path)" }) {
            guard !markdown else { return Self.document(answer.routes) }
            return TextTable(["METHOD", "ADDRESS", "NEEDS"], answer.routes.map { [$0.method, $0.path, $0.needs] })
                .text(empty: "")
        }
    }

    private static func document(_ routes: [API.Route]) -> String {
        let head = """
            # What each address needs

            Made by `gyre routes --markdown`. "Nothing" means that whoever reaches the server may call; all else is for whoever was given
            a role with the permission, on the workspace or, where a parameter is named, on the thing that it leads to.

            | verb | address | needs |
            | --- | --- | --- |
            """
        let rows = routes.map { "| \($0.method) | `\($0.path)` | \($0.needs) |" }
        return ([head] + rows).joined(separator: "\n")
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

struct WorkspaceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workspace", abstract: "Workspaces: parts of a server that know nothing of each other.",
        discussion:
            "Other commands take --workspace NAME, or GYRE_WORKSPACE; clients send X-Gyre-Workspace or use /workspaces/NAME.",
        subcommands: [List.self, Create.self, Change.self, Delete.self])

    static func table(_ workspaces: [API.Workspace]) -> String {
        TextTable(
            ["WORKSPACE", "MADE", "LIMITS", "WHAT FOR"],
            workspaces.map { [$0.name, $0.createdAt, limits($0.quota), $0.description] }
        ).text(empty: "There is nothing that you may do in any workspace.")
    }

    private static func limits(_ quota: API.Quota) -> String {
        let parts = [
            quota.requestsPerSecond.map { "\($0) requests/s" }, quota.blobBytes.map { "\(Cell.size($0)) of files" },
            quota.runs.map { "\($0) runs" }, quota.runningTasks.map { "\($0) tasks" },
            quota.modelBytes.map { "\(Cell.size($0)) of models" },
        ].compactMap(\.self)
        return parts.isEmpty ? "-" : parts.joined(separator: ", ")
    }

    /// What a workspace may use at most.
    struct Limits: ParsableArguments {
        @Option(help: "Requests a second.") var requestsPerSecond: Int64?
        @Option(help: "Bytes of all files.") var blobBytes: Int64?
        @Option(help: "Tracked runs.") var runs: Int64?
        @Option(help: "Tasks of pipelines at a time; from the next start on.") var runningTasks: Int64?
        @Option(help: "Bytes of memory for models; from the next start on.") var modelBytes: Int64?

        /// All of them; nil where none is said.
        var body: JSONValue? {
            let all: [(String, Int64?)] = [
                ("requests_per_second", requestsPerSecond), ("blob_bytes", blobBytes), ("runs", runs),
                ("running_tasks", runningTasks), ("model_bytes", modelBytes),
            ]
            if all.allSatisfy({ $0.1 == nil }) { return nil }
            return .object(JSONObject(merging: all.map { ($0.0, .optional($0.1)) }))
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the workspaces that you may do something in.", discussion: "Example: gyre workspace list")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.WorkspaceList.self, "/workspaces")
            output.render(answer, ids: answer.workspaces.map(\.name)) { WorkspaceCommand.table(answer.workspaces) }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a workspace.", discussion: "Example: gyre workspace create fraud --runs 100000")
        @Argument(help: "What it is called: small letters, digits and dashes.") var name: String
        @Option(help: "What it is for.") var description = ""
        @OptionGroup var limits: Limits
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: JSONValue = ["name": .string(name), "description": .string(description)]
            if let quota = limits.body { body["quota"] = quota }
            let answer = try await connection.post(API.Workspace.self, "/workspaces", body)
            output.render(answer, ids: [answer.name]) { WorkspaceCommand.table([answer.value]) }
        }
    }

    struct Change: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Change a workspace; its limits are set all anew.",
            discussion: "Example: gyre workspace set fraud --requests-per-second 500")
        @Argument(help: "The workspace.") var name: String
        @Option(help: "What it is for.") var description: String?
        @OptionGroup var limits: Limits
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: JSONValue = ["description": .optional(description)]
            if let quota = limits.body { body["quota"] = quota }
            let answer = try await connection.post(API.Workspace.self, Percent.path("workspaces", name), body)
            output.render(answer, ids: [answer.name]) { WorkspaceCommand.table([answer.value]) }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a workspace with the roles in it; its folder is put aside, not removed.",
            discussion: "Example: gyre workspace delete fraud --yes")
        @Argument(help: "The workspace.") var name: String
        @Flag(help: "Yes, its endpoints stop answering at once.") var yes = false
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard yes else {
                throw GyreError(
                    .invalid, "Removing the workspace \"\(name)\" ends all that it serves.",
                    fix: "gyre workspace delete \(name) --yes")
            }
            let answer = try await connection.with { [path = Percent.path("workspaces", name)] in
                try Answer<API.Removed>(try await $0.call("DELETE", path, nil))
            }
            output.render(answer, ids: [answer.removed]) { "removed \(answer.removed)" }
        }
    }
}

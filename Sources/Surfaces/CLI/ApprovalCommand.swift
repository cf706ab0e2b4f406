// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

struct ApprovalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approval", abstract: "Approvals: what waits until others agree, and what has to.",
        discussion: "Example: gyre approval require promote --on endpoint/delay",
        subcommands: [List.self, Rules.self, Require.self, Release.self])

    static func table(_ approvals: [API.Approval]) -> String {
        TextTable(
            ["NO", "WHAT", "ON", "ASKED BY", "AT", "AGREED", "STATE", "REASON"],
            approvals.map {
                [
                    String($0.number), $0.action, Cell.text($0.subject), $0.author, Cell.time($0.at),
                    "\($0.voices.count { $0.agrees }) of \($0.wanted)", $0.state, String($0.reason.prefix(60)),
                ]
            }
        ).text(empty: "Nothing was asked for.")
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what waits for approval or did, newest first.", discussion: "Example: gyre approval list")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.ApprovalList.self, "/approvals")
            output.render(answer, ids: answer.approvals.map { String($0.number) }) {
                ApprovalCommand.table(answer.approvals)
            }
        }
    }

    static func table(_ rules: [API.ApprovalRule]) -> String {
        TextTable(
            ["WHAT", "ON", "OTHERS"],
            rules.map { [$0.action ?? "everything", $0.subject ?? "everything", String($0.approvers ?? 1)] }
        ).text(empty: "Nothing has to be approved.")
    }

    struct Rules: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what has to be approved.", discussion: "Example: gyre approval rules")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.ApprovalRuleList.self, "/approval-rules")
            output.render(answer, ids: answer.rules.map { $0.action ?? "*" }) { ApprovalCommand.table(answer.rules) }
        }
    }

    /// What a rule is about.
    struct About: ParsableArguments {
        @Argument(help: "alias, deploy, promote, rollback, policy, or all.") var action: String
        @Option(help: "Of one thing alone: model/NAME or endpoint/NAME.") var on: String?

        func body(_ approvers: Int) -> JSONValue {
            [
                "action": action == "all" ? .null : .string(action), "subject": .optional(on),
                "approvers": .int(Int64(approvers)),
            ]
        }
    }

    struct Require: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask for the approval of others from now on.",
            discussion: "Example: gyre approval require deploy --on endpoint/delay --others 2")
        @OptionGroup var about: About
        @Option(help: "How many others have to agree.") var others = 1
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.post(API.ApprovalRule.self, "/approval-rules", about.body(others))
            output.render(answer, ids: [answer.action ?? "*"]) { ApprovalCommand.table([answer.value]) }
        }
    }

    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask for approval no longer.",
            discussion: "Example: gyre approval release deploy --on endpoint/delay")
        @OptionGroup var about: About
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.with { [body = about.body(1)] in
                try Answer<API.ApprovalRule>(try await $0.call("DELETE", "/approval-rules", body))
            }
            output.render(answer, ids: [answer.action ?? "*"]) { "no approval is asked for any more" }
        }
    }
}

struct Approve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Agree to what waits for approval; once enough do, it is carried out.",
        discussion: "Example: gyre approve 7 --reason \"the canary did well\"")
    @Argument(help: "Its number.") var number: Int
    @Option(help: "Why.") var reason: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await connection.post(
            API.Approval.self, "/approvals/\(number)/approve", ["reason": .string(reason)])
        output.render(answer, ids: [String(answer.number)]) { ApprovalCommand.table([answer.value]) }
    }
}

struct Reject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Do not agree to what waits for approval; it is not carried out.",
        discussion: "Example: gyre reject 7 --reason \"not before the weekend\"")
    @Argument(help: "Its number.") var number: Int
    @Option(help: "Why.") var reason: String
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await connection.post(
            API.Approval.self, "/approvals/\(number)/reject", ["reason": .string(reason)])
        output.render(answer, ids: [String(answer.number)]) { ApprovalCommand.table([answer.value]) }
    }
}

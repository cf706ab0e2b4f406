// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
internal import GyreBase
internal import GyreHTTP

/// What waits until others agree.
extension Console {
    var approvalRoutes: [Route] {
        [
            Route("POST", "/approvals/{number}", .signedIn) { request throws(GyreError) in
                try await asked(by: request).decide(request)
            }
        ]
    }

    func approvals(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let all = try await get(API.ApprovalList.self, "/approvals").approvals
        let rules = try await get(API.ApprovalRuleList.self, "/approval-rules").rules
        let waiting = all.filter { $0.state == "waiting" }
        return Page("Approvals", in: .access, below: [("Access", "/access")]) {
            if waiting.isEmpty {
                Note("Nothing waits for anybody.")
            }
            for approval in waiting { Self.section(approval) }
            Section("All") {
                Table(
                    "Approvals", [.number("Number", key: "number"), "What", "On", "Asked by", "At", "State", "Said"],
                    all.map(Self.row), empty: EmptyState("Nothing was asked for."), listing: Listing(request))
            }
            Section("What has to be approved") {
                Table(
                    "Rules", ["What", "On", .number("Others")],
                    rules.map {
                        [
                            .text($0.action ?? "everything"), .text($0.subject ?? "everything"),
                            .whole($0.approvers ?? 1),
                        ]
                    },
                    empty: EmptyState(
                        "Nothing has to be approved:", command: "gyre approval require promote --on endpoint/NAME"))
            }
        }
    }

    private static func row(_ approval: API.Approval) -> [Words] {
        let said = approval.voices.map { "\($0.actor): \($0.agrees ? "agrees" : "does not agree"), \($0.reason)" }
        return [
            .whole(approval.number), .text(approval.action), .text(approval.subject ?? "more than one thing"),
            .text(approval.author), .time(approval.at), .state(approval.state),
            .text(approval.problem ?? said.joined(separator: "; ")),
        ]
    }

    private static func section(_ approval: API.Approval) -> Section {
        Section("\(approval.number): \(approval.action) of \(approval.subject ?? "this")") {
            Facts([
                ("Asked by", .text(approval.author)), ("At", .time(approval.at)),
                ("Why", .text(approval.reason.isEmpty ? "not said" : approval.reason)),
                ("Call", .code("\(approval.method) \(approval.target)")), ("Body", .code(approval.body.text)),
                ("Agreed", .text("\(approval.voices.count { $0.agrees }) of \(approval.wanted)")),
            ])
            Form(
                .command(address: "/approvals/\(approval.number)"), id: "approval-\(approval.number)",
                fields: [.text("Why", name: "reason", isRequired: true)],
                buttons: [
                    Form.Button(
                        "Approve", name: "verb", value: "approve", warning: "Once enough agree, it is done at once."),
                    Form.Button("Reject", name: "verb", value: "reject"),
                ])
        }
    }

    private func decide(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let form = Percent.form(try await request.body.collect(limit: 65_536))
        guard let verb = form["verb"], ["approve", "reject"].contains(verb) else {
            throw GyreError(.invalid, "The form does not say what is to be done.")
        }
        _ = try await act(
            Percent.path("approvals", request.parameter("number"), verb), ["reason": .string(form["reason"] ?? "")])
        return HTTPResponse(status: 303, headers: [("location", "/approvals")])
    }
}

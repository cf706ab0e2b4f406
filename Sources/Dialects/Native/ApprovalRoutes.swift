// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
internal import GyreApprovals
internal import GyreBase
internal import GyreHTTP

/// What waits until others agree.
extension NativeDialect {
    var approvalCalls: [NativeCall] {
        [
            NativeCall("GET", "/approvals", .read, "What waits for approval or did, newest first.", listApprovals),
            NativeCall("GET", "/approvals/{number}", .read, "One of them, with the call that waits.", showApproval),
            NativeCall(
                "POST", "/approvals/{number}/approve", .operate,
                "Agrees to it: {reason}; once enough do, the call is carried out.", takes: API.ReasonRequest.self,
                approve),
            NativeCall(
                "POST", "/approvals/{number}/reject", .operate,
                "Does not agree: {reason}; the call is not carried out.",
                takes: API.ReasonRequest.self, reject),
            NativeCall("GET", "/approval-rules", .read, "What has to be approved.", listApprovalRules),
            NativeCall(
                "POST", "/approval-rules", .administer, "Sets what has to be approved: {action, subject, approvers}.",
                takes: API.ApprovalRule.self, setApprovalRule),
            NativeCall(
                "DELETE", "/approval-rules", .administer, "Removes such a rule: {action, subject, approvers}.",
                takes: API.ApprovalRule.self, removeApprovalRule),
        ]
    }

    private func listApprovals(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        ["approvals": .array(try await services.approvals.approvals().map(\.json))]
    }

    private func number(_ request: HTTPRequest) throws(GyreError) -> Int {
        guard let number = Int(request.parameter("number")), number > 0 else {
            throw GyreError(.notFound, "There is no approval \"\(request.parameter("number").prefix(40))\".")
        }
        return number
    }

    private func showApproval(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        try await services.approvals.approval(try number(request)).json
    }

    private func approve(_ request: NativeRequest<API.ReasonRequest>) async throws(GyreError) -> JSONValue {
        let approval = try await services.approvals.say(
            true, try number(request.http), reason: request.body.reason ?? "", by: request.actor)
        guard approval.state == .approved else { return approval.json }
        do throws(GyreError) {
            var json = approval.json
            json["answer"] = try await services.carryOut(approval)
            return json
        } catch {
            try await services.approvals.fail(approval.number, error.description)
            throw error
        }
    }

    private func reject(_ request: NativeRequest<API.ReasonRequest>) async throws(GyreError) -> JSONValue {
        try await services.approvals.say(
            false, try number(request.http), reason: request.body.reason ?? "", by: request.actor
        ).json
    }

    private func listApprovalRules(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        ["rules": .array(try await services.approvals.rules().map(\.json))]
    }

    private func setApprovalRule(_ request: NativeRequest<API.ApprovalRule>) async throws(GyreError) -> JSONValue {
        let rule = try Self.rule(request.body)
        try await services.approvals.set(rule, by: request.actor)
        return rule.json
    }

    private func removeApprovalRule(_ request: NativeRequest<API.ApprovalRule>) async throws(GyreError) -> JSONValue {
        let rule = try Self.rule(request.body)
        try await services.approvals.remove(rule, by: request.actor)
        return rule.json
    }

    private static func rule(_ body: API.ApprovalRule) throws(GyreError) -> ApprovalRule {
        try ApprovalRule(action: body.action, subject: body.subject, approvers: body.approvers ?? 1)
    }
}

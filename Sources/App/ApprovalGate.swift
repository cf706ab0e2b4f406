// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreApprovals
internal import GyreBase
internal import GyreHTTP
internal import GyreIdentity
internal import Synchronization

/// Holds back calls that others have to agree to, and carries them out when they do.
final class ApprovalGate: Sendable {
    private let approvals: Approvals
    private let identity: Identity
    private let router = Mutex<Router?>(nil)

    init(_ approvals: Approvals, identity: Identity) {
        self.approvals = approvals
        self.identity = identity
    }

    /// The routes by which calls are carried out, which exist only after the gate.
    func set(_ router: Router) { self.router.withLock { $0 = router } }

    /// Lets a call through where nobody else has to agree.
    /// - Throws: `.conflict`, telling of the approval that it waits for.
    func hold(_ request: HTTPRequest, _ action: Need.Action) async throws(GyreError) -> HTTPRequest {
        guard request.caller.approval == nil else { return request }
        if let verbs = action.onlyFor, !verbs.contains(request.parameters["verb"] ?? "") { return request }
        var request = request
        let bytes = try await request.body.collect(limit: Limits.bodyBytes)
        request.body = HTTPBody(bytes)
        let body: JSONValue = bytes.isEmpty ? [:] : try JSONValue(parsing: bytes)
        // What only asks what would be done does nothing.
        if body["dry_run"]?.bool == true || request.query("dry_run") == "true" { return request }
        let name =
            request.parameters[action.parameter] ?? body[action.parameter]?.string ?? request.query(action.parameter)
        let subject = name.map { "\(action.kind.rawValue)/\($0)" }
        let wanted = try await approvals.wanted(action.name, subject)
        guard wanted > 0 else { return request }
        let query = request.query.isEmpty ? "" : Percent.query(request.query.map { ($0.name, $0.value) })
        let approval = try await approvals.ask(
            action.name, subject, wanted: wanted, author: request.actor(surface: "api"),
            reason: body["reason"]?.string ?? "",
            call: Approval.Call(method: request.method, target: request.path + query, body: body))
        let others = wanted == 1 ? "another person" : "\(wanted) others"
        throw GyreError(
            .conflict, "It waits for the approval \(approval.number) of \(others).",
            why: "A rule asks for that before \(action.name) of \(subject ?? "this").",
            fix: "gyre approve \(approval.number) --reason WHY")
    }

    /// Makes the call of an approval, as its author.
    func carryOut(_ approval: Approval) async throws(GyreError) -> JSONValue {
        guard let router = router.withLock({ $0 }) else { throw GyreError(.internal, "Nothing carries calls out.") }
        var caller = Caller.inside
        if approval.author.hasPrefix("local/") { caller = Caller(.known(approval.author), .everything) }
        if let principal = try? Principal(parsing: approval.author), approval.author.contains("/"),
            principal.kind != .group,
            let known = try identity.resolve(principal, claimed: [], wanted: Caller.current?.workspace)
        {
            caller = known
        } else if identity.asksSomebody(approval.author) {
            throw GyreError(.conflict, "\(approval.author) is not there any more, who asked for it.")
        }
        caller.approval = approval.ref.description
        let body = approval.call.body
        let request = HTTPRequest(
            approval.call.method, approval.call.target, headers: ["x-gyre-actor": approval.author],
            body: body.object?.isEmpty == true ? [] : body.bytes, by: caller)
        let answer = await router.respond(to: request)
        guard case .bytes(let bytes) = answer.body else { return [:] }
        // An answer that is no JSON says nothing that could be kept.
        let json = (try? JSONValue(parsing: bytes)) ?? [:]
        guard (200..<300).contains(answer.status) else {
            throw GyreError(
                .conflict, "It was approved, and could not be carried out.",
                why: json["message"]?.string ?? json["error"]?["what"]?.string ?? json["error"]?.string)
        }
        return json
    }
}

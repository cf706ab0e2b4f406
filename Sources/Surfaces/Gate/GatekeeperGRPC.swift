// SPDX-License-Identifier: Apache-2.0

package import GyreAccess
package import GyreBase
package import GyreGRPC
package import GyreIdentity

/// Asks who calls over gRPC, before anything else does.
///
/// Only what is known at once is taken: tokens, and passwords that were right a moment ago.
package struct GRPCGatekeeper: GRPCFront {
    private let methods: @Sendable (String) -> [String: GRPCMethod]?
    private let identity: Identity
    /// Who calls where nobody has to be known.
    private let open: Caller?
    private let refusals: Refusals
    private let rates = RateLimit()
    private let now: @Sendable () -> Int64

    /// A gatekeeper before the methods of all workspaces.
    package init(
        identity: Identity, open: Caller?, refusals: Refusals, now: @escaping @Sendable () -> Int64,
        methods: @escaping @Sendable (_ workspace: String) -> [String: GRPCMethod]?
    ) {
        self.identity = identity
        self.open = open
        self.refusals = refusals
        self.now = now
        self.methods = methods
    }

    package func method(_ path: String, _ call: GRPCCall) throws(GyreError) -> GRPCMethod? {
        do throws(GyreError) {
            let caller = try caller(call)
            guard let method = methods(caller.workspace)?[path] else { return nil }
            for (key, limit) in identity.limits(of: caller) { try rates.take(key, limit: limit, now: now()) }
            return try method.checked(for: caller)
        } catch {
            refusals.add(
                code: error.code, who: nil, method: "gRPC", path: path, address: call.peer, what: error.what)
            throw error
        }
    }

    private func caller(_ call: GRPCCall) throws(GyreError) -> Caller {
        let visit = Identity.Visit(
            workspace: call.headers("x-gyre-workspace"), address: call.peer, agent: call.headers("user-agent"))
        if var open {
            open.workspace = visit.workspace ?? open.workspace
            return open
        }
        switch try Credentials(headers: call.headers) {
        case nil: return .stranger
        case .token(let digest)?:
            if let caller = try identity.caller(showing: digest, visit) { return caller }
            throw GyreError(
                .unauthenticated, "The token is not known.", why: "It was never made here, has ended, or was revoked.")
        case .password?, .provider?, .cookie?:
            throw GyreError(
                .unauthenticated, "Only tokens are taken over gRPC.",
                fix: "Send the metadata authorization: Bearer TOKEN")
        }
    }
}

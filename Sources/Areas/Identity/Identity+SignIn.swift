// SPDX-License-Identifier: Apache-2.0

package import GyreAccess
package import GyreBase
internal import GyreLedger
internal import Synchronization

extension Identity {
    /// What a request shows, besides which workspace it means.
    package struct Visit: Sendable, Hashable {
        /// The workspace that the request names; nil where it names none.
        package var workspace: String?
        /// Where it comes from.
        package var address: String?
        /// What the client says it is.
        package var agent: String?

        /// A visit with these particulars.
        package init(workspace: String? = nil, address: String? = nil, agent: String? = nil) {
            self.workspace = workspace
            self.address = address
            self.agent = agent
        }
    }

    /// Microseconds for which a password that was right is not compared again.
    private static let passwordMemory: Int64 = 300 * 1_000_000

    /// The caller who shows a secret with this digest; nil where nobody has it.
    /// - Throws: `.notFound` for a workspace that the caller may do nothing in.
    package func caller(showing digest: Digest, _ visit: Visit) throws(GyreError) -> Caller? {
        let now = now
        let asked = Asked(digest: digest, workspace: visit.workspace)
        let (found, token) = state.withLock { state -> (Caller?, Token?) in
            let token = state.directory.tokens[digest]
            if let token {
                if let end = token.expiresAt, end <= now { return (nil, nil) }
                state.uses[token.id] = TokenUse(at: now, address: visit.address)
            }
            return (state.known[asked] ?? state.passing[digest], token)
        }
        if let found { return try Self.visiting(found, visit, isFixed: token == nil) }
        guard let token else { return nil }
        let caller = try resolve(
            token.owner, token: token, claimed: token.groups, wanted: visit.workspace)
        guard let caller else { return nil }
        state.withLock { state in
            if state.known.count > 20_000 { state.known = [:] }
            state.known[asked] = caller
        }
        return try Self.visiting(caller, visit, isFixed: false)
    }

    private static func visiting(_ caller: Caller, _ visit: Visit, isFixed: Bool) throws(GyreError) -> Caller {
        var caller = caller
        if isFixed, let wanted = visit.workspace, wanted != caller.workspace {
            guard caller.access.workspace.contains(.manage) else { throw unknownWorkspace(wanted) }
            caller.workspace = wanted
        }
        caller.address = visit.address
        caller.agent = visit.agent
        return caller
    }

    /// The caller that an account is, in the workspace that is wanted or else its usual one; nil where nothing that it shows is taken.
    package func resolve(
        _ principal: Principal, token: Token? = nil, claimed: [String], wanted: String?
    ) throws(GyreError) -> Caller? {
        let directory = directory
        guard let account = directory.accounts[principal], !account.isDisabled else { return nil }
        let own = directory.workspaces(of: principal, claimed: claimed)
        let usual = own.contains(Caller.defaultWorkspace) ? Caller.defaultWorkspace : own.first
        let name = wanted ?? token?.workspace ?? usual ?? Caller.defaultWorkspace
        if let fixed = token?.workspace, fixed != name { throw Self.unknownWorkspace(name) }
        guard directory.workspaces[name] != nil, own.contains(name) || wanted == nil else {
            throw Self.unknownWorkspace(name)
        }
        let access = directory.access(of: principal, claimed: claimed, in: name).limited(to: token?.scope ?? .all)
        var caller = Caller(.known(principal.description), access, workspace: name)
        caller.token = token?.name
        caller.requestsPerSecond = token?.requestsPerSecond
        caller.isByCookie = token?.purpose == .session
        return caller
    }

    private static func unknownWorkspace(_ name: String) -> GyreError {
        GyreError(.notFound, "There is no workspace \"\(name.prefix(80))\".", why: "Or nothing in it is yours.")
    }

    // MARK: Passwords

    /// The account whose name and password were sent.
    ///
    /// `digest`: of what was sent; a password that was right is remembered by it for minutes, since each comparison takes long on purpose.
    /// - Throws: `.unauthenticated`; `.tooManyRequests` after too many wrong ones.
    package func signIn(
        _ name: String, password: String, digest: Digest, address: String?
    ) async throws(GyreError) -> Principal {
        let now = now
        let remembered = state.withLock { state in state.right[digest] }
        if let remembered, remembered.until > now { return remembered.account }
        let principal =
            name.hasPrefix("service/") ? Principal(.service, String(name.dropFirst(8))) : Principal(.user, name)
        let from = address ?? ""
        let account = directory.accounts[principal]
        try limit.begin(name, from, now: now)
        let isRight: Bool
        do throws(GyreError) {
            let known = account?.password
            isRight = try await passwords.take { () throws(GyreError) in
                try await Background.run { () throws(GyreError) -> Bool in
                    // Who does not exist takes as long as who does.
                    guard let known else {
                        _ = try Self.nobody().matches(password)
                        return false
                    }
                    return try known.matches(password)
                }
            }
        } catch {
            limit.end(name, from, isRight: true, now: now)
            throw error
        }
        limit.end(name, from, isRight: isRight, now: self.now)
        guard isRight, let account, !account.isDisabled else {
            throw GyreError(.unauthenticated, "The name or the password is wrong.", why: "No account fits both.")
        }
        state.withLock { state in
            if state.right.count > 10_000 { state.right = [:] }
            state.right[digest] = (principal, now + Self.passwordMemory)
        }
        return principal
    }

    private static func nobody() throws(GyreError) -> PasswordHash {
        try PasswordHash(of: "nobody has this one", salt: Digest(of: "nobody").bytes)
    }

    // MARK: Browsers

    /// Seconds that a browser stays signed in.
    package static let sessionSeconds: Int64 = 12 * 3600

    /// Signs a browser in.
    /// - Returns: the secret of its cookie.
    package func beginSession(
        _ principal: Principal, _ visit: Visit, groups: [String] = []
    ) async throws(GyreError) -> String {
        let secret = newSecret()
        var wish = Token.Wish(name: "browser")
        wish.lifetimeSeconds = Self.sessionSeconds
        let wanted = wish
        try await turns.take { () throws(GyreError) in
            _ = try self.account(principal)
            let token = Token(
                id: String(self.surroundings.newID().prefix(12)), owner: principal, wanted, purpose: .session,
                digest: Digest(of: secret), groups: groups, at: self.now)
            try await self.store.commit(
                [.create(Document(Token.kind, token.id, token.stored))],
                recording: [
                    Fact(
                        "identity.signed-in", principal.ref, by: principal.description,
                        body: [
                            "personal": [
                                "address": .optional(visit.address),
                                "agent": .optional(visit.agent.map { String($0.prefix(200)) }),
                            ]
                        ])
                ])
            self.set { $0.tokens[token.digest] = token }
        }
        return secret
    }

    /// Signs a browser out.
    package func endSession(_ secret: String) async throws(GyreError) {
        guard let token = directory.tokens[Digest(of: secret)], token.purpose == .session else { return }
        try await revoke(token.id, by: token.owner.description)
    }

    /// How old the session behind a cookie is, in microseconds; nil where there is none.
    package func age(ofSession secret: String) -> Int64? {
        guard let token = directory.tokens[Digest(of: secret)], token.purpose == .session else { return nil }
        return now - token.createdAt
    }

    /// What a form has to hold beside the cookie, so that no other page can make a browser send it.
    package static func formToken(_ secret: String) -> String { String(Digest(of: "form " + secret).hex.prefix(32)) }
}

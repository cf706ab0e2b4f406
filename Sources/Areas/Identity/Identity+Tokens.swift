// SPDX-License-Identifier: Apache-2.0

package import GyreAccess
package import GyreBase
internal import GyreLedger
internal import Synchronization

extension Identity {
    /// All tokens that programs send, newest first, with their last use.
    package func tokens(of owner: Principal?) -> [(token: Token, lastUse: TokenUse?)] {
        state.withLock { state in
            state.directory.tokens.values.filter { $0.purpose == .api && (owner == nil || $0.owner == owner) }
                .sorted { ($1.createdAt, $1.id) < ($0.createdAt, $0.id) }.map { ($0, state.uses[$0.id]) }
        }
    }

    /// The longest life of a token: ten years.
    private static let longestLife: Int64 = 10 * 366 * 86_400

    /// Makes a token; its secret is told this once.
    /// - Throws: `.invalid` for a wish that cannot be met.
    package func makeToken(
        _ owner: Principal, _ wish: Token.Wish, by actor: String
    ) async throws(GyreError) -> (token: Token, secret: String) {
        _ = try Name(wish.name, of: "token")
        if let seconds = wish.lifetimeSeconds, !(1...Self.longestLife).contains(seconds) {
            throw GyreError(.invalid, "A token lasts from a second to ten years.", why: "\(seconds) s were asked for.")
        }
        if let rate = wish.requestsPerSecond, rate < 1 {
            throw GyreError(.invalid, "A token makes 1 request a second at least.", why: "\(rate) were asked for.")
        }
        if let workspace = wish.workspace { _ = try self.workspace(workspace) }
        guard !wish.scope.isEmpty else {
            throw GyreError(
                .invalid, "A token that may do nothing is none.",
                fix: "Name some of \(Permissions.allNames.joined(separator: ", ")).")
        }
        let secret = newSecret()
        return try await turns.take { () throws(GyreError) in
            _ = try self.account(owner)
            guard
                !self.directory.tokens.values.contains(where: {
                    $0.owner == owner && $0.name == wish.name && $0.purpose == .api
                })
            else {
                throw GyreError(
                    .alreadyExists, "\(owner) has a token \"\(wish.name)\" already.",
                    fix: "gyre token revoke \(wish.name)")
            }
            let token = Token(
                id: String(self.surroundings.newID().prefix(12)), owner: owner, wish, purpose: .api,
                digest: Digest(of: secret), at: self.now)
            try await self.store.commit(
                [.create(Document(Token.kind, token.id, token.stored))],
                recording: [
                    Fact(
                        "identity.token.created", owner.ref, by: actor,
                        body: [
                            "id": .string(token.id), "name": .string(token.name), "scope": .strings(token.scope.names),
                            "workspace": .optional(token.workspace),
                            "expires_at": .optional(token.expiresAt.map(Timestamp.text)),
                        ])
                ])
            self.set { $0.tokens[token.digest] = token }
            return (token, secret)
        }
    }

    /// A token that may do less than its owner makes no others, which could do more.
    /// - Throws: `.denied`.
    package func checkMayMakeTokens(_ caller: Caller) throws(GyreError) {
        guard let name = caller.token, !caller.isByCookie, !caller.access.workspace.contains(.manage) else { return }
        let isWhole = directory.tokens.values.contains {
            $0.owner.description == caller.name && $0.name == name && $0.scope == .all && $0.workspace == nil
        }
        guard isWhole else {
            throw GyreError(
                .denied, "The token \"\(name)\" makes no tokens.", why: "It may do less than its owner.",
                fix: "Sign in, or use a token without a scope.")
        }
    }

    /// Whose a token is that may do all that its owner may, by which they may sign in.
    /// - Throws: `.unauthenticated` for any other.
    package func owner(ofWholeToken digest: Digest) throws(GyreError) -> Principal {
        let token = directory.tokens[digest]
        guard let token, token.scope == .all, token.workspace == nil, (token.expiresAt ?? .max) > now,
            directory.accounts[token.owner]?.isDisabled == false
        else {
            throw GyreError(
                .unauthenticated, "Nobody signs in with that token.",
                why: "It is not known, has ended, or may do less than its owner.")
        }
        return token.owner
    }

    /// The token of that id, or of that name where its owner has but one such.
    /// - Throws: `.notFound`.
    package func token(_ text: String, of owner: Principal?) throws(GyreError) -> Token {
        let all = directory.tokens.values.filter { owner == nil || $0.owner == owner }
        let named = all.filter { $0.name == text && $0.purpose == .api }
        if let found = all.first(where: { $0.id == text }) ?? (named.count == 1 ? named.first : nil) { return found }
        throw GyreError(.notFound, "There is no token \"\(text.prefix(80))\".", fix: "gyre token list")
    }

    /// Ends a token at once.
    package func revoke(_ id: String, by actor: String) async throws(GyreError) {
        try await turns.take { () throws(GyreError) in
            let token = try self.token(id, of: nil)
            try await self.store.commit(
                [.remove(kind: Token.kind, key: token.id)],
                recording: [
                    Fact(
                        token.purpose == .api ? "identity.token.revoked" : "identity.signed-out", token.owner.ref,
                        by: actor, body: ["id": .string(token.id), "name": .string(token.name)])
                ])
            self.set { $0.tokens[token.digest] = nil }
        }
    }

    /// Removes what has ended.
    package func removeEnded() async throws(GyreError) {
        let now = now
        let ended = directory.tokens.values.filter { ($0.expiresAt ?? .max) < now - 86_400_000_000 }
        guard !ended.isEmpty else { return }
        try await turns.take { () throws(GyreError) in
            try await self.store.commit(
                ended.map { .remove(kind: Token.kind, key: $0.id) },
                recording: [
                    Fact(
                        "identity.tokens.ended", Ref("workspace", Caller.defaultWorkspace), by: "gyre",
                        body: ["tokens": .strings(ended.map(\.id))])
                ])
            self.set { directory in for token in ended { directory.tokens[token.digest] = nil } }
        }
    }

    // MARK: Secrets that last as long as the process

    /// A secret for `caller` that no disk ever sees; it ends with the process or by `forget`.
    package func issue(_ caller: Caller) -> String {
        let secret = newSecret()
        state.withLock { $0.passing[Digest(of: secret)] = caller }
        return secret
    }

    /// Ends a secret that was issued.
    package func forget(_ secret: String) { state.withLock { $0.passing[Digest(of: secret)] = nil } }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreAccess
package import GyreBase
internal import GyreLedger
internal import Synchronization

/// What somebody else says about a person, and was believed.
package struct IdentityClaims: Sendable, Hashable {
    /// The name that never changes there.
    package let subject: String
    /// The name that people know.
    package let name: String
    /// The groups that the person is in there.
    package let groups: [String]

    /// Claims of these parts.
    package init(subject: String, name: String, groups: [String]) {
        self.subject = subject
        self.name = name
        self.groups = groups
    }
}

extension Identity {
    /// The account of a person whom somebody else knows; one that is new has no roles but those of its groups.
    package func account(of claims: IdentityClaims) async throws(GyreError) -> Principal {
        if let known = directory.accounts.values.first(where: { $0.subject == claims.subject }) {
            return known.principal
        }
        let principal = Principal(.user, claims.name)
        if let known = directory.accounts[principal] {
            throw GyreError(
                .unauthenticated, "The name \"\(claims.name.prefix(80))\" belongs to somebody else here.",
                why: known.subject == nil
                    ? "An account of this server has it." : "Another person of the provider has it.",
                fix: "An administrator can link them: gyre user set \(claims.name.prefix(80)) --subject SUBJECT")
        }
        do throws(GyreError) {
            return try await makeAccount(principal, password: nil, subject: claims.subject, by: "gyre").principal
        } catch {
            // Another request of the same person may have been first.
            guard error.code == .alreadyExists,
                let known = directory.accounts.values.first(where: { $0.subject == claims.subject })
            else { throw error }
            return known.principal
        }
    }

    /// How many requests a second are let through, by what is limited.
    ///
    /// Whoever sets the limits is not kept out by them.
    package func limits(of caller: Caller) -> [(key: String, limit: Int)] {
        if caller.access.workspace.contains(.manage), caller.requestsPerSecond == nil { return [] }
        return state.withLock { state in
            var limits: [(String, Int)] = []
            if let limit = state.directory.workspaces[caller.workspace]?.quota.requestsPerSecond {
                limits.append(("the workspace \"\(caller.workspace)\"", limit))
            }
            if let limit = caller.requestsPerSecond, let name = caller.name {
                limits.append(("the token \"\(caller.token ?? "")\" of \(name)", limit))
            }
            return limits
        }
    }

    /// Gives a session that is an hour old another secret; the old one lasts for another minute, for pages that load at this moment.
    /// - Returns: the new secret; nil where the old one is young or gone.
    package func renewSession(_ secret: String, _ visit: Visit) async -> String? {
        let digest = Digest(of: secret)
        guard let token = directory.tokens[digest], token.purpose == .session, now - token.createdAt > 3_600_000_000
        else { return nil }
        let fresh = newSecret()
        do throws(GyreError) {
            return try await turns.take { () throws(GyreError) in
                guard var old = self.directory.tokens[digest], (old.expiresAt ?? .max) > self.now + 60_000_000 else {
                    return nil
                }
                var wish = Token.Wish(name: old.name)
                wish.lifetimeSeconds = max(60, ((old.expiresAt ?? self.now) - self.now) / 1_000_000)
                let renewed = Token(
                    id: String(self.surroundings.newID().prefix(12)), owner: old.owner, wish, purpose: .session,
                    digest: Digest(of: fresh), groups: old.groups, at: self.now)
                old.expiresAt = self.now + 60_000_000
                let ending = old
                try await self.store.commit(
                    [
                        .create(Document(Token.kind, renewed.id, renewed.stored)),
                        .put(Document(Token.kind, ending.id, ending.stored)),
                    ],
                    recording: [Fact("identity.session.renewed", ending.owner.ref, by: ending.owner.description)])
                self.set { directory in
                    directory.tokens[ending.digest] = ending
                    directory.tokens[renewed.digest] = renewed
                }
                return fresh
            }
        } catch {
            // The session goes on with the secret that it has.
            return nil
        }
    }
}

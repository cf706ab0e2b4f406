// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
package import GyreBase
package import GyreLedger
internal import Synchronization

/// Who there is, what they may do, and what proves who they are.
package final class Identity: Sendable {
    let store: any LedgerStore
    let surroundings: Surroundings
    let turns = Turns()
    let limit = SignInLimit()
    let passwords = Turns()
    let state = Mutex(State())

    struct State: Sendable {
        var directory = Directory()
        /// Callers that were looked up since something changed last.
        var known: [Asked: Caller] = [:]
        /// Passwords that were right since something changed last, by the digest of what was sent.
        var right: [Digest: (account: Principal, until: Int64)] = [:]
        /// Secrets of tasks and of this machine's own commands, which last as long as the process.
        var passing: [Digest: Caller] = [:]
        var uses: [String: TokenUse] = [:]
    }

    /// What a request shows, and which workspace it means.
    struct Asked: Sendable, Hashable {
        let digest: Digest
        let workspace: String?
    }

    /// The identities that `store` keeps.
    package init(store: any LedgerStore, surroundings: Surroundings) {
        self.store = store
        self.surroundings = surroundings
    }

    /// Reads all of them; called before anybody is let in.
    package func load() async throws(GyreError) {
        var read = Directory()
        for document in try await store.documents(Account.kind) {
            let account = try Account(stored: document.body)
            read.accounts[account.principal] = account
        }
        for document in try await store.documents(Group.kind) {
            let group = try Group(stored: document.body)
            read.groups[group.name] = group
        }
        for document in try await store.documents(Grant.kind) {
            let grant = try Grant(stored: document.body)
            read.grants[grant.key] = grant
        }
        for document in try await store.documents(Token.kind) {
            let token = try Token(stored: document.body)
            read.tokens[token.digest] = token
        }
        for document in try await store.documents(Workspace.kind) {
            let workspace = try Workspace(stored: document.body)
            read.workspaces[workspace.name] = workspace
        }
        if read.workspaces[Caller.defaultWorkspace] == nil {
            read.workspaces[Caller.defaultWorkspace] = Workspace(
                Caller.defaultWorkspace, description: "The workspace that is there from the beginning.",
                quota: Workspace.Quota(), at: 0)
        }
        let directory = read
        set { $0 = directory }
    }

    /// Whether nobody was ever made.
    package var isEmpty: Bool { directory.accounts.isEmpty }

    var directory: Directory { state.withLock { $0.directory } }

    var now: Int64 { surroundings.now() }

    /// Changes what is known, and forgets what was looked up by it.
    func set(_ change: (inout Directory) -> Void) {
        state.withLock { state in
            change(&state.directory)
            state.known = [:]
            state.right = [:]
        }
    }

    /// A secret that nobody can guess.
    func newSecret() -> String {
        let digits = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_")
        return Token.prefix + String(surroundings.secret().map { digits[Int($0 & 63)] })
    }

    // MARK: The first administrator

    /// Makes the first administrator where there is nobody yet.
    /// - Returns: the secret of the token, told this once; nil where somebody is there.
    package func makeFirstAdministrator() async throws(GyreError) -> String? {
        guard isEmpty else { return nil }
        let administrator = Principal(.user, "admin")
        try await makeAccount(administrator, password: nil, isAdministrator: true, by: "gyre")
        return try await makeToken(administrator, Token.Wish(name: "first start"), by: "gyre").secret
    }
}

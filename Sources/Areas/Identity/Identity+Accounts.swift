// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
package import GyreBase
package import GyreLedger

extension Identity {
    /// All accounts, by their names.
    package var accounts: [Account] { directory.accounts.values.sorted { $0.principal < $1.principal } }

    /// Whether a name is one that somebody proved to have, and no claim.
    package func asksSomebody(_ actor: String) -> Bool { actor.hasPrefix("user/") || actor.hasPrefix("service/") }

    /// The account of that name.
    /// - Throws: `.notFound`.
    package func account(_ principal: Principal) throws(GyreError) -> Account {
        if let known = directory.accounts[principal] { return known }
        throw GyreError(
            .notFound,
            "There is no \(principal.kind == .user ? "user" : "service account") \"\(principal.name.prefix(80))\".",
            fix: "gyre user list")
    }

    /// Makes a person or a program.
    /// - Throws: `.alreadyExists`; `.invalid` for a name or a password that cannot be one.
    @discardableResult
    package func makeAccount(
        _ principal: Principal, password: String?, isAdministrator: Bool = false, subject: String? = nil,
        by actor: String
    ) async throws(GyreError) -> Account {
        try Self.checkName(principal)
        guard principal.kind != .group else { throw GyreError(.invalid, "A group has no account.") }
        let hash = try await hash(password)
        return try await turns.take { () throws(GyreError) in
            let number = (self.directory.accounts.values.map(\.number).max() ?? 0) + 1
            let account = Account(
                principal, number: number, isAdministrator: isAdministrator, password: hash, subject: subject,
                at: self.now)
            try await self.store.commit(
                [.create(Document(Account.kind, principal.description, account.stored))],
                recording: [
                    Fact(
                        "identity.account.created", principal.ref, by: actor,
                        body: ["administrator": .bool(isAdministrator)])
                ])
            self.set { $0.accounts[principal] = account }
            return account
        }
    }

    /// Changes an account; `fact` says what of it.
    private func change(
        _ principal: Principal, _ fact: Fact,
        _ change: @escaping @Sendable (inout Account) -> Void
    ) async throws(GyreError) -> Account {
        try await turns.take { () throws(GyreError) in
            var account = try self.account(principal)
            change(&account)
            if !account.isAdministrator || account.isDisabled { try self.checkOthersAdminister(than: principal) }
            let changed = account
            try await self.store.commit(
                [.put(Document(Account.kind, principal.description, changed.stored))],
                recording: [fact])
            self.set { $0.accounts[principal] = changed }
            return changed
        }
    }

    /// Gives an account another password; all that it is signed in with ends.
    package func setPassword(of principal: Principal, to password: String, by actor: String) async throws(GyreError) {
        let hash = try await hash(password)
        _ = try await change(
            principal, Fact("identity.account.password-changed", principal.ref, by: actor)
        ) { $0.password = hash }
        for token in directory.tokens.values where token.owner == principal && token.purpose == .session {
            try await revoke(token.id, by: actor)
        }
    }

    /// Says whether an account keeps users, tokens and workspaces.
    package func setAdministrator(
        _ principal: Principal, _ isAdministrator: Bool, by actor: String
    ) async throws(GyreError) -> Account {
        try await change(
            principal,
            isAdministrator
                ? Fact("identity.account.made-administrator", principal.ref, by: actor)
                : Fact("identity.account.administrator-ended", principal.ref, by: actor)
        ) { $0.isAdministrator = isAdministrator }
    }

    /// Says whether nothing that an account shows is taken.
    package func setDisabled(
        _ principal: Principal, _ isDisabled: Bool, by actor: String
    ) async throws(GyreError) -> Account {
        try await change(
            principal,
            isDisabled
                ? Fact("identity.account.disabled", principal.ref, by: actor)
                : Fact("identity.account.enabled", principal.ref, by: actor)
        ) { $0.isDisabled = isDisabled }
    }

    /// Erases what facts say of somebody beside the name, by erasing the key that it was sealed with.
    ///
    /// Whoever is not there any more is erased as well.
    package func erasePersonalData(
        of principal: Principal, by keys: any PersonalKeys, actor: String
    ) async throws(GyreError) {
        try keys.erase(principal.description)
        try await store.commit(
            [], recording: [Fact("identity.personal-data.erased", principal.ref, by: actor)])
    }

    /// Removes an account with its tokens, its roles and its places in groups.
    package func deleteAccount(_ principal: Principal, by actor: String) async throws(GyreError) {
        try await turns.take { () throws(GyreError) in
            _ = try self.account(principal)
            try self.checkOthersAdminister(than: principal)
            let directory = self.directory
            let tokens = directory.tokens.values.filter { $0.owner == principal }
            let grants = directory.grants.values.filter { $0.principal == principal }
            let groups = directory.groups.values.filter { $0.members.contains(principal) }.map { group in
                var group = group
                group.members.remove(principal)
                return group
            }
            var changes: [Change] = [.remove(kind: Account.kind, key: principal.description)]
            changes += tokens.map { .remove(kind: Token.kind, key: $0.id) }
            changes += grants.map { .remove(kind: Grant.kind, key: $0.key) }
            changes += groups.map { .put(Document(Group.kind, $0.name, $0.json)) }
            try await self.store.commit(
                changes, recording: [Fact("identity.account.deleted", principal.ref, by: actor)])
            self.set { directory in
                directory.accounts[principal] = nil
                for token in tokens { directory.tokens[token.digest] = nil }
                for grant in grants { directory.grants[grant.key] = nil }
                for group in groups { directory.groups[group.name] = group }
            }
        }
    }

    /// A server without an administrator could never have one again.
    private func checkOthersAdminister(than principal: Principal) throws(GyreError) {
        let accounts = directory.accounts
        guard accounts[principal]?.isAdministrator == true else { return }
        let others = accounts.values.contains { $0.principal != principal && $0.isAdministrator && !$0.isDisabled }
        guard others else {
            throw GyreError(
                .conflict, "\(principal) is the only administrator.", why: "Somebody has to keep the users.",
                fix: "gyre user set NAME --administrator")
        }
    }

    static func checkName(_ principal: Principal) throws(GyreError) {
        let noun = principal.kind == .user ? "user" : principal.kind == .service ? "service account" : "group"
        // People are often called by their e-mail address.
        let name = principal.name.replacing("@", with: "-").replacing("+", with: "-")
        _ = try Name(name, of: noun)
        guard !principal.name.contains(" "), principal.name.utf8.count <= 100, !principal.name.hasPrefix("@") else {
            throw GyreError(
                .invalid, "\"\(principal.name.prefix(80))\" cannot be the name of a \(noun).",
                why: "It has a space, or more than 100 bytes.")
        }
    }

    /// A hash of a password; at the limit of how many are made at a time.
    func hash(_ password: String?) async throws(GyreError) -> PasswordHash? {
        guard let password else { return nil }
        let salt = surroundings.secret()
        return try await passwords.take { () throws(GyreError) in
            try await Background.run { () throws(GyreError) in try PasswordHash(of: password, salt: salt) }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreAccess
package import GyreBase
internal import GyreLedger

extension Identity {
    // MARK: Groups

    /// All groups, by their names.
    package var groups: [Group] { directory.groups.values.sorted { $0.name < $1.name } }

    /// The group of that name.
    /// - Throws: `.notFound`.
    package func group(_ name: String) throws(GyreError) -> Group {
        if let known = directory.groups[name] { return known }
        throw GyreError(.notFound, "There is no group \"\(name.prefix(80))\".", fix: "gyre group list")
    }

    /// Makes an empty group.
    /// - Throws: `.alreadyExists`.
    package func makeGroup(_ name: String, by actor: String) async throws(GyreError) -> Group {
        try Self.checkName(Principal(.group, name))
        return try await turns.take { () throws(GyreError) in
            let number = (self.directory.groups.values.map(\.number).max() ?? 0) + 1
            let group = Group(name, number: number)
            try await self.store.commit(
                [.create(Document(Group.kind, name, group.json))],
                recording: [Fact("identity.group.created", Ref("group", name), by: actor)])
            self.set { $0.groups[name] = group }
            return group
        }
    }

    /// Takes somebody into a group, or out of it.
    package func setMember(
        _ member: Principal, of name: String, _ isMember: Bool, by actor: String
    ) async throws(GyreError) -> Group {
        try await turns.take { () throws(GyreError) in
            var group = try self.group(name)
            _ = try self.account(member)
            guard group.members.contains(member) != isMember else { return group }
            if isMember { group.members.insert(member) } else { group.members.remove(member) }
            let changed = group
            try await self.store.commit(
                [.put(Document(Group.kind, name, changed.json))],
                recording: [
                    Fact(
                        isMember ? "identity.group.joined" : "identity.group.left", Ref("group", name), by: actor,
                        body: ["member": .string(member.description)])
                ])
            self.set { $0.groups[name] = changed }
            return changed
        }
    }

    /// Removes a group with the roles that it has.
    package func deleteGroup(_ name: String, by actor: String) async throws(GyreError) {
        try await turns.take { () throws(GyreError) in
            _ = try self.group(name)
            let grants = self.directory.grants.values.filter { $0.principal == Principal(.group, name) }
            try await self.store.commit(
                [.remove(kind: Group.kind, key: name)] + grants.map { .remove(kind: Grant.kind, key: $0.key) },
                recording: [Fact("identity.group.deleted", Ref("group", name), by: actor)])
            self.set { directory in
                directory.groups[name] = nil
                for grant in grants { directory.grants[grant.key] = nil }
            }
        }
    }

    // MARK: Roles

    /// All roles that were given, by workspace and principal.
    package var grants: [Grant] { directory.grants.values.sorted { $0.key < $1.key } }

    /// Gives somebody a role; one that is there already stays.
    package func give(_ grant: Grant, by actor: String) async throws(GyreError) {
        try await turns.take { () throws(GyreError) in
            switch grant.principal.kind {
            case .group: _ = try self.group(grant.principal.name)
            case .user, .service: _ = try self.account(grant.principal)
            }
            _ = try self.workspace(grant.workspace)
            guard self.directory.grants[grant.key] == nil else { return }
            try await self.store.commit(
                [.create(Document(Grant.kind, grant.key, grant.json))],
                recording: [Fact("identity.role.given", grant.principal.ref, by: actor, body: grant.json)])
            self.set { $0.grants[grant.key] = grant }
        }
    }

    /// Takes a role away.
    /// - Throws: `.notFound` where the principal does not have it.
    package func take(_ grant: Grant, by actor: String) async throws(GyreError) {
        try await turns.take { () throws(GyreError) in
            guard self.directory.grants[grant.key] != nil else {
                let place = grant.thing?.description ?? "the workspace \"\(grant.workspace)\""
                throw GyreError(
                    .notFound, "\(grant.principal) is no \(grant.role.rawValue) on \(place).", fix: "gyre role list")
            }
            try await self.store.commit(
                [.remove(kind: Grant.kind, key: grant.key)],
                recording: [Fact("identity.role.taken", grant.principal.ref, by: actor, body: grant.json)])
            self.set { $0.grants[grant.key] = nil }
        }
    }

    /// What somebody may do in a workspace.
    package func access(of principal: Principal, in workspace: String) -> Access {
        directory.access(of: principal, in: workspace)
    }

    // MARK: Workspaces

    /// All workspaces, by their names.
    package var workspaces: [Workspace] { directory.workspaces.values.sorted { $0.name < $1.name } }

    /// The workspace of that name.
    /// - Throws: `.notFound`.
    package func workspace(_ name: String) throws(GyreError) -> Workspace {
        if let known = directory.workspaces[name] { return known }
        throw GyreError(.notFound, "There is no workspace \"\(name.prefix(80))\".", fix: "gyre workspace list")
    }

    /// Makes a workspace, or changes what is said of one.
    /// - Throws: `.alreadyExists` for a name that is taken where `isNew`; `.invalid` for what cannot be one.
    package func setWorkspace(
        _ name: String, description: String?, quota: Workspace.Quota?, isNew: Bool, by actor: String
    ) async throws(GyreError) -> Workspace {
        try Self.checkWorkspaceName(name)
        try quota?.check()
        return try await turns.take { () throws(GyreError) in
            if isNew, self.directory.workspaces[name] != nil {
                throw GyreError(.alreadyExists, "The workspace \"\(name)\" exists already.")
            }
            var workspace =
                isNew
                ? Workspace(name, description: "", quota: Workspace.Quota(), at: self.now) : try self.workspace(name)
            if let description { workspace.description = description }
            if let quota { workspace.quota = quota }
            let made = workspace
            try await self.store.commit(
                [.put(Document(Workspace.kind, name, made.stored))],
                recording: [
                    Fact(
                        isNew ? "identity.workspace.created" : "identity.workspace.changed", Ref("workspace", name),
                        by: actor, body: ["quota": made.quota.json])
                ])
            self.set { $0.workspaces[name] = made }
            return made
        }
    }

    /// Removes a workspace with the roles and tokens in it; its files are for the caller to put away.
    package func deleteWorkspace(_ name: String, by actor: String) async throws(GyreError) {
        guard name != Caller.defaultWorkspace else {
            throw GyreError(.conflict, "The workspace \"\(name)\" stays.", why: "It also holds the users.")
        }
        try await turns.take { () throws(GyreError) in
            _ = try self.workspace(name)
            let grants = self.directory.grants.values.filter { $0.workspace == name }
            let tokens = self.directory.tokens.values.filter { $0.workspace == name }
            var changes: [Change] = [.remove(kind: Workspace.kind, key: name)]
            changes += grants.map { .remove(kind: Grant.kind, key: $0.key) }
            changes += tokens.map { .remove(kind: Token.kind, key: $0.id) }
            try await self.store.commit(
                changes, recording: [Fact("identity.workspace.deleted", Ref("workspace", name), by: actor)])
            self.set { directory in
                directory.workspaces[name] = nil
                for grant in grants { directory.grants[grant.key] = nil }
                for token in tokens { directory.tokens[token.digest] = nil }
            }
        }
    }

    /// The name is part of addresses and of paths.
    private static func checkWorkspaceName(_ name: String) throws(GyreError) {
        let isPlain = name.utf8.allSatisfy { byte in
            (97...122).contains(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "-")
        }
        guard isPlain, (2...63).contains(name.utf8.count), !name.hasPrefix("-"), !name.hasSuffix("-") else {
            throw GyreError(
                .invalid, "\"\(name.prefix(80))\" cannot be the name of a workspace.",
                why: "It has 2 to 63 small letters, digits and dashes, none of them first or last.")
        }
    }
}

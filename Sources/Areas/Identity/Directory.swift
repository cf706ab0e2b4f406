// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase

/// All accounts, groups, grants, tokens and workspaces, in memory: who calls is answered without a disk.
struct Directory: Sendable {
    var accounts: [Principal: Account] = [:]
    var groups: [String: Group] = [:]
    var grants: [String: Grant] = [:]
    var tokens: [Digest: Token] = [:]
    var workspaces: [String: Workspace] = [:]

    /// What `principal` may do in a workspace, as a member of `claimed` groups too.
    func access(of principal: Principal, claimed: [String] = [], in workspace: String) -> Access {
        guard let account = accounts[principal], !account.isDisabled else { return .nothing }
        if account.isAdministrator { return .everything }
        var all: Set<Principal> = [principal]
        for group in groups.values where group.members.contains(principal) || claimed.contains(group.name) {
            all.insert(Principal(.group, group.name))
        }
        var whole: Permissions = []
        var things: [Thing: Permissions] = [:]
        for grant in grants.values where grant.workspace == workspace && all.contains(grant.principal) {
            if let thing = grant.thing {
                things[thing, default: []].formUnion(grant.role.permissions)
            } else {
                whole.formUnion(grant.role.permissions)
            }
        }
        return Access(workspace: whole, things: things)
    }

    /// The workspaces that `principal` may do something in.
    func workspaces(of principal: Principal, claimed: [String] = []) -> [String] {
        workspaces.keys.filter { !access(of: principal, claimed: claimed, in: $0).isEmpty }.sorted()
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreIdentity

/// Who there is, and who may do what.
extension NativeDialect {
    var identityCalls: [NativeCall] {
        [
            NativeCall("GET", "/whoami", .nothing, "Who calls, and what they may do.", showCaller),
            NativeCall(
                "GET", "/routes", .nothing, "All addresses, and what a caller of each must be allowed.", listRoutes),
            NativeCall("GET", "/accounts", .manage, "People and programs that may sign in.", listAccounts),
            NativeCall(
                "POST", "/accounts", .manage, "Makes an account: {name, kind, password, administrator}.",
                takes: API.AccountRequest.self, makeAccount),
            NativeCall(
                "POST", "/accounts/{kind}/{name}", .manage,
                "Changes an account: {administrator, disabled, password}.", takes: API.AccountChange.self,
                changeAccount),
            NativeCall(
                "DELETE", "/accounts/{kind}/{name}", .manage, "Removes an account with its tokens and roles.",
                deleteAccount),
            NativeCall(
                "POST", "/accounts/{kind}/{name}/erase", .manage,
                "Erases what facts say of somebody beside the name: addresses and clients. The chain stays whole.",
                takes: API.NoBody.self, erase),
            NativeCall(
                "POST", "/password", .signedIn, "Gives the caller another password: {password}.",
                takes: API.AccountChange.self, changeOwnPassword),
            NativeCall("GET", "/groups", .administer, "Groups with their members.", listGroups),
            NativeCall(
                "POST", "/groups", .manage, "Makes a group: {name}.", takes: API.NameRequest.self, makeGroup),
            NativeCall(
                "POST", "/groups/{name}/members", .manage, "Somebody joins or leaves: {member, leaves}.",
                takes: API.MemberRequest.self, setMember),
            NativeCall("DELETE", "/groups/{name}", .manage, "Removes a group with its roles.", deleteGroup),
            NativeCall(
                "GET", "/roles", .administer,
                "Roles that were given in the workspace; in all, for whoever keeps the users.",
                query: ["all"], listGrants),
            NativeCall(
                "POST", "/roles", .administer, "Gives a role: {principal, role, workspace, thing}.",
                takes: API.Grant.self, giveRole),
            NativeCall(
                "DELETE", "/roles", .administer, "Takes a role away: {principal, role, workspace, thing}.",
                takes: API.Grant.self, takeRole),
            NativeCall(
                "GET", "/tokens", .signedIn, "The caller's tokens; those of all, for whoever keeps the users.",
                query: ["all"], listTokens),
            NativeCall(
                "POST", "/tokens", .signedIn,
                "Makes a token: {name, owner, scope, workspace, lifetime_seconds, requests_per_second}; its secret is told this once.",
                takes: API.TokenRequest.self, makeToken),
            NativeCall("DELETE", "/tokens/{id}", .signedIn, "Ends a token at once.", revokeToken),
            NativeCall(
                "GET", "/workspaces", .signedIn, "The workspaces that the caller may do something in.", listWorkspaces),
            NativeCall(
                "POST", "/workspaces", .manage, "Makes a workspace: {name, description, quota}.",
                takes: API.WorkspaceRequest.self, makeWorkspace),
            NativeCall(
                "POST", "/workspaces/{name}", .manage, "Changes a workspace: {description, quota}.",
                takes: API.WorkspaceChange.self, changeWorkspace),
            NativeCall(
                "DELETE", "/workspaces/{name}", .manage,
                "Removes a workspace with the roles in it; its folder is put aside.", deleteWorkspace),
            NativeCall(
                "GET", "/refusals", .manage, "Calls that were not let in, newest first.", query: ["limit"], listRefusals
            ),
        ]
    }

    private var identity: Identity { services.identity }

    private func showCaller(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let caller = request.caller
        var things: JSONValue = [:]
        for (thing, permissions) in caller.access.things { things[thing.description] = .strings(permissions.names) }
        return [
            "name": .optional(caller.name), "workspace": .string(caller.workspace),
            "permissions": .strings(caller.access.workspace.names), "things": things,
            "workspaces": .strings(visibleWorkspaces(caller).map(\.name)),
            "authentication": .bool(services.asksWhoCalls),
        ]
    }

    private func listRoutes(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        [
            "routes": .array(
                services.routes().map { route in
                    [
                        "method": .string(route.method), "path": .string(route.pattern),
                        "permissions": .strings(route.need.permissions.names), "needs": .string(route.need.text),
                    ]
                })
        ]
    }

    // MARK: Accounts

    private func listAccounts(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        ["accounts": .array(identity.accounts.map(\.json))]
    }

    private func makeAccount(_ request: NativeRequest<API.AccountRequest>) async throws(GyreError) -> JSONValue {
        let body = request.body
        let principal = Principal(try Self.kind(body.kind ?? "user"), body.name)
        return try await identity.makeAccount(
            principal, password: body.password, isAdministrator: body.administrator ?? false, by: request.actor
        ).json
    }

    private static func kind(_ word: String) throws(GyreError) -> Principal.Kind {
        guard let kind = Principal.Kind(rawValue: word), kind != .group else {
            throw GyreError(.invalid, "\"\(word.prefix(40))\" is no kind of account.", fix: "user, service")
        }
        return kind
    }

    private func principal(_ request: HTTPRequest) throws(GyreError) -> Principal {
        Principal(try Self.kind(request.parameter("kind")), request.parameter("name"))
    }

    private func changeAccount(_ request: NativeRequest<API.AccountChange>) async throws(GyreError) -> JSONValue {
        let principal = try principal(request.http)
        let body = request.body
        if let password = body.password {
            try await identity.setPassword(of: principal, to: password, by: request.actor)
        }
        if let isAdministrator = body.administrator {
            _ = try await identity.setAdministrator(principal, isAdministrator, by: request.actor)
        }
        if let isDisabled = body.disabled {
            _ = try await identity.setDisabled(principal, isDisabled, by: request.actor)
        }
        return try identity.account(principal).json
    }

    private func deleteAccount(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let principal = try principal(request)
        try await identity.deleteAccount(principal, by: request.actor)
        return ["removed": .string(principal.description)]
    }

    private func erase(_ request: NativeRequest<API.NoBody>) async throws(GyreError) -> JSONValue {
        let principal = try principal(request.http)
        try await identity.erasePersonalData(of: principal, by: services.personal, actor: request.actor)
        return ["removed": .string(principal.description)]
    }

    private func changeOwnPassword(_ request: NativeRequest<API.AccountChange>) async throws(GyreError) -> JSONValue {
        let principal = try Self.account(request.http.caller)
        guard request.http.caller.token == nil || request.http.caller.isByCookie else {
            throw GyreError(
                .denied, "A token does not change the password of its owner.", fix: "Sign in with the password.")
        }
        guard let password = request.body.password else {
            throw GyreError(.invalid, "The body has no password.", fix: "{\"password\": \"…\"}")
        }
        try await identity.setPassword(of: principal, to: password, by: request.actor)
        return try identity.account(principal).json
    }

    /// The account of whoever calls.
    private static func account(_ caller: Caller) throws(GyreError) -> Principal {
        guard let name = caller.name, let principal = try? Principal(parsing: name), principal.kind != .group else {
            throw GyreError(
                .invalid, "Whoever calls has no account.", why: "\(caller.name ?? "Nobody") is none.",
                fix: "Name one: --owner user/NAME")
        }
        return principal
    }

    // MARK: Groups and roles

    private func listGroups(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        ["groups": .array(identity.groups.map(\.json))]
    }

    private func makeGroup(_ request: NativeRequest<API.NameRequest>) async throws(GyreError) -> JSONValue {
        try await identity.makeGroup(request.body.name, by: request.actor).json
    }

    private func setMember(_ request: NativeRequest<API.MemberRequest>) async throws(GyreError) -> JSONValue {
        try await identity.setMember(
            try Principal(parsing: request.body.member), of: request.parameter("name"),
            !(request.body.leaves ?? false), by: request.actor
        ).json
    }

    private func deleteGroup(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        try await identity.deleteGroup(request.parameter("name"), by: request.actor)
        return ["removed": .string(request.parameter("name"))]
    }

    private func listGrants(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let all = request.query("all") == "true" && request.caller.access.workspace.contains(.manage)
        let grants = identity.grants.filter { all || $0.workspace == request.caller.workspace }
        return ["roles": .array(grants.map(\.json))]
    }

    /// Whoever administers a workspace gives roles in it, and in no other.
    private func grant(_ request: NativeRequest<API.Grant>) throws(GyreError) -> Grant {
        let (body, caller) = (request.body, request.http.caller)
        let workspace = body.workspace ?? caller.workspace
        guard workspace == caller.workspace || caller.access.workspace.contains(.manage) else {
            throw GyreError(.notFound, "There is no workspace \"\(workspace.prefix(80))\".")
        }
        guard let role = Role(rawValue: body.role) else {
            throw GyreError(
                .invalid, "\"\(body.role.prefix(40))\" is no role.",
                fix: Nearest.fix(
                    body.role, among: Role.allCases.map(\.rawValue),
                    otherwise: Role.allCases.map(\.rawValue).joined(separator: ", ")))
        }
        let thing = try body.thing.map { text throws(GyreError) -> Thing in
            guard let thing = Thing(text) else {
                let kinds = Thing.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw GyreError(
                    .invalid, "\"\(text.prefix(80))\" is nothing that roles are given on.",
                    why: "It is written kind/name, and the kinds are \(kinds).")
            }
            return thing
        }
        return Grant(try Principal(parsing: body.principal), role, workspace: workspace, thing: thing)
    }

    private func giveRole(_ request: NativeRequest<API.Grant>) async throws(GyreError) -> JSONValue {
        let grant = try grant(request)
        try await identity.give(grant, by: request.actor)
        return grant.json
    }

    private func takeRole(_ request: NativeRequest<API.Grant>) async throws(GyreError) -> JSONValue {
        let grant = try grant(request)
        try await identity.take(grant, by: request.actor)
        return grant.json
    }

    // MARK: Tokens

    private func listTokens(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let managesUsers = request.caller.access.workspace.contains(.manage)
        let owner = managesUsers && request.query("all") == "true" ? nil : try Self.account(request.caller)
        return ["tokens": .array(identity.tokens(of: owner).map { $0.token.json(lastUse: $0.lastUse) })]
    }

    private func makeToken(_ request: NativeRequest<API.TokenRequest>) async throws(GyreError) -> JSONValue {
        let (body, caller) = (request.body, request.http.caller)
        let owner = try body.owner == nil ? Self.account(caller) : Principal(parsing: body.owner ?? "")
        if caller.name != owner.description, !caller.access.workspace.contains(.manage) {
            throw GyreError(
                .denied, "\(caller.name ?? "The caller") may not make tokens of others.",
                fix: "Ask an administrator of the server.")
        }
        try identity.checkMayMakeTokens(caller)
        var wish = Token.Wish(name: body.name)
        if let words = body.scope {
            wish.scope = []
            for word in words {
                guard let permission = Permissions(name: word) else {
                    throw GyreError(
                        .invalid, "\"\(word.prefix(40))\" is no permission.",
                        fix: Nearest.fix(
                            word, among: Permissions.allNames, otherwise: Permissions.allNames.joined(separator: ", ")))
                }
                wish.scope.formUnion(permission)
            }
        }
        wish.workspace = body.workspace
        wish.lifetimeSeconds = body.lifetimeSeconds
        wish.requestsPerSecond = body.requestsPerSecond
        let (token, secret) = try await identity.makeToken(owner, wish, by: request.actor)
        var json = token.json(lastUse: nil)
        json["secret"] = .string(secret)
        return json
    }

    private func revokeToken(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let managesUsers = request.caller.access.workspace.contains(.manage)
        // `current` is the one that the call itself shows.
        let name = request.parameter("id") == "current" ? request.caller.token ?? "" : request.parameter("id")
        let isOwn = request.parameter("id") == "current" || !managesUsers
        let token = try identity.token(name, of: isOwn ? try Self.account(request.caller) : nil)
        try await identity.revoke(token.id, by: request.actor)
        return ["removed": .string(token.id)]
    }

    // MARK: Workspaces

    private func visibleWorkspaces(_ caller: Caller) -> [Workspace] {
        if caller.access.workspace.contains(.manage) { return identity.workspaces }
        guard let name = caller.name, let principal = try? Principal(parsing: name) else { return [] }
        return identity.workspaces.filter { !identity.access(of: principal, in: $0.name).isEmpty }
    }

    private func listWorkspaces(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        ["workspaces": .array(visibleWorkspaces(request.caller).map(\.json))]
    }

    private func makeWorkspace(_ request: NativeRequest<API.WorkspaceRequest>) async throws(GyreError) -> JSONValue {
        let made = try await identity.setWorkspace(
            request.body.name, description: request.body.description,
            quota: request.json["quota"].map { Workspace.Quota(json: $0) }, isNew: true, by: request.actor)
        try await services.openWorkspace(made.name)
        return made.json
    }

    private func changeWorkspace(_ request: NativeRequest<API.WorkspaceChange>) async throws(GyreError) -> JSONValue {
        try await identity.setWorkspace(
            request.parameter("name"), description: request.body.description,
            quota: request.json["quota"].map { Workspace.Quota(json: $0) }, isNew: false, by: request.actor
        ).json
    }

    private func deleteWorkspace(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let name = request.parameter("name")
        try await identity.deleteWorkspace(name, by: request.actor)
        try await services.closeWorkspace(name)
        return ["removed": .string(name)]
    }

    private func listRefusals(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let limit = try request.number("limit", default: 100, in: 1...1000)
        let (refusals, counts) = services.refusals(limit)
        var json: JSONValue = [:]
        for (code, count) in counts { json[code] = .int(count) }
        return ["refusals": .array(refusals), "counts": json]
    }
}

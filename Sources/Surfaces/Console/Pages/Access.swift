// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
internal import GyreBase
internal import GyreHTTP

/// Who there is, and who may do what.
extension Console {
    var accessRoutes: [Route] {
        [
            Route("POST", "/access", .signedIn) { request throws(GyreError) in
                try await asked(by: request).changeAccess(request)
            }
        ]
    }

    func access(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let me = try await get(API.Identity.self, "/whoami")
        let may = Set(me.permissions)
        let tokens =
            me.name == nil || caller.name?.hasPrefix("local/") == true
            ? [] : try await get(API.TokenList.self, "/tokens").tokens
        let grants = may.contains("administer") ? try await get(API.GrantList.self, "/roles").roles : []
        let accounts = may.contains("manage") ? try await get(API.AccountList.self, "/accounts").accounts : []
        let groups = may.contains("administer") ? try await get(API.GroupList.self, "/groups").groups : []
        let refused = may.contains("manage") ? try await get(API.RefusalList.self, "/refusals?limit=20").refusals : []
        return Page("Access", in: .access) {
            if !me.authentication {
                Note("This server asks nobody who calls. To ask, make a user and start with:", tone: .plain)
                CodeBlock(text: "gyre up --auth", label: "Command")
            }
            you(me)
            if may.contains("read") { Sentence(.link("Approvals: what waits until others agree", to: "/approvals")) }
            if me.name != nil { tokenSection(tokens) }
            if may.contains("administer") { roleSection(grants, may) }
            if may.contains("manage") {
                accountSection(accounts)
                groupSection(groups)
                refusalSection(refused)
            }
        }
    }

    private func you(_ me: API.Identity) -> Section {
        let things = me.things.sorted { $0.key < $1.key }.map { ($0.key, Words.text($0.value.joined(separator: ", "))) }
        return Section("You") {
            Facts(
                [
                    ("Name", .text(me.name ?? "anybody")), ("Workspace", .text(me.workspace)),
                    ("May", .text(me.permissions.isEmpty ? "nothing" : me.permissions.joined(separator: ", "))),
                ] + things)
            if me.workspaces.count > 1 {
                Form(
                    .command(address: "/workspace"),
                    fields: [
                        .choice(
                            "Look at", name: "workspace", options: me.workspaces.map { ($0, $0) }, chosen: me.workspace)
                    ], buttons: [Form.Button("Change the workspace")])
            }
            if me.name != nil, caller.isByCookie {
                Form(.command(address: "/logout"), fields: [], buttons: [Form.Button("Sign out")])
            }
        }
    }

    private func tokenSection(_ tokens: [API.Token]) -> Section {
        Section("Your tokens") {
            Table(
                "Tokens", ["Name", "Token", "May", "Workspace", "Ends", "Last use"],
                tokens.map { token in
                    [
                        .text(token.name), .code(token.id),
                        .text(token.scope.count == 7 ? "all that you may" : token.scope.joined(separator: ", ")),
                        .text(token.workspace ?? "all of yours"), .text(token.expiresAt ?? "never"),
                        .text(token.lastUsedAt ?? "not since the start"),
                    ]
                },
                empty: EmptyState("You have no token. Programs use one to be known:", command: "gyre token create NAME")
            )
            Form(
                .command(address: "/access"),
                fields: [
                    .text("Name", name: "name", isRequired: true),
                    .number("Ends after days", name: "days", value: "90", least: "1"),
                ],
                buttons: [Form.Button("Make a token", name: "verb", value: "token")])
            if !tokens.isEmpty {
                Form(
                    .command(address: "/access"),
                    fields: [
                        .choice("Token", name: "token", options: tokens.map { ($0.id, $0.name) }, chosen: "")
                    ],
                    buttons: [
                        Form.Button(
                            "End the token", name: "verb", value: "revoke",
                            warning: "Whatever uses it is let in no longer, at once.")
                    ])
            }
        }
    }

    private func roleSection(_ grants: [API.Grant], _ may: Set<String>) -> Section {
        let roles = Role.allCases.map { (value: $0.rawValue, title: $0.rawValue) }
        return Section("Roles in this workspace") {
            Table(
                "Roles", ["Who", "Role", "On"],
                grants.map { [.text($0.principal), .text($0.role), .text($0.thing ?? "everything")] },
                empty: EmptyState("Nobody was given a role here:", command: "gyre role give NAME writer"))
            Form(
                .command(address: "/access"),
                fields: [
                    .text("Who", name: "principal", example: "user/ann, service/ci, group/science", isRequired: true),
                    .choice("Role", name: "role", options: roles, chosen: "reader"),
                    .text("On one thing alone", name: "thing", example: "model/delay"),
                ],
                buttons: [
                    Form.Button("Give the role", name: "verb", value: "give"),
                    Form.Button(
                        "Take the role away", name: "verb", value: "take",
                        warning: "What was open by this role alone is closed at once."),
                ])
        }
    }

    private func accountSection(_ accounts: [API.Account]) -> Section {
        Section("Users and service accounts") {
            Table(
                "Accounts", ["Name", "Kind", "Administrator", "Password", "State", "Made"],
                accounts.map {
                    [
                        .text($0.name), .text($0.kind), .text($0.administrator ? "yes" : "no"),
                        .text($0.hasPassword ? "yes" : "no"), .state($0.disabled ? "disabled" : "active"),
                        .text($0.createdAt),
                    ]
                }, empty: EmptyState("Nobody was made yet:", command: "gyre user create NAME --password"))
            Form(
                .command(address: "/access"),
                fields: [
                    .text("Name", name: "name", isRequired: true),
                    .choice(
                        "Kind", name: "kind", options: [("user", "person"), ("service", "program")], chosen: "user"),
                    .password("Password", name: "password"),
                ], buttons: [Form.Button("Make the account", name: "verb", value: "account")])
        }
    }

    private func groupSection(_ groups: [API.Group]) -> Section {
        Section("Groups") {
            Table(
                "Groups", ["Group", "Members"],
                groups.map { [.text($0.name), .text($0.members.joined(separator: ", "))] },
                empty: EmptyState("There are no groups:", command: "gyre group create science"))
        }
    }

    private func refusalSection(_ refused: [API.Refusal]) -> Section {
        Section("Calls that were not let in") {
            Table(
                "Refusals", ["When", "Code", "Who", "From", "Call"],
                refused.map {
                    [
                        .text($0.at), .text($0.code), .text($0.caller ?? "unknown"), .text($0.address ?? "unknown"),
                        .code("\($0.method) \($0.path)"),
                    ]
                }, empty: EmptyState("Every call was let in since the server started."))
        }
    }

    // MARK: A person's word

    private func changeAccess(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let form = Percent.form(try await request.body.collect(limit: 65_536))
        func text(_ name: String) -> String { form[name] ?? "" }
        switch form["verb"] {
        case "token":
            var body: JSONValue = ["name": .string(text("name"))]
            if let days = Int64(text("days")), days > 0 { body["lifetime_seconds"] = .int(days * 86_400) }
            return shownOnce(try API.Token(answer: try await act("/tokens", body)))
        case "revoke": _ = try await remove(Percent.path("tokens", text("token")), [:])
        case "give", "take":
            var grant: JSONValue = ["principal": .string(text("principal")), "role": .string(text("role"))]
            if !text("thing").isEmpty { grant["thing"] = .string(text("thing")) }
            if form["verb"] == "give" {
                _ = try await act("/roles", grant)
            } else {
                _ = try await remove("/roles", grant)
            }
        case "account":
            var body: JSONValue = ["name": .string(text("name")), "kind": .string(text("kind"))]
            if !text("password").isEmpty { body["password"] = .string(text("password")) }
            _ = try await act("/accounts", body)
        default: throw GyreError(.invalid, "The form does not say what is to be done.")
        }
        return HTTPResponse(status: 303, headers: [("location", "/access")])
    }

    /// A secret on a page that no address leads to again.
    private func shownOnce(_ token: API.Token) -> HTTPResponse {
        var response = Self.response(
            Page("The token \(token.name)", in: .access, below: [("Access", "/access")]) {
                Note("Copy it now: it is not shown again.", tone: .busy)
                CodeBlock(text: token.secret ?? "", label: "Token")
            })
        response.headers.append(("cache-control", "no-store"))
        return response
    }
}

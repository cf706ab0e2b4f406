// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreIdentity

/// MLflow's own calls about users and what they may do, for its client of them.
extension MLflowDialect {
    var userRoutes: [CallRoute] {
        [
            .post("/users/create", .manage, createUser),
            .get("/users/get", .signedIn, getUser),
            .get("/users/current", .signedIn, currentUser),
            .get("/users/list", .manage, listUsers),
            .patch("/users/update-password", .signedIn, updatePassword),
            .patch("/users/update-admin", .manage, updateAdministrator),
            .delete("/users/delete", .manage, deleteUser),
        ] + permissionRoutes("/experiments/permissions", .experiment, "experiment_id", "experiment_permission")
            + permissionRoutes("/registered-models/permissions", .model, "name", "registered_model_permission")
    }

    /// Calls that clients have from version 3 on.
    var grantRoutes: [CallRoute] {
        [
            .post("/users/permissions/grant", .administer) { arguments throws(GyreError) in
                try await give(try grant(arguments), arguments)
                return [:]
            },
            .post("/users/permissions/revoke", .administer) { arguments throws(GyreError) in
                try await takeAll(of: try user(arguments), on: try thing(arguments), arguments)
                return [:]
            },
            .get("/users/permissions/get", .administer) { arguments throws(GyreError) in
                let (user, thing) = (try user(arguments), try thing(arguments))
                _ = try identity.account(user)
                let permissions = identity.access(of: user, in: arguments.workspace).permissions(on: thing)
                return [
                    "permission": .string(Self.word(permissions)), "allowed": .bool(permissions.contains(.write)),
                ]
            },
            .get("/users/permissions/list", .administer) { arguments throws(GyreError) in
                try list(of: try user(arguments), arguments)
            },
            .get("/users/current/permissions", .signedIn) { arguments throws(GyreError) in
                try list(of: try Principal(parsing: arguments.actor), arguments)
            },
        ]
    }

    private func user(_ arguments: Arguments) throws(GyreError) -> Principal {
        Principal(.user, try arguments.text("username"))
    }

    private static func message(_ account: Account) -> JSONValue {
        [
            "id": .int(account.number), "username": .string(account.principal.name),
            "is_admin": .bool(account.isAdministrator), "experiment_permissions": [],
            "registered_model_permissions": [],
        ]
    }

    private func createUser(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let made = try await identity.makeAccount(
            try user(arguments), password: try arguments.text("password"), by: arguments.actor)
        return ["user": Self.message(made)]
    }

    private func getUser(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let user = try user(arguments)
        guard arguments.caller.access.workspace.contains(.manage) || arguments.caller.name == user.description else {
            throw GyreError(.denied, "Only administrators look at other users.")
        }
        return ["user": Self.message(try identity.account(user))]
    }

    private func currentUser(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        guard let name = arguments.caller.name else { return ["user": ["id": 0, "username": "", "is_admin": true]] }
        guard let principal = try? Principal(parsing: name), let account = try? identity.account(principal) else {
            return [
                "user": [
                    "id": 0, "username": .string(name),
                    "is_admin": .bool(arguments.caller.access.workspace.contains(.manage)),
                ]
            ]
        }
        return ["user": Self.message(account)]
    }

    private func listUsers(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        ["users": .array(identity.accounts.filter { $0.principal.kind == .user }.map(Self.message))]
    }

    private func updatePassword(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let user = try user(arguments)
        let caller = arguments.caller
        let isOwn = caller.name == user.description && caller.token == nil
        guard caller.access.workspace.contains(.manage) || isOwn else {
            throw GyreError(.denied, "Only administrators set the passwords of others.")
        }
        try await identity.setPassword(of: user, to: try arguments.text("password"), by: arguments.actor)
        return [:]
    }

    private func updateAdministrator(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        guard let wanted = try arguments.flag("is_admin") else { throw .missingParameter("is_admin") }
        _ = try await identity.setAdministrator(try user(arguments), wanted, by: arguments.actor)
        return [:]
    }

    private func deleteUser(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await identity.deleteAccount(try user(arguments), by: arguments.actor)
        return [:]
    }

    // MARK: Permissions on single things

    /// MLflow's words for what may be done, from the least on.
    private static let words: [(word: String, role: Role)] = [
        ("READ", .reader), ("USE", .reader), ("EDIT", .writer), ("MANAGE", .administrator),
    ]

    private static func word(_ permissions: Permissions) -> String {
        if permissions.contains(.administer) { return "MANAGE" }
        if permissions.contains(.write) { return "EDIT" }
        return permissions.contains(.read) ? "READ" : "NO_PERMISSIONS"
    }

    private static func role(_ word: String) throws(GyreError) -> Role? {
        if word == "NO_PERMISSIONS" { return nil }
        guard let found = words.first(where: { $0.word == word }) else {
            throw GyreError(
                .invalid,
                "Invalid permission '\(word.prefix(40))'. Valid permissions are: READ, USE, EDIT, MANAGE, NO_PERMISSIONS"
            )
        }
        return found.role
    }

    private func thing(_ arguments: Arguments) throws(GyreError) -> Thing {
        let kinds: [String: Thing.Kind] = ["experiment": .experiment, "registered_model": .model, "prompt": .model]
        let type = try arguments.text("resource_type")
        guard let kind = kinds[type] else {
            throw GyreError(
                .unsupported, "Permissions on resources of the type '\(type.prefix(40))' are not given one by one.",
                why: "There are experiment, registered_model and prompt.")
        }
        return Thing(kind, try arguments.text("resource_id"))
    }

    private func grant(_ arguments: Arguments) throws(GyreError) -> (user: Principal, thing: Thing, role: Role?) {
        (try user(arguments), try thing(arguments), try Self.role(try arguments.text("permission")))
    }

    /// Puts a role in place of the ones that somebody had on a thing.
    private func give(
        _ wanted: (user: Principal, thing: Thing, role: Role?), _ arguments: Arguments
    ) async throws(GyreError) {
        _ = try identity.account(wanted.user)
        try await takeAll(of: wanted.user, on: wanted.thing, arguments)
        guard let role = wanted.role else { return }
        try await identity.give(
            Grant(wanted.user, role, workspace: arguments.workspace, thing: wanted.thing), by: arguments.actor)
    }

    private func own(_ user: Principal, _ thing: Thing, _ arguments: Arguments) -> [Grant] {
        identity.grants.filter { $0.principal == user && $0.thing == thing && $0.workspace == arguments.workspace }
    }

    private func takeAll(of user: Principal, on thing: Thing, _ arguments: Arguments) async throws(GyreError) {
        for grant in own(user, thing, arguments) { try await identity.take(grant, by: arguments.actor) }
    }

    private func list(of user: Principal, _ arguments: Arguments) throws(GyreError) -> JSONValue {
        let grants = identity.grants.filter { $0.principal == user && $0.workspace == arguments.workspace }
        return [
            "permissions": .array(
                grants.compactMap { grant in
                    guard let thing = grant.thing else { return nil }
                    return [
                        "resource_type": .string(thing.kind == .model ? "registered_model" : thing.kind.rawValue),
                        "resource_id": .string(thing.name), "permission": .string(Self.word(grant.role.permissions)),
                    ]
                })
        ]
    }

    /// Where a dialect's older calls name a thing, and what they call the permission on it.
    private struct Noun: Sendable {
        let kind: Thing.Kind
        let parameter: String
        let name: String
    }

    private func message(_ noun: Noun, _ user: Principal, _ thing: Thing, _ word: String) throws(GyreError) -> JSONValue
    {
        [
            noun.name: [
                noun.parameter: .string(thing.name), "user_id": .int(try identity.account(user).number),
                "permission": .string(word),
            ]
        ]
    }

    private func set(_ noun: Noun, _ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let (user, thing) = (try user(arguments), Thing(noun.kind, try arguments.text(noun.parameter)))
        let word = try arguments.text("permission")
        try await give((user, thing, try Self.role(word)), arguments)
        return try message(noun, user, thing, word)
    }

    /// The four calls about one kind of thing that clients of version 2 have.
    private func permissionRoutes(
        _ path: String, _ kind: Thing.Kind, _ parameter: String, _ name: String
    ) -> [CallRoute] {
        let noun = Noun(kind: kind, parameter: parameter, name: name)
        return [
            .post(path + "/create", .administer) { arguments throws(GyreError) in try await set(noun, arguments) },
            .patch(path + "/update", .administer) { arguments throws(GyreError) in
                _ = try await set(noun, arguments)
                return [:]
            },
            .get(path + "/get", .administer) { arguments throws(GyreError) in
                let (user, thing) = (try self.user(arguments), Thing(kind, try arguments.text(parameter)))
                guard let grant = own(user, thing, arguments).max(by: { $0.role < $1.role }) else {
                    throw GyreError(.notFound, "There is no permission of '\(user.name.prefix(80))' on \(thing).")
                }
                return try message(noun, user, thing, Self.word(grant.role.permissions))
            },
            .delete(path + "/delete", .administer) { arguments throws(GyreError) in
                try await takeAll(
                    of: try self.user(arguments), on: Thing(kind, try arguments.text(parameter)), arguments)
                return [:]
            },
        ]
    }
}

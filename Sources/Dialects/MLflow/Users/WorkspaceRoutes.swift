// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreIdentity

/// Workspaces as clients of MLflow look at them; they are made and removed by Gyre's own calls.
extension MLflowDialect {
    var workspaceRoutes: [CallRoute] {
        [
            .get("/workspaces", .signedIn) { arguments throws(GyreError) in
                try checkWorkspaces()
                let caller = arguments.caller
                let all = identity.workspaces.filter { workspace in
                    guard let name = caller.name, let principal = try? Principal(parsing: name) else { return true }
                    return !identity.access(of: principal, in: workspace.name).isEmpty
                }
                return ["workspaces": .array(all.map(Self.message))]
            },
            .get("/workspaces/{workspace_name}", .signedIn) { arguments throws(GyreError) in
                try checkWorkspaces()
                let name = try arguments.text("workspace_name")
                let caller = arguments.caller
                let isOwn = caller.workspace == name || caller.access.workspace.contains(.manage)
                let isMember =
                    caller.name.flatMap { name in try? Principal(parsing: name) }
                    .map { !identity.access(of: $0, in: name).isEmpty } ?? true
                guard isOwn || isMember else { throw GyreError(.notFound, "Workspace '\(name.prefix(80))' not found") }
                return ["workspace": Self.message(try identity.workspace(name))]
            },
        ]
    }

    /// Where nobody is asked who calls, clients are told that there are none, as MLflow's own server does.
    private func checkWorkspaces() throws(GyreError) {
        guard asksWhoCalls else {
            throw GyreError(
                .unavailable, "Workspaces are not enabled.", why: "This server asks nobody who calls.",
                fix: "gyre up --auth")
        }
    }

    private static func message(_ workspace: Workspace) -> JSONValue {
        ["name": .string(workspace.name), "description": .string(workspace.description)]
    }
}

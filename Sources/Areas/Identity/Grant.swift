// SPDX-License-Identifier: Apache-2.0

package import GyreAccess
package import GyreBase
internal import GyreLedger

/// A role that somebody has, on a workspace or on one thing in it.
package struct Grant: Sendable, Hashable {
    /// Who has it.
    package let principal: Principal
    /// What may be done.
    package let role: Role
    /// In which workspace.
    package let workspace: String
    /// On what; nil for the whole workspace.
    package let thing: Thing?

    static let kind = "grant"

    /// A grant of these parts.
    package init(_ principal: Principal, _ role: Role, workspace: String, thing: Thing? = nil) {
        self.principal = principal
        self.role = role
        self.workspace = workspace
        self.thing = thing
    }

    /// Its key among the documents; one principal has one role of a name on one thing.
    var key: String { "\(workspace)|\(principal)|\(role.rawValue)|\(thing?.description ?? "")" }

    init(stored json: JSONValue) throws(GyreError) {
        let stored = StoredReader("grant", json)
        principal = try Principal(parsing: try stored.text("principal"))
        role = try stored.word("role", Role.self)
        workspace = try stored.text("workspace")
        thing = json["thing"]?.string.flatMap { Thing($0) }
        guard thing != nil || json["thing"]?.isNull ?? true else {
            throw GyreError(.corrupt, "A stored grant cannot be read.", why: "Its \"thing\" is none.")
        }
    }

    /// As it is kept, and as the native API tells of it.
    package var json: JSONValue {
        [
            "principal": .string(principal.description), "role": .string(role.rawValue),
            "workspace": .string(workspace), "thing": .optional(thing?.description),
        ]
    }
}

/// People and programs that are given roles together.
package struct Group: Sendable, Hashable {
    /// What people call it.
    package let name: String
    /// Who is in it; no groups.
    package var members: Set<Principal>
    /// A number of its own, which clients of MLflow know roles by.
    package let number: Int64

    static let kind = "group"

    init(_ name: String, number: Int64, members: Set<Principal> = []) {
        self.name = name
        self.number = number
        self.members = members
    }

    init(stored json: JSONValue) throws(GyreError) {
        let stored = StoredReader("group", json)
        name = try stored.text("name")
        number = try stored.integer("number")
        var members: Set<Principal> = []
        for text in json["members"]?.strings ?? [] { members.insert(try Principal(parsing: text)) }
        self.members = members
    }

    /// As it is kept, and as the native API tells of it.
    package var json: JSONValue {
        [
            "name": .string(name), "number": .int(number), "members": .strings(members.map(\.description).sorted()),
        ]
    }
}

/// A part of the server that knows nothing of the others: names, lists, files, endpoints and the ledger are its own.
package struct Workspace: Sendable, Hashable {
    /// Its name, which is also the name of its folder.
    package let name: String
    /// What it is for.
    package var description: String
    /// What it may use at most.
    package var quota: Quota
    /// When it was made, in microseconds since 1970.
    package let createdAt: Int64

    static let kind = "workspace"

    /// What a workspace may use at most; nil for as much as there is.
    package struct Quota: Sendable, Hashable {
        /// How many calls a second are let through.
        package var requestsPerSecond: Int?
        /// Bytes of all its files.
        package var blobBytes: Int64?
        /// Tracked runs.
        package var runs: Int64?
        /// Tasks of pipelines at a time.
        package var runningTasks: Int?
        /// Bytes of memory that its models may take.
        package var modelBytes: Int64?

        /// As much as there is.
        package init() {}

        /// Reads it member by member.
        package init(json: JSONValue) {
            requestsPerSecond = json["requests_per_second"]?.int.map(Int.init)
            blobBytes = json["blob_bytes"]?.int
            runs = json["runs"]?.int
            runningTasks = json["running_tasks"]?.int.map(Int.init)
            modelBytes = json["model_bytes"]?.int
        }

        /// Looks whether each limit lets something through.
        /// - Throws: `.invalid`.
        func check() throws(GyreError) {
            let all: [(String, Int64?)] = [
                ("requests_per_second", requestsPerSecond.map(Int64.init)), ("blob_bytes", blobBytes), ("runs", runs),
                ("running_tasks", runningTasks.map(Int64.init)), ("model_bytes", modelBytes),
            ]
            for (name, limit) in all {
                guard let limit, limit < 1 else { continue }
                throw GyreError(
                    .invalid, "\(name) of a workspace cannot be \(limit).", why: "A limit is 1 at least.",
                    fix: "Leave it out for as much as there is.")
            }
        }

        /// All members, null for no limit.
        package var json: JSONValue {
            [
                "requests_per_second": .optional(requestsPerSecond.map(Int64.init)),
                "blob_bytes": .optional(blobBytes), "runs": .optional(runs),
                "running_tasks": .optional(runningTasks.map(Int64.init)), "model_bytes": .optional(modelBytes),
            ]
        }
    }

    init(_ name: String, description: String, quota: Quota, at createdAt: Int64) {
        self.name = name
        self.description = description
        self.quota = quota
        self.createdAt = createdAt
    }

    init(stored json: JSONValue) throws(GyreError) {
        let stored = StoredReader("workspace", json)
        name = try stored.text("name")
        description = try stored.text("description")
        createdAt = try stored.integer("created_at_us")
        quota = Quota(json: json["quota"] ?? [:])
    }

    var stored: JSONValue {
        [
            "name": .string(name), "description": .string(description), "created_at_us": .int(createdAt),
            "quota": quota.json,
        ]
    }

    /// As the native API tells of it.
    package var json: JSONValue {
        [
            "name": .string(name), "description": .string(description),
            "created_at": .string(Timestamp.text(createdAt)), "quota": quota.json,
        ]
    }
}

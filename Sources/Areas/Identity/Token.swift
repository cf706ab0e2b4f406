// SPDX-License-Identifier: Apache-2.0

package import GyreAccess
package import GyreBase
internal import GyreLedger

/// What a client shows to be known; only its digest is kept.
package struct Token: Sendable, Hashable {
    /// Its id, which is no secret.
    package let id: String
    /// Whose it is.
    package let owner: Principal
    /// What its owner calls it.
    package let name: String
    /// What it is for.
    package let purpose: Purpose
    /// The digest of the secret.
    let digest: Digest
    /// What it may do at most.
    package let scope: Permissions
    /// The one workspace that it may be used in; nil for all that its owner may.
    package let workspace: String?
    /// Requests a second that it may make; nil for as many as its workspace may.
    package let requestsPerSecond: Int?
    /// The groups that an identity provider said its owner to be in.
    let groups: [String]
    /// When it was made, in microseconds since 1970.
    package let createdAt: Int64
    /// When it ends, in microseconds since 1970; nil for never.
    package var expiresAt: Int64?

    /// What a token is for.
    package enum Purpose: String, Sendable, Hashable {
        /// Programs send it with each request.
        case api
        /// A browser has it as a cookie.
        case session
    }

    static let kind = "token"
    /// What every secret begins with, so that scanners find one that was published.
    static let prefix = "gyre_"

    /// What somebody wants a token to be.
    package struct Wish: Sendable, Hashable {
        /// What it is called.
        package var name: String
        /// What it may do at most.
        package var scope: Permissions = .all
        /// The one workspace that it is for.
        package var workspace: String?
        /// Seconds until it ends.
        package var lifetimeSeconds: Int64?
        /// Requests a second that it may make.
        package var requestsPerSecond: Int?

        /// A token of that name for everything that its owner may do.
        package init(name: String) { self.name = name }
    }

    init(
        id: String, owner: Principal, _ wish: Wish, purpose: Purpose, digest: Digest, groups: [String] = [],
        at now: Int64
    ) {
        self.groups = groups
        self.id = id
        self.owner = owner
        name = wish.name
        self.purpose = purpose
        self.digest = digest
        scope = wish.scope
        workspace = wish.workspace
        requestsPerSecond = wish.requestsPerSecond
        createdAt = now
        expiresAt = wish.lifetimeSeconds.map { now + $0 * 1_000_000 }
    }

    init(stored json: JSONValue) throws(GyreError) {
        let stored = StoredReader("token", json)
        id = try stored.text("id")
        owner = try Principal(parsing: try stored.text("owner"))
        name = try stored.text("name")
        purpose = try stored.word("purpose", Purpose.self)
        digest = try stored.digest("sha256")
        scope = (json["scope"]?.strings ?? []).compactMap { Permissions(name: $0) }.reduce([]) { $0.union($1) }
        workspace = json["workspace"]?.string
        requestsPerSecond = json["requests_per_second"]?.int.map(Int.init)
        groups = json["groups"]?.strings ?? []
        createdAt = try stored.integer("created_at")
        expiresAt = json["expires_at"]?.int
    }

    var stored: JSONValue {
        [
            "id": .string(id), "owner": .string(owner.description), "name": .string(name),
            "purpose": .string(purpose.rawValue), "sha256": .string(digest.hex), "scope": .strings(scope.names),
            "workspace": .optional(workspace), "requests_per_second": .optional(requestsPerSecond.map(Int64.init)),
            "created_at": .int(createdAt), "expires_at": .optional(expiresAt), "groups": .strings(groups),
        ]
    }

    /// As the native API tells of it: never its secret.
    package func json(lastUse: TokenUse?) -> JSONValue {
        [
            "id": .string(id), "owner": .string(owner.description), "name": .string(name),
            "purpose": .string(purpose.rawValue), "scope": .strings(scope.names), "workspace": .optional(workspace),
            "requests_per_second": .optional(requestsPerSecond.map(Int64.init)),
            "created_at": .string(Timestamp.text(createdAt)), "expires_at": .optional(expiresAt.map(Timestamp.text)),
            "last_used_at": .optional(lastUse.map { Timestamp.text($0.at) }),
            "last_used_from": .optional(lastUse?.address),
        ]
    }
}

/// When a token was shown last, and from where; kept in memory, told from the start of the server on.
package struct TokenUse: Sendable, Hashable {
    /// In microseconds since 1970.
    package let at: Int64
    /// The client's address.
    package let address: String?
}

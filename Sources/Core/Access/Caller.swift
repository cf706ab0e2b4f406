// SPDX-License-Identifier: Apache-2.0

public import GyreBase

/// Who calls, and what they may do.
public struct Caller: Sendable, Hashable {
    /// How the caller is known.
    public enum Identity: Sendable, Hashable {
        /// This process itself, or whoever may open the home folder.
        case inside
        /// Nobody has to sign in; others than the users of this machine may call where `isMarked` is true.
        case open(isMarked: Bool)
        /// Somebody has to sign in, and has not.
        case stranger
        /// A name that was proved: `user/ann`, `service/ci`, `task/RUN`.
        case known(String)
    }

    /// How the caller is known.
    public let identity: Identity
    /// What may be done in the workspace.
    public let access: Access
    /// The workspace that is meant.
    public var workspace: String
    /// The name of the token that was shown; nil for none.
    public var token: String?
    /// Where the call comes from.
    public var address: String?
    /// What the client says it is.
    public var agent: String?
    /// Whether a browser's cookie was all that was shown.
    public var isByCookie = false
    /// The approval by which others agreed to the call; nil for none.
    public var approval: String?
    /// Requests a second that may be made with what was shown; nil for no limit of its own.
    public var requestsPerSecond: Int?
    /// What a form has to hold, so that no other page can make the browser send it; nil where no cookie was shown.
    public var formToken: String?

    /// A caller with this access.
    public init(_ identity: Identity, _ access: Access, workspace: String = Self.defaultWorkspace) {
        self.identity = identity
        self.access = access
        self.workspace = workspace
    }

    /// The workspace that is there from the beginning.
    public static let defaultWorkspace = "default"
    /// This process.
    public static let inside = Caller(.inside, .everything)
    /// Somebody who has not signed in.
    public static let stranger = Caller(.stranger, .nothing)

    /// The name that was proved; nil for none.
    public var name: String? {
        guard case .known(let name) = identity else { return nil }
        return name
    }

    /// Who it is for the ledger: the proved name, or else what the caller says, which is a claim.
    public func actor(told: String?, surface: String) -> String {
        switch identity {
        case .known(let name): return name
        case .inside: return told.map { Claim($0).actor } ?? surface
        case .open(let isMarked): return told.map { Claim($0, isMarked: isMarked).actor } ?? surface
        case .stranger: return "stranger"
        }
    }

    /// What a fact keeps of a call beside its actor; nil where nobody has proved anything.
    public var details: JSONValue? {
        guard case .known = identity else { return nil }
        var members: [(String, JSONValue)] = []
        var personal: [(String, JSONValue)] = []
        if let address { personal.append(("address", .string(address))) }
        if let agent { personal.append(("agent", .string(String(agent.prefix(200))))) }
        if let approval { members.append(("approval", .string(approval))) }
        if let token { members.append(("token", .string(token))) }
        if !personal.isEmpty { members.append(("personal", .object(JSONObject(merging: personal)))) }
        return members.isEmpty ? nil : .object(JSONObject(merging: members))
    }

    /// The caller whose request the running task answers.
    @TaskLocal public static var current: Caller?
}

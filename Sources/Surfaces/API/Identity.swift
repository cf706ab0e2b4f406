// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Who there is, and who may do what.
extension API {
    /// A person or a program that may sign in.
    package struct Account: APIObject {
        /// What it is called.
        package var name: String
        /// `user` or `service`.
        package var kind: String
        /// A number of its own.
        package var id: Int64
        /// Whether it keeps users, tokens and workspaces, and may do everything everywhere.
        package var administrator: Bool
        /// Whether nothing that it shows is taken.
        package var disabled: Bool
        /// Whether it may sign in with a password.
        package var hasPassword: Bool
        /// The name that the identity provider knows it by.
        package var providerSubject: String?
        /// When it was made.
        package var createdAt: String
    }

    /// Accounts.
    package struct AccountList: APIObject {
        /// By name.
        package var accounts: [Account]
    }

    /// An account to make.
    package struct AccountRequest: APIObject {
        /// What it is called.
        package var name: String
        /// `user` or `service`; `user` where it is not said.
        package var kind: String?
        /// What it signs in with; a program has tokens instead.
        package var password: String?
        /// Whether it keeps users, tokens and workspaces.
        package var administrator: Bool?
    }

    /// What changes of an account; what is left out stays.
    package struct AccountChange: APIObject {
        /// Whether it keeps users, tokens and workspaces.
        package var administrator: Bool?
        /// Whether nothing that it shows is taken.
        package var disabled: Bool?
        /// What it signs in with from now on.
        package var password: String?
    }

    /// Whoever calls.
    package struct Identity: APIObject {
        /// `user/ann`; null where nobody has to sign in.
        package var name: String?
        /// The workspace that the call is in.
        package var workspace: String
        /// What may be done with everything in it.
        package var permissions: [String]
        /// What may be done with single things in it: `kind/name` and permissions.
        package var things: [String: [String]]
        /// The workspaces that the caller may do something in.
        package var workspaces: [String]
        /// Whether somebody has to sign in here at all.
        package var authentication: Bool
    }

    /// People and programs that are given roles together.
    package struct Group: APIObject {
        /// What it is called.
        package var name: String
        /// A number of its own.
        package var number: Int64
        /// `user/ann`, `service/ci`.
        package var members: [String]
    }

    /// Groups.
    package struct GroupList: APIObject {
        /// By name.
        package var groups: [Group]
    }

    /// A name and nothing else.
    package struct NameRequest: APIObject {
        /// What it is called.
        package var name: String
    }

    /// Somebody who joins a group or leaves it.
    package struct MemberRequest: APIObject {
        /// `user/ann` or `service/ci`.
        package var member: String
        /// Whether it leaves.
        package var leaves: Bool?
    }

    /// A role that somebody has.
    package struct Grant: APIObject {
        /// Who: `user/ann`, `service/ci`, `group/science`.
        package var principal: String
        /// What may be done: predictor, reader, writer, operator, runner or administrator.
        package var role: String
        /// In which workspace; the caller's where it is not said.
        package var workspace: String?
        /// On what: `kind/name`; null for the whole workspace.
        package var thing: String?
    }

    /// Roles that were given.
    package struct GrantList: APIObject {
        /// By workspace and principal.
        package var roles: [Grant]
    }

    /// What a client shows to be known.
    package struct Token: APIObject {
        /// No secret.
        package var id: String
        /// Whose it is.
        package var owner: String
        /// What its owner calls it.
        package var name: String
        /// `api` or `session`.
        package var purpose: String
        /// What it may do at most.
        package var scope: [String]
        /// The one workspace that it may be used in.
        package var workspace: String?
        /// Requests a second that it may make.
        package var requestsPerSecond: Int?
        /// When it was made.
        package var createdAt: String
        /// When it ends; null for never.
        package var expiresAt: String?
        /// When it was shown last, since the server started.
        package var lastUsedAt: String?
        /// The address that it was shown from last.
        package var lastUsedFrom: String?
        /// The secret, told this once.
        package var secret: String?
    }

    /// Tokens.
    package struct TokenList: APIObject {
        /// Newest first.
        package var tokens: [Token]
    }

    /// A token to make.
    package struct TokenRequest: APIObject {
        /// What it is called.
        package var name: String
        /// Whose it is to be; the caller's where it is not said.
        package var owner: String?
        /// What it may do at most: read, predict, write, operate, run_code, administer, manage; all where it is not said.
        package var scope: [String]?
        /// The one workspace that it may be used in.
        package var workspace: String?
        /// Seconds until it ends; never where it is not said.
        package var lifetimeSeconds: Int64?
        /// Requests a second that it may make.
        package var requestsPerSecond: Int?
    }

    /// A part of the server that knows nothing of the others.
    package struct Workspace: APIObject {
        /// What it is called.
        package var name: String
        /// What it is for.
        package var description: String
        /// When it was made.
        package var createdAt: String
        /// What it may use at most.
        package var quota: Quota
    }

    /// What a workspace may use at most; null for as much as there is.
    package struct Quota: APIObject {
        /// How many calls a second are let through.
        package var requestsPerSecond: Int?
        /// Bytes of all its files.
        package var blobBytes: Int64?
        /// Tracked runs.
        package var runs: Int64?
        /// Tasks of pipelines at a time; from the next start of the server on.
        package var runningTasks: Int?
        /// Bytes of memory that its models may take; from the next start of the server on.
        package var modelBytes: Int64?
    }

    /// Workspaces.
    package struct WorkspaceList: APIObject {
        /// By name.
        package var workspaces: [Workspace]
    }

    /// A workspace to make.
    package struct WorkspaceRequest: APIObject {
        /// What it is called: small letters, digits and dashes.
        package var name: String
        /// What it is for.
        package var description: String?
        /// What it may use at most.
        package var quota: Quota?
    }

    /// What changes of a workspace; what is left out stays.
    package struct WorkspaceChange: APIObject {
        /// What it is for.
        package var description: String?
        /// What it may use at most, all of it anew.
        package var quota: Quota?
    }

    /// Something that is gone.
    package struct Removed: APIObject {
        /// What it was called.
        package var removed: String
    }

    /// An address and what its caller must be allowed.
    package struct Route: APIObject {
        /// The verb.
        package var method: String
        /// The path; `{name}` is one part of it, `{name...}` all the rest.
        package var path: String
        /// What the caller must be allowed; empty where nobody has to be, or where having signed in is enough.
        package var permissions: [String]
        /// The same in words, with on what.
        package var needs: String
    }

    /// Addresses.
    package struct RouteList: APIObject {
        /// In the order in which they are looked at.
        package var routes: [Route]
    }

    /// A secret, of which only the name is told.
    package struct Secret: APIObject {
        /// What it is called.
        package var name: String
        /// When it was set last.
        package var changedAt: Int64?
        /// Who set it last.
        package var actor: String
    }

    /// Secrets.
    package struct SecretList: APIObject {
        /// By name.
        package var secrets: [Secret]
    }

    /// A secret to keep.
    package struct SecretRequest: APIObject {
        /// What the name stands for.
        package var value: String
    }

    /// What has to be approved by others.
    package struct ApprovalRule: APIObject {
        /// alias, deploy, promote, rollback or policy; null for all of them.
        package var action: String?
        /// On what: `model/NAME` or `endpoint/NAME`; null for everything.
        package var subject: String?
        /// How many others have to agree; 1 where it is not said.
        package var approvers: Int?
    }

    /// Rules about approvals.
    package struct ApprovalRuleList: APIObject {
        /// In the order of their actions.
        package var rules: [ApprovalRule]
    }

    /// What one person said.
    package struct Voice: APIObject {
        /// Who.
        package var actor: String
        /// Whether in favour.
        package var agrees: Bool
        /// Why.
        package var reason: String
    }

    /// A call that waits until others agree.
    package struct Approval: APIObject {
        /// Counts from 1.
        package var number: Int
        /// What is asked for.
        package var action: String
        /// On what.
        package var subject: String?
        /// Who asks.
        package var author: String
        /// Why, in the author's words.
        package var reason: String
        /// The verb of the call.
        package var method: String
        /// Its path and query.
        package var target: String
        /// What it sends.
        package var body: JSONValue
        /// How many others have to agree.
        package var wanted: Int
        /// Who said what.
        package var voices: [Voice]
        /// waiting, approved, rejected or failed.
        package var state: String
        /// What went wrong as it was carried out.
        package var problem: String?
        /// When it was asked for.
        package var at: Int64
        /// What the call answered, where it was carried out by this one.
        package var answer: JSONValue?
    }

    /// Calls that wait, or did.
    package struct ApprovalList: APIObject {
        /// Newest first.
        package var approvals: [Approval]
    }

    /// A call that was not let in.
    package struct Refusal: APIObject {
        /// When.
        package var at: String
        /// The code of the error.
        package var code: String
        /// Who called, where that was known.
        package var caller: String?
        /// The verb.
        package var method: String
        /// The address without its query.
        package var path: String
        /// The client's address.
        package var address: String?
        /// What was told.
        package var what: String
    }

    /// Calls that were not let in.
    package struct RefusalList: APIObject {
        /// Newest first.
        package var refusals: [Refusal]
        /// How many there were since the start, by the code of their error.
        package var counts: [String: Int64]
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreDVC

/// The way to a Gyre: a server over HTTP, or the home folder opened by this process.
package protocol Connection: Sendable {
    /// The address of the server that is asked; nil where this process has opened the home itself.
    var address: String? { get }
    /// Calls the native API.
    /// - Throws: the error that the API answered.
    func call(_ method: String, _ path: String, _ body: JSONValue?) async throws(GyreError) -> JSONValue
    /// Sends a file as a blob.
    func upload(file: String) async throws(GyreError) -> (sha256: String, sizeBytes: Int64)
    /// Fetches a blob into a file.
    func download(_ sha256: String, to file: String) async throws(GyreError)
    /// Lets go of it.
    func close() async
}

extension Connection {
    /// Nobody but this process.
    package var address: String? { nil }
}

/// A server that was found by what it wrote into its home.
package struct FoundServer: Sendable, Hashable {
    /// Where it listens.
    package let address: String
    /// The id that it tells when it is asked which home it serves.
    package let id: String
    /// What proves to it that whoever calls may open its home; nil where it asks nobody.
    package let token: String?
    /// A server.
    package init(address: String, id: String, token: String?) {
        self.address = address
        self.id = id
        self.token = token
    }
}

/// What the program around the commands offers them.
package struct CommandEnvironment: Sendable {
    /// Opens a home folder in this process; makes one only for a command that may be the first of a home.
    package let openHome: @Sendable (_ home: String, _ creating: Bool) async throws(GyreError) -> any Connection
    /// Serves a home folder until the process is told to stop.
    package let serve: @Sendable (_ home: String, _ options: ServeOptions) async throws(GyreError) -> Void
    /// The server that serves a home folder, if one does.
    package let runningServer: @Sendable (_ home: String) -> FoundServer?
    /// Verifies the ledger in the file of a home folder, whether a server runs or not; answers as the native API does.
    ///
    /// `key` checks signatures in place of the home's own, and `notes` is a file of signed states beside the home's.
    package let verifyHome:
        @Sendable (_ home: String, _ head: String?, _ key: String?, _ notes: String?) async throws(GyreError) ->
            JSONValue
    /// The home folder that is used where none is said.
    package let defaultHome: String
    /// The server that is used where none is said.
    package let defaultServer: String?
    /// Who calls, for the ledger.
    package let actor: String
    /// The file of those who sign servers' certificates; nil for the system's own.
    package let authority: String?
    /// What proves to a server who calls; nil for what was kept for it by `gyre login`.
    package let token: String?
    /// The workspace that is meant where none is said; nil for the usual one.
    package let workspace: String?

    /// The clock and chance.
    package let surroundings: Surroundings
    /// The variables of the process.
    package let variables: [String: String]
    /// The folder that the command was started in, from the root.
    package let folder: String
    /// Opens what was hashed before in a repository of DVC.
    package let fileMemory: Repository.OpenMemory

    /// Where commands go: to a server, or to a home that `openHome` opens; `serve` starts one.
    package init(
        openHome: @escaping @Sendable (_ home: String, _ creating: Bool) async throws(GyreError) -> any Connection,
        serve:
            @escaping @Sendable (_ home: String, _ options: ServeOptions) async throws(GyreError) ->
            Void,
        runningServer: @escaping @Sendable (_ home: String) -> FoundServer?,
        verifyHome:
            @escaping @Sendable (_ home: String, _ head: String?, _ key: String?, _ notes: String?)
            async throws(GyreError)
            -> JSONValue,
        defaultHome: String, defaultServer: String?, actor: String, token: String?, workspace: String?,
        authority: String?, surroundings: Surroundings, variables: [String: String], folder: String,
        fileMemory: @escaping Repository.OpenMemory
    ) {
        self.openHome = openHome
        self.serve = serve
        self.runningServer = runningServer
        self.verifyHome = verifyHome
        self.defaultHome = defaultHome
        self.defaultServer = defaultServer
        self.actor = actor
        self.token = token
        self.workspace = workspace
        self.authority = authority
        self.surroundings = surroundings
        self.variables = variables
        self.folder = folder
        self.fileMemory = fileMemory
    }

    /// The environment of the command that runs; set once by `main`.
    @TaskLocal package static var current: CommandEnvironment?
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreConsole
internal import GyreGate
internal import GyreHTTP
internal import GyreIdentity

/// Signs people in to the pages, by what the identities know.
struct SignInDesk: Sendable {
    private let identity: Identity

    private let provider: ProviderDesk?
    /// This server's own address.
    private let base: @Sendable () -> String

    init(_ identity: Identity, provider: ProviderDesk?, base: @escaping @Sendable () -> String) {
        self.identity = identity
        self.provider = provider
        self.base = base
    }

    var desk: SessionDesk {
        SessionDesk(
            signIn: { name, secret, request throws(GyreError) in try await signIn(name, secret, request) },
            signOut: { request throws(GyreError) in
                if let secret = Gatekeeper.sessionSecret(request) { try await identity.endSession(secret) }
                return Gatekeeper.cookie("", isEncrypted: request.isEncrypted)
            },
            provider: provider.map { provider in
                SessionDesk.Provider(
                    begin: { request throws(GyreError) in try await provider.begin(request, base: base()) },
                    finish: { request throws(GyreError) in try await provider.finish(request) })
            })
    }

    private func signIn(_ name: String, _ secret: String, _ request: HTTPRequest) async throws(GyreError) -> String {
        let visit = Identity.Visit(address: request.peer(), agent: request.headers("user-agent"))
        let digest = Digest(of: "\(name):\(secret)")
        let account =
            secret.hasPrefix("gyre_")
            ? try identity.owner(ofWholeToken: Digest(of: secret))
            : try await identity.signIn(name, password: secret, digest: digest, address: request.peer())
        return Gatekeeper.cookie(try await identity.beginSession(account, visit), isEncrypted: request.isEncrypted)
    }
}

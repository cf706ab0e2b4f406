// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Foundation
internal import GyreBase
internal import GyreGate
internal import GyreHTTP
internal import GyreIdentity
internal import Synchronization

/// Signs people in by an identity provider: sends browsers there, and takes them when they come back (authorization code with PKCE).
final class ProviderDesk: Sendable {
    private struct Begun: Sendable {
        let verifier: String
        let nonce: String
        let callback: String
        let next: String
        let at: Int64
    }

    private let provider: any IdentityProvider
    private let identity: Identity
    private let surroundings: Surroundings
    private let begun = Mutex<[String: Begun]>([:])
    /// Microseconds that somebody may take to sign in, and how many may be on the way.
    private static let (patience, most): (Int64, Int) = (600_000_000, 10_000)
    private static let cookieName = "gyre_signing_in"

    init(_ provider: any IdentityProvider, identity: Identity, surroundings: Surroundings) {
        self.provider = provider
        self.identity = identity
        self.surroundings = surroundings
    }

    private func secret() -> String { Self.plain(Data(surroundings.secret())) }

    private static func plain(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private func cookie(_ value: String, _ request: HTTPRequest) -> (String, String) {
        let age = value.isEmpty ? 0 : 600
        let safe = request.isEncrypted ? "; Secure" : ""
        return ("set-cookie", "\(Self.cookieName)=\(value); Path=/login; HttpOnly; SameSite=Lax; Max-Age=\(age)\(safe)")
    }

    /// Sends a browser to the provider; `base` is this server's own address.
    func begin(_ request: HTTPRequest, base: String) async throws(GyreError) -> HTTPResponse {
        let (state, entry) = (
            secret(),
            Begun(
                verifier: secret(), nonce: secret(), callback: base + "/login/callback",
                next: request.query("next") ?? "/", at: surroundings.now())
        )
        let isFull = begun.withLock { begun in
            begun = begun.filter { entry.at - $0.value.at < Self.patience }
            guard begun.count < Self.most else { return true }
            begun[state] = entry
            return false
        }
        guard !isFull else { throw GyreError(.tooManyRequests, "Too many people sign in at this moment.") }
        let challenge = Self.plain(Data(SHA256.hash(data: Data(entry.verifier.utf8))))
        let address = try await provider.address(
            callback: entry.callback, state: state, nonce: entry.nonce, challenge: challenge)
        // The browser that comes back has to be the one that was sent.
        return HTTPResponse(status: 303, headers: [("location", address), cookie(state, request)])
    }

    /// Takes a browser that comes back.
    func finish(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let state = request.query("state") ?? ""
        let shown = (request.headers("cookie") ?? "").split(separator: ";").map { $0.filter { $0 != " " } }
        let entry = begun.withLock { $0.removeValue(forKey: state) }
        guard let entry, shown.contains("\(Self.cookieName)=\(state)"), surroundings.now() - entry.at < Self.patience
        else {
            throw GyreError(
                .denied, "This sign-in was not begun here, or took too long.", fix: "Begin again at /login.")
        }
        guard let code = request.query("code") else {
            throw GyreError(
                .denied, "The identity provider did not sign you in.",
                why: request.query("error_description") ?? request.query("error"))
        }
        let token = try await provider.redeem(code, callback: entry.callback, verifier: entry.verifier)
        let claims = try await provider.claims(of: token, nonce: entry.nonce)
        let account = try await identity.account(of: claims)
        let visit = Identity.Visit(address: request.peer(), agent: request.headers("user-agent"))
        let secret = try await identity.beginSession(account, visit, groups: claims.groups)
        let next = entry.next.hasPrefix("/") && !entry.next.hasPrefix("//") ? entry.next : "/"
        return HTTPResponse(
            status: 303,
            headers: [
                ("location", next), cookie("", request),
                ("set-cookie", Gatekeeper.cookie(secret, isEncrypted: request.isEncrypted)),
            ])
    }
}

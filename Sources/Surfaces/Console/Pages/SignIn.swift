// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
package import GyreBase
package import GyreHTTP

/// Signs people in and out; the cookies are made by whoever keeps the identities.
package struct SessionDesk: Sendable {
    /// Why a way in or out fails.
    package typealias Failure = GyreError
    /// Signs somebody in by a name and a password, or by a token, and gives the header field that sets the cookie.
    package let signIn: @Sendable (_ name: String, _ secret: String, HTTPRequest) async throws(Failure) -> String
    /// Signs the browser out, and gives the header field that takes the cookie away.
    package let signOut: @Sendable (HTTPRequest) async throws(Failure) -> String
    /// Signs people in by an identity provider; nil where there is none.
    package let provider: Provider?

    /// Sends browsers to an identity provider, and takes them when they come back.
    package struct Provider: Sendable {
        /// Sends a browser there.
        package let begin: @Sendable (HTTPRequest) async throws(Failure) -> HTTPResponse
        /// Takes one that comes back.
        package let finish: @Sendable (HTTPRequest) async throws(Failure) -> HTTPResponse

        /// A way to a provider and back.
        package init(
            begin: @escaping @Sendable (HTTPRequest) async throws(Failure) -> HTTPResponse,
            finish: @escaping @Sendable (HTTPRequest) async throws(Failure) -> HTTPResponse
        ) {
            self.begin = begin
            self.finish = finish
        }
    }

    /// A desk of these ways.
    package init(
        signIn: @escaping @Sendable (_ name: String, _ secret: String, HTTPRequest) async throws(Failure) -> String,
        signOut: @escaping @Sendable (HTTPRequest) async throws(Failure) -> String, provider: Provider?
    ) {
        self.signIn = signIn
        self.signOut = signOut
        self.provider = provider
    }
}

extension Console {
    /// Where people sign in.
    var signInRoutes: [Route] {
        [
            Route("GET", "/login", .nothing) { request throws(GyreError) in
                Self.response(signInPage(next: request.query("next"), failure: nil))
            },
            Route("POST", "/login", .nothing) { request throws(GyreError) in try await signIn(request) },
            Route("GET", "/login/provider", .nothing) { request throws(GyreError) in
                guard let provider = desk?.provider else { throw Self.noProvider }
                return try await provider.begin(request)
            },
            Route("GET", "/login/callback", .nothing) { request throws(GyreError) in
                guard let provider = desk?.provider else { throw Self.noProvider }
                do throws(GyreError) { return try await provider.finish(request) } catch {
                    guard error.code == .unauthenticated else { throw error }
                    return Self.response(signInPage(next: nil, failure: error), status: 403)
                }
            },
            Route("POST", "/logout", .nothing) { request throws(GyreError) in
                guard let desk else { throw Self.nobodySignsIn }
                return HTTPResponse(
                    status: 303,
                    headers: [
                        ("location", "/login"), ("set-cookie", try await desk.signOut(request)),
                        ("set-cookie", "gyre_workspace=; Path=/; Max-Age=0"),
                    ])
            },
            Route("POST", "/workspace", .signedIn) { request throws(GyreError) in
                let form = Percent.form(try await request.body.collect(limit: 4096))
                let name = try Name(form["workspace"] ?? "", of: "workspace")
                return HTTPResponse(
                    status: 303,
                    headers: [
                        ("location", "/"),
                        ("set-cookie", "gyre_workspace=\(Percent.encode(name.text)); Path=/; HttpOnly; SameSite=Lax"),
                    ])
            },
        ]
    }

    private static let noProvider = GyreError(
        .notFound, "There is no identity provider here.", fix: "gyre up --oidc-issuer URL --oidc-client NAME")

    private static let nobodySignsIn = GyreError(
        .unsupported, "Nobody has to sign in here.", fix: "Start with gyre up --auth to ask who calls.")

    private func signInPage(next: String?, failure: GyreError?) -> Page {
        Page("Sign in", in: nil) {
            if desk == nil {
                Note("Nobody has to sign in here: this server asks nobody who calls.")
            } else {
                if let failure {
                    Note(.text([failure.what, failure.why].compactMap(\.self).joined(separator: " ")), tone: .bad)
                }
                Form(
                    .command(address: "/login"),
                    fields: [
                        .hidden(name: "next", value: Self.ownAddress(next)),
                        .text("Name", name: "name"), .password("Password, or a token", name: "secret"),
                    ], buttons: [Form.Button("Sign in")])
                if desk?.provider != nil {
                    Sentence(
                        .link(
                            "Sign in with the identity provider",
                            to: "/login/provider" + Percent.query([("next", Self.ownAddress(next))])))
                }
            }
        }
    }

    private func signIn(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        guard let desk else { throw Self.nobodySignsIn }
        let form = Percent.form(try await request.body.collect(limit: 65_536))
        do throws(GyreError) {
            let cookie = try await desk.signIn(form["name"] ?? "", form["secret"] ?? "", request)
            return HTTPResponse(
                status: 303, headers: [("location", Self.ownAddress(form["next"])), ("set-cookie", cookie)])
        } catch {
            guard error.code == .unauthenticated || error.code == .tooManyRequests else { throw error }
            return Self.response(
                signInPage(next: form["next"], failure: error), status: error.code == .unauthenticated ? 403 : 429)
        }
    }

    /// A page of this server, wherever the address says to go.
    private static func ownAddress(_ wanted: String?) -> String {
        guard let wanted, wanted.hasPrefix("/"), !wanted.hasPrefix("//"), !wanted.contains("\\"),
            wanted.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return "/" }
        return wanted
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreAccess
internal import GyreBase
package import GyreHTTP
package import GyreIdentity

/// Finds the routes of a workspace.
package protocol WorkspaceRouters: Sendable {
    /// The routes of that workspace; nil where it is not open.
    func router(of workspace: String) -> Router?
}

/// Asks who calls, before anything else does.
package struct Gatekeeper: Front {
    package let router: Router
    private let identity: Identity
    private let workspaces: any WorkspaceRouters
    private let options: Options
    private let refusals: Refusals
    private let rates = RateLimit()

    /// What whoever serves has chosen.
    package struct Options: Sendable {
        /// Whether anybody may call without being known; nil where somebody has to sign in.
        package var open: Caller?
        /// Reads tokens of an identity provider; nil where none is known.
        package var provider: (any IdentityProvider)?
        /// Addresses of proxies that say who calls.
        package var trustedProxies: Set<String> = []
        /// The header field in which they say it.
        package var proxyUserHeader = "x-forwarded-user"
        /// The header field in which they say which groups the caller is in.
        package var proxyGroupsHeader = "x-forwarded-groups"
        /// Sites whose pages may call from browsers.
        package var allowedOrigins: Set<String> = []
        /// What stands before every path where others reach the server.
        package var prefix = ""
        /// The current time in microseconds since 1970.
        package var now: @Sendable () -> Int64

        /// Nobody but the accounts of this server.
        package init(now: @escaping @Sendable () -> Int64) { self.now = now }
    }

    /// A gatekeeper before the routes of all workspaces; `router` has those of the first one.
    package init(
        _ router: Router, identity: Identity, workspaces: any WorkspaceRouters, refusals: Refusals, options: Options
    ) {
        self.router = router
        self.identity = identity
        self.workspaces = workspaces
        self.refusals = refusals
        self.options = options
    }

    // MARK: HTTP

    package func respond(to request: HTTPRequest) async -> HTTPResponse {
        let origin = request.headers("origin").flatMap { options.allowedOrigins.contains($0) ? $0 : nil }
        if request.method == "OPTIONS", let origin { return Crossing.preflight(origin) }
        var answer = await answered(request)
        if let origin { Crossing.open(&answer, to: origin) }
        if !options.prefix.isEmpty { Crossing.move(&answer, below: options.prefix) }
        return answer
    }

    private func answered(_ request: HTTPRequest) async -> HTTPResponse {
        var request = request
        let router: Router
        do throws(GyreError) {
            if !options.prefix.isEmpty, request.path.hasPrefix(options.prefix + "/") {
                request = request.below(options.prefix)
            }
            request = Self.withoutPrefix(request)
            request.caller = try await caller(request)
            router = try self.router(of: request.caller)
            try checkRate(request.caller)
            try await checkForm(&request)
        } catch {
            refusals.add(
                code: error.code, who: request.caller.name, method: request.method, path: request.path,
                address: request.peer(), what: error.what)
            return self.router.refusal(request.path, error)
        }
        let answer = await router.respond(to: request)
        if answer.status == 401, Self.isPage(request) {
            return .redirect(to: "/login?next=" + Percent.encode(request.path))
        }
        return await renewed(answer, request)
    }

    package func begin(_ request: HTTPRequest, _ match: Router.DirectMatch) -> Router.Begun {
        if !options.allowedOrigins.isEmpty || !options.prefix.isEmpty { return .later { await respond(to: request) } }
        do throws(GyreError) {
            guard let caller = try callerAtOnce(request) else { return .later { await respond(to: request) } }
            try checkRate(caller)
            var known = request
            known.caller = caller
            let router = try router(of: caller)
            if caller.workspace == Caller.defaultWorkspace { return router.begin(known, match) }
            guard let own = router.direct(request.method, request.path) else {
                return .later { await respond(to: request) }
            }
            return router.begin(known, own)
        } catch {
            refusals.add(
                code: error.code, who: nil, method: request.method, path: request.path, address: request.peer(),
                what: error.what)
            let response = router.refusal(request.path, error)
            return .now(response)
        }
    }

    /// Who sent a request, where that is known without waiting.
    private func callerAtOnce(_ request: HTTPRequest) throws(GyreError) -> Caller? {
        if let open = options.open { return opened(open, visit(request)) }
        guard options.trustedProxies.isEmpty, request.headers(HTTPRequest.certificateField) == nil,
            case .token(let digest)? = try Credentials(headers: request.headers)
        else {
            return nil
        }
        if let caller = try identity.caller(showing: digest, visit(request)) { return caller }
        throw Self.unknownToken
    }

    private func opened(_ caller: Caller, _ visit: Identity.Visit) -> Caller {
        guard let workspace = visit.workspace else { return caller }
        var caller = caller
        caller.workspace = workspace
        return caller
    }

    private func router(of caller: Caller) throws(GyreError) -> Router {
        if let found = workspaces.router(of: caller.workspace) { return found }
        throw GyreError(
            .notFound, "There is no workspace \"\(caller.workspace.prefix(80))\".", fix: "gyre workspace list")
    }

    /// A workspace may stand at the head of the path, for clients that can be told nothing but an address.
    private static func withoutPrefix(_ request: HTTPRequest) -> HTTPRequest {
        guard request.path.hasPrefix("/workspaces/") else { return request }
        let name = String(request.path.dropFirst("/workspaces/".count).prefix { $0 != "/" })
        guard !name.isEmpty else { return request }
        var below = request.below("/workspaces/" + name)
        below.workspace = name
        return below
    }

    private func visit(_ request: HTTPRequest) -> Identity.Visit {
        Identity.Visit(
            workspace: request.workspace ?? request.headers("x-gyre-workspace")
                ?? request.headers("x-mlflow-workspace"),
            address: request.peer(), agent: request.headers("user-agent"))
    }

    /// Who sent a request; a stranger where nothing was shown.
    private func caller(_ request: HTTPRequest) async throws(GyreError) -> Caller {
        var visit = visit(request)
        if let open = options.open {
            if visit.workspace == nil { visit.workspace = Self.chosenWorkspace(request) }
            return opened(open, visit)
        }
        if let forwarded = try await forwarded(request, visit) { return forwarded }
        if let name = request.headers(HTTPRequest.certificateField), request.headers("authorization") == nil {
            return try known(Principal(.service, name), [], visit)
        }
        guard let shown = try Credentials(headers: request.headers) else {
            var stranger = Caller.stranger
            stranger.address = visit.address
            return stranger
        }
        switch shown {
        case .token(let digest):
            guard let caller = try identity.caller(showing: digest, visit) else { throw Self.unknownToken }
            return caller
        case .password(let name, let password, let digest):
            let account = try await identity.signIn(
                name, password: password, digest: digest, address: visit.address)
            return try known(account, [], visit)
        case .provider(let token):
            guard let provider = options.provider else { throw Self.unknownToken }
            let claims = try await provider.claims(of: token, nonce: nil)
            return try known(try await identity.account(of: claims), claims.groups, visit)
        case .cookie(let secret):
            if visit.workspace == nil { visit.workspace = Self.chosenWorkspace(request) }
            // A cookie that has ended makes its browser a stranger, who may sign in again.
            guard var caller = try cookieCaller(secret, visit) else { return .stranger }
            caller.formToken = Identity.formToken(secret)
            return caller
        }
    }

    private func cookieCaller(_ secret: String, _ visit: Identity.Visit) throws(GyreError) -> Caller? {
        do { return try identity.caller(showing: Digest(of: secret), visit) } catch {
            // The workspace of the page may be gone.
            var usual = visit
            usual.workspace = nil
            guard error.code == .notFound, visit.workspace != nil else { throw error }
            return try identity.caller(showing: Digest(of: secret), usual)
        }
    }

    private func known(
        _ account: Principal, _ groups: [String], _ visit: Identity.Visit
    ) throws(GyreError) -> Caller {
        guard var caller = try identity.resolve(account, claimed: groups, wanted: visit.workspace) else {
            throw GyreError(.unauthenticated, "The account \"\(account)\" is disabled, or not there.")
        }
        caller.address = visit.address
        caller.agent = visit.agent
        return caller
    }

    /// The caller that a proxy names, where the request comes from one that is trusted.
    private func forwarded(_ request: HTTPRequest, _ visit: Identity.Visit) async throws(GyreError) -> Caller? {
        guard let address = visit.address, options.trustedProxies.contains(address),
            let name = request.headers(options.proxyUserHeader), !name.isEmpty
        else { return nil }
        let groups = (request.headers(options.proxyGroupsHeader) ?? "").split(separator: ",").map {
            String($0.drop { $0 == " " })
        }
        let claims = IdentityClaims(subject: "proxy:" + name, name: name, groups: groups)
        return try known(try await identity.account(of: claims), groups, visit)
    }

    /// The workspace that whoever looks at the pages has chosen.
    private static func chosenWorkspace(_ request: HTTPRequest) -> String? {
        for part in (request.headers("cookie") ?? "").split(separator: ";") {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " } }
            if pair.count == 2, pair[0] == "gyre_workspace", !pair[1].isEmpty { return pair[1] }
        }
        return nil
    }

    private static let unknownToken = GyreError(
        .unauthenticated, "The token is not known.", why: "It was never made here, has ended, or was revoked.",
        fix: "gyre token create NAME")

    private func checkRate(_ caller: Caller) throws(GyreError) {
        for (key, limit) in identity.limits(of: caller) { try rates.take(key, limit: limit, now: options.now()) }
    }

    // MARK: Browsers

    /// Whether somebody looks at a page, who can be led to where people sign in.
    private static func isPage(_ request: HTTPRequest) -> Bool {
        request.method == "GET" && (request.headers("accept") ?? "").contains("text/html")
            && request.headers("authorization") == nil && !request.path.hasPrefix("/api/")
    }

    /// A page elsewhere can make a browser send the cookie along, but does not know what the form holds.
    private func checkForm(_ request: inout HTTPRequest) async throws(GyreError) {
        guard request.caller.isByCookie, !["GET", "HEAD", "OPTIONS"].contains(request.method),
            let wanted = request.caller.formToken
        else { return }
        if request.headers("x-gyre-form") == wanted { return }
        if (request.headers("content-type") ?? "").hasPrefix("application/x-www-form-urlencoded") {
            let bytes = try await request.body.collect(limit: Limits.bodyBytes)
            request.body = HTTPBody(bytes)
            let fields = Percent.query(String(decoding: bytes, as: UTF8.self))
            if fields.contains(where: { $0.name == "form_token" && $0.value == wanted }) { return }
        }
        throw GyreError(
            .denied, "The form is not one of this server's pages.",
            why: "It lacks what each form here has, or the page was opened before you signed in.",
            fix: "Open the page anew and send it again.")
    }

    /// A session that is an hour old gets another secret, so that one that was stolen does not last.
    private func renewed(_ answer: HTTPResponse, _ request: HTTPRequest) async -> HTTPResponse {
        guard request.caller.isByCookie, Self.isPage(request),
            case .cookie(let secret)? = try? Credentials(headers: request.headers),
            let renewed = await identity.renewSession(secret, visit(request))
        else { return answer }
        var answer = answer
        answer.headers.append(("set-cookie", Self.cookie(renewed, isEncrypted: request.isEncrypted)))
        return answer
    }

    /// The secret of the session that a browser shows; nil for none.
    package static func sessionSecret(_ request: HTTPRequest) -> String? {
        guard case .cookie(let secret)? = try? Credentials(headers: { $0 == "cookie" ? request.headers($0) : nil })
        else {
            return nil
        }
        return secret
    }

    /// The cookie that holds the secret of a session; an empty secret takes it away.
    package static func cookie(_ secret: String, isEncrypted: Bool) -> String {
        let age = secret.isEmpty ? 0 : Identity.sessionSeconds
        return "\(Credentials.cookieName)=\(secret); Path=/; HttpOnly; SameSite=Lax; Max-Age=\(age)"
            + (isEncrypted ? "; Secure" : "")
    }
}

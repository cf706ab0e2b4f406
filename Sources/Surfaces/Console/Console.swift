// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
package import GyreAccess
package import GyreBase
internal import GyreHTML
package import GyreHTTP

/// The pages that people look at, over the native API: whatever a page shows, a program can ask for too.
package struct Console: Sendable {
    /// Calls the native API for somebody: a verb, a path, and the body that is sent there where there is one.
    package typealias Call =
        @Sendable (_ method: String, _ path: String, JSONValue?, Caller) async throws(GyreError) ->
        JSONValue

    private let call: Call
    /// Who looks at the page.
    private(set) var caller = Caller.inside
    private let staticFile: @Sendable (String) -> [UInt8]?
    let mlflowFile: @Sendable (RelativePath) -> [UInt8]?
    /// What every page says at its top; nil for nothing.
    private let warning: String?
    /// Where people sign in; nil where nobody has to.
    let desk: SessionDesk?

    /// A console that asks for its content, and does what it is asked for, by `call`.
    ///
    /// `staticFile` gives the browser files that set-up fetched, by name; the pages work without them. `mlflowFile` gives files of the
    /// pages that come with an installed mlflow, which notebooks show traces with. `warning`: what every page says at its top. `desk`: where people sign in.
    package init(
        call: @escaping Call,
        staticFile: @escaping @Sendable (String) -> [UInt8]?,
        mlflowFile: @escaping @Sendable (RelativePath) -> [UInt8]?, warning: String? = nil, desk: SessionDesk? = nil
    ) {
        self.desk = desk
        self.warning = warning
        self.call = call
        self.staticFile = staticFile
        self.mlflowFile = mlflowFile
    }

    /// What the API answers whoever looks at the page.
    func api(_ path: String) async throws(GyreError) -> JSONValue { try await call("GET", path, nil, caller) }

    /// Does what whoever looks at the page asked for.
    func act(_ path: String, _ body: JSONValue) async throws(GyreError) -> JSONValue {
        try await call("POST", path, body, caller)
    }

    /// Removes what whoever looks at the page wants removed.
    func remove(_ path: String, _ body: JSONValue) async throws(GyreError) -> JSONValue {
        try await call("DELETE", path, body, caller)
    }

    /// The same console, for whoever sent `request`.
    func asked(by request: HTTPRequest) -> Console {
        var console = self
        console.caller = request.caller
        return console
    }

    /// What the API answers, as its type.
    func get<Answer: APIObject>(_ type: Answer.Type, _ path: String) async throws(GyreError) -> Answer {
        try Answer(answer: try await api(path))
    }

    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: ["/"], errorResponse: Self.errorPage,
            routes: [
                Route("GET", "/", .signedIn) { request throws(GyreError) in try await asked(by: request).front(request)
                }, page("/runs", Self.runs), page("/runs/{id}", Self.run), page("/compare", Self.compare),
                page("/models", Self.models),
                page("/models/{name}", Self.model),
                page("/models/{name}/{version}", Self.card), page("/endpoints", Self.endpoints),
                page("/endpoints/{name}", Self.endpoint),
                Route("POST", "/endpoints/{name}", .signedIn) { request throws(GyreError) in
                    try await asked(by: request).command(request)
                },
                page("/pipelines", Self.pipelines), page("/pipelines/{id}", Self.pipeline), page("/data", Self.data),
                page("/data/{name}", Self.dataset),
                page("/lineage", Self.lineage), page("/ledger", Self.ledger), page("/traces", Self.traces),
                page("/traces/{id}", Self.trace),
                page("/prompts", Self.prompts), page("/prompts/{name}", Self.prompt),
                page("/logged-models", Self.loggedModels),
                page("/logged-models/{id}", Self.loggedModel), page("/access", Self.access),
                page("/approvals", Self.approvals),
                Route("GET", "/console/parts", .signedIn, samples),
                Route("GET", "/static/{name}", .nothing, serve),
                // Browsers ask for it where a page names no icon, as MLflow's frame does.
                Route("GET", "/favicon.ico", .nothing) { _ in HTTPResponse(status: 204) },
                Route("GET", "/mlflow", .nothing, moved),
                Route("GET", "/static-files/{path...}", .nothing, mlflowPages),
            ] + signInRoutes + accessRoutes + approvalRoutes + pipelineRoutes)
    }

    /// The home page; a program that asks for JSON is told that the server is there.
    private func front(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let accepted = request.headers("accept")?.lowercased() ?? ""
        // kserve 0.21 asks `GET /` with V1 whether a server is alive, and accepts anything, as pages' scripts do too: it is known by httpx.
        let isKServe = accepted == "*/*" && request.headers("user-agent")?.hasPrefix("python-httpx/") == true
        if isKServe || (accepted.contains("application/json") && !accepted.contains("text/html")) {
            return .json(["status": "alive"])
        }
        return shown(try await home(request))
    }

    /// Where a link of MLflow's client leads here; the part after `#` reaches no server, so a script sends it as `address`.
    private func moved(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .redirect(to: MLflowAddress.page(request.query("address") ?? ""))
    }

    private func page(
        _ path: String,
        _ make: @escaping @Sendable (Console) -> (HTTPRequest) async throws(GyreError) -> Page
    ) -> Route {
        Route("GET", path, .signedIn) { request throws(GyreError) in
            shown(try await make(asked(by: request))(request))
        }
    }

    private func shown(_ page: Page) -> HTTPResponse {
        var page = page
        page.warning = warning
        return Self.response(page)
    }

    private func samples(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        Self.response(Samples.page(request))
    }

    static func response(_ page: Page, status: Int = 200) -> HTTPResponse {
        var response = HTTPResponse.text(page.html.markup, type: "text/html; charset=utf-8", status: status)
        response.headers += [
            ("content-security-policy", "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"),
            ("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin"),
        ]
        return response
    }

    private static func errorPage(_ error: GyreError) -> HTTPResponse {
        let title = error.code == .notFound ? "Not found" : "That did not work"
        let page = Page(title, in: nil) {
            Note(.text(error.what), tone: error.code == .notFound ? .plain : .bad)
            if let why = error.why { Sentence("Why: \(why)") }
            if let fix = error.fix { Sentence("What to do: ", .code(fix)) }
        }
        return response(page, status: error.code.httpStatus)
    }

    private func serve(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = request.parameter("name")
        let own = ["gyre.css": Assets.style, "gyre.js": Assets.script][name].map { Array($0.utf8) }
        guard
            let bytes = own
                ?? (["uplot.min.js", "uplot.min.css"].contains(name) ? staticFile(name) : nil)
        else {
            throw GyreError(.notFound, "There is no file \"\(name.prefix(80))\".", fix: "make setup")
        }
        let type = name.hasSuffix(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8"
        return HTTPResponse(headers: [("content-type", type), ("cache-control", "max-age=300")], body: .bytes(bytes))
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
package import GyreBase
internal import GyreHTML
package import GyreHTTP

/// The pages that people look at, over the native API: whatever a page shows, a program can ask for too.
package struct Console: Sendable {
    let api: @Sendable (String) async throws(GyreError) -> JSONValue
    /// Does what a person asked for: a path of the native API, and the body that is posted there.
    let act: @Sendable (String, JSONValue) async throws(GyreError) -> JSONValue
    private let staticFile: @Sendable (String) -> [UInt8]?
    let mlflowFile: @Sendable (RelativePath) -> [UInt8]?
    /// What every page says at its top; nil for nothing.
    private let warning: String?

    /// A console that asks `api` for its content and does by `act` what is asked for.
    ///
    /// `staticFile` gives the browser files that set-up fetched, by name; the pages work without them. `mlflowFile` gives files of the
    /// pages that come with an installed mlflow, which notebooks show traces with. `warning`: what every page says at its top.
    package init(
        api: @escaping @Sendable (String) async throws(GyreError) -> JSONValue,
        act: @escaping @Sendable (String, JSONValue) async throws(GyreError) -> JSONValue,
        staticFile: @escaping @Sendable (String) -> [UInt8]?,
        mlflowFile: @escaping @Sendable (RelativePath) -> [UInt8]?, warning: String? = nil
    ) {
        self.warning = warning
        self.api = api
        self.act = act
        self.staticFile = staticFile
        self.mlflowFile = mlflowFile
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
                Route("GET", "/", front), page("/runs", runs), page("/runs/{id}", run), page("/compare", compare),
                page("/models", models),
                page("/models/{name}", model),
                page("/models/{name}/{version}", card), page("/endpoints", endpoints),
                page("/endpoints/{name}", endpoint), Route("POST", "/endpoints/{name}", command),
                page("/pipelines", pipelines), page("/pipelines/{id}", pipeline), page("/data", data),
                page("/data/{name}", dataset),
                page("/lineage", lineage), page("/ledger", ledger), page("/traces", traces),
                page("/traces/{id}", trace),
                page("/prompts", prompts), page("/prompts/{name}", prompt), page("/logged-models", loggedModels),
                page("/logged-models/{id}", loggedModel), Route("GET", "/console/parts", samples),
                Route("GET", "/static/{name}", serve),
                // Browsers ask for it where a page names no icon, as MLflow's frame does.
                Route("GET", "/favicon.ico") { _ in HTTPResponse(status: 204) },
                Route("GET", "/mlflow", moved), Route("GET", "/static-files/{path...}", mlflowPages),
            ])
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
        _ path: String, _ make: @escaping @Sendable (HTTPRequest) async throws(GyreError) -> Page
    ) -> Route {
        Route("GET", path) { request throws(GyreError) in shown(try await make(request)) }
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

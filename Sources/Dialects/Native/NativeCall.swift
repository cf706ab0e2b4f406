// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

/// One call of the API: its address, what it takes and answers, its words for the OpenAPI document, and what answers.
struct NativeCall: Sendable {
    let method: String
    let path: String
    let summary: String
    let query: [String]
    /// Whether it can tell what it would do without doing it, asked with `dry_run` in the body or the query.
    let hasDryRun: Bool
    let handler: @Sendable (HTTPRequest) async throws(GyreError) -> JSONValue

    init(
        _ method: String, _ path: String, _ summary: String, query: [String] = [], hasDryRun: Bool = false,
        _ handler: @escaping @Sendable (HTTPRequest) async throws(GyreError) -> JSONValue
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.query = query + (hasDryRun ? ["dry_run"] : [])
        self.hasDryRun = hasDryRun
        self.handler = handler
    }

    /// What it takes and answers.
    var shape: Shape? { Shape.all["\(method) \(path)"] }

    var route: Route {
        let takes = shape?.takes
        return Route(method, NativeDialect.root + path) { [handler, method, hasDryRun] request throws(GyreError) in
            if method == "GET" { return .json(try await handler(request)) }
            var request = request
            let bytes = try await request.body.collect(limit: Limits.bodyBytes)
            request.body = HTTPBody(bytes)
            let body = try Self.parsed(bytes)
            try Self.checkDryRun(request, body)
            if !hasDryRun, request.isDryRun(body) { throw Self.noDryRun(request) }
            if let takes { _ = try takes.init(request: body, extra: ["dry_run"]) }
            return .json(try await handler(request))
        }
    }

    private static func parsed(_ bytes: [UInt8]) throws(GyreError) -> JSONValue {
        bytes.isEmpty ? [:] : try JSONValue(parsing: bytes)
    }

    /// Whoever asks for a dry run in other words than the API's must not have the call carried out.
    private static func checkDryRun(_ request: HTTPRequest, _ body: JSONValue) throws(GyreError) {
        let asked = body["dry_run"] ?? .null
        let text = request.query("dry_run")
        guard asked.isNull || asked.bool != nil, text == nil || text == "true" || text == "false" else {
            throw GyreError(
                .invalid, "dry_run is true or false.",
                why: "It is \((asked.isNull ? text ?? "" : asked.text).prefix(40)); nothing was done.",
                fix: "{\"dry_run\": true}, or ?dry_run=true")
        }
    }

    /// A call that cannot be tried must not be carried out for somebody who only wants to see what it would do.
    private static func noDryRun(_ request: HTTPRequest) -> GyreError {
        GyreError(
            .unsupported, "\(request.method) \(request.path.prefix(200)) cannot tell what it would do.",
            why: "It has no dry run; nothing was done.", fix: "Leave dry_run out to carry it out.")
    }
}

extension HTTPRequest {
    /// Whether it is only asked what the call would do.
    func isDryRun(_ body: JSONValue) -> Bool { body["dry_run"]?.bool == true || query("dry_run") == "true" }

    /// Who calls, as the command line says it.
    var actor: String { actor(surface: "api") }
}

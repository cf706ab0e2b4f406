// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
internal import GyreBase
internal import GyreHTTP

/// One call of the API: its address, what it takes and answers, its words for the OpenAPI document, and what answers.
struct NativeCall: Sendable {
    let method: String
    let path: String
    /// What its caller must be allowed.
    let need: Need
    let summary: String
    let query: [String]
    /// Whether it can tell what it would do without doing it, asked with `dry_run` in the body or the query.
    let hasDryRun: Bool
    /// The body; nil where it has none, or one that is read by a format of its own.
    let takes: (any APIObject.Type)?
    private let handler: @Sendable (HTTPRequest) async throws(GyreError) -> JSONValue

    /// A call that reads its address alone.
    init(
        _ method: String, _ path: String, _ need: Need, _ summary: String, query: [String] = [],
        _ handler: @escaping @Sendable (HTTPRequest) async throws(GyreError) -> JSONValue
    ) {
        self.method = method
        self.path = path
        self.need = need
        self.summary = summary
        self.query = query
        hasDryRun = false
        takes = nil
        self.handler = handler
    }

    /// A call with a body of a type of the API.
    init<Body: APIObject>(
        _ method: String, _ path: String, _ need: Need, _ summary: String, takes: Body.Type, query: [String] = [],
        hasDryRun: Bool = false,
        _ handler: @escaping @Sendable (NativeRequest<Body>) async throws(GyreError) -> JSONValue
    ) {
        self.method = method
        self.path = path
        self.need = need
        self.summary = summary
        self.query = query + (hasDryRun ? ["dry_run"] : [])
        self.hasDryRun = hasDryRun
        self.takes = takes.isOpen ? nil : takes
        self.handler = { request throws(GyreError) in
            let asked = try await NativeRequest<Body>(request)
            if !hasDryRun, asked.isDryRun { throw Self.noDryRun(request) }
            return try await handler(asked)
        }
    }

    /// What it answers.
    var shape: Shape? { Shape.all["\(method) \(path)"] }

    var route: Route {
        Route(method, NativeDialect.root + path, need) { [handler] request throws(GyreError) in
            .json(try await handler(request))
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
    /// Who calls, as the command line says it.
    var actor: String { actor(surface: "api") }
}

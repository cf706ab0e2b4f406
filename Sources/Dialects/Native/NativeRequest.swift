// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

/// A request whose body was read.
struct NativeRequest<Body: APIObject>: Sendable {
    /// The address and what came with it.
    let http: HTTPRequest
    /// The body, every member of which is known and of the right kind.
    let body: Body
    /// The body as it came.
    let json: JSONValue
    /// Whether it is only asked what the call would do.
    let isDryRun: Bool

    /// Reads the body of a request.
    /// - Throws: `.invalid` for one that does not fit the type.
    init(_ request: HTTPRequest) async throws(GyreError) {
        let bytes = try await request.body.collect(limit: Limits.bodyBytes)
        http = request
        json = bytes.isEmpty ? [:] : try JSONValue(parsing: bytes)
        isDryRun = try Self.isDryRun(request, json)
        body = try Body(request: json, extra: ["dry_run"])
    }

    /// Who calls.
    var actor: String { http.actor }

    /// The part of the address of that name.
    func parameter(_ name: String) -> String { http.parameter(name) }

    /// Whoever asks for a dry run in other words than the API's must not have the call carried out.
    private static func isDryRun(_ request: HTTPRequest, _ body: JSONValue) throws(GyreError) -> Bool {
        let asked = body["dry_run"] ?? .null
        let text = request.query("dry_run")
        guard asked.isNull || asked.bool != nil, text == nil || text == "true" || text == "false" else {
            throw GyreError(
                .invalid, "dry_run is true or false.",
                why: "It is \((asked.isNull ? text ?? "" : asked.text).prefix(40)); nothing was done.",
                fix: "{\"dry_run\": true}, or ?dry_run=true")
        }
        return asked.bool == true || text == "true"
    }
}

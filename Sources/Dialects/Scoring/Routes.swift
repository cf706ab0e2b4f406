// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreDelivery
package import GyreHTTP
internal import GyreServing

extension ScoringDialect {
    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: ["/invocations", "/endpoints/", "/serving-endpoints/", "/ping"],
            errorResponse: ScoringErrors.response,
            routes: [
                Route("GET", "/ping", .nothing, ping),
                Route("POST", "/invocations", .predict, score),
                Route("POST", "/endpoints/{name}/invocations", .predict(.endpoint, "name"), score),
                Route("POST", "/serving-endpoints/{name}/invocations", .predict(.endpoint, "name"), score),
            ])
    }

    private func ping(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .text("\n", type: "application/json")
    }

    private func score(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = try name(request)
        let body = try await Inflate.unpacked(
            try await request.body.collect(limit: Limits.tensorBytes), encoding: request.headers("content-encoding"),
            limit: Limits.tensorBytes)
        let message = ScoringRequest(body, contentType: request.headers("content-type") ?? "application/json")
        var asked = Predictor.Request(name: name, payload: .document(message))
        asked.take(headers: request.headers)
        let answer = try await predictor.predict(asked)
        var response = HTTPResponse.json(try message.answer(answer))
        response.headers.append((Predictor.Request.idHeader, answer.id))
        return response
    }

    private func name(_ request: HTTPRequest) throws(GyreError) -> String {
        if let name = request.parameters["name"] ?? request.query("endpoint") { return name }
        let names = predictor.splits().keys.sorted()
        if let only = names.first, names.count == 1 { return only }
        throw GyreError(
            .invalid, "/invocations does not say which endpoint is asked.",
            why: names.isEmpty ? "There is none." : "There are \(names.prefix(20).joined(separator: ", ")).",
            fix: "POST /endpoints/NAME/invocations")
    }
}

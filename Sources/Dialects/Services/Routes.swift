// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreDelivery
internal import GyreHTTP
internal import GyreServing

extension ServicesDialect {
    /// Every path below `root`, by every verb.
    ///
    /// `endpoint`: the one that is meant, where the address does not say it.
    func serviceRoutes(_ root: String, _ endpoint: String? = nil) -> [Route] {
        ["GET", "POST", "PUT", "PATCH", "DELETE"].flatMap { method in
            [root.isEmpty ? "/" : root, root + "/{path...}"].map { pattern in
                Route(method, pattern, endpoint == nil ? .predict(.endpoint, "endpoint") : .predict) {
                    request throws(GyreError) in
                    let name = endpoint ?? request.parameter("endpoint")
                    return try await forward(request, to: name, below: endpoint == nil ? "\(Self.root)/" : "")
                }
            }
        }
    }

    /// The header fields that are passed on: what proves to Gyre who calls is no business of a model's code.
    private func headers(of request: HTTPRequest) -> [(name: String, value: String)] {
        guard case .known = request.caller.identity else { return request.headerFields() }
        let own: Set<String> = ["authorization", "cookie", "x-api-key", "x-gyre-token"]
        return request.headerFields().filter { !own.contains($0.name.lowercased()) }
    }

    /// Passes a request on, and its answer back as it comes.
    private func forward(
        _ request: HTTPRequest, to name: String, below prefix: String
    ) async throws(GyreError) -> HTTPResponse {
        var asked = Predictor.Request(name: name, payload: .tensors([], parameters: [:]))
        asked.take(headers: request.headers)
        // The path as it was sent: what is encoded stays so.
        var target = prefix.isEmpty ? request.path : String(request.path.dropFirst(prefix.count).drop { $0 != "/" })
        if !target.hasPrefix("/") { target = "/" + target }
        if !request.query.isEmpty { target += Percent.query(request.query.map { ($0.name, $0.value) }) }
        let exchanged = try await predictor.exchange(
            asked,
            HTTPModelCall(
                method: request.method, target: target, headers: headers(of: request),
                body: try await request.body.collect(limit: Limits.tensorBytes)))
        let answer = exchanged.answer
        let own = [
            (name: "gyre-prediction-id", value: exchanged.id),
            (name: "gyre-model-version", value: String(exchanged.version)),
        ]
        return HTTPResponse(
            status: answer.status, headers: answer.headers + own,
            body: .stream(sizeBytes: answer.sizeBytes, answer.next))
    }
}

// SPDX-License-Identifier: Apache-2.0

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
                Route(method, pattern) { request throws(GyreError) in
                    let name = endpoint ?? request.parameter("endpoint")
                    return try await forward(request, to: name, below: endpoint == nil ? "\(Self.root)/" : "")
                }
            }
        }
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
                method: request.method, target: target, headers: request.headerFields(),
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

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
package import GyreDelivery
package import GyreHTTP
internal import GyreServing

/// The scoring protocol of `mlflow models serve`: `/invocations`, for the one endpoint there is or for one by its name.
package struct ScoringDialect: Sendable {
    private let predictor: Predictor

    /// The dialect over the predictor.
    package init(predictor: Predictor) { self.predictor = predictor }

    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: ["/invocations", "/endpoints/", "/serving-endpoints/", "/ping"],
            errorResponse: {
                .json(
                    [
                        "error_code": .string($0.code == .internal ? "INTERNAL_ERROR" : "BAD_REQUEST"),
                        "message": .string($0.description),
                    ],
                    status: $0.code == .unsupported ? 400 : $0.code.httpStatus)
            },
            routes: [
                Route("GET", "/ping") { _ in .text("\n", type: "application/json") },
                Route("POST", "/invocations", score),
                Route("POST", "/endpoints/{name}/invocations", score),
                Route("POST", "/serving-endpoints/{name}/invocations", score),
            ])
    }

    private func score(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = try name(request)
        let hosted = try await predictor.summon(name)
        let body = try await Inflate.unpacked(
            try await request.body.collect(limit: Limits.tensorBytes), encoding: request.headers("content-encoding"),
            limit: Limits.tensorBytes)
        let message = try ScoringRequest(
            body, contentType: request.headers("content-type") ?? "application/json", model: hosted)
        var asked = Predictor.Request(name: name, inputs: message.inputs)
        asked.take(headers: request.headers)
        let answer = try await predictor.predict(asked)
        var response = HTTPResponse.json(try ScoringAnswer.write(answer.outputs))
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

/// Writes outputs as MLflow's server does: a flat list for one number a row, else a record for each row.
enum ScoringAnswer {
    static func write(_ outputs: [NamedTensor]) throws(GyreError) -> [UInt8] {
        var writer = JSONWriter(notFinite: .word)
        writer.raw("{\"predictions\":")
        let rows = outputs.first?.tensor.rows ?? 0
        if outputs.count == 1 || outputs.contains(where: { $0.tensor.rows != rows || $0.tensor.shape.isEmpty }) {
            for output in outputs.prefix(1) { try output.write(nested: true, to: &writer) }
        } else {
            writer.raw("[")
            for row in 0..<rows {
                if row > 0 { writer.raw(",") }
                try writer.row(row, of: outputs)
            }
            writer.raw("]")
        }
        writer.raw("}")
        return writer.bytes
    }
}

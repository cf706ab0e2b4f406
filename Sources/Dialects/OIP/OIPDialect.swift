// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
package import GyreHTTP
package import GyreLoop
internal import GyreRollout
package import GyreServing

/// The Open Inference Protocol over REST: health, metadata, infer.
package struct OIPDialect: Sendable {
    private let host: ModelHost
    private let predictor: Predictor
    private let version: String

    /// The dialect over these.
    ///
    /// `version`: the server's own version.
    package init(host: ModelHost, predictor: Predictor, version: String) {
        self.host = host
        self.predictor = predictor
        self.version = version
    }

    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: ["/v2"],
            errorResponse: { .json(["error": .string($0.description)], status: Self.status($0.code)) },
            routes: [
                Route("GET", "/v2/health/live") { _ in .json(["live": true]) },
                Route("GET", "/v2/health/ready") { _ in .json(["ready": true, "live": true]) },
                Route("GET", "/v2") { _ in .json(["name": "gyre", "version": .string(version), "extensions": []]) },
                Route("GET", "/v2/models") { _ in .json(["models": .strings(Set(host.models().map(\.name)).sorted())])
                },
                Route("GET", "/v2/models/{model}", metadata),
                Route("GET", "/v2/models/{model}/versions/{version}", metadata),
                Route("GET", "/v2/models/{model}/ready", ready),
                Route("GET", "/v2/models/{model}/versions/{version}/ready", ready),
                Route("POST", "/v2/models/{model}/infer", infer),
                Route("POST", "/v2/models/{model}/versions/{version}/infer", infer),
            ])
    }

    private static func status(_ code: GyreError.Code) -> Int { code == .unsupported ? 400 : code.httpStatus }

    private func number(_ request: HTTPRequest) throws(GyreError) -> Int? {
        guard let text = request.parameters["version"] else { return nil }
        guard let number = Int(text) else {
            throw GyreError(.notFound, "\"\(text.prefix(40))\" is no version of a model.")
        }
        return number
    }

    private func model(_ request: HTTPRequest) throws(GyreError) -> HostedModel {
        let name = request.parameter("model")
        return try host.model(name, try number(request) ?? predictor.routes()[name]?.stable.version)
    }

    private func metadata(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let hosted = try model(request)
        func spec(_ spec: TensorSpec) -> JSONValue {
            [
                "name": .string(spec.name), "datatype": .string(spec.datatype.rawValue),
                "shape": .array(spec.shape.map { .int(Int64($0)) }),
            ]
        }
        let versions = host.models().filter { $0.name == hosted.name }.map { String($0.number) }
        return .json([
            "name": .string(hosted.name), "versions": .strings(versions), "platform": .string(hosted.model.platform),
            "inputs": .array(hosted.model.inputs.map(spec)), "outputs": .array(hosted.model.outputs.map(spec)),
        ])
    }

    private func ready(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(["name": .string(try model(request).name), "ready": true])
    }

    private func infer(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let message = try InferRequest(try await request.body.collect(limit: Limits.bodyBytes))
        var asked = Predictor.Request(name: request.parameter("model"), inputs: message.inputs)
        asked.version = try number(request)
        asked.id = message.id
        asked.stickyKey = message.parameters["key"]?.string
        if let time = message.parameters["event_time"]?.string { asked.eventAt = try Timestamp.parse(time) }
        let answer = try await predictor.predict(asked)
        var outputs = answer.outputs
        if !message.outputs.isEmpty {
            outputs = []
            for name in message.outputs {
                guard let output = answer.outputs.first(where: { $0.name == name }) else {
                    throw GyreError(
                        .invalid, "The model has no output \"\(name.prefix(80))\".",
                        why: "It has \(answer.outputs.map(\.name).joined(separator: ", ")).")
                }
                outputs.append(output)
            }
        }
        return .json(
            try InferResponse.write(model: asked.name, version: answer.version, id: answer.id, outputs: outputs))
    }
}

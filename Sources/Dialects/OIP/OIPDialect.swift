// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
package import GyreHTTP
package import GyreLoop
package import GyreServing

/// The Open Inference Protocol over REST with Triton's extensions.
package struct OIPDialect: Sendable {
    let host: ModelHost
    let predictor: Predictor
    let repository: ModelRepository
    let version: String

    /// The dialect over these.
    ///
    /// `version`: the server's own version.
    package init(host: ModelHost, predictor: Predictor, repository: ModelRepository, version: String) {
        self.host = host
        self.predictor = predictor
        self.repository = repository
        self.version = version
    }

    /// The extensions that work, as the server's metadata tells them.
    static let extensions = [
        "classification", "model_repository", "schedule_policy", "model_configuration", "binary_tensor_data",
        "parameters", "statistics", "generate",
    ]

    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: ["/v2"],
            errorResponse: { .failure($0, ["error": .string($0.description)], status: Self.status($0.code)) },
            routes: [
                Route.direct("POST", "/v2/models/{model}/infer", infer),
                Route.direct("POST", "/v2/models/{model}/versions/{version}/infer", infer),
                Route("GET", "/v2/health/live") { _ in .json(["live": true]) },
                Route("GET", "/v2/health/ready") { _ in .json(["ready": true, "live": true]) },
                Route("GET", "/v2", metadata),
                Route("GET", "/v2/models") { _ in .json(["models": .strings(Set(host.listings().map(\.name)).sorted())])
                },
                Route("GET", "/v2/models/stats") { _ in
                    .json(["model_stats": .array(host.models().map(ModelDocuments.statistics))])
                },
                Route("GET", "/v2/models/{model}", modelMetadata),
                Route("GET", "/v2/models/{model}/versions/{version}", modelMetadata),
                Route("GET", "/v2/models/{model}/ready", ready),
                Route("GET", "/v2/models/{model}/versions/{version}/ready", ready),
                Route("GET", "/v2/models/{model}/config", configuration),
                Route("GET", "/v2/models/{model}/versions/{version}/config", configuration),
                Route("GET", "/v2/models/{model}/stats", statistics),
                Route("GET", "/v2/models/{model}/versions/{version}/stats", statistics),
                Route("POST", "/v2/models/{model}/generate", generate),
                Route("POST", "/v2/models/{model}/versions/{version}/generate", generate),
                Route("POST", "/v2/models/{model}/generate_stream", generateStream),
                Route("POST", "/v2/models/{model}/versions/{version}/generate_stream", generateStream),
                Route("POST", "/v2/repository/index", index),
                Route("POST", "/v2/repository/models/{model}/load", load),
                Route("POST", "/v2/repository/models/{model}/unload", unload),
            ])
    }

    static func status(_ code: GyreError.Code) -> Int { code == .unsupported ? 400 : code.httpStatus }

    func number(_ request: HTTPRequest) throws(GyreError) -> Int? {
        guard let text = request.parameters["version"] else { return nil }
        guard let number = Int(text) else {
            throw GyreError(.notFound, "\"\(text.prefix(40))\" is no version of a model.")
        }
        return number
    }

    // MARK: What is told

    private func metadata(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(["name": "gyre", "version": .string(version), "extensions": .strings(Self.extensions)])
    }

    private func modelMetadata(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let hosted = try await predictor.summon(request.parameter("model"), try number(request))
        let versions = host.models().filter { $0.name == hosted.name }.map(\.number)
        return .json(ModelDocuments.metadata(hosted, versions: versions))
    }

    private func ready(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        // A version that is loaded on first use is ready to be asked.
        let name = request.parameter("model")
        let number = try number(request)
        if try host.loaded(name, number) == nil { _ = try await predictor.summon(name, number) }
        return .json(["name": .string(name), "ready": true])
    }

    private func configuration(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(ModelDocuments.configuration(try await predictor.summon(request.parameter("model"), try number(request))))
    }

    private func statistics(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = request.parameter("model")
        let number = try number(request)
        _ = try host.loaded(name, number)
        let models = host.models().filter { $0.name == name && (number == nil || $0.number == number) }
        return .json(["model_stats": .array(models.map(ModelDocuments.statistics))])
    }

    // MARK: Inference

    private func infer(_ request: HTTPRequest) throws(GyreError) -> Route.DirectAnswer {
        let name = request.parameter("model")
        let number = try number(request)
        let bytes = try Inflate.body(
            request.body.atHand ?? [], encoding: request.headers("content-encoding"), limit: Limits.tensorBytes)
        let headerLength = try headerLength(request)
        if headerLength == 0 {
            return .later { () async throws(GyreError) in
                let message = try InferRequest(raw: bytes, for: try await predictor.summon(name, number))
                return try respond(
                    message, name, try await predictor.predict(try question(message, name, number)), request)
            }
        }
        let message = try InferRequest(bytes, headerLength: headerLength)
        let asked = try question(message, name, number)
        if let answer = try predictor.predictNow(asked) { return .now(try respond(message, name, answer, request)) }
        return .later { () async throws(GyreError) in
            try respond(message, name, try await predictor.predict(asked), request)
        }
    }

    private func headerLength(_ request: HTTPRequest) throws(GyreError) -> Int? {
        guard let text = request.headers("inference-header-content-length") else { return nil }
        guard let length = Int(text), length >= 0 else {
            throw GyreError(.invalid, "Inference-Header-Content-Length is \"\(text.prefix(40))\", which is no length.")
        }
        return length
    }

    private func question(
        _ message: InferRequest, _ name: String, _ number: Int?
    ) throws(GyreError) -> Predictor.Request {
        var asked = Predictor.Request(name: name, inputs: message.inputs)
        asked.version = number
        asked.id = message.id
        if case .object(let parameters) = message.parameters, !parameters.isEmpty {
            asked.stickyKey = message.parameters["key"]?.string
            if let time = message.parameters["event_time"]?.string { asked.eventAt = try Timestamp.parse(time) }
            asked.wishes.priority = Int(clamping: message.parameters["priority"]?.int ?? 0)
            asked.wishes.timeout = max(0, message.parameters["timeout"]?.int ?? 0)
        }
        return asked
    }

    private func respond(
        _ message: InferRequest, _ name: String, _ answer: Predictor.Answer, _ request: HTTPRequest
    ) throws(GyreError) -> HTTPResponse {
        let wantsClasses = message.outputs.contains { $0.classes > 0 }
        let labels = wantsClasses ? try host.model(name, answer.version).source.settings.labels : [:]
        return Deflate.answer(
            try InferResponse.make(message, model: name, answer: answer, labels: labels),
            accepted: request.headers("accept-encoding"))
    }

    // MARK: Repository

    private func index(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let onlyReady = try await request.json()["ready"]?.bool ?? false
        let listings = await repository.index().filter { !onlyReady || $0.state == .ready }
        return .json(
            .array(
                listings.map { listing in
                    guard listing.isKnown else { return ["name": .string(listing.name)] }
                    return [
                        "name": .string(listing.name), "version": .string(String(listing.number)),
                        "state": .string(listing.state.rawValue), "reason": .string(listing.reason),
                    ]
                }))
    }

    private func load(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let parameters = try await request.json()["parameters"]
        if case .object(let members)? = parameters,
            let file = members.members.first(where: { $0.name.hasPrefix("file:") })
        {
            throw GyreError(
                .unsupported, "Files in a request to load a model are not taken: \(file.name.prefix(80)).",
                fix: "Put them into the model repository, or register the model.")
        }
        let configuration = try parameters?["config"]?.string.map { text throws(GyreError) in
            try ConfigurationFile.read(json: text)
        }
        try await repository.load(request.parameter("model"), configuration: configuration)
        return HTTPResponse()
    }

    private func unload(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = request.parameter("model")
        if predictor.routes(name) != nil {
            throw GyreError(
                .conflict, "The model \"\(name)\" has the traffic of an endpoint.", fix: "gyre endpoint show \(name)")
        }
        try await repository.unload(name)
        return HTTPResponse()
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreDelivery
package import GyreHTTP
internal import GyreServing

/// The Open Inference Protocol over REST with Triton's extensions.
package struct OIPDialect: Sendable {
    let calls: InferenceCalls

    /// The dialect over these.
    package init(_ calls: InferenceCalls) { self.calls = calls }

    private var host: ModelHost { calls.host }
    var predictor: Predictor { calls.predictor }

    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: ["/v2"],
            errorResponse: { .failure($0, ["error": .string($0.description)], status: Self.status($0.code)) },
            routes: [
                Route.direct("POST", "/v2/models/{model}/infer", infer),
                Route.direct("POST", "/v2/models/{model}/versions/{version}/infer", infer),
                Route("GET", "/v2/health/live") { _ in .json(["live": true]) },
                Route("GET", "/v2/health/ready", serverReady),
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
            ] + sharedMemoryRoutes + settingsRoutes)
    }

    static func status(_ code: GyreError.Code) -> Int { code == .unsupported ? 400 : code.httpStatus }

    func number(_ request: HTTPRequest) throws(GyreError) -> Int? {
        try calls.number(request.parameters["version"] ?? "")
    }

    // MARK: What is told

    private func metadata(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(["name": "gyre", "version": .string(calls.version), "extensions": .strings(calls.extensions)])
    }

    private func serverReady(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let isReady = calls.repository.hasStarted
        return .json(["ready": .bool(isReady), "live": true], status: isReady ? 200 : 503)
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
        try Inflate.answer(request) { bytes throws(GyreError) in try infer(request, bytes) }
    }

    private func infer(_ request: HTTPRequest, _ bytes: [UInt8]) throws(GyreError) -> Route.DirectAnswer {
        let name = request.parameter("model")
        let number = try number(request)
        let headerLength = try headerLength(request)
        if headerLength == 0 {
            return .later { () async throws(GyreError) in
                let message = try InferRequest(raw: bytes, for: try await predictor.summon(name, number))
                return try respond(
                    message, name, try await calls.predict(try question(message, name, number)), request)
            }
        }
        let message = try InferRequest(bytes, headerLength: headerLength) { slice throws(GyreError) in
            try calls.shared().read(slice)
        }
        var asked = try question(message, name, number)
        if let answer = try predictor.predictNow(&asked) { return .now(try respond(message, name, answer, request)) }
        let awaited = asked
        return .later { () async throws(GyreError) in
            try respond(message, name, try await calls.predict(awaited), request)
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
        var asked = Predictor.Request(
            name: name, payload: .tensors(message.inputs, parameters: message.parameters))
        asked.version = number
        asked.id = try InferenceCalls.id(message.id)
        if case .object(let parameters) = message.parameters, !parameters.isEmpty {
            asked.stickyKey = message.parameters["key"]?.string
            for parameter in parameters.members.prefix(100) {
                if let value = parameter.value.string { asked.attributes[parameter.name] = value }
            }
            if let time = message.parameters["event_time"]?.string { asked.eventAt = try Timestamp.parse(time) }
            asked.wishes.priority = Int(clamping: message.parameters["priority"]?.int ?? 0)
            asked.wishes.timeout = max(0, message.parameters["timeout"]?.int ?? 0)
        }
        return asked
    }

    private func respond(
        _ message: InferRequest, _ name: String, _ answer: Predictor.Answer, _ request: HTTPRequest
    ) throws(GyreError) -> HTTPResponse {
        Deflate.answer(
            try InferResponse.make(message, model: name, answer: answer, calls: calls),
            accepted: request.headers("accept-encoding"))
    }

    // MARK: Repository

    private func index(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let onlyReady = try await request.json()["ready"]?.bool ?? false
        let listings = await calls.repository.index().filter { !onlyReady || $0.state == .ready }
        return .json(
            .array(
                listings.map { listing in
                    guard listing.isKnown else { return ["name": .string(listing.name)] }
                    return [
                        "name": .string(listing.name),
                        "version": .string(listing.number == 0 ? "" : String(listing.number)),
                        "state": .string(listing.state.rawValue), "reason": .string(listing.reason),
                    ]
                }))
    }

    private func load(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        var files: [String: [UInt8]] = [:]
        let parameters = try await request.json(limit: Limits.tensorBytes)["parameters"]
        if case .object(let members)? = parameters {
            for member in members.members where member.name.hasPrefix("file:") {
                guard let text = member.value.string, let data = Data(base64Encoded: text) else {
                    throw GyreError(.invalid, "The parameter \"\(member.name.prefix(80))\" is no base64.")
                }
                files[String(member.name.dropFirst(5))] = [UInt8](data)
            }
        }
        try await calls.load(
            request.parameter("model"), configuration: parameters?["config"]?.string, files: files)
        return HTTPResponse()
    }

    private func unload(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        try await calls.unload(request.parameter("model"))
        return HTTPResponse()
    }
}

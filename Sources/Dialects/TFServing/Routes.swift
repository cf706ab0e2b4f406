// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreDelivery
package import GyreHTTP
internal import GyreServing

extension TFServingDialect {
    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: ["/v1/models"], errorResponse: TFServingErrors.response,
            routes: [Route("GET", "/v1/models", .read, listModels)]
                + ["", "/versions/{version}", "/labels/{label}"].flatMap { modelRoutes("/v1/models/{model}\($0)") })
    }

    /// A verb stands behind the last part of the path, after a colon.
    private func modelRoutes(_ model: String) -> [Route] {
        [
            .direct("POST", "\(model):predict", .predict(.endpoint, "model"), predict),
            Route("POST", "\(model):classify", .predict(.endpoint, "model"), classify),
            Route("POST", "\(model):regress", .predict(.endpoint, "model"), regress),
            Route("POST", "\(model):explain", .predict(.endpoint, "model"), explain),
            Route("GET", "\(model)/metadata", .predict(.endpoint, "model"), metadata),
            Route("GET", model, .predict(.endpoint, "model"), status),
        ]
    }

    private func number(_ request: HTTPRequest, _ name: String) throws(GyreError) -> Int? {
        if let label = request.parameters["label"] { return try host.version(name, label: label) }
        guard let text = request.parameters["version"] else { return nil }
        guard let number = Int(text) else {
            throw GyreError(.notFound, "\"\(text.prefix(40))\" is no version of a model.")
        }
        return number
    }

    // MARK: Predict

    private func predict(_ request: HTTPRequest) throws(GyreError) -> Route.DirectAnswer {
        try Inflate.answer(request) { body throws(GyreError) in try predict(request, body) }
    }

    private func predict(_ request: HTTPRequest, _ body: [UInt8]) throws(GyreError) -> Route.DirectAnswer {
        let name = request.parameter("model")
        let number = try number(request, name)
        let event = CloudEvent(request, model: name)
        let message = PredictRequest(body, event: event)
        var asked = question(message, event, name, number, request)
        if let answer = try predictor.predictNow(&asked) { return .now(try respond(message, event, answer)) }
        let awaited = asked
        return .later { () async throws(GyreError) in
            try respond(message, event, try await predictor.predict(awaited))
        }
    }

    private func question(
        _ message: PredictRequest, _ event: CloudEvent, _ name: String, _ number: Int?, _ request: HTTPRequest
    ) -> Predictor.Request {
        var asked = Predictor.Request(name: name, payload: .document(message))
        asked.version = number
        asked.id = event.id
        asked.take(headers: request.headers)
        return asked
    }

    private func respond(
        _ message: PredictRequest, _ event: CloudEvent, _ answer: Predictor.Answer
    ) throws(GyreError) -> HTTPResponse {
        var response = event.answer(try message.answer(answer))
        response.headers.append((Predictor.Request.idHeader, answer.id))
        return response
    }

    private func explain(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = request.parameter("model")
        let hosted = try await predictor.summon(name, try number(request, name))
        return .json(try await hosted.explain(try await request.json(limit: Limits.tensorBytes, refusesNull: false)))
    }

    private func classify(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let (outputs, labels) = try await examples(request)
        return .json(try TFServingMessages.classes(outputs, labels: labels))
    }

    private func regress(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(try TFServingMessages.values(try await examples(request).outputs))
    }

    /// The answers to examples: objects of features, of which each is an input of the model.
    private func examples(
        _ request: HTTPRequest
    ) async throws(GyreError) -> (outputs: [NamedTensor], labels: [String: [String]]) {
        let name = request.parameter("model")
        let number = try number(request, name)
        let hosted = try await predictor.summon(name, number)
        var parser = JSONParser(try await request.body.collect(limit: Limits.bodyBytes))
        var inputs: [NamedTensor]?
        try parser.expect("{")
        repeat {
            let member = try parser.string()
            try parser.expect(":")
            if member == "examples" {
                inputs = try RowInputs(hosted.form).rows(&parser)
            } else {
                _ = try parser.value()
            }
        } while parser.consume(",")
        try parser.expect("}")
        try parser.end()
        guard let inputs else { throw GyreError(.invalid, "The request has no \"examples\".") }
        var asked = Predictor.Request(name: name, inputs: inputs)
        asked.version = number
        return (try await predictor.predict(asked).outputs, hosted.source.settings.labels)
    }

    // MARK: What is told

    private func listModels(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(["models": .strings(Set(host.listings().map(\.name)).sorted())])
    }

    private func status(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = request.parameter("model")
        let number = try number(request, name)
        _ = try host.loaded(name, number)
        let listings = host.listings().filter { $0.name == name && (number == nil || $0.number == number) }
        // What is loaded on first use can be asked.
        let isReady = listings.contains { $0.state == .ready || $0.state == .unavailable && $0.reason.isEmpty }
        return .json(TFServingMessages.status(name, listings, isReady: isReady), status: isReady ? 200 : 503)
    }

    private func metadata(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = request.parameter("model")
        return .json(TFServingMessages.metadata(try await predictor.summon(name, try number(request, name)), as: name))
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
package import GyreDelivery
package import GyreHTTP
package import GyreServing

/// TensorFlow Serving's REST API, and KServe's V1, which is the same without versions and labels.
package struct TFServingDialect: Sendable {
    private let host: ModelHost
    private let predictor: Predictor

    /// The dialect over these.
    package init(host: ModelHost, predictor: Predictor) {
        self.host = host
        self.predictor = predictor
    }

    private static let places = ["", "/versions/{version}", "/labels/{label}"]

    /// All routes.
    package var routes: RouteGroup {
        var routes: [Route] = []
        for place in Self.places {
            // A verb stands behind the last part of the path, after a colon.
            func path(_ verb: String) -> String { "/v1/models/{model}\(place):\(verb)" }
            routes.append(Route.direct("POST", path("predict"), predict))
            routes.append(Route("POST", path("explain"), explain))
            routes.append(Route("POST", path("classify"), classify))
            routes.append(Route("POST", path("regress"), regress))
            routes.append(Route("GET", "/v1/models/{model}\(place)/metadata", metadata))
            routes.append(Route("GET", "/v1/models/{model}\(place)", status))
        }
        routes.append(
            Route("GET", "/v1/models") { _ in .json(["models": .strings(Set(host.listings().map(\.name)).sorted())]) })
        return RouteGroup(
            prefixes: ["/v1/models"],
            errorResponse: {
                .failure(
                    $0, ["error": .string($0.description)],
                    status: $0.code == .unsupported ? 400 : $0.code.httpStatus)
            }, routes: routes)
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
        guard let hosted = try predictor.loaded(name, number) else {
            return .later { () async throws(GyreError) in
                let hosted = try await predictor.summon(name, number)
                let message = try PredictRequest(body, event: event, form: hosted.form)
                let asked = question(message, event, name, number, request)
                return try respond(message, event, try await predictor.predict(asked))
            }
        }
        let message = try PredictRequest(body, event: event, form: hosted.form)
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
        var asked = Predictor.Request(name: name, inputs: message.inputs)
        asked.version = number
        asked.id = event.id
        asked.take(headers: request.headers)
        return asked
    }

    private func respond(
        _ message: PredictRequest, _ event: CloudEvent, _ answer: Predictor.Answer
    ) throws(GyreError) -> HTTPResponse {
        var response = event.answer(try message.answer(answer.outputs))
        response.headers.append((Predictor.Request.idHeader, answer.id))
        return response
    }

    private func explain(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = request.parameter("model")
        let hosted = try await predictor.summon(name, try number(request, name))
        return .json(try await hosted.explain(try await request.json(limit: Limits.tensorBytes, refusesNull: false)))
    }

    // MARK: Classify and regress

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

    private func classify(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let (outputs, labels) = try await examples(request)
        guard let scores = outputs.last(where: { $0.tensor.shape.count == 2 && $0.tensor.datatype != .bytes }) else {
            throw GyreError(
                .invalid, "The model gives no scores of classes.",
                why: "None of its outputs has one row of numbers for each example.")
        }
        let width = scores.tensor.shape[1]
        let names = labels[scores.name] ?? []
        let rows = (0..<scores.tensor.rows).map { row in
            JSONValue.array(
                (0..<width).map { index in
                    let label = names.indices.contains(index) ? names[index] : String(index)
                    return [.string(label), .optional(scores.tensor.number(at: row * width + index))]
                })
        }
        return .json(["result": .array(rows)])
    }

    private func regress(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let (outputs, _) = try await examples(request)
        guard let value = outputs.first(where: { $0.tensor.count == $0.tensor.rows && $0.tensor.datatype != .bytes })
        else {
            throw GyreError(.invalid, "The model gives no one number for each example.")
        }
        return .json(["result": .array((0..<value.tensor.rows).map { .optional(value.tensor.number(at: $0)) })])
    }

    // MARK: What is told

    /// KServe's clients read `ready`, TensorFlow Serving's the states of the versions: both are told.
    private func status(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = request.parameter("model")
        let number = try number(request, name)
        _ = try host.loaded(name, number)
        let listings = host.listings().filter { $0.name == name && (number == nil || $0.number == number) }
        // What is loaded on first use can be asked.
        let isReady = listings.contains { $0.state == .ready || $0.state == .unavailable && $0.reason.isEmpty }
        let states: [JSONValue] = listings.map { listing in
            let isFailed =
                listing.state == .unavailable && !listing.reason.isEmpty && listing.reason != ModelHost.unloaded
            return [
                "version": .string(String(listing.number)), "state": .string(Self.state(listing)),
                "status": [
                    "error_code": .string(isFailed ? "UNKNOWN" : "OK"),
                    "error_message": .string(isFailed ? listing.reason : ""),
                ],
            ]
        }
        return .json(
            ["name": .string(name), "ready": .bool(isReady), "model_version_status": .array(states)],
            status: isReady ? 200 : 503)
    }

    private static func state(_ listing: ModelHost.Listing) -> String {
        switch listing.state {
        case .ready: "AVAILABLE"
        case .loading: "LOADING"
        case .unavailable: listing.reason.isEmpty ? "AVAILABLE" : "END"
        }
    }

    private func metadata(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = request.parameter("model")
        let hosted = try await predictor.summon(name, try number(request, name))
        func ports(_ specs: [TensorSpec]) -> JSONValue {
            .object(
                JSONObject(
                    specs.map { spec in
                        (
                            spec.name,
                            [
                                "dtype": .string(Self.type(spec.datatype)),
                                "tensor_shape": [
                                    "dim": .array(spec.shape.map { ["size": .string(String($0)), "name": ""] }),
                                    "unknown_rank": false,
                                ], "name": .string(spec.name),
                            ]
                        )
                    }))
        }
        return .json([
            "model_spec": ["name": .string(name), "signature_name": "", "version": .string(String(hosted.number))],
            "metadata": [
                "signature_def": [
                    "signature_def": [
                        "serving_default": [
                            "inputs": ports(hosted.model.inputs), "outputs": ports(hosted.model.outputs),
                            "method_name": "tensorflow/serving/predict",
                        ]
                    ]
                ]
            ],
        ])
    }

    private static func type(_ datatype: Tensor.Datatype) -> String {
        switch datatype {
        case .fp32: "DT_FLOAT"
        case .fp64: "DT_DOUBLE"
        case .fp16: "DT_HALF"
        case .bf16: "DT_BFLOAT16"
        case .bytes: "DT_STRING"
        case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: "DT_\(datatype.rawValue)"
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreDelivery
internal import GyreHTTP
internal import GyreServing

/// Asking a model: tensors, and Triton's texts.
extension OIPDialect {
    var inferRoutes: [Route] {
        ["/v2/models/{model}", "/v2/models/{model}/versions/{version}"].flatMap { model in
            [
                Route.direct("POST", "\(model)/infer", .predict(.endpoint, "model"), infer),
                Route("POST", "\(model)/generate", .predict(.endpoint, "model"), generate),
                Route("POST", "\(model)/generate_stream", .predict(.endpoint, "model"), generateStream),
            ]
        }
    }

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
}

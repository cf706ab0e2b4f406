// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreDelivery
internal import GyreHTTP
internal import GyreMonitoring
internal import GyreServing

extension SeldonDialect {
    func predict(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = request.parameter("deployment")
        let json = try await request.json(limit: Limits.tensorBytes, refusesNull: false)
        let form = try await predictor.summon(name).form
        let columns = form.features.isEmpty ? form.specs.map(\.name) : form.features
        let message = try SeldonMessage(json, columns: columns)
        var asked = Predictor.Request(name: name, payload: .document(message))
        asked.take(headers: request.headers)
        if let id = json["meta"]?["puid"]?.string, !id.isEmpty, id.utf8.count <= Limits.nameBytes { asked.id = id }
        let answer = try await predictor.predict(asked)
        var response = HTTPResponse.json(try message.answer(answer, model: name))
        response.headers.append((Predictor.Request.idHeader, answer.id))
        return response
    }

    /// What became of a prediction: the truth where it is given, else the reward.
    func feedback(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = request.parameter("deployment")
        let json = try await request.json()
        guard let id = json["response"]?["meta"]?["puid"]?.string, !id.isEmpty else {
            throw GyreError(
                .invalid, "The feedback names no prediction.",
                why: "response.meta.puid is the one that its answer had.")
        }
        let truth = json["truth"].flatMap { try? SeldonMessage($0) }.flatMap(\.number)
        guard let value = truth ?? json["reward"]?.double else {
            throw GyreError(.invalid, "The feedback has neither a truth nor a reward.")
        }
        let label = Label(id: id, value: value)
        let known = try await log.known([id], endpoint: name)
        guard !known.isEmpty else {
            throw GyreError(
                .notFound, "The deployment \"\(name.prefix(200))\" made no prediction \"\(id.prefix(80))\".",
                why: "Its log does not have it.")
        }
        try await log.append([label], endpoint: name)
        _ = predictor.label([label], endpoint: name)
        return .json(["meta": ["puid": .string(id), "tags": [:], "routing": [:], "requestPath": [:], "metrics": []]])
    }

    func metadata(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let hosted = try await predictor.summon(request.parameter("deployment"))
        func ports(_ specs: [TensorSpec]) -> JSONValue {
            .array(
                specs.map {
                    [
                        "name": .string($0.name), "datatype": .string($0.datatype.rawValue),
                        "shape": .array($0.shape.map { .int(Int64($0)) }),
                    ]
                })
        }
        return .json([
            "name": .string(hosted.name),
            "models": [
                hosted.name: [
                    "name": .string(hosted.name), "platform": .string(hosted.model.platform),
                    "versions": [.string(String(hosted.number))], "inputs": ports(hosted.model.inputs),
                    "outputs": ports(hosted.model.outputs),
                ]
            ],
        ])
    }
}

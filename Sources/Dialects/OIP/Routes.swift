// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreDelivery
internal import GyreHTTP
internal import GyreServing

/// What the server and its models tell of themselves.
extension OIPDialect {
    var modelRoutes: [Route] {
        [
            Route("GET", "/v2/health/live", .nothing, live),
            Route("GET", "/v2/health/ready", .nothing, serverReady),
            Route("GET", "/v2", .nothing, metadata),
            Route("GET", "/v2/models", .read, listModels),
            Route("GET", "/v2/models/stats", .read, allStatistics),
        ]
            + ["/v2/models/{model}", "/v2/models/{model}/versions/{version}"].flatMap { model in
                [
                    Route("GET", model, .predict(.endpoint, "model"), modelMetadata),
                    Route("GET", "\(model)/ready", .predict(.endpoint, "model"), ready),
                    Route("GET", "\(model)/config", .predict(.endpoint, "model"), configuration),
                    Route("GET", "\(model)/stats", .read(.endpoint, "model"), statistics),
                ]
            }
    }

    private var host: ModelHost { calls.host }
    var predictor: Predictor { calls.predictor }

    /// The version that an address names; nil where it names none.
    func number(_ request: HTTPRequest) throws(GyreError) -> Int? {
        try calls.number(request.parameters["version"] ?? "")
    }

    private func live(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse { .json(["live": true]) }

    private func listModels(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(["models": .strings(Set(host.listings().map(\.name)).sorted())])
    }

    private func allStatistics(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(["model_stats": .array(host.models().map(OIPMessages.statistics))])
    }

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
        return .json(OIPMessages.metadata(hosted, versions: versions))
    }

    private func ready(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        // A version that is loaded on first use is ready to be asked.
        let name = request.parameter("model")
        let number = try number(request)
        if try host.loaded(name, number) == nil { _ = try await predictor.summon(name, number) }
        return .json(["name": .string(name), "ready": true])
    }

    private func configuration(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(OIPMessages.configuration(try await predictor.summon(request.parameter("model"), try number(request))))
    }

    private func statistics(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = request.parameter("model")
        let number = try number(request)
        _ = try host.loaded(name, number)
        let models = host.models().filter { $0.name == name && (number == nil || $0.number == number) }
        return .json(["model_stats": .array(models.map(OIPMessages.statistics))])
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreDelivery
package import GyreHTTP
internal import GyreServing

extension KServeDialect {
    /// All routes: objects by the addresses of Kubernetes and by Gyre's own, and requests to graphs.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: [
                "/apis/", "/serving/", "/api/gyre/v1/inference", "/api/gyre/v1/trained", "/api/gyre/v1/manifests",
            ],
            errorResponse: KServeErrors.response,
            routes: [
                Route("POST", "/api/gyre/v1/manifests", .operate.asking("deploy", .endpoint, "name"), apply),
                Route("POST", "/serving/{namespace}/{name}", .predict, ask),
                Route("POST", "/serving/{namespace}/{name}/", .predict, ask),
            ] + ObjectKind.allCases.flatMap(objectRoutes))
    }

    private func objectRoutes(_ kind: ObjectKind) -> [Route] {
        ["/apis/serving.kserve.io/{version}/namespaces/{namespace}/\(kind.plural)", "/api/gyre/v1/\(kind.plural)"]
            .flatMap {
                [
                    Route("POST", $0, .operate.asking("deploy", .endpoint, "name"), apply),
                    Route("PUT", "\($0)/{name}", .operate.asking("deploy", .endpoint, "name"), apply),
                    Route("GET", $0, .read) { _ throws(GyreError) in try await list(kind) },
                    Route("GET", "\($0)/{name}", .read) { request throws(GyreError) in try await get(kind, request) },
                    Route("DELETE", "\($0)/{name}", .operate.asking("deploy", .endpoint, "name")) {
                        request throws(GyreError) in
                        try await delete(kind, request)
                    },
                ]
            }
    }

    // MARK: Objects

    private func apply(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let manifest = try await request.json()
        let actor = request.actor(surface: "kserve")
        switch manifest["kind"]?.string {
        case "InferenceService":
            let wanted = try InferenceServiceManifest.read(manifest)
            return .json(KServeMessages.service(try await services.apply(wanted, by: actor), isReady: isReady))
        case "TrainedModel":
            let (wanted, parent) = try InferenceServiceManifest.readTrainedModel(manifest)
            guard
                try await !services.services(kind: ObjectKind.service.name).filter({
                    $0["manifest"]?["metadata"]?["name"]?.string == parent
                }).isEmpty
            else {
                throw InferenceServiceManifest.wrong(
                    "spec.inferenceService", "No InferenceService is named \"\(parent)\".")
            }
            return .json(KServeMessages.trainedModel(try await services.apply(wanted, by: actor), isReady: isReady))
        case "InferenceGraph":
            let graph = try InferenceGraphManifest.read(manifest)
            try await services.apply(graph: graph.name, manifest: manifest, by: actor)
            return .json(KServeMessages.graph(manifest))
        case let other:
            throw GyreError(
                .unsupported, "Objects of the kind \"\((other ?? "").prefix(80))\" are not known.",
                why: "There are InferenceService, TrainedModel and InferenceGraph.")
        }
    }

    private func objects(_ kind: ObjectKind, _ name: String?) async throws(GyreError) -> [JSONValue] {
        switch kind {
        case .service:
            return try await services.services(kind: kind.name, name).map {
                KServeMessages.service($0, isReady: isReady)
            }
        case .trained:
            return try await services.services(kind: kind.name, name).map {
                KServeMessages.trainedModel($0, isReady: isReady)
            }
        case .graph:
            if let name { return [KServeMessages.graph(try await services.graph(name))] }
            return try await services.graphs().map(KServeMessages.graph)
        }
    }

    private func list(_ kind: ObjectKind) async throws(GyreError) -> HTTPResponse {
        .json([
            "apiVersion": .string(kind.version), "kind": .string(kind.name + "List"), "metadata": [:],
            "items": .array(try await objects(kind, nil)),
        ])
    }

    private func get(_ kind: ObjectKind, _ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(try await objects(kind, request.parameter("name"))[0])
    }

    private func delete(_ kind: ObjectKind, _ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let actor = request.actor(surface: "kserve")
        let name = request.parameter("name")
        switch kind {
        case .service, .trained:
            _ = try await services.services(kind: kind.name, name)
            try await services.delete(name, by: actor)
        case .graph: try await services.delete(graph: name, by: actor)
        }
        return .json(["apiVersion": "v1", "kind": "Status", "status": "Success"])
    }

    /// Whether a model can be asked; of one version of it, or of any.
    private func isReady(_ name: String, _ number: Int64?) -> Bool {
        host.models().contains { $0.name == name && (number == nil || Int64($0.number) == number) }
    }

    // MARK: Requests

    /// A graph's, or a service's, by the path that KServe's ingress has for it.
    private func ask(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.body.collect(limit: Limits.bodyBytes)
        let name = request.parameter("name")
        let graph = try InferenceGraphManifest.read(try await services.graph(name))
        let id = request.headers(Predictor.Request.idHeader).map { String($0.prefix(200)) } ?? newID()
        let runner = InferenceGraphRunner(graph, random: random) { model, body, place in
            let response = await predict(
                model, body.bytes, "graph \(name) \(place)", "\(id)-\(place.replacing("/", with: "-"))")
            guard case .bytes(let bytes) = response.body, let json = try? JSONValue(parsing: bytes) else {
                return InferenceGraphRunner.Reply(
                    status: 502, body: ["error": .string("The model \"\(model)\" gave no JSON.")])
            }
            return InferenceGraphRunner.Reply(status: response.status, body: json)
        }
        let reply = await runner.run(try JSONValue(parsing: body))
        var response = HTTPResponse.json(reply.body, status: reply.status)
        response.headers.append((Predictor.Request.idHeader, id))
        return response
    }
}

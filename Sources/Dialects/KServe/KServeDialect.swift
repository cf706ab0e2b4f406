// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreDelivery
package import GyreHTTP
package import GyreServing

/// KServe's objects: `InferenceService`, `TrainedModel` and `InferenceGraph`, by Kubernetes' addresses and by `gyre apply`.
package struct KServeDialect: Sendable {
    private let services: InferenceServices
    private let host: ModelHost
    private let random: @Sendable () -> Double
    private let newID: @Sendable () -> String
    private let predict: Predict

    /// Asks a model by KServe's V1 protocol, as the graph's step `via` with the id `id`.
    package typealias Predict =
        @Sendable (_ model: String, _ body: [UInt8], _ via: String, _ id: String) async -> HTTPResponse

    /// The dialect over these.
    package init(
        services: InferenceServices, host: ModelHost, surroundings: Surroundings, predict: @escaping Predict
    ) {
        self.services = services
        self.host = host
        random = surroundings.random
        newID = surroundings.newID
        self.predict = predict
    }

    private static let objects = "/apis/serving.kserve.io/{version}/namespaces/{namespace}/"

    /// All routes.
    package var routes: RouteGroup {
        var routes: [Route] = [
            Route("POST", "/api/gyre/v1/manifests", apply),
            Route("POST", "/serving/{namespace}/{name}", ask), Route("POST", "/serving/{namespace}/{name}/", ask),
        ]
        let kinds = [
            ("inferenceservices", Kind.service), ("trainedmodels", Kind.trained), ("inferencegraphs", Kind.graph),
        ]
        for (plural, kind) in kinds {
            for base in ["\(Self.objects)\(plural)", "/api/gyre/v1/\(plural)"] {
                routes.append(Route("POST", base, apply))
                routes.append(Route("PUT", "\(base)/{name}", apply))
                routes.append(
                    Route("GET", base) { request throws(GyreError) in
                        .json([
                            "apiVersion": .string(kind.version), "kind": .string(kind.name + "List"), "metadata": [:],
                            "items": .array(try await list(kind, nil)),
                        ])
                    })
                routes.append(
                    Route("GET", "\(base)/{name}") { request throws(GyreError) in
                        .json(try await list(kind, request.parameter("name"))[0])
                    })
                routes.append(
                    Route("DELETE", "\(base)/{name}") { request throws(GyreError) in
                        let actor = request.actor(surface: "kserve")
                        let name = request.parameter("name")
                        switch kind {
                        case .service, .trained:
                            _ = try await services.services(kind: kind.name, name)
                            try await services.delete(name, by: actor)
                        case .graph: try await services.delete(graph: name, by: actor)
                        }
                        return .json(["apiVersion": "v1", "kind": "Status", "status": "Success"])
                    })
            }
        }
        return RouteGroup(
            prefixes: [
                "/apis/", "/serving/", "/api/gyre/v1/inference", "/api/gyre/v1/trained", "/api/gyre/v1/manifests",
            ],
            errorResponse: Self.failure, routes: routes)
    }

    private enum Kind {
        case service
        case trained
        case graph

        var name: String {
            switch self {
            case .service: "InferenceService"
            case .trained: "TrainedModel"
            case .graph: "InferenceGraph"
            }
        }
        var version: String { self == .service ? "serving.kserve.io/v1beta1" : "serving.kserve.io/v1alpha1" }
    }

    /// An error as Kubernetes tells it, with the members that Gyre's own commands read.
    private static func failure(_ error: GyreError) -> HTTPResponse {
        let reasons: [GyreError.Code: String] = [
            .invalid: "Invalid", .notFound: "NotFound", .alreadyExists: "AlreadyExists", .conflict: "Conflict",
            .denied: "Forbidden",
        ]
        return .failure(
            error,
            [
                "apiVersion": "v1", "kind": "Status", "status": "Failure", "message": .string(error.description),
                "reason": .string(reasons[error.code] ?? "InternalError"), "code": .int(Int64(error.code.httpStatus)),
                "error": [
                    "code": .string(error.code.rawValue), "what": .string(error.what), "why": .optional(error.why),
                    "fix": .optional(error.fix),
                ],
            ])
    }

    // MARK: Objects

    private func apply(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let manifest = try await request.json()
        let actor = request.actor(surface: "kserve")
        switch manifest["kind"]?.string {
        case "InferenceService":
            let wanted = try InferenceServiceManifest.read(manifest)
            return .json(serviceStatus(try await services.apply(wanted, by: actor)))
        case "TrainedModel":
            let (wanted, parent) = try InferenceServiceManifest.readTrainedModel(manifest)
            guard
                try await !services.services(kind: Kind.service.name).filter({
                    $0["manifest"]?["metadata"]?["name"]?.string == parent
                }).isEmpty
            else {
                throw InferenceServiceManifest.wrong(
                    "spec.inferenceService", "No InferenceService is named \"\(parent)\".")
            }
            return .json(trainedStatus(try await services.apply(wanted, by: actor)))
        case "InferenceGraph":
            let graph = try InferenceGraphManifest.read(manifest)
            try await services.apply(graph: graph.name, manifest: manifest, by: actor)
            return .json(graphStatus(manifest))
        case let other:
            throw GyreError(
                .unsupported, "Objects of the kind \"\((other ?? "").prefix(80))\" are not known.",
                why: "There are InferenceService, TrainedModel and InferenceGraph.")
        }
    }

    private func list(_ kind: Kind, _ name: String?) async throws(GyreError) -> [JSONValue] {
        switch kind {
        case .service: return try await services.services(kind: kind.name, name).map(serviceStatus)
        case .trained: return try await services.services(kind: kind.name, name).map(trainedStatus)
        case .graph:
            if let name { return [graphStatus(try await services.graph(name))] }
            return try await services.graphs().map(graphStatus)
        }
    }

    private func serviceStatus(_ state: JSONValue) -> JSONValue {
        var manifest = state["manifest"] ?? [:]
        let name = manifest["metadata"]?["name"]?.string ?? ""
        let space = manifest["metadata"]?["namespace"]?.string ?? "default"
        let (latest, rolledOut) = (state["latest"]?.int ?? 1, state["rolled_out"]?.int ?? 1)
        let percent = state["canary_percent"]?.int ?? 0
        func revision(_ number: Int64) -> String {
            "\(name)-predictor-\(String(repeating: "0", count: max(0, 5 - String(number).count)))\(number)"
        }
        var traffic: [JSONValue] = [
            [
                "revisionName": .string(revision(rolledOut)),
                "percent": .int(latest == rolledOut ? 100 : 100 - percent),
                "latestRevision": .bool(latest == rolledOut),
            ]
        ]
        if latest != rolledOut {
            traffic.append([
                "revisionName": .string(revision(latest)), "percent": .int(percent), "latestRevision": true,
            ])
        }
        let isReady = host.models().contains { $0.name == name && Int64($0.number) == rolledOut }
        let url = JSONValue.string("/v1/models/\(name)")
        var predictor: JSONValue = [
            "url": url, "latestReadyRevision": .string(revision(latest)),
            "latestCreatedRevision": .string(revision(latest)),
            "latestRolledoutRevision": .string(revision(rolledOut)), "traffic": .array(traffic),
        ]
        if let previous = state["previous"]?.int {
            predictor["previousRolledoutRevision"] = .string(revision(previous))
        }
        manifest["apiVersion"] = manifest["apiVersion"] ?? "serving.kserve.io/v1beta1"
        manifest["metadata"] = manifest["metadata"] ?? [:]
        var metadata = manifest["metadata"] ?? [:]
        metadata["namespace"] = .string(space)
        manifest["metadata"] = metadata
        manifest["status"] = [
            "url": url, "address": ["url": url],
            "conditions": .array(
                ["IngressReady", "PredictorReady", "Ready"].map {
                    ["type": .string($0), "status": isReady ? "True" : "False"]
                }),
            "components": ["predictor": predictor],
            "modelStatus": [
                "transitionStatus": "UpToDate",
                "states": [
                    "activeModelState": isReady ? "Loaded" : "Pending",
                    "targetModelState": isReady ? "Loaded" : "Pending",
                ],
                "copies": ["totalCopies": 1, "failedCopies": 0],
            ], "deploymentMode": "Standard", "observedGeneration": .int(latest),
        ]
        return manifest
    }

    private func trainedStatus(_ state: JSONValue) -> JSONValue {
        var manifest = state["manifest"] ?? [:]
        let name = manifest["metadata"]?["name"]?.string ?? ""
        let isReady = host.models().contains { $0.name == name }
        let url = JSONValue.string("/v1/models/\(name)")
        manifest["status"] = [
            "url": url, "address": ["url": url],
            "conditions": .array(
                ["FrameworkSupported", "InferenceServiceReady", "IsMMSPredictor", "MemoryResourceAvailable", "Ready"]
                    .map {
                        ["type": .string($0), "status": $0 != "Ready" || isReady ? "True" : "False"]
                    }),
        ]
        return manifest
    }

    private func graphStatus(_ manifest: JSONValue) -> JSONValue {
        var manifest = manifest
        let name = manifest["metadata"]?["name"]?.string ?? ""
        let space = manifest["metadata"]?["namespace"]?.string ?? "default"
        manifest["status"] = [
            "url": .string("/serving/\(space)/\(name)"), "conditions": [["type": "Ready", "status": "True"]],
        ]
        return manifest
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

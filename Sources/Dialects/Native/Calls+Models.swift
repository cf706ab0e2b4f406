// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP
internal import GyreLoop
internal import GyreRegistry
internal import GyreSearch
internal import GyreServing
internal import GyreTracking

extension NativeDialect {
    var modelCalls: [NativeCall] {
        [
            NativeCall("GET", "/experiments", "All experiments.") { _ throws(GyreError) in
                let experiments = try await services.tracking.store.experiments(.active)
                return [
                    "experiments": .array(
                        experiments.map {
                            [
                                "id": .string(String($0.id)), "name": .string($0.name),
                                "created_ms": .int($0.createdMilliseconds),
                            ]
                        })
                ]
            },
            NativeCall(
                "GET", "/runs", "Tracked runs; `id` picks some of them, as often as it is given.",
                query: ["experiment", "filter", "order_by", "limit", "after", "id"]
            ) { request throws(GyreError) in
                let picked = request.query.filter { $0.name == "id" }.map(\.value)
                if !picked.isEmpty {
                    guard picked.count <= 1000 else {
                        throw GyreError(.invalid, "At most 1000 runs are picked at once. Got \(picked.count).")
                    }
                    var runs: [JSONValue] = []
                    for id in picked { runs.append(Self.json(try await services.tracking.run(id))) }
                    return ["runs": .array(runs)]
                }
                let query = try await runQuery(request, most: 5000, default: 100)
                let page = try await services.tracking.store.searchRuns(query)
                let runs = try await services.tracking.store.runs(page.rows)
                var answer: JSONValue = ["runs": .array(runs.map { Self.json($0) })]
                if let next = page.next { answer["next"] = .array(next) }
                return answer
            },
            NativeCall("GET", "/runs/{id}", "A tracked run.") { request throws(GyreError) in
                Self.json(try await services.tracking.run(request.parameter("id")))
            },
            NativeCall(
                "GET", "/runs/{id}/history",
                "The points of one metric: the first `limit`, or about `points` spread over all of them.",
                query: ["metric", "limit", "points"]
            ) { request throws(GyreError) in
                let (key, id) = (request.query("metric") ?? "", request.parameter("id"))
                let store = services.tracking.store
                let points: [MetricPoint]
                if request.query("points") != nil {
                    let count = try request.number("points", default: 200, in: 2...5000)
                    points = try await store.sample(of: key, in: id, count: count)
                } else {
                    let limit = try request.number("limit", default: 2000, in: 1...25_000)
                    points = try await store.history(of: key, in: id, after: nil, limit: limit)
                }
                let list = points.map { point -> JSONValue in
                    [
                        "step": .int(point.step), "value": .double(point.value),
                        "timestamp_ms": .int(point.timestampMilliseconds),
                    ]
                }
                return ["points": .array(list)]
            },
            NativeCall("GET", "/models", "Registered models.") { _ throws(GyreError) in
                var list: [JSONValue] = []
                for model in try await services.registry.models() {
                    let versions = try await services.registry.versions(of: model.name)
                    var aliases: JSONValue = [:]
                    for (alias, number) in try await services.registry.aliases(of: model.name) {
                        aliases[alias] = .int(Int64(number))
                    }
                    list.append([
                        "name": .string(model.name), "description": .string(model.description),
                        "versions": .int(Int64(versions.count)),
                        "latest": .optional(versions.last.map { Int64($0.number) }), "aliases": aliases,
                    ])
                }
                return ["models": .array(list)]
            },
            NativeCall(
                "GET", "/served", "What the server knows to serve: state, memory, what it did since it was loaded."
            ) {
                _ in
                let loaded = Dictionary(
                    services.host.models().map { ("\($0.name)@\($0.number)", $0) }, uniquingKeysWith: { $1 })
                return [
                    "models": .array(
                        services.host.listings().map { listing in
                            let hosted = loaded["\(listing.name)@\(listing.number)"]
                            return [
                                "name": .string(listing.name), "version": .int(Int64(listing.number)),
                                "state": .string(listing.state.rawValue), "reason": .string(listing.reason),
                                "platform": .optional(hosted?.model.platform), "bytes": .optional(hosted?.bytes),
                                "requests": .optional(
                                    hosted.map { Int64(clamping: $0.statistics.now.success.count) }),
                                "loaded_at": .optional(hosted?.loadedAt), "last_used_at": .optional(hosted?.lastUsedAt),
                            ]
                        })
                ]
            },
            NativeCall("GET", "/models/{name}", "A model with its versions.") { request throws(GyreError) in
                let model = try await services.registry.model(request.parameter("name"))
                var aliases: JSONValue = [:]
                for (alias, number) in try await services.registry.aliases(of: model.name) {
                    aliases[alias] = .int(Int64(number))
                }
                return [
                    "name": .string(model.name), "description": .string(model.description), "aliases": aliases,
                    "versions": .array(try await services.registry.versions(of: model.name).map(\.json)),
                ]
            },
            NativeCall("GET", "/models/{name}/versions/{version}", "A version by number, alias or latest.") {
                request throws(GyreError) in
                try await services.registry.resolve(request.parameter("name"), request.parameter("version")).json
            },
            NativeCall(
                "GET", "/models/{name}/versions/{version}/card",
                "The model card, filled from the ledger; what is missing is named.", query: ["format"]
            ) {
                request throws(GyreError) in
                let version = try await services.registry.resolve(
                    request.parameter("name"), request.parameter("version"))
                let card = try await services.conductor.card(of: version)
                return request.query("format") == "markdown" ? ["markdown": .string(ModelCard.markdown(card))] : card
            },
            NativeCall(
                "POST", "/models/{name}/versions",
                "Registers the next version of files that were sent as blobs: {files: [{path, sha256}], configuration, description}."
            ) {
                request throws(GyreError) in
                let body = try await request.json()
                let files = try (body["files"]?.array ?? []).map { entry throws(GyreError) in
                    (path: entry["path"]?.string ?? "", digest: try Digest(hex: entry["sha256"]?.string ?? ""))
                }
                return try await services.imports.add(
                    request.parameter("name"), files: files, configuration: body["configuration"]?.string,
                    description: body["description"]?.string ?? "", by: request.actor
                ).json
            },
            NativeCall(
                "POST", "/models/{name}/versions/{version}/configuration",
                "Says how a version is served from its next deployment on: {configuration}, a config.pbtxt; null for the usual way."
            ) {
                request throws(GyreError) in
                let version = try await services.registry.resolve(
                    request.parameter("name"), request.parameter("version"))
                try await services.imports.configure(
                    version, try await request.json()["configuration"]?.string, by: request.actor)
                return try await services.registry.resolve(version.name, String(version.number)).json
            },
            NativeCall(
                "POST", "/models/{name}/versions/{version}/conversion",
                "Converts a scikit-learn model to ONNX and compares what both answer; the numbers are kept."
            ) {
                request throws(GyreError) in
                let version = try await services.registry.resolve(
                    request.parameter("name"), request.parameter("version"))
                let digest = try await services.files.servable(version)
                if let conversion = try await services.files.convert(version, digest, by: request.actor) {
                    return conversion
                }
                throw GyreError(
                    .unsupported, "\(version.ref) is not converted.",
                    why:
                        "It is no model of scikit-learn, its owner wants Python, or models may not run code of their own here.",
                    fix: "gyre up --trust-models")
            },
            NativeCall("POST", "/models/{name}/aliases/{alias}", "Points an alias at a version: {version}.") {
                request throws(GyreError) in
                let version = Int(try await request.json()["version"]?.int ?? 0)
                try await services.registry.setAlias(
                    request.parameter("alias"), of: request.parameter("name"), to: version, by: request.actor)
                return ["alias": .string(request.parameter("alias")), "version": .int(Int64(version))]
            },
        ]
    }

    static func json(_ run: Run) -> JSONValue {
        var metrics: JSONValue = [:]
        metrics = .object(JSONObject(run.metrics.map { ($0.key, .double($0.value)) }))
        func pairs(_ list: [KeyValue]) -> JSONValue { .object(JSONObject(list.map { ($0.key, .string($0.value)) })) }
        return [
            "id": .string(run.id), "experiment": .string(String(run.experimentID)), "name": .string(run.name),
            "status": .string(run.status.rawValue), "start_ms": .int(run.startMilliseconds),
            "end_ms": .optional(run.endMilliseconds),
            "metrics": metrics, "params": pairs(run.params), "tags": pairs(run.tags),
        ]
    }
}

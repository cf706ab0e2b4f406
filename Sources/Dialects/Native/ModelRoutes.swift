// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
internal import GyreBase
internal import GyreDelivery
internal import GyreHTTP
internal import GyreLedger
internal import GyreLoop
internal import GyreRegistry
internal import GyreSearch
internal import GyreServing
internal import GyreTracking
internal import GyreVersioning

extension NativeDialect {
    var modelCalls: [NativeCall] {
        [
            NativeCall("GET", "/experiments", .list(.experiment), "All experiments.", listExperiments),
            NativeCall(
                "GET", "/runs", .list(.experiment), "Tracked runs; `id` picks some of them, as often as it is given.",
                query: ["experiment", "filter", "order_by", "limit", "after", "id"], searchRuns),
            NativeCall("GET", "/runs/{id}", .read(.run, "id"), "A tracked run.", showRun),
            NativeCall(
                "GET", "/runs/{id}/history", .read(.run, "id"),
                "The points of one metric: the first `limit`, or about `points` spread over all of them; `cursor` is for the run's events.",
                query: ["metric", "limit", "points"], showHistory),
            NativeCall("GET", "/models", .list(.model), "Registered models.", listModels),
            NativeCall(
                "GET", "/served", .read,
                "What the server knows to serve: state, memory, what it did since it was loaded.",
                listServed),
            NativeCall("GET", "/models/{name}", .read(.model, "name"), "A model with its versions.", showModel),
            NativeCall(
                "GET", "/models/{name}/versions/{version}", .read(.model, "name"),
                "A version by number, alias or latest.", showVersion),
            NativeCall(
                "GET", "/models/{name}/versions/{version}/card", .read(.model, "name"),
                "The model card, filled from the ledger; what is missing is named.", query: ["format"], showCard),
            NativeCall(
                "POST", "/models/{name}/versions", .write(.model, "name"),
                "Registers the next version of files that were sent as blobs: {files: [{path, sha256}], configuration, description}.",
                takes: API.RegisterRequest.self, hasDryRun: true, register),
            NativeCall(
                "POST", "/models/{name}/versions/{version}/configuration", .write(.model, "name"),
                "Says how a version is served from its next deployment on: {configuration}, a config.pbtxt; null for the usual way.",
                takes: API.ConfigurationRequest.self, hasDryRun: true, configure),
            NativeCall(
                "POST", "/models/{name}/versions/{version}/conversion", .write(.model, "name").and(.runCode),
                "Converts a scikit-learn model to ONNX and compares what both answer; the numbers are kept.",
                takes: API.ReasonRequest.self, hasDryRun: true, convert),
            NativeCall(
                "POST", "/models/{name}/versions/{version}/predictions", .write.and(.runCode),
                "Predicts every row of a dataset; what comes of it is a dataset version: {input, dataset, format}.",
                takes: API.BatchRequest.self, hasDryRun: true, predictBatch),
            NativeCall(
                "POST", "/models/{name}/aliases/{alias}", .operate(.model, "name").asking("alias", .model, "name"),
                "Points an alias at a version: {version}, a number, another alias or latest.",
                takes: API.AliasRequest.self, hasDryRun: true, setAlias),
        ]
    }

    private func predictBatch(_ request: NativeRequest<API.BatchRequest>) async throws(GyreError) -> JSONValue {
        let body = request.body
        let model = try await names.version(request.parameter("name"), request.parameter("version"))
        let parts = body.input.split(separator: "@", maxSplits: 1).map(String.init)
        let input = try await names.datasetVersion(parts.first ?? "", parts.count > 1 ? parts[1] : "latest")
        var batch = BatchPredictor.Request(model: model, input: input)
        if let dataset = body.dataset { batch.dataset = try Name(dataset, of: "dataset").text }
        if let text = body.format {
            guard let format = BatchPredictor.Format(rawValue: text) else {
                throw GyreError(.invalid, "\"\(text.prefix(40))\" is no format.", why: "There are parquet and csv.")
            }
            batch.format = format
        }
        var answer: JSONValue = ["model": .string(model.ref.description), "input": .string(input.ref.description)]
        if request.isDryRun {
            answer["dataset"] = .string("dataset/\(batch.dataset)")
            answer["dry_run"] = true
            return answer
        }
        let outcome = try await services.batches.predict(batch, by: request.actor)
        answer["dataset"] = .string(outcome.version.ref.description)
        answer["rows"] = .int(outcome.rows)
        answer["sha256"] = .optional(outcome.version.tree.entries.first?.blob.digest.hex)
        return answer
    }

    private func setAlias(_ request: NativeRequest<API.AliasRequest>) async throws(GyreError) -> JSONValue {
        let alias = request.parameter("alias")
        let selector = request.body.version
        let version = try await names.version(request.parameter("name"), selector.text)
        let old = try await services.registry.aliases(of: version.name).first { $0.alias == alias }?.number
        var answer: JSONValue = [
            "alias": .string(alias), "version": .int(Int64(version.number)), "old": .optional(old.map(Int64.init)),
        ]
        if request.isDryRun {
            try RegistryRules.checkAlias(alias)
            answer["dry_run"] = true
            return answer
        }
        try await services.registry.setAlias(alias, of: version.name, to: version.number, by: request.actor)
        return answer
    }

    /// What registering would make.
    private func tryRegistering(_ name: String) async throws(GyreError) -> JSONValue {
        let isNew = try await services.registry.models().allSatisfy { $0.name != name }
        let last = isNew ? nil : try await services.registry.versions(of: name).last?.number
        return [
            "name": .string(name), "number": .int(Int64((last ?? 0) + 1)), "is_new_model": .bool(isNew),
            "dry_run": true,
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

    private func listExperiments(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let visible = request.visible(.experiment)
        let experiments = try await services.tracking.store.experiments(.active).filter {
            visible?.contains(String($0.id)) ?? true
        }
        return [
            "experiments": .array(
                experiments.map {
                    [
                        "id": .string(String($0.id)), "name": .string($0.name),
                        "created_ms": .int($0.createdMilliseconds),
                    ]
                })
        ]
    }

    private func searchRuns(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let picked = request.query.filter { $0.name == "id" }.map(\.value)
        if !picked.isEmpty {
            guard picked.count <= 1000 else {
                throw GyreError(.invalid, "At most 1000 runs are picked at once. Got \(picked.count).")
            }
            var runs: [JSONValue] = []
            for id in picked { runs.append(Self.json(try await pickedRun(id, request))) }
            return ["runs": .array(runs)]
        }
        let query = try await runQuery(request, most: 5000, default: 100)
        let page = try await services.tracking.store.searchRuns(query)
        let runs = try await services.tracking.store.runs(page.rows)
        var answer: JSONValue = ["runs": .array(runs.map { Self.json($0) })]
        if let next = page.next { answer["next"] = .array(next) }
        return answer
    }

    private func showRun(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        Self.json(try await names.run(request.parameter("id")))
    }

    private func showHistory(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let key = request.query("metric") ?? ""
        let id = try await names.run(request.parameter("id")).id
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
        return ["points": .array(list), "cursor": .optional(points.last.map { HistoryCursor($0).text })]
    }

    private func listModels(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        var list: [JSONValue] = []
        let visible = request.visible(.model)
        for model in try await services.registry.models()
        where !model.isPrompt && visible?.contains(model.name) ?? true {
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
    }

    private func listServed(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let loaded = Dictionary(
            services.host.models().map { ("\($0.name)@\($0.number)", $0) }, uniquingKeysWith: { $1 })
        return [
            "models": .array(
                services.host.listings().map { listing in
                    let hosted = loaded["\(listing.name)@\(listing.number)"]
                    return [
                        "name": .string(listing.name),
                        "version": .optional(listing.number == 0 ? nil : Int64(listing.number)),
                        "state": .string(listing.state.rawValue), "reason": .string(listing.reason),
                        "platform": .optional(hosted?.model.platform), "bytes": .optional(hosted?.bytes),
                        "requests": .optional(
                            hosted.map { Int64(clamping: $0.statistics.now.success.count) }),
                        "loaded_at": .optional(hosted?.loadedAt), "last_used_at": .optional(hosted?.lastUsedAt),
                    ]
                })
        ]
    }

    private func showModel(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let model = try await names.model(request.parameter("name"))
        var aliases: JSONValue = [:]
        for (alias, number) in try await services.registry.aliases(of: model.name) {
            aliases[alias] = .int(Int64(number))
        }
        return [
            "name": .string(model.name), "description": .string(model.description), "aliases": aliases,
            "versions": .array(try await services.registry.versions(of: model.name).map(\.json)),
        ]
    }

    private func showVersion(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        try await names.version(request.parameter("name"), request.parameter("version")).json
    }

    private func showCard(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let version = try await names.version(request.parameter("name"), request.parameter("version"))
        let card = try await services.conductor.card(of: version)
        return request.query("format") == "markdown" ? ["markdown": .string(ModelCard.markdown(card))] : card
    }

    private func register(_ request: NativeRequest<API.RegisterRequest>) async throws(GyreError) -> JSONValue {
        let body = request.body
        if request.isDryRun {
            try services.imports.check(body.configuration)
            return try await tryRegistering(request.parameter("name"))
        }
        let files = try (body.files ?? []).map { file throws(GyreError) in
            (path: file.path, digest: try Digest(hex: file.sha256))
        }
        return try await services.imports.add(
            request.parameter("name"), files: files, configuration: body.configuration,
            description: body.description ?? "", by: request.actor
        ).json
    }

    private func configure(_ request: NativeRequest<API.ConfigurationRequest>) async throws(GyreError) -> JSONValue {
        let configuration = request.body.configuration
        let version = try await names.version(request.parameter("name"), request.parameter("version"))
        if request.isDryRun {
            try services.imports.check(configuration)
            return Self.dry(version.json)
        }
        try await services.imports.configure(version, configuration, by: request.actor)
        return try await services.registry.resolve(version.name, String(version.number)).json
    }

    private func convert(_ request: NativeRequest<API.ReasonRequest>) async throws(GyreError) -> JSONValue {
        let version = try await names.version(request.parameter("name"), request.parameter("version"))
        let digest = try await services.files.servable(version)
        if request.isDryRun {
            if let known = try await services.files.conversion(of: digest) { return Self.dry(known) }
            if try await services.files.mayConvert(digest) {
                return ["model": .string(version.ref.description), "dry_run": true]
            }
        } else if let conversion = try await services.files.convert(version, digest, by: request.actor) {
            return conversion
        }
        throw GyreError(
            .conflict, "\(version.ref) is not converted.",
            why:
                "It is no model of scikit-learn, its owner wants Python, or models may not run code of their own here.",
            fix: "gyre up --trust-models")
    }
}

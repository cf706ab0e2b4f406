// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreSearch
internal import GyreTracking

extension MLflowDialect {
    var runRoutes: [(String, String, Call)] {
        [
            ("POST", "/runs/create", createRun),
            ("POST", "/runs/update", updateRun),
            ("POST", "/runs/search", searchRuns),
            ("POST", "/runs/log-metric", logMetric),
            ("POST", "/runs/log-batch", logBatch),
            ("POST", "/runs/log-inputs", logInputs),
            ("POST", "/runs/outputs", logOutputs),
            ("GET", "/metrics/get-history", history),
            (
                "GET", "/runs/get",
                { arguments throws(GyreError) in
                    ["run": Messages.run(try await tracking.run(try runID(arguments)))]
                }
            ),
            (
                "POST", "/runs/delete",
                { arguments throws(GyreError) in
                    try await tracking.setDeleted(true, run: try runID(arguments), by: arguments.actor)
                    return [:]
                }
            ),
            (
                "POST", "/runs/restore",
                { arguments throws(GyreError) in
                    try await tracking.setDeleted(false, run: try runID(arguments), by: arguments.actor)
                    return [:]
                }
            ),
            (
                "POST", "/runs/log-parameter",
                { arguments throws(GyreError) in
                    var entries = RunEntries()
                    entries.params = [KeyValue(try arguments.text("key"), try arguments.optionalText("value") ?? "")]
                    try await tracking.log(try runID(arguments), entries)
                    return [:]
                }
            ),
            (
                "POST", "/runs/set-tag",
                { arguments throws(GyreError) in
                    var entries = RunEntries()
                    entries.tags = [KeyValue(try arguments.text("key"), try arguments.optionalText("value") ?? "")]
                    try await tracking.log(try runID(arguments), entries)
                    return [:]
                }
            ),
            (
                "POST", "/runs/delete-tag",
                { arguments throws(GyreError) in
                    try await tracking.store.deleteTag(try arguments.text("key"), of: try runID(arguments))
                    return [:]
                }
            ),
            // The v2 client's record of a model; version 3 uses logged models, and the tag is all that is kept.
            (
                "POST", "/runs/log-model",
                { arguments throws(GyreError) in
                    let id = try runID(arguments)
                    let old = try await tracking.run(id).tag("mlflow.log-model.history") ?? "[]"
                    var list = try JSONValue(parsing: old).array ?? []
                    list.append(try JSONValue(parsing: try arguments.text("model_json")))
                    var entries = RunEntries()
                    entries.tags = [KeyValue("mlflow.log-model.history", JSONValue.array(list).text)]
                    try await tracking.log(id, entries)
                    return [:]
                }
            ),
        ]
    }

    private func runID(_ arguments: Arguments) throws(GyreError) -> String {
        if let id = try arguments.optionalText("run_id"), !id.isEmpty { return id }
        if let id = try arguments.optionalText("run_uuid"), !id.isEmpty { return id }
        return try arguments.text("run_id")
    }

    private func createRun(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        var draft = Tracking.RunDraft()
        draft.experimentID = try arguments.optionalText("experiment_id").flatMap { $0.isEmpty ? nil : $0 } ?? "0"
        draft.name = try arguments.optionalText("run_name")
        draft.userID = try arguments.optionalText("user_id") ?? ""
        draft.startMilliseconds = try arguments.integer("start_time")
        draft.tags = try Translate.pairs(try arguments.objects("tags"), "tags")
        let run = try await tracking.createRun(draft, by: arguments.actor)
        return ["run": Messages.run(run)]
    }

    private func updateRun(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        var change = RunChange()
        change.status = try arguments.optionalText("status").map { text throws(GyreError) in try Translate.status(text)
        }
        change.endMilliseconds = try arguments.integer("end_time")
        change.name = try arguments.optionalText("run_name").flatMap { $0.isEmpty ? nil : $0 }
        return [
            "run_info": Messages.runInfo(
                try await tracking.updateRun(try runID(arguments), change, by: arguments.actor))
        ]
    }

    private func searchRuns(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        var query = RunQuery(
            experimentIDs: try arguments.texts("experiment_ids").compactMap { Int64($0) },
            filter: try Filter(try arguments.optionalText("filter") ?? ""))
        query.order = try arguments.texts("order_by").map { text throws(GyreError) in try OrderBy(text) }
        query.view = try Translate.view(try arguments.optionalText("run_view_type"))
        query.offset = try arguments.offset()
        let limit = try arguments.limit(default: 1000, maximum: 50_000)
        query.limit = limit + 1
        let runs = try await tracking.store.searchRuns(query)
        var json: JSONValue = [:]
        if !runs.isEmpty { json["runs"] = .array(runs.prefix(limit).map(Messages.run)) }
        if runs.count > limit { json["next_page_token"] = .string(String(query.offset + limit)) }
        return json
    }

    private func logMetric(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        var json = JSONObject()
        for name in ["key", "value", "timestamp", "step", "model_id"] { json[name] = arguments[name] }
        var entries = RunEntries()
        entries.metrics = [try Translate.metric(.object(json), at: "")]
        try await tracking.log(try runID(arguments), entries)
        return [:]
    }

    private func logBatch(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        var entries = RunEntries()
        let metrics = try arguments.objects("metrics")
        for (index, metric) in metrics.enumerated() {
            entries.metrics.append(try Translate.metric(metric, at: "metrics[\(index)]."))
        }
        entries.params = try Translate.pairs(try arguments.objects("params"), "params")
        entries.tags = try Translate.pairs(try arguments.objects("tags"), "tags")
        for (name, count, most) in [
            ("metrics", entries.metrics.count, TrackingRules.batchMetrics),
            ("params", entries.params.count, TrackingRules.batchParams),
            ("tags", entries.tags.count, TrackingRules.batchTags),
        ] where count > most {
            throw GyreError(
                .invalid, "A batch logging request can contain at most \(most) \(name). Got \(count) \(name).")
        }
        try await tracking.log(try runID(arguments), entries)
        return [:]
    }

    private func logInputs(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        var entries = RunEntries()
        for input in try arguments.objects("datasets") {
            let key = "\(input["dataset"]?["name"]?.string ?? "")@\(input["dataset"]?["digest"]?.string ?? "")"
            entries.links.append(RunLink(kind: .dataset, key: key, body: input))
        }
        for model in try arguments.objects("models") {
            entries.links.append(RunLink(kind: .modelInput, key: model["model_id"]?.string ?? "", body: model))
        }
        try await tracking.log(try runID(arguments), entries)
        return [:]
    }

    private func logOutputs(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        var entries = RunEntries()
        for model in try arguments.objects("models") {
            entries.links.append(RunLink(kind: .modelOutput, key: model["model_id"]?.string ?? "", body: model))
        }
        try await tracking.log(try runID(arguments), entries)
        return [:]
    }

    private func history(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let limit = try arguments.limit(default: 25_000, maximum: 25_000)
        let offset = try arguments.offset()
        let points = try await tracking.store.history(
            of: try arguments.text("metric_key"), in: try runID(arguments), offset: offset, limit: limit + 1)
        var json: JSONValue = [:]
        if !points.isEmpty { json["metrics"] = .array(points.prefix(limit).map { Messages.metric($0) }) }
        if points.count > limit { json["next_page_token"] = .string(String(offset + limit)) }
        return json
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreRegistry
internal import GyreSearch
internal import GyreTracking

extension MLflowDialect {
    var loggedModelRoutes: [(String, String, Call)] {
        [
            ("POST", "/logged-models", create),
            ("POST", "/logged-models/search", search),
            (
                "GET", "/logged-models/{model_id}",
                { arguments throws(GyreError) in
                    try await answer(try await loggedModels.model(try arguments.text("model_id")))
                }
            ),
            (
                "PATCH", "/logged-models/{model_id}",
                { arguments throws(GyreError) in
                    let status = try arguments.text("status")
                    let model = try await loggedModels.update(
                        try arguments.text("model_id"), "finalized", by: arguments.actor
                    ) { model throws(GyreError) in
                        guard
                            ["LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED", "LOGGED_MODEL_PENDING"].contains(
                                status)
                        else {
                            throw GyreError(
                                .invalid, "Invalid value \"\(status.prefix(40))\" for parameter 'status' supplied.")
                        }
                        model.status = status
                    }
                    return try await answer(model)
                }
            ),
            (
                "DELETE", "/logged-models/{model_id}",
                { arguments throws(GyreError) in
                    try await loggedModels.delete(try arguments.text("model_id"), by: arguments.actor)
                    return [:]
                }
            ),
            (
                "PATCH", "/logged-models/{model_id}/tags",
                { arguments throws(GyreError) in
                    let tags = try Translate.tags(try arguments.objects("tags"), "tags")
                    let model = try await loggedModels.update(
                        try arguments.text("model_id"), "tagged", by: arguments.actor
                    ) { model throws(GyreError) in model.tags.merge(tags) { $1 } }
                    return try await answer(model)
                }
            ),
            (
                "DELETE", "/logged-models/{model_id}/tags/{tag_key}",
                { arguments throws(GyreError) in
                    let key = try arguments.text("tag_key")
                    let model = try await loggedModels.update(
                        try arguments.text("model_id"), "untagged", by: arguments.actor
                    ) { model throws(GyreError) in
                        guard model.tags.removeValue(forKey: key) != nil else {
                            throw GyreError(
                                .notFound, "No tag with key '\(key.prefix(80))' for the logged model '\(model.id)'.")
                        }
                    }
                    return try await answer(model)
                }
            ),
            (
                "POST", "/logged-models/{model_id}/params",
                { arguments throws(GyreError) in
                    let params = try Translate.tags(try arguments.objects("params"), "params")
                    let model = try await loggedModels.update(
                        try arguments.text("model_id"), "params", by: arguments.actor
                    ) { model throws(GyreError) in model.params.merge(params) { $1 } }
                    return try await answer(model)
                }
            ),
        ]
    }

    private func create(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let experiment = try await tracking.experiment(try arguments.text("experiment_id"))
        let location = experiment.artifactLocation
        let model = try await loggedModels.create(
            name: try arguments.optionalText("name") ?? "model", experimentID: String(experiment.id),
            runID: try arguments.optionalText("source_run_id") ?? "",
            modelType: try arguments.optionalText("model_type") ?? "",
            params: try Translate.tags(try arguments.objects("params"), "params"),
            tags: try Translate.tags(try arguments.objects("tags"), "tags"), by: arguments.actor
        ) { id in "\(location)/models/\(id)/artifacts" }
        return try await answer(model)
    }

    private func search(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let filter = try Filter(try arguments.optionalText("filter") ?? "")
        let orders = try arguments.objects("order_by").map { json throws(GyreError) in
            let direction = json["ascending"]?.bool == false ? "DESC" : "ASC"
            return try OrderBy("\(json["field_name"]?.string ?? "") \(direction)")
        }
        let all = try await loggedModels.models(in: try arguments.texts("experiment_ids"))
        var metrics: [String: [JSONValue]] = [:]
        for metric in try await tracking.store.modelMetrics(all.map(\.id)) {
            metrics[metric.point.modelID ?? "", default: []].append(Messages.modelMetric(metric))
        }
        let lookUp: (Filter.Key, LoggedModel) throws(GyreError) -> JSONValue? = { key, model throws(GyreError) in
            switch (key.entity, key.name) {
            case ("tag", _), ("tags", _): return model.tags[key.name].map { .string($0) }
            case ("param", _), ("params", _): return model.params[key.name].map { .string($0) }
            case ("metric", _), ("metrics", _):
                return metrics[model.id]?.first { $0["key"]?.string == key.name }?["value"]
            case (nil, "name"): return .string(model.name)
            case (nil, "model_id"): return .string(model.id)
            case (nil, "model_type"): return .string(model.modelType)
            case (nil, "status"): return .string(model.status.replacing("LOGGED_MODEL_", with: ""))
            case (nil, "source_run_id"): return .string(model.runID)
            case (nil, "creation_timestamp"), (nil, "creation_time"): return .int(model.createdMilliseconds)
            case (nil, "last_updated_timestamp"), (nil, "last_updated_time"): return .int(model.updatedMilliseconds)
            default: throw GyreError(.invalid, "Invalid attribute key '\(key.name)' specified.")
            }
        }
        let found = try Self.select(all, filter, lookUp)
        let messages = try Self.sort(found, by: orders, lookUp).map {
            Messages.loggedModel($0, metrics: metrics[$0.id] ?? [])
        }
        return try Self.page("models", messages, arguments, default: 50, maximum: 1000)
    }

    private func answer(_ model: LoggedModel) async throws(GyreError) -> JSONValue {
        ["model": Messages.loggedModel(model, metrics: try await metrics(of: model))]
    }

    /// The points that runs logged about it.
    private func metrics(of model: LoggedModel) async throws(GyreError) -> [JSONValue] {
        try await tracking.store.modelMetrics([model.id]).map(Messages.modelMetric)
    }
}

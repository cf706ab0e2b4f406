// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreRegistry
internal import GyreTracking

extension MLflowDialect {
    var loggedModelRoutes: [CallRoute] {
        [
            .post("/logged-models", .write(.experiment, "experiment_id"), createLoggedModel),
            .post("/logged-models/search", .read(.experiment, "experiment_ids"), searchLoggedModels),
            .get("/logged-models/{model_id}", .read(.loggedModel, "model_id"), getLoggedModel),
            .patch("/logged-models/{model_id}", .write(.loggedModel, "model_id"), finalizeLoggedModel),
            .delete("/logged-models/{model_id}", .write(.loggedModel, "model_id"), deleteLoggedModel),
            .patch("/logged-models/{model_id}/tags", .write(.loggedModel, "model_id"), setLoggedModelTags),
            .delete("/logged-models/{model_id}/tags/{tag_key}", .write(.loggedModel, "model_id"), deleteLoggedModelTag),
            .post("/logged-models/{model_id}/params", .write(.loggedModel, "model_id"), logLoggedModelParams),
        ]
    }

    private func getLoggedModel(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let allowsDeleted = try arguments.flag("allow_deleted") ?? false
        return try await answer(
            try await loggedModels.model(try arguments.text("model_id"), allowsDeleted: allowsDeleted))
    }

    private func finalizeLoggedModel(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let status = try Self.status(try arguments.word("status"))
        let model = try await loggedModels.update(
            try arguments.text("model_id"), recording: "registry.logged-model.finalized", by: arguments.actor
        ) { model throws(GyreError) in
            model.status = status
        }
        return try await answer(model)
    }

    private func deleteLoggedModel(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await loggedModels.delete(try arguments.text("model_id"), by: arguments.actor)
        return [:]
    }

    private func setLoggedModelTags(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let tags = try Translate.tags(try arguments.objects("tags"), "tags")
        _ = try await loggedModels.update(
            try arguments.text("model_id"), recording: "registry.logged-model.tagged", by: arguments.actor
        ) { model throws(GyreError) in model.tags.merge(tags) { $1 } }
        return [:]
    }

    private func deleteLoggedModelTag(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let key = try arguments.text("tag_key")
        _ = try await loggedModels.update(
            try arguments.text("model_id"), recording: "registry.logged-model.untagged", by: arguments.actor
        ) { model throws(GyreError) in
            guard model.tags.removeValue(forKey: key) != nil else {
                throw GyreError(
                    .notFound, "No tag with key '\(key.prefix(80))' for the logged model '\(model.id)'.")
            }
        }
        return [:]
    }

    private func logLoggedModelParams(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let params = try Translate.tags(try arguments.objects("params"), "params")
        let model = try await loggedModels.update(
            try arguments.text("model_id"), recording: "registry.logged-model.params", by: arguments.actor
        ) { model throws(GyreError) in
            for (key, value) in params {
                guard model.params.updateValue(value, forKey: key) == nil else {
                    throw GyreError(
                        .invalid,
                        "The param '\(key.prefix(80))' of the logged model '\(model.id)' was set already.",
                        why: "Params do not change.")
                }
            }
        }
        return try await answer(model)
    }

    private func createLoggedModel(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let experiment = try await tracking.experiment(try arguments.text("experiment_id"))
        guard !experiment.isDeleted else {
            throw GyreError(
                .invalid, "The experiment \(experiment.id) must be in the 'active' state.",
                why: "Current state is deleted.")
        }
        let location = experiment.artifactLocation
        let model = try await loggedModels.create(
            name: try Self.checkedName(try arguments.optionalText("name") ?? "", or: tracking.makeName()),
            experimentID: String(experiment.id),
            runID: try arguments.optionalText("source_run_id") ?? "",
            modelType: try arguments.optionalText("model_type") ?? "",
            params: try Translate.tags(try arguments.objects("params"), "params"),
            tags: try Translate.tags(try arguments.objects("tags"), "tags"), by: arguments.actor
        ) { id in "\(location)/models/\(id)/artifacts" }
        return try await answer(model)
    }

    private static func status(_ word: String?) throws(GyreError) -> String {
        let words = ["LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"]
        guard let word, !word.isEmpty else { throw .missingParameter("status") }
        if let number = Int(word), (1...3).contains(number) { return words[number - 1] }
        guard words.contains(word) else {
            throw GyreError(.invalid, "Invalid value \"\(word.prefix(40))\" for parameter 'status' supplied.")
        }
        return word
    }

    private static func checkedName(_ name: String, or made: String) throws(GyreError) -> String {
        guard !name.contains(where: { "/:.%\"'".contains($0) }) else {
            throw GyreError(
                .invalid, "Invalid model name ('\(name.prefix(80))') provided.",
                why:
                    "Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '\"', \"'\")"
            )
        }
        return name.isEmpty ? made : name
    }

    private func searchLoggedModels(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        guard arguments["experiment_ids"] != nil else { throw .missingParameter("experiment_ids") }
        let search = try LoggedModelSearch(arguments)
        let ids = try arguments.texts("experiment_ids")
        for id in ids { _ = try Self.experimentID(id) }
        let all = try await loggedModels.models(in: ids)
        var metrics: [String: [ModelMetric]] = [:]
        for metric in try await tracking.store.modelMetrics(all.map(\.id)) {
            metrics[metric.point.modelID ?? "", default: []].append(metric)
        }
        let messages = try search.select(all, metrics).map {
            Messages.loggedModel($0, metrics: (metrics[$0.id] ?? []).map(Messages.modelMetric))
        }
        let asked = try arguments.integer("max_results") ?? 0
        guard asked >= 0 else { throw .invalidParameter("max_results", .int(asked)) }
        return try Page.of(messages, as: "models", arguments, limit: asked == 0 ? 50 : Int(min(asked, 50_000)))
    }

    private func answer(_ model: LoggedModel) async throws(GyreError) -> JSONValue {
        ["model": Messages.loggedModel(model, metrics: try await metrics(of: model))]
    }

    /// The points that runs logged about it.
    private func metrics(of model: LoggedModel) async throws(GyreError) -> [JSONValue] {
        try await tracking.store.modelMetrics([model.id]).map(Messages.modelMetric)
    }
}

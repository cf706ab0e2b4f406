// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreSearch
internal import GyreTracking

extension MLflowDialect {
    var experimentRoutes: [CallRoute] {
        [
            .post("/experiments/create", .write, createExperiment),
            .post("/experiments/search", .list(.experiment), searchExperiments),
            .get("/experiments/search", .list(.experiment), searchExperiments),
            .get("/experiments/get", .read(.experiment, "experiment_id"), getExperiment),
            .get("/experiments/get-by-name", .read(.experimentName, "experiment_name"), getExperimentByName),
            .post("/experiments/update", .write(.experiment, "experiment_id"), updateExperiment),
            .post("/experiments/delete", .write(.experiment, "experiment_id"), deleteExperiment),
            .post("/experiments/restore", .write(.experiment, "experiment_id"), restoreExperiment),
            .post("/experiments/set-experiment-tag", .write(.experiment, "experiment_id"), setExperimentTag),
            .post("/experiments/delete-experiment-tag", .write(.experiment, "experiment_id"), deleteExperimentTag),
        ]
    }

    private func getExperiment(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        [
            "experiment": Messages.experiment(
                try await tracking.experiment(try arguments.text("experiment_id")))
        ]
    }

    private func getExperimentByName(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let name = try arguments.text("experiment_name")
        guard let found = try await tracking.store.experiment(named: name) else {
            throw GyreError(.notFound, "Could not find experiment with name '\(name.prefix(200))'")
        }
        return ["experiment": Messages.experiment(found)]
    }

    private func updateExperiment(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await change(arguments, .rename(try arguments.text("new_name")))
    }

    private func deleteExperiment(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await change(arguments, .delete)
    }

    private func restoreExperiment(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await change(arguments, .restore)
    }

    private func setExperimentTag(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let tag = KeyValue(try arguments.text("key"), try arguments.optionalText("value") ?? "")
        return try await change(arguments, .setTag(tag))
    }

    private func deleteExperimentTag(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await change(arguments, .deleteTag(try arguments.text("key")))
    }

    /// The datasets that runs of these experiments used; a call that MLflow has for browsers alone.
    func searchDatasets(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let ids = try arguments.texts("experiment_ids")
        guard !ids.isEmpty else {
            throw GyreError(.invalid, "SearchDatasets request must specify at least one experiment_id.")
        }
        guard ids.count <= 20 else {
            throw GyreError(
                .invalid,
                "SearchDatasets request cannot specify more than 20 experiment_ids. Received \(ids.count) experiment_ids."
            )
        }
        let numbers = try ids.map { id throws(GyreError) in try Self.experimentID(id) }
        let summaries = try await tracking.store.datasets(in: numbers).map { dataset -> JSONValue in
            var json: JSONValue = [
                "experiment_id": .string(String(dataset.experimentID)), "name": .string(dataset.name),
                "digest": .string(dataset.digest),
            ]
            if let context = dataset.context { json["context"] = .string(context) }
            return json
        }
        return summaries.isEmpty ? [:] : ["dataset_summaries": .array(summaries)]
    }

    private func change(_ arguments: Arguments, _ change: ExperimentChange) async throws(GyreError) -> JSONValue {
        try await tracking.updateExperiment(try arguments.text("experiment_id"), change, by: arguments.actor)
        return [:]
    }

    private func createExperiment(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let location = try arguments.optionalText("artifact_location")
        if let location { try Self.checkLocation(location) }
        let experiment = try await tracking.createExperiment(
            try arguments.text("name"), artifactLocation: location?.isEmpty == true ? nil : location,
            tags: try Translate.pairs(try arguments.objects("tags"), "tags"), by: arguments.actor)
        return ["experiment_id": .string(String(experiment.id))]
    }

    private func searchExperiments(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let filter = try SearchRules.experiments.filter(try arguments.optionalText("filter"))
        var orders = try SearchRules.experiments.orders(arguments)
        orders +=
            orders.isEmpty
            ? [try OrderBy("creation_time DESC"), try OrderBy("experiment_id ASC")]
            : [try OrderBy("experiment_id DESC")]
        let all = try await tracking.store.experiments(try Translate.view(try arguments.word("view_type")))
        let visible = arguments.visible(.experiment)
        let seen = all.filter { visible?.contains(String($0.id)) ?? true }
        let found = try Search.select(seen, filter) { key, experiment throws(GyreError) in
            try Self.value(of: key, in: experiment)
        }
        let sorted = try Search.sort(found, by: orders) { key, experiment throws(GyreError) in
            key.name == "experiment_id" ? .int(experiment.id) : try Self.value(of: key, in: experiment)
        }
        return try Page.of(
            sorted.map(Messages.experiment), as: "experiments", arguments, default: 1000, maximum: 50_000)
    }

    /// A place of the experiment's files, never one that climbs out of a folder or hides a part of itself.
    private static func checkLocation(_ location: String) throws(GyreError) {
        guard !location.contains("#"), !location.contains("?") else {
            throw GyreError(.invalid, "'artifact_location' URL can't include fragments or params.")
        }
        let decoded = Percent.decode(Percent.decode(location))
        guard !decoded.split(whereSeparator: { $0 == "/" || $0 == "\\" }).contains("..") else {
            throw GyreError(
                .invalid, "Invalid artifact location: '\(location.prefix(200))'.", why: "It must not contain '..'.")
        }
    }

    private static func value(of key: Filter.Key, in experiment: Experiment) throws(GyreError) -> JSONValue? {
        switch (key.entity, key.name) {
        case ("tag", _), ("tags", _): return experiment.tags.first { $0.key == key.name }.map { .string($0.value) }
        case (_, "name"): return .string(experiment.name)
        case (_, "experiment_id"): return .string(String(experiment.id))
        case (_, "creation_time"): return .int(experiment.createdMilliseconds)
        default: return .int(experiment.updatedMilliseconds)
        }
    }
}

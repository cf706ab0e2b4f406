// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreRegistry
internal import GyreTracking

/// Domain values in MLflow's JSON: snake_case, 64-bit integers as numbers, absent instead of null.
enum Messages {
    static func experiment(_ experiment: Experiment) -> JSONValue {
        var json: JSONValue = [
            "experiment_id": .string(String(experiment.id)), "name": .string(experiment.name),
            "artifact_location": .string(experiment.artifactLocation),
            "lifecycle_stage": experiment.isDeleted ? "deleted" : "active",
            "creation_time": .int(experiment.createdMilliseconds),
            "last_update_time": .int(experiment.updatedMilliseconds), "workspace": "default",
        ]
        if !experiment.tags.isEmpty { json["tags"] = pairs(experiment.tags) }
        return json
    }

    static func modelMetric(_ metric: ModelMetric) -> JSONValue {
        let point = metric.point
        var json: JSONValue = [
            "key": .string(point.key), "value": .double(point.value), "timestamp": .int(point.timestampMilliseconds),
            "step": .int(point.step), "run_id": .string(metric.runID),
        ]
        if let model = point.modelID { json["model_id"] = .string(model) }
        if let name = point.datasetName { json["dataset_name"] = .string(name) }
        if let digest = point.datasetDigest { json["dataset_digest"] = .string(digest) }
        return json
    }

    static func registeredModel(
        _ model: RegisteredModel, versions: [ModelVersion], aliases: [(alias: String, number: Int)]
    ) -> JSONValue {
        // The newest of each stage, in the place of the first version of that stage.
        var newest: [ModelVersion] = []
        for version in versions {
            if let place = newest.firstIndex(where: { $0.stage == version.stage }) {
                newest[place] = version
            } else {
                newest.append(version)
            }
        }
        var json: JSONValue = [
            "name": .string(model.name), "creation_timestamp": .int(model.createdMilliseconds),
            "last_updated_timestamp": .int(model.updatedMilliseconds),
        ]
        if !model.description.isEmpty { json["description"] = .string(model.description) }
        if !newest.isEmpty { json["latest_versions"] = .array(newest.map { modelVersion($0, aliases: []) }) }
        if !model.tags.isEmpty { json["tags"] = tags(model.tags) }
        if !aliases.isEmpty {
            json["aliases"] = .array(
                aliases.map { ["alias": .string($0.alias), "version": .string(String($0.number))] })
        }
        return json
    }

    static func modelVersion(_ version: ModelVersion, aliases: [(alias: String, number: Int)]) -> JSONValue {
        var json: JSONValue = [
            "name": .string(version.name), "version": .string(String(version.number)),
            "creation_timestamp": .int(version.createdMilliseconds),
            "last_updated_timestamp": .int(version.updatedMilliseconds),
            "current_stage": .string(version.stage.rawValue), "description": .string(version.description),
            "source": .string(version.source), "run_id": .string(version.runID), "status": "READY",
            "run_link": .string(version.runLink),
        ]
        if !version.modelID.isEmpty { json["model_id"] = .string(version.modelID) }
        if !version.tags.isEmpty { json["tags"] = tags(version.tags) }
        let own = aliases.filter { $0.number == version.number }.map(\.alias)
        if !own.isEmpty { json["aliases"] = .strings(own) }
        return json
    }

    static func loggedModel(_ model: LoggedModel, metrics: [JSONValue]) -> JSONValue {
        var info: JSONValue = [
            "model_id": .string(model.id), "experiment_id": .string(model.experimentID), "name": .string(model.name),
            "creation_timestamp_ms": .int(model.createdMilliseconds),
            "last_updated_timestamp_ms": .int(model.updatedMilliseconds),
            "artifact_uri": .string(model.artifactURI), "status": .string(model.status),
            "model_type": .string(model.modelType),
            "source_run_id": .string(model.runID),
        ]
        if !model.tags.isEmpty { info["tags"] = tags(model.tags) }
        var data: JSONValue = [:]
        if !model.params.isEmpty { data["params"] = tags(model.params) }
        if !metrics.isEmpty { data["metrics"] = .array(metrics) }
        return ["info": info, "data": data]
    }

    static func pairs(_ pairs: [KeyValue]) -> JSONValue {
        .array(pairs.map { ["key": .string($0.key), "value": .string($0.value)] })
    }

    static func tags(_ tags: [String: String]) -> JSONValue {
        .array(tags.sorted { $0.key < $1.key }.map { ["key": .string($0.key), "value": .string($0.value)] })
    }
}

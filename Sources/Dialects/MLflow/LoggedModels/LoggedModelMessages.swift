// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreRegistry
internal import GyreTracking

extension Messages {
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
}

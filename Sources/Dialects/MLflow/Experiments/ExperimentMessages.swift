// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreTracking

extension Messages {
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
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreRegistry

extension Messages {
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
}

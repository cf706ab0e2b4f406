// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// A model as a run logged it, before (or without) registration.
package struct LoggedModel: Sendable, Hashable {
    /// `m-` and 32 hexadecimal digits.
    package let id: String
    /// The experiment it belongs to.
    package let experimentID: String
    /// What the client called it.
    package let name: String
    /// The run that logged it.
    package let runID: String
    /// Whose kind it is, as the client says.
    package let modelType: String
    /// Where its files are.
    package let artifactURI: String
    /// How far it is: `LOGGED_MODEL_PENDING`, `LOGGED_MODEL_READY`, `LOGGED_MODEL_UPLOAD_FAILED`.
    package var status: String
    /// Its params.
    package var params: [String: String]
    /// Its tags.
    package var tags: [String: String]
    /// When it was made, milliseconds since 1970.
    package let createdMilliseconds: Int64
    /// When it last changed, milliseconds since 1970.
    package var updatedMilliseconds: Int64

    /// A model whose files are still to come.
    package init(
        id: String, experimentID: String, name: String, runID: String, modelType: String, artifactURI: String,
        params: [String: String], tags: [String: String], atMilliseconds: Int64
    ) {
        self.id = id
        self.experimentID = experimentID
        self.name = name
        self.runID = runID
        self.modelType = modelType
        self.artifactURI = artifactURI
        self.params = params
        self.tags = tags
        status = "LOGGED_MODEL_PENDING"
        createdMilliseconds = atMilliseconds
        updatedMilliseconds = atMilliseconds
    }

    init(json: JSONValue) {
        self.init(
            id: json["id"]?.string ?? "", experimentID: json["experiment_id"]?.string ?? "",
            name: json["name"]?.string ?? "",
            runID: json["run_id"]?.string ?? "", modelType: json["model_type"]?.string ?? "",
            artifactURI: json["artifact_uri"]?.string ?? "", params: ModelVersion.tags(json["params"]),
            tags: ModelVersion.tags(json["tags"]), atMilliseconds: json["created_ms"]?.int ?? 0)
        status = json["status"]?.string ?? status
        updatedMilliseconds = json["updated_ms"]?.int ?? 0
    }

    var json: JSONValue {
        [
            "id": .string(id), "experiment_id": .string(experimentID), "name": .string(name), "run_id": .string(runID),
            "model_type": .string(modelType), "artifact_uri": .string(artifactURI), "status": .string(status),
            "params": ModelVersion.json(params), "tags": ModelVersion.json(tags),
            "created_ms": .int(createdMilliseconds),
            "updated_ms": .int(updatedMilliseconds),
        ]
    }

    /// `logged-model/<id>`.
    package var ref: Ref { Ref("logged-model", id) }
}

/// Keeps logged models.
package struct LoggedModels: Sendable {
    private let store: any LedgerStore
    private let surroundings: Surroundings

    /// Logged models in `store`.
    package init(store: any LedgerStore, surroundings: Surroundings) {
        self.store = store
        self.surroundings = surroundings
    }

    /// Makes a model; its files follow.
    ///
    /// `artifactURI` is made from the new id.
    package func create(
        name: String, experimentID: String, runID: String, modelType: String, params: [String: String],
        tags: [String: String], by actor: String, artifactURI: @Sendable (String) -> String
    ) async throws(GyreError) -> LoggedModel {
        let id = "m-" + surroundings.newID()
        let model = LoggedModel(
            id: id, experimentID: experimentID, name: name, runID: runID, modelType: modelType,
            artifactURI: artifactURI(id),
            params: params, tags: tags, atMilliseconds: surroundings.now() / 1000)
        try await store.commit(
            [.create(Document("logged-model", id, model.json))],
            recording: [
                Fact(
                    "registry.logged-model.created", model.ref, by: actor,
                    inputs: runID.isEmpty ? [] : [Ref("run", runID)],
                    outputs: [model.ref], body: ["name": .string(name)])
            ])
        return model
    }

    /// A model.
    /// - Throws: `.notFound`.
    package func model(_ id: String) async throws(GyreError) -> LoggedModel {
        if let found = try await store.document("logged-model", id) { return LoggedModel(json: found.body) }
        throw GyreError(.notFound, "Logged model with ID '\(id.prefix(80))' not found.")
    }

    /// All models of these experiments, newest first.
    package func models(in experimentIDs: [String]) async throws(GyreError) -> [LoggedModel] {
        try await store.documents("logged-model").map { LoggedModel(json: $0.body) }
            .filter { experimentIDs.contains($0.experimentID) }
            .sorted { $0.createdMilliseconds > $1.createdMilliseconds }
    }

    /// Changes a model.
    package func update(
        _ id: String, _ what: String, by actor: String,
        _ change: @Sendable (inout LoggedModel) throws(GyreError) -> Void
    ) async throws(GyreError) -> LoggedModel {
        var model = try await model(id)
        try change(&model)
        model.updatedMilliseconds = surroundings.now() / 1000
        try await store.commit(
            [.put(Document("logged-model", id, model.json))],
            recording: [
                Fact("registry.logged-model.\(what)", model.ref, by: actor, body: ["status": .string(model.status)])
            ])
        return model
    }

    /// Removes a model.
    package func delete(_ id: String, by actor: String) async throws(GyreError) {
        let model = try await model(id)
        try await store.commit(
            [.remove(kind: "logged-model", key: id)],
            recording: [Fact("registry.logged-model.deleted", model.ref, by: actor)])
    }
}

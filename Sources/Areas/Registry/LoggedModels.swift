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
    /// The params that it was made with, by key.
    package var params: [String: String]
    /// What clients noted about it, by key.
    package var tags: [String: String]
    /// Whether it was deleted.
    package var isDeleted = false
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

    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("logged model", json)
        self.init(
            id: try stored.text("id"), experimentID: try stored.text("experiment_id"), name: try stored.text("name"),
            runID: try stored.text("run_id"), modelType: try stored.text("model_type"),
            artifactURI: try stored.text("artifact_uri"), params: ModelVersion.tags(json["params"]),
            tags: ModelVersion.tags(json["tags"]), atMilliseconds: try stored.integer("created_ms"))
        status = try stored.text("status")
        isDeleted = json["deleted"]?.bool ?? false
        updatedMilliseconds = try stored.integer("updated_ms")
    }

    var json: JSONValue {
        [
            "id": .string(id), "experiment_id": .string(experimentID), "name": .string(name), "run_id": .string(runID),
            "model_type": .string(modelType), "artifact_uri": .string(artifactURI), "status": .string(status),
            "params": ModelVersion.json(params), "tags": ModelVersion.json(tags),
            "deleted": .bool(isDeleted), "created_ms": .int(createdMilliseconds),
            "updated_ms": .int(updatedMilliseconds),
        ]
    }

    /// The model with the version that it became noted in its tags, where clients look for it.
    func registered(as version: ModelVersion) -> LoggedModel {
        var model = self
        // What stands there otherwise is no list, and a new one takes its place.
        let old = (try? JSONValue(parsing: tags["mlflow.modelVersions"] ?? "[]"))?.array ?? []
        var writer = JSONWriter(separators: .spaced)
        writer.value(.array(old + [["name": .string(version.name), "version": .int(Int64(version.number))]]))
        model.tags["mlflow.modelVersions"] = String(decoding: writer.bytes, as: UTF8.self)
        return model
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
    /// - Throws: `.notFound`; also for a deleted one unless `allowsDeleted`.
    package func model(_ id: String, allowsDeleted: Bool = false) async throws(GyreError) -> LoggedModel {
        if let found = try await store.document("logged-model", id).map({ document throws(GyreError) in
            try LoggedModel(json: document.body)
        }),
            allowsDeleted || !found.isDeleted
        {
            return found
        }
        throw Self.missing(id)
    }

    /// All models of these experiments, newest first.
    package func models(in experimentIDs: [String]) async throws(GyreError) -> [LoggedModel] {
        let wanted = Set(experimentIDs)
        return try await store.documents("logged-model").map { document throws(GyreError) in
            try LoggedModel(json: document.body)
        }
        .filter { wanted.contains($0.experimentID) && !$0.isDeleted }
        .sorted { ($1.createdMilliseconds, $0.id) < ($0.createdMilliseconds, $1.id) }
    }

    /// Changes a model.
    ///
    /// `kind`: what the fact tells of, such as `registry.logged-model.tagged`.
    package func update(
        _ id: String, recording kind: String, by actor: String,
        _ change: @escaping @Sendable (inout LoggedModel) throws(GyreError) -> Void
    ) async throws(GyreError) -> LoggedModel {
        let now = surroundings.now() / 1000
        return try await store.transact { ledger throws(GyreError) in
            guard var model = try Self.find(id, in: ledger), !model.isDeleted else { throw Self.missing(id) }
            try change(&model)
            model.updatedMilliseconds = now
            return Proposal(
                model, [.put(Self.document(model))],
                recording: [
                    Fact(kind, model.ref, by: actor, body: ["status": .string(model.status)])
                ])
        }
    }

    /// Deletes a model; clients that ask for it explicitly still see it.
    package func delete(_ id: String, by actor: String) async throws(GyreError) {
        let now = surroundings.now() / 1000
        try await store.transact { ledger throws(GyreError) in
            guard var model = try Self.find(id, in: ledger) else { throw Self.missing(id) }
            if model.isDeleted { return Proposal(()) }
            model.isDeleted = true
            model.updatedMilliseconds = now
            return Proposal(
                (), [.put(Self.document(model))],
                recording: [Fact("registry.logged-model.deleted", model.ref, by: actor)])
        }
    }

    /// Models that were deleted up to a time.
    package func deleted(before milliseconds: Int64) async throws(GyreError) -> [LoggedModel] {
        try await store.documents("logged-model").map { document throws(GyreError) in
            try LoggedModel(json: document.body)
        }
        .filter { $0.isDeleted && $0.updatedMilliseconds <= milliseconds }
    }

    /// Removes a deleted model for good.
    package func remove(_ model: LoggedModel, by actor: String) async throws(GyreError) {
        try await store.commit(
            [.remove(kind: "logged-model", key: model.id)],
            recording: [
                Fact("retention.logged-model.removed", model.ref, by: actor, body: ["name": .string(model.name)])
            ])
    }

    static func find(_ id: String, in ledger: any LedgerTransaction) throws(GyreError) -> LoggedModel? {
        if id.isEmpty { return nil }
        return try ledger.document("logged-model", id).map { document throws(GyreError) in
            try LoggedModel(json: document.body)
        }
    }

    static func document(_ model: LoggedModel) -> Document { Document("logged-model", model.id, model.json) }

    private static func missing(_ id: String) -> GyreError {
        GyreError(.notFound, "Logged model with ID '\(id.prefix(80))' not found.")
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreLedger
internal import GyreRegistry
internal import GyreSearch
internal import GyreTracking
internal import GyreYAML

extension MLflowDialect {
    var versionRoutes: [CallRoute] {
        [
            .post("/model-versions/create", .write(.model, "name").and(.read), createVersion),
            .get("/model-versions/search", .list(.model), searchVersions),
            .get("/model-versions/get", .read(.model, "name"), getVersion),
            .patch("/model-versions/update", .write(.model, "name"), updateVersion),
            .post(
                "/model-versions/transition-stage", .operate(.model, "name").asking("alias", .model, "name"), transition
            ),
            .delete("/model-versions/delete", .write(.model, "name"), deleteVersion),
            .post("/model-versions/set-tag", .write(.model, "name"), setVersionTag),
            .delete("/model-versions/delete-tag", .write(.model, "name"), deleteVersionTag),
            .get("/model-versions/get-download-uri", .read(.model, "name"), getDownloadURI),
        ]
    }

    private func createVersion(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let name = try arguments.text("name")
        var draft = Registry.VersionDraft(source: try arguments.text("source"))
        draft.runID = try arguments.optionalText("run_id") ?? ""
        draft.runLink = try arguments.optionalText("run_link") ?? ""
        draft.modelID = try arguments.optionalText("model_id") ?? ""
        draft.description = try arguments.optionalText("description") ?? ""
        draft.tags = try Translate.tags(try arguments.objects("tags"), "tags")
        let model = try await registry.model(name)
        if !model.isPrompt, draft.tags[Words.isPrompt] != "true" {
            try await ModelSource(tracking: tracking).check(draft, of: model)
            if draft.modelID.isEmpty, case .loggedModel? = ModelSource.Address(draft.source) {
                throw GyreError(
                    .invalid, "The model_id request parameter must identify the resource that contains the source.",
                    why: "The source is \(draft.source.prefix(200)).")
            }
        }
        if let address = ModelSource.Address(draft.source), draft.modelID.isEmpty, address.isRegistered {
            // A copy is of a version that exists, so it cannot be of itself; it keeps its files when the original goes.
            let original = try await ModelSource.version(at: address, in: registry)
            if draft.runID.isEmpty { draft.runID = original.runID }
            draft.location = try await artifactURI(of: original)
            draft.original = original
        }
        if !draft.modelID.isEmpty { draft.runID = try await loggedModels.model(draft.modelID).runID }
        let source = draft.location.isEmpty ? draft.source : draft.location
        if let folder = try await folder(source: source, modelID: draft.modelID) {
            let files = try await tracking.store.artifacts(below: folder)
            var digests: [(String, JSONValue)] = []
            for file in files {
                let path = file.path.parts.dropFirst(folder.parts.count).joined(separator: "/")
                digests.append((path, .string(file.blob.digest.hex)))
                if path == "MLmodel" { draft.signature = try await signature(file) }
            }
            draft.files = .object(JSONObject(digests))
        }
        let version = try await registry.createVersion(of: name, draft, by: arguments.actor)
        return ["model_version": try await message(version)]
    }

    private func signature(_ file: ArtifactFile) async throws(GyreError) -> JSONValue {
        let text = String(decoding: try await blobs.bytes(file.blob.digest, limit: 1 << 20), as: UTF8.self)
        let document = try YAML.document(text)
        var signature = document["signature"] ?? [:]
        // What the one who logged it told beside the signature, such as the names of the features in their order.
        if let metadata = document["metadata"], !metadata.isNull { signature["metadata"] = metadata }
        return signature
    }

    /// Where the files of a version are; a copy of a version has those of the original.
    func artifactURI(of version: ModelVersion) async throws(GyreError) -> String {
        if !version.location.isEmpty { return version.location }
        if !version.modelID.isEmpty { return try await loggedModels.model(version.modelID).artifactURI }
        return version.source
    }

    /// Where the files of a source lie among the artifacts; nil where they are not Gyre's.
    private func folder(source: String, modelID: String) async throws(GyreError) -> RelativePath? {
        let uri = modelID.isEmpty ? source : try await loggedModels.model(modelID).artifactURI
        return try ServedArtifacts.path(uri)
    }

    private func getVersion(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let version = try await registry.version(try arguments.text("name"), try number(arguments))
        return ["model_version": try await message(version)]
    }

    private func searchVersions(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let filter = try SearchRules.versions.filter(try arguments.optionalText("filter"))
        var orders = try SearchRules.versions.orders(arguments)
        if orders.isEmpty { orders = [try OrderBy("last_updated_timestamp DESC")] }
        orders += [try OrderBy("name"), try OrderBy("version_number DESC")]
        let lookUp: (Filter.Key, ModelVersion) throws(GyreError) -> JSONValue? = { key, version throws(GyreError) in
            switch (key.entity, key.name) {
            case ("tag", _), ("tags", _): return Self.tag(key.name, in: version.tags)
            case (_, "name"): return .string(version.name)
            case (_, "run_id"): return .string(version.runID)
            case (_, "source_path"): return .string(version.source)
            case (_, "version_number"): return .int(Int64(version.number))
            case (_, "creation_timestamp"): return .int(version.createdMilliseconds)
            default: return .int(version.updatedMilliseconds)
            }
        }
        let asksForPrompts = filter.clauses.contains { $0.key.name == Words.isPrompt }
        let visible = arguments.visible(.model)
        let all = try await registry.versions().filter {
            (asksForPrompts || $0.tags[Words.isPrompt] != "true") && visible?.contains($0.name) ?? true
        }
        let found = try Search.select(all, filter, lookUp)
        let sorted = try Search.sort(found, by: orders, lookUp)
        // Lists tell no aliases: tools that copy models choke on them there.
        return try await Page.of(sorted, as: "model_versions", arguments, default: 10_000, maximum: 200_000) {
            Messages.modelVersion($0, aliases: [])
        }
    }

    private func updateVersion(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let description = try arguments.optionalText("description") ?? ""
        let version = try await registry.describeVersion(
            try arguments.text("name"), try number(arguments), description, by: arguments.actor)
        return ["model_version": try await message(version)]
    }

    private func transition(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let wanted = try arguments.text("stage")
        guard let stage = ModelVersion.Stage.allCases.first(where: { $0.rawValue.lowercased() == wanted.lowercased() })
        else {
            throw GyreError(
                .invalid, "Invalid Model Version stage: \(wanted.prefix(40)).",
                why: "Value must be one of None, Staging, Production, Archived.")
        }
        let name = try arguments.text("name")
        let own = try number(arguments)
        let archivesOthers = try arguments.flag("archive_existing_versions") ?? false
        guard !archivesOthers || stage == .staging || stage == .production else {
            throw GyreError(
                .invalid,
                "Model version transition cannot archive existing model versions because '\(wanted.prefix(40))' "
                    + "is not an Active stage. Valid stages are Staging, Production.")
        }
        let version = try await registry.stageVersion(
            name, own, stage, archivesOthers: archivesOthers, by: arguments.actor)
        return ["model_version": try await message(version)]
    }

    private func deleteVersion(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await registry.deleteVersion(
            try arguments.text("name"), try number(arguments), by: arguments.actor)
        return [:]
    }

    private func setVersionTag(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let (key, value) = (try arguments.text("key"), try arguments.optionalText("value") ?? "")
        try await registry.tagVersion(
            try arguments.text("name"), try number(arguments), key, value, by: arguments.actor)
        return [:]
    }

    private func deleteVersionTag(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let key = try arguments.text("key")
        try await registry.tagVersion(
            try arguments.text("name"), try number(arguments), key, nil, by: arguments.actor)
        return [:]
    }

    private func getDownloadURI(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let version = try await registry.version(try arguments.text("name"), try number(arguments))
        return ["artifact_uri": .string(try await artifactURI(of: version))]
    }

    func message(_ version: ModelVersion) async throws(GyreError) -> JSONValue {
        Messages.modelVersion(version, aliases: try await registry.aliases(of: version.name))
    }

    func number(_ arguments: Arguments) throws(GyreError) -> Int {
        let text = try arguments.text("version")
        guard let number = Int(text) else {
            throw GyreError(.invalid, "Model version must be an integer, got '\(text.prefix(40))'")
        }
        return number
    }

    /// The client asks for "no prompts" as `tag.mlflow.prompt.is_prompt != 'true'`: for this one tag, none means false.
    static func tag(_ key: String, in tags: [String: String]) -> JSONValue? {
        (tags[key] ?? (key == Words.isPrompt ? "false" : nil)).map { .string($0) }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreLedger
internal import GyreRegistry
internal import GyreSearch
internal import GyreTracking
internal import GyreYAML

extension MLflowDialect {
    var modelRoutes: [(String, String, Call)] {
        [
            (
                "POST", "/registered-models/create",
                { arguments throws(GyreError) in
                    let model = try await registry.createModel(
                        try arguments.text("name"), description: try arguments.optionalText("description") ?? "",
                        tags: try Translate.tags(try arguments.objects("tags"), "tags"), by: arguments.actor)
                    return ["registered_model": Messages.registeredModel(model, versions: [], aliases: [])]
                }
            ),
            (
                "GET", "/registered-models/get",
                { arguments throws(GyreError) in
                    ["registered_model": try await message(try await registry.model(try arguments.text("name")))]
                }
            ),
            ("GET", "/registered-models/search", searchModels),
            (
                "POST", "/registered-models/rename",
                { arguments throws(GyreError) in
                    let model = try await registry.renameModel(
                        try arguments.text("name"), to: try arguments.text("new_name"), by: arguments.actor)
                    return ["registered_model": try await message(model)]
                }
            ),
            (
                "PATCH", "/registered-models/update",
                { arguments throws(GyreError) in
                    let description = try arguments.optionalText("description") ?? ""
                    let model = try await registry.describeModel(
                        try arguments.text("name"), description, by: arguments.actor)
                    return ["registered_model": try await message(model)]
                }
            ),
            (
                "DELETE", "/registered-models/delete",
                { arguments throws(GyreError) in
                    try await registry.deleteModel(try arguments.text("name"), by: arguments.actor)
                    return [:]
                }
            ),
            (
                "POST", "/registered-models/set-tag",
                { arguments throws(GyreError) in
                    let (key, value) = (try arguments.text("key"), try arguments.optionalText("value") ?? "")
                    try await registry.tagModel(try arguments.text("name"), key, value, by: arguments.actor)
                    return [:]
                }
            ),
            (
                "DELETE", "/registered-models/delete-tag",
                { arguments throws(GyreError) in
                    let key = try arguments.text("key")
                    try await registry.tagModel(try arguments.text("name"), key, nil, by: arguments.actor)
                    return [:]
                }
            ),
            (
                "POST", "/registered-models/alias",
                { arguments throws(GyreError) in
                    try await registry.setAlias(
                        try arguments.text("alias"), of: try arguments.text("name"), to: try number(arguments),
                        by: arguments.actor)
                    return [:]
                }
            ),
            (
                "DELETE", "/registered-models/alias",
                { arguments throws(GyreError) in
                    try await registry.deleteAlias(
                        try arguments.text("alias"), of: try arguments.text("name"), by: arguments.actor)
                    return [:]
                }
            ),
            (
                "GET", "/registered-models/alias",
                { arguments throws(GyreError) in
                    let (name, alias) = (try arguments.text("name"), try arguments.text("alias"))
                    _ = try await registry.model(name)
                    return ["model_version": try await message(try await version(of: name, alias: alias))]
                }
            ),
            ("POST", "/registered-models/get-latest-versions", latestVersions),
            ("GET", "/registered-models/get-latest-versions", latestVersions),
        ]
    }

    var versionRoutes: [(String, String, Call)] {
        [
            ("POST", "/model-versions/create", createVersion),
            ("GET", "/model-versions/search", searchVersions),
            (
                "GET", "/model-versions/get",
                { arguments throws(GyreError) in
                    let version = try await registry.version(try arguments.text("name"), try number(arguments))
                    return ["model_version": try await message(version)]
                }
            ),
            (
                "PATCH", "/model-versions/update",
                { arguments throws(GyreError) in
                    let description = try arguments.optionalText("description") ?? ""
                    let version = try await registry.describeVersion(
                        try arguments.text("name"), try number(arguments), description, by: arguments.actor)
                    return ["model_version": try await message(version)]
                }
            ),
            ("POST", "/model-versions/transition-stage", transition),
            (
                "DELETE", "/model-versions/delete",
                { arguments throws(GyreError) in
                    try await registry.deleteVersion(
                        try arguments.text("name"), try number(arguments), by: arguments.actor)
                    return [:]
                }
            ),
            (
                "POST", "/model-versions/set-tag",
                { arguments throws(GyreError) in
                    let (key, value) = (try arguments.text("key"), try arguments.optionalText("value") ?? "")
                    try await registry.tagVersion(
                        try arguments.text("name"), try number(arguments), key, value, by: arguments.actor)
                    return [:]
                }
            ),
            (
                "DELETE", "/model-versions/delete-tag",
                { arguments throws(GyreError) in
                    let key = try arguments.text("key")
                    try await registry.tagVersion(
                        try arguments.text("name"), try number(arguments), key, nil, by: arguments.actor)
                    return [:]
                }
            ),
            (
                "GET", "/model-versions/get-download-uri",
                { arguments throws(GyreError) in
                    let version = try await registry.version(try arguments.text("name"), try number(arguments))
                    return ["artifact_uri": .string(try await artifactURI(of: version))]
                }
            ),
        ]
    }

    // MARK: Messages with their aliases

    private func message(_ model: RegisteredModel) async throws(GyreError) -> JSONValue {
        Messages.registeredModel(
            model, versions: try await registry.versions(of: model.name),
            aliases: try await registry.aliases(of: model.name))
    }

    private func message(_ version: ModelVersion) async throws(GyreError) -> JSONValue {
        Messages.modelVersion(version, aliases: try await registry.aliases(of: version.name))
    }

    /// mlflow answers INVALID_PARAMETER_VALUE for an alias that is not there, not 404.
    private func version(of name: String, alias: String) async throws(GyreError) -> ModelVersion {
        do { return try await registry.version(name, alias: alias) } catch {
            throw error.code == .notFound ? GyreError(.invalid, error.what) : error
        }
    }

    private func number(_ arguments: Arguments) throws(GyreError) -> Int {
        let text = try arguments.text("version")
        guard let number = Int(text) else {
            throw GyreError(.invalid, "Model version must be an integer, got '\(text.prefix(40))'")
        }
        return number
    }

    // MARK: Calls

    private func searchModels(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let filter = try SearchRules.models.filter(try arguments.optionalText("filter"))
        let orders = try SearchRules.models.orders(arguments)
        let lookUp: (Filter.Key, RegisteredModel) throws(GyreError) -> JSONValue? = { key, model throws(GyreError) in
            switch (key.entity, key.name) {
            case ("tag", _), ("tags", _): return Self.tag(key.name, in: model.tags)
            case (_, "name"): return .string(model.name)
            default: return .int(model.updatedMilliseconds)
            }
        }
        let asksForPrompts = filter.clauses.contains { $0.key.name == RegisteredModel.promptTag }
        let all = try await registry.models().filter { asksForPrompts || !$0.isPrompt }
        let found = try Self.select(all, filter, lookUp)
        let sorted = try Self.sort(found, by: orders, lookUp)
        return try await Self.page("registered_models", sorted, arguments, default: 100, maximum: 1000) {
            model throws(GyreError) in
            try await message(model)
        }
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
        let asksForPrompts = filter.clauses.contains { $0.key.name == RegisteredModel.promptTag }
        let all = try await registry.versions().filter {
            asksForPrompts || $0.tags[RegisteredModel.promptTag] != "true"
        }
        let found = try Self.select(all, filter, lookUp)
        let sorted = try Self.sort(found, by: orders, lookUp)
        // Lists tell no aliases: tools that copy models choke on them there.
        return try await Self.page("model_versions", sorted, arguments, default: 10_000, maximum: 200_000) {
            Messages.modelVersion($0, aliases: [])
        }
    }

    /// The client asks for "no prompts" as `tag.mlflow.prompt.is_prompt != 'true'`: for this one tag, none means false.
    private static func tag(_ key: String, in tags: [String: String]) -> JSONValue? {
        (tags[key] ?? (key == "mlflow.prompt.is_prompt" ? "false" : nil)).map { .string($0) }
    }

    private func latestVersions(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let name = try arguments.text("name")
        _ = try await registry.model(name)
        let stages = try arguments.texts("stages").map { $0.lowercased() }
        for stage in stages where !ModelVersion.Stage.allCases.contains(where: { $0.rawValue.lowercased() == stage }) {
            throw GyreError(
                .invalid, "Invalid Model Version stage: \(stage.prefix(40)).",
                why: "Value must be one of None, Staging, Production, Archived.")
        }
        var newest: [ModelVersion.Stage: ModelVersion] = [:]
        for version in try await registry.versions(of: name) { newest[version.stage] = version }
        var messages: [JSONValue] = []
        for version in newest.values.sorted(by: { $0.number < $1.number })
        where stages.isEmpty || stages.contains(version.stage.rawValue.lowercased()) {
            messages.append(try await message(version))
        }
        return messages.isEmpty ? [:] : ["model_versions": .array(messages)]
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

    private func createVersion(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let name = try arguments.text("name")
        var draft = Registry.VersionDraft(source: try arguments.text("source"))
        draft.runID = try arguments.optionalText("run_id") ?? ""
        draft.runLink = try arguments.optionalText("run_link") ?? ""
        draft.modelID = try arguments.optionalText("model_id") ?? ""
        draft.description = try arguments.optionalText("description") ?? ""
        draft.tags = try Translate.tags(try arguments.objects("tags"), "tags")
        let model = try await registry.model(name)
        if !model.isPrompt, draft.tags[RegisteredModel.promptTag] != "true" {
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
        guard uri.hasPrefix("mlflow-artifacts:/") else { return nil }
        return try RelativePath(String(uri.dropFirst("mlflow-artifacts:/".count).drop { $0 == "/" }))
    }
}

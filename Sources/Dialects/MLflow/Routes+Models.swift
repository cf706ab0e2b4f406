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
                    let model = try await registry.updateModel(
                        try arguments.text("name"), "described", by: arguments.actor
                    ) {
                        $0.description = description
                    }
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
                    _ = try await registry.updateModel(try arguments.text("name"), "tagged", by: arguments.actor) {
                        $0.tags[key] = value
                    }
                    return [:]
                }
            ),
            (
                "DELETE", "/registered-models/delete-tag",
                { arguments throws(GyreError) in
                    let key = try arguments.text("key")
                    _ = try await registry.updateModel(try arguments.text("name"), "untagged", by: arguments.actor) {
                        $0.tags[key] = nil
                    }
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
                    guard let found = try await registry.aliases(of: name).first(where: { $0.alias == alias }) else {
                        // mlflow answers INVALID_PARAMETER_VALUE here, not 404.
                        throw GyreError(.invalid, "Registered model alias \(alias.prefix(80)) not found.")
                    }
                    return ["model_version": try await message(try await registry.version(name, found.number))]
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
                    return try await change(arguments, "described") { version throws(GyreError) in
                        version.description = description
                    }
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
                    _ = try await change(arguments, "tagged") { version throws(GyreError) in version.tags[key] = value }
                    return [:]
                }
            ),
            (
                "DELETE", "/model-versions/delete-tag",
                { arguments throws(GyreError) in
                    let key = try arguments.text("key")
                    _ = try await change(arguments, "untagged") { version throws(GyreError) in version.tags[key] = nil }
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

    private func number(_ arguments: Arguments) throws(GyreError) -> Int {
        let text = try arguments.text("version")
        guard let number = Int(text), number > 0 else {
            throw GyreError(.invalid, "Model version must be an integer, got '\(text.prefix(40))'")
        }
        return number
    }

    private func change(
        _ arguments: Arguments, _ what: String, _ change: @Sendable (inout ModelVersion) throws(GyreError) -> Void
    ) async throws(GyreError) -> JSONValue {
        let version = try await registry.updateVersion(
            try arguments.text("name"), try number(arguments), what, by: arguments.actor, change)
        return ["model_version": try await message(version)]
    }

    // MARK: Calls

    private func searchModels(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let filter = try Filter(try arguments.optionalText("filter") ?? "")
        let orders = try Self.orders(arguments)
        let lookUp: (Filter.Key, RegisteredModel) throws(GyreError) -> JSONValue? = { key, model throws(GyreError) in
            switch (key.entity, key.name) {
            case ("tag", _), ("tags", _): return Self.tag(key.name, in: model.tags)
            case (nil, "name"): return .string(model.name)
            case (nil, "creation_timestamp"): return .int(model.createdMilliseconds)
            case (nil, "last_updated_timestamp"), (nil, "timestamp"): return .int(model.updatedMilliseconds)
            default:
                throw GyreError(
                    .invalid, "Invalid attribute key '\(key.name)' specified.", why: "Models have name and tags.<key>.")
            }
        }
        let found = try Self.select(try await registry.models(), filter, lookUp)
        let sorted = try Self.sort(found, by: orders, lookUp)
        var messages: [JSONValue] = []
        for model in sorted { messages.append(try await message(model)) }
        return try Self.page("registered_models", messages, arguments, default: 100, maximum: 1000)
    }

    private func searchVersions(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let filter = try Filter(try arguments.optionalText("filter") ?? "")
        var orders = try Self.orders(arguments)
        if orders.isEmpty {
            orders = [
                try OrderBy("last_updated_timestamp DESC"), try OrderBy("name"), try OrderBy("version_number DESC"),
            ]
        }
        let lookUp: (Filter.Key, ModelVersion) throws(GyreError) -> JSONValue? = { key, version throws(GyreError) in
            switch (key.entity, key.name) {
            case ("tag", _), ("tags", _): return Self.tag(key.name, in: version.tags)
            case (nil, "name"): return .string(version.name)
            case (nil, "run_id"): return .string(version.runID)
            case (nil, "source_path"): return .string(version.source)
            case (nil, "version_number"), (nil, "version"): return .int(Int64(version.number))
            case (nil, "creation_timestamp"): return .int(version.createdMilliseconds)
            case (nil, "last_updated_timestamp"): return .int(version.updatedMilliseconds)
            default: throw GyreError(.invalid, "Invalid attribute key '\(key.name)' specified.")
            }
        }
        let found = try Self.select(try await registry.versions(), filter, lookUp)
        let sorted = try Self.sort(found, by: orders, lookUp)
        var messages: [JSONValue] = []
        for version in sorted { messages.append(try await message(version)) }
        return try Self.page("model_versions", messages, arguments, default: 10_000, maximum: 200_000)
    }

    /// The client asks for "no prompts" as `tag.mlflow.prompt.is_prompt != 'true'`: for this one tag, none means false.
    private static func tag(_ key: String, in tags: [String: String]) -> JSONValue? {
        (tags[key] ?? (key == "mlflow.prompt.is_prompt" ? "false" : nil)).map { .string($0) }
    }

    private func latestVersions(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let name = try arguments.text("name")
        _ = try await registry.model(name)
        let stages = try arguments.texts("stages").map { $0.lowercased() }
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
        if arguments["archive_existing_versions"]?.bool == true {
            for other in try await registry.versions(of: name) where other.stage == stage && other.number != own {
                _ = try await registry.updateVersion(name, other.number, "archived", by: arguments.actor) {
                    version throws(GyreError) in
                    version.stage = .archived
                }
            }
        }
        return try await change(arguments, "staged") { version throws(GyreError) in version.stage = stage }
    }

    private func createVersion(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let name = try arguments.text("name")
        var draft = Registry.VersionDraft(source: try arguments.text("source"))
        try Self.checkSource(draft.source)
        draft.runID = try arguments.optionalText("run_id") ?? ""
        draft.modelID = try arguments.optionalText("model_id") ?? ""
        draft.description = try arguments.optionalText("description") ?? ""
        draft.tags = try Translate.tags(try arguments.objects("tags"), "tags")
        if draft.modelID.isEmpty, draft.source.hasPrefix("models:/m-") {
            draft.modelID = String(draft.source.dropFirst(8))
        }
        if !draft.modelID.isEmpty { draft.runID = try await loggedModels.model(draft.modelID).runID }
        if let folder = try await folder(source: draft.source, modelID: draft.modelID) {
            let files = try await tracking.store.artifacts(below: folder)
            var digests = JSONObject()
            for file in files {
                let path = file.path.parts.dropFirst(folder.parts.count).joined(separator: "/")
                digests[path] = .string(file.blob.digest.hex)
                if path == "MLmodel" { draft.signature = try await signature(file) }
            }
            draft.files = .object(digests)
        }
        let version = try await registry.createVersion(of: name, draft, by: arguments.actor)
        return ["model_version": try await message(version)]
    }

    /// The source is an address of an artifact store or of another model, never a file of the server.
    private static func checkSource(_ source: String) throws(GyreError) {
        let isLocal = source.hasPrefix("/") || source.lowercased().hasPrefix("file:") || !source.contains(":")
        let decoded = source.replacing("%2e", with: ".").replacing("%2E", with: ".")
        guard !isLocal, !decoded.split(separator: "/").contains("..") else {
            throw GyreError(
                .invalid, "Invalid model version source: '\(source.prefix(200))'.",
                why: "To use a local path as a model version source, the file must be an artifact of a run.")
        }
    }

    private func signature(_ file: ArtifactFile) async throws(GyreError) -> JSONValue {
        let text = String(decoding: try await blobs.bytes(file.blob.digest, limit: 1 << 20), as: UTF8.self)
        let document = try YAML.document(text)
        var signature = document["signature"] ?? [:]
        // What the one who logged it told beside the signature, such as the names of the features in their order.
        if let metadata = document["metadata"], !metadata.isNull { signature["metadata"] = metadata }
        return signature
    }

    private func artifactURI(of version: ModelVersion) async throws(GyreError) -> String {
        if !version.modelID.isEmpty { return try await loggedModels.model(version.modelID).artifactURI }
        guard version.source.hasPrefix("models:/") else { return version.source }
        let parts = version.source.dropFirst(8).split(separator: "/")
        guard parts.count == 2 else { return version.source }
        return try await artifactURI(of: try await registry.resolve(String(parts[0]), String(parts[1])))
    }

    /// Where the files of a source lie among the artifacts; nil where they are not Gyre's.
    private func folder(source: String, modelID: String) async throws(GyreError) -> RelativePath? {
        let uri = modelID.isEmpty ? source : try await loggedModels.model(modelID).artifactURI
        guard uri.hasPrefix("mlflow-artifacts:/") else { return nil }
        return try RelativePath(String(uri.dropFirst("mlflow-artifacts:/".count).drop { $0 == "/" }))
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreRegistry
internal import GyreSearch

extension MLflowDialect {
    var modelRoutes: [CallRoute] {
        [
            .post("/registered-models/create", .write, createModel),
            .get("/registered-models/get", .read(.model, "name"), getModel),
            .get("/registered-models/search", .list(.model), searchModels),
            .post("/registered-models/rename", .write.asking("alias", .model, "name"), renameModel),
            .patch("/registered-models/update", .write(.model, "name"), updateModel),
            .delete("/registered-models/delete", .write(.model, "name").asking("alias", .model, "name"), deleteModel),
            .post("/registered-models/set-tag", .write(.model, "name"), setModelTag),
            .delete("/registered-models/delete-tag", .write(.model, "name"), deleteModelTag),
            .post("/registered-models/alias", .operate(.model, "name").asking("alias", .model, "name"), setAlias),
            .delete("/registered-models/alias", .operate(.model, "name").asking("alias", .model, "name"), deleteAlias),
            .get("/registered-models/alias", .read(.model, "name"), getVersionByAlias),
            .post("/registered-models/get-latest-versions", .read(.model, "name"), latestVersions),
            .get("/registered-models/get-latest-versions", .read(.model, "name"), latestVersions),
        ]
    }

    private func createModel(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let model = try await registry.createModel(
            try arguments.text("name"), description: try arguments.optionalText("description") ?? "",
            tags: try Translate.tags(try arguments.objects("tags"), "tags"), by: arguments.actor)
        return ["registered_model": Messages.registeredModel(model, versions: [], aliases: [])]
    }

    private func getModel(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        ["registered_model": try await message(try await registry.model(try arguments.text("name")))]
    }

    private func renameModel(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let model = try await registry.renameModel(
            try arguments.text("name"), to: try arguments.text("new_name"), by: arguments.actor)
        return ["registered_model": try await message(model)]
    }

    private func updateModel(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let description = try arguments.optionalText("description") ?? ""
        let model = try await registry.describeModel(
            try arguments.text("name"), description, by: arguments.actor)
        return ["registered_model": try await message(model)]
    }

    private func deleteModel(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await registry.deleteModel(try arguments.text("name"), by: arguments.actor)
        return [:]
    }

    private func setModelTag(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let (key, value) = (try arguments.text("key"), try arguments.optionalText("value") ?? "")
        try await registry.tagModel(try arguments.text("name"), key, value, by: arguments.actor)
        return [:]
    }

    private func deleteModelTag(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let key = try arguments.text("key")
        try await registry.tagModel(try arguments.text("name"), key, nil, by: arguments.actor)
        return [:]
    }

    private func setAlias(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await registry.setAlias(
            try arguments.text("alias"), of: try arguments.text("name"), to: try number(arguments),
            by: arguments.actor)
        return [:]
    }

    private func deleteAlias(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await registry.deleteAlias(
            try arguments.text("alias"), of: try arguments.text("name"), by: arguments.actor)
        return [:]
    }

    private func getVersionByAlias(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let (name, alias) = (try arguments.text("name"), try arguments.text("alias"))
        _ = try await registry.model(name)
        return ["model_version": try await message(try await version(of: name, alias: alias))]
    }

    private func message(_ model: RegisteredModel) async throws(GyreError) -> JSONValue {
        Messages.registeredModel(
            model, versions: try await registry.versions(of: model.name),
            aliases: try await registry.aliases(of: model.name))
    }

    /// mlflow answers INVALID_PARAMETER_VALUE for an alias that is not there, not 404.
    private func version(of name: String, alias: String) async throws(GyreError) -> ModelVersion {
        do { return try await registry.version(name, alias: alias) } catch {
            throw error.code == .notFound ? GyreError(.invalid, error.what) : error
        }
    }

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
        let asksForPrompts = filter.clauses.contains { $0.key.name == Words.isPrompt }
        let visible = arguments.visible(.model)
        let all = try await registry.models().filter {
            (asksForPrompts || !$0.isPrompt) && visible?.contains($0.name) ?? true
        }
        let found = try Search.select(all, filter, lookUp)
        let sorted = try Search.sort(found, by: orders, lookUp)
        return try await Page.of(sorted, as: "registered_models", arguments, default: 100, maximum: 1000) {
            model throws(GyreError) in
            try await message(model)
        }
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
}

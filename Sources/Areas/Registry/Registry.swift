// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// Registered models, their versions and the aliases that point at versions.
///
/// An actor, so that version numbers are given out one after another.
package actor Registry {
    private let store: any LedgerStore
    private let surroundings: Surroundings

    /// A registry in `store`.
    package init(store: any LedgerStore, surroundings: Surroundings) {
        self.store = store
        self.surroundings = surroundings
    }

    private var now: Int64 { surroundings.now() / 1000 }

    // MARK: Models

    /// Makes a model.
    /// - Throws: `.alreadyExists`.
    package func createModel(
        _ name: String, description: String = "", tags: [String: String] = [:], by actor: String
    ) async throws(GyreError) -> RegisteredModel {
        let model = try RegisteredModel(name: name, description: description, tags: tags, atMilliseconds: now)
        if try await find(name) != nil {
            throw GyreError(.alreadyExists, "Registered Model (name=\(name)) already exists.")
        }
        try await store.commit(
            [.create(document(model))],
            recording: [
                Fact(
                    "registry.model.created", model.ref, by: actor, outputs: [model.ref],
                    body: ["tags": ModelVersion.json(tags)])
            ])
        return model
    }

    /// A model.
    /// - Throws: `.notFound`.
    package func model(_ name: String) async throws(GyreError) -> RegisteredModel {
        if let model = try await find(name) { return model }
        throw GyreError(.notFound, "Registered Model with name=\(name.prefix(80)) not found", fix: "gyre model list")
    }

    /// All models by name.
    package func models() async throws(GyreError) -> [RegisteredModel] {
        try await store.documents("registered-model").map { document throws(GyreError) in
            try RegisteredModel(json: document.body)
        }
    }

    /// Changes description or tags.
    package func updateModel(
        _ name: String, _ what: String, by actor: String, _ change: @Sendable (inout RegisteredModel) -> Void
    ) async throws(GyreError) -> RegisteredModel {
        var model = try await model(name)
        change(&model)
        model.updatedMilliseconds = now
        try await store.commit(
            [.put(document(model))], recording: [Fact("registry.model.\(what)", model.ref, by: actor, body: model.json)]
        )
        return model
    }

    /// Gives a model another name; versions, tags and aliases come along.
    package func renameModel(
        _ name: String, to newName: String, by actor: String
    ) async throws(GyreError) -> RegisteredModel {
        let old = try await model(name)
        var new = try RegisteredModel(
            name: newName, description: old.description, tags: old.tags, atMilliseconds: old.createdMilliseconds)
        if try await find(newName) != nil {
            throw GyreError(.alreadyExists, "Registered Model (name=\(newName)) already exists.")
        }
        new.nextNumber = old.nextNumber
        new.updatedMilliseconds = now
        var changes: [Change] = [.remove(kind: "registered-model", key: name), .create(document(new))]
        for version in try await versions(of: name) {
            var json = version.json
            json["name"] = .string(newName)
            changes.append(.remove(kind: "model-version", key: ModelVersion.key(name, version.number)))
            changes.append(.put(Document("model-version", ModelVersion.key(newName, version.number), json)))
        }
        for (alias, number) in try await aliases(of: name) {
            changes.append(.move(Self.pointer(name, alias), to: nil))
            changes.append(.move(Self.pointer(newName, alias), to: .int(Int64(number))))
        }
        try await store.commit(
            changes,
            recording: [Fact("registry.model.renamed", new.ref, by: actor, inputs: [old.ref], outputs: [new.ref])])
        return new
    }

    /// Removes a model with its versions and aliases.
    package func deleteModel(_ name: String, by actor: String) async throws(GyreError) {
        let model = try await model(name)
        var changes: [Change] = [.remove(kind: "registered-model", key: name)]
        for version in try await versions(of: name) {
            changes.append(.remove(kind: "model-version", key: ModelVersion.key(name, version.number)))
        }
        for (alias, _) in try await aliases(of: name) { changes.append(.move(Self.pointer(name, alias), to: nil)) }
        try await store.commit(changes, recording: [Fact("registry.model.deleted", model.ref, by: actor)])
    }

    // MARK: Versions

    /// What a new version is made of.
    package struct VersionDraft: Sendable {
        /// Where its files are.
        package let source: String
        /// The run that made it.
        package var runID = ""
        /// Its logged model.
        package var modelID = ""
        /// What is said about it.
        package var description = ""
        /// Its tags.
        package var tags: [String: String] = [:]
        /// Its inputs and outputs.
        package var signature: JSONValue = .null
        /// The digests of its files, by path.
        package var files: JSONValue = [:]

        /// A version whose files are at `source`.
        package init(source: String) { self.source = source }
    }

    /// Registers the next version.
    package func createVersion(
        of name: String, _ draft: VersionDraft, by actor: String
    ) async throws(GyreError) -> ModelVersion {
        var model = try await model(name)
        let version = ModelVersion(
            name: name, number: model.nextNumber, source: draft.source, runID: draft.runID, modelID: draft.modelID,
            description: draft.description, tags: draft.tags, signature: draft.signature, atMilliseconds: now)
        model.nextNumber += 1
        model.updatedMilliseconds = now
        let inputs = draft.runID.isEmpty ? [] : [Ref("run", draft.runID)]
        try await store.commit(
            [
                .put(document(model)),
                .create(Document("model-version", ModelVersion.key(name, version.number), version.json)),
            ],
            recording: [
                Fact(
                    "registry.version.created", version.ref, by: actor, inputs: inputs, outputs: [version.ref],
                    body: ["source": .string(draft.source), "signature": draft.signature, "files": draft.files])
            ])
        return version
    }

    /// A version.
    /// - Throws: `.notFound`.
    package func version(_ name: String, _ number: Int) async throws(GyreError) -> ModelVersion {
        if let found = try await store.document("model-version", ModelVersion.key(name, number)) {
            return ModelVersion(json: found.body)
        }
        throw GyreError(
            .notFound, "Model Version (name=\(name.prefix(80)), version=\(number)) not found",
            fix: "gyre model show \(name)")
    }

    /// All versions of a model by number.
    package func versions(of name: String) async throws(GyreError) -> [ModelVersion] {
        try await store.documents("model-version", prefix: "\(name)@").map { ModelVersion(json: $0.body) }
    }

    /// All versions of all models.
    package func versions() async throws(GyreError) -> [ModelVersion] {
        try await store.documents("model-version").map { ModelVersion(json: $0.body) }
    }

    /// Changes description, tags or stage.
    package func updateVersion(
        _ name: String, _ number: Int, _ what: String, by actor: String,
        _ change: @Sendable (inout ModelVersion) throws(GyreError) -> Void
    ) async throws(GyreError) -> ModelVersion {
        var version = try await version(name, number)
        try change(&version)
        version.updatedMilliseconds = now
        try await store.commit(
            [.put(Document("model-version", ModelVersion.key(name, number), version.json))],
            recording: [Fact("registry.version.\(what)", version.ref, by: actor, body: version.json)])
        return version
    }

    /// Removes a version and the aliases that point at it.
    package func deleteVersion(_ name: String, _ number: Int, by actor: String) async throws(GyreError) {
        let version = try await version(name, number)
        var changes: [Change] = [.remove(kind: "model-version", key: ModelVersion.key(name, number))]
        for (alias, target) in try await aliases(of: name) where target == number {
            changes.append(.move(Self.pointer(name, alias), to: nil))
        }
        try await store.commit(changes, recording: [Fact("registry.version.deleted", version.ref, by: actor)])
    }

    // MARK: Aliases

    /// Points an alias at a version.
    package func setAlias(_ alias: String, of name: String, to number: Int, by actor: String) async throws(GyreError) {
        try Self.checkAlias(alias)
        let version = try await version(name, number)
        try await store.commit(
            [.move(Self.pointer(name, alias), to: .int(Int64(number)))],
            recording: [
                Fact(
                    "registry.alias.set", Ref("model", name), by: actor, inputs: [version.ref],
                    body: ["alias": .string(alias)])
            ])
    }

    /// Removes an alias; nothing happens if there is none.
    package func deleteAlias(_ alias: String, of name: String, by actor: String) async throws(GyreError) {
        guard try await store.pointer(Self.pointer(name, alias)) != nil else { return }
        try await store.commit(
            [.move(Self.pointer(name, alias), to: nil)],
            recording: [Fact("registry.alias.deleted", Ref("model", name), by: actor, body: ["alias": .string(alias)])])
    }

    /// The aliases of a model with the numbers they point at.
    package func aliases(of name: String) async throws(GyreError) -> [(alias: String, number: Int)] {
        let prefix = Self.pointer(name, "")
        return try await store.pointers(prefix: prefix).map {
            (String($0.name.dropFirst(prefix.count)), Int($0.value.int ?? 0))
        }
    }

    /// The version that an alias, a number or `latest` names.
    /// - Throws: `.notFound`.
    package func resolve(_ name: String, _ selector: String) async throws(GyreError) -> ModelVersion {
        if let number = Int(selector) { return try await version(name, number) }
        if selector == "latest" {
            if let last = try await versions(of: name).last { return last }
            throw GyreError(.notFound, "The model \"\(name)\" has no version.")
        }
        guard let number = try await store.pointer(Self.pointer(name, selector))?.int else {
            throw GyreError(.notFound, "Registered model alias \(selector.prefix(80)) not found.")
        }
        return try await version(name, Int(number))
    }

    private static func pointer(_ name: String, _ alias: String) -> Pointer.Name { "model/\(name)#alias/\(alias)" }

    private static func checkAlias(_ alias: String) throws(GyreError) {
        let isAllowed = alias.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "_" || $0 == "-"
        }
        let looksLikeVersion = alias.first.map { $0 == "v" || $0 == "V" } ?? false && Int(alias.dropFirst()) != nil
        guard (1...255).contains(alias.count), isAllowed, !looksLikeVersion, alias.lowercased() != "latest",
            Int(alias) == nil
        else {
            throw GyreError(
                .invalid, "Invalid alias name: '\(alias.prefix(80))'.",
                why: "It has letters, digits, _ and -, and is neither a number, nor \"latest\", nor like v1.")
        }
    }

    private func find(_ name: String) async throws(GyreError) -> RegisteredModel? {
        guard let found = try await store.document("registered-model", name) else { return nil }
        return try RegisteredModel(json: found.body)
    }

    private func document(_ model: RegisteredModel) -> Document { Document("registered-model", model.name, model.json) }
}

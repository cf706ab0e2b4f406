// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// Registered models, their versions and the aliases that point at versions.
///
/// Every change reads and writes in one transaction, so that no version number is given out twice and no change is lost.
package struct Registry: Sendable {
    let store: any LedgerStore
    let surroundings: Surroundings

    /// A registry in `store`.
    package init(store: any LedgerStore, surroundings: Surroundings) {
        self.store = store
        self.surroundings = surroundings
    }

    var now: Int64 { surroundings.now() / 1000 }

    // MARK: Models

    /// Makes a model.
    /// - Throws: `.alreadyExists`.
    package func createModel(
        _ name: String, description: String = "", tags: [String: String] = [:], by actor: String
    ) async throws(GyreError) -> RegisteredModel {
        let model = try RegisteredModel(name: name, description: description, tags: tags, atMilliseconds: now)
        try RegistryRules.checkTags(tags)
        return try await store.transact { ledger throws(GyreError) in
            if let taken = try Self.find(name, in: ledger) { throw Self.taken(taken, by: model) }
            return Proposal(
                model, [.create(Self.document(model))],
                recording: [
                    Fact(
                        "registry.model.created", model.ref, by: actor, outputs: [model.ref],
                        body: ["description": .string(description), "tags": ModelVersion.json(tags)])
                ])
        }
    }

    /// A model.
    /// - Throws: `.notFound`.
    package func model(_ name: String) async throws(GyreError) -> RegisteredModel {
        if let found = try await store.document("registered-model", name) {
            return try RegisteredModel(json: found.body)
        }
        throw Self.missing(name)
    }

    /// All models by name.
    package func models() async throws(GyreError) -> [RegisteredModel] {
        try await store.documents("registered-model").map { document throws(GyreError) in
            try RegisteredModel(json: document.body)
        }
    }

    /// Changes the description.
    ///
    /// `alongside`: facts that belong to the same change.
    package func describeModel(
        _ name: String, _ description: String, by actor: String, alongside facts: [Fact] = []
    ) async throws(GyreError) -> RegisteredModel {
        try await changeModel(name, "registry.model.described", by: actor, alongside: facts) {
            model throws(GyreError) in
            let old = model.description
            model.description = description
            return ["old": .string(old), "new": .string(description)]
        }
    }

    /// Sets a tag, or removes it where `value` is nil.
    ///
    /// `alongside`: facts that belong to the same change.
    package func tagModel(
        _ name: String, _ key: String, _ value: String?, by actor: String, alongside facts: [Fact] = []
    ) async throws(GyreError) {
        if let value { try RegistryRules.checkTags([key: value]) }
        let kind = value == nil ? "registry.model.untagged" : "registry.model.tagged"
        _ = try await changeModel(name, kind, by: actor, alongside: facts) {
            model throws(GyreError) in
            let old = model.tags[key]
            model.tags[key] = value
            return RegistryRules.tagChange(key, old, value)
        }
    }

    private func changeModel(
        _ name: String, _ kind: String, by actor: String, alongside facts: [Fact],
        _ change: @escaping @Sendable (inout RegisteredModel) throws(GyreError) -> JSONValue
    ) async throws(GyreError) -> RegisteredModel {
        let now = now
        return try await store.transact { ledger throws(GyreError) in
            guard var model = try Self.find(name, in: ledger) else { throw Self.missing(name) }
            let body = try change(&model)
            model.updatedMilliseconds = now
            return Proposal(
                model, [.put(Self.document(model))],
                recording: [Fact(kind, model.ref, by: actor, body: body)] + facts)
        }
    }

    /// Gives a model another name; versions, tags and aliases come along.
    ///
    /// `alongside`: facts that belong to the same change.
    package func renameModel(
        _ name: String, to newName: String, by actor: String, alongside facts: [Fact] = []
    ) async throws(GyreError) -> RegisteredModel {
        let now = now
        return try await store.transact { ledger throws(GyreError) in
            guard let old = try Self.find(name, in: ledger) else { throw Self.missing(name) }
            if newName == name { return Proposal(old) }
            var new = try RegisteredModel(
                name: newName, description: old.description, tags: old.tags, atMilliseconds: old.createdMilliseconds)
            if let taken = try Self.find(newName, in: ledger) { throw Self.taken(taken, by: new) }
            new.nextNumber = old.nextNumber
            new.updatedMilliseconds = now
            var changes: [Change] = [.remove(kind: "registered-model", key: name), .create(Self.document(new))]
            for version in try Self.versions(of: name, in: ledger) {
                var json = version.json
                json["name"] = .string(newName)
                changes.append(.remove(kind: "model-version", key: ModelVersion.key(name, version.number)))
                changes.append(.put(Document("model-version", ModelVersion.key(newName, version.number), json)))
            }
            for (alias, number) in try Self.aliases(of: name, in: ledger) {
                changes.append(.move(Self.pointer(name, alias), to: nil))
                changes.append(.move(Self.pointer(newName, alias), to: .int(Int64(number))))
            }
            return Proposal(
                new, changes,
                recording: [
                    Fact("registry.model.renamed", new.ref, by: actor, inputs: [old.ref], outputs: [new.ref])
                ] + facts)
        }
    }

    /// Removes a model with its versions and aliases.
    package func deleteModel(_ name: String, by actor: String) async throws(GyreError) {
        try await store.transact { ledger throws(GyreError) in
            guard let model = try Self.find(name, in: ledger) else { throw Self.missing(name) }
            var changes: [Change] = [.remove(kind: "registered-model", key: name)]
            let versions = try Self.versions(of: name, in: ledger)
            for version in versions {
                changes.append(.remove(kind: "model-version", key: ModelVersion.key(name, version.number)))
            }
            for (alias, _) in try Self.aliases(of: name, in: ledger) {
                changes.append(.move(Self.pointer(name, alias), to: nil))
            }
            let body: JSONValue = ["versions": .array(versions.map { .int(Int64($0.number)) })]
            return Proposal(
                (), changes, recording: [Fact("registry.model.deleted", model.ref, by: actor, body: body)])
        }
    }

    // MARK: Parts

    static func find(_ name: String, in ledger: any LedgerTransaction) throws(GyreError) -> RegisteredModel? {
        guard let found = try ledger.document("registered-model", name) else { return nil }
        return try RegisteredModel(json: found.body)
    }

    static func document(_ model: RegisteredModel) -> Document { Document("registered-model", model.name, model.json) }

    static func missing(_ name: String) -> GyreError {
        GyreError(.notFound, "Registered Model with name=\(name.prefix(200)) not found", fix: "gyre model list")
    }

    /// A prompt is a model with a tag, and the two share their names.
    private static func taken(_ taken: RegisteredModel, by model: RegisteredModel) -> GyreError {
        guard taken.isPrompt != model.isPrompt else {
            let noun = model.isPrompt ? "Prompt" : "Registered Model"
            return GyreError(.alreadyExists, "\(noun) (name=\(model.name)) already exists.")
        }
        let (new, old) = taken.isPrompt ? ("registered model", "prompt") : ("prompt", "registered model")
        return GyreError(
            .alreadyExists,
            "Tried to create a \(new) with name '\(model.name)', but the name is already taken by a \(old). "
                + "MLflow does not allow creating a model and a prompt with the same name.")
    }
}

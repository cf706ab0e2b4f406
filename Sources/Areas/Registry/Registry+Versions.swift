// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

extension Registry {
    /// What a new version is made of.
    package struct VersionDraft: Sendable {
        /// Where its files are.
        package let source: String
        /// The run that made it.
        package var runID = ""
        /// An address of that run, if it is elsewhere.
        package var runLink = ""
        /// Where its files really are, if `source` names another version.
        package var location = ""
        /// Its logged model.
        package var modelID = ""
        /// The version that it is a copy of.
        package var original: ModelVersion?
        /// What is said about it.
        package var description = ""
        /// What it is to be noted with, by key.
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
        try RegistryRules.checkTags(draft.tags)
        let now = now
        return try await store.transact { ledger throws(GyreError) in
            guard var model = try Self.find(name, in: ledger) else { throw Self.missing(name) }
            let previous = try Self.versions(of: name, in: ledger).last
            var version = ModelVersion(
                name: name, number: model.nextNumber, source: draft.source, runID: draft.runID, modelID: draft.modelID,
                description: draft.description, tags: draft.tags, signature: draft.signature, atMilliseconds: now)
            version.runLink = draft.runLink
            version.location = draft.location
            version.semantic = SemanticVersion.following(previous, signature: draft.signature)
            model.nextNumber += 1
            model.updatedMilliseconds = now
            var changes: [Change] = [
                .put(Self.document(model)), .create(Self.document(version)),
            ]
            // The logged model tells which versions it became.
            if let logged = try LoggedModels.find(draft.modelID, in: ledger) {
                changes.append(.put(LoggedModels.document(logged.registered(as: version))))
            }
            let run = draft.runID.isEmpty ? [] : [Ref("run", draft.runID)]
            let inputs = [model.ref] + run + (draft.original.map { [$0.ref] } ?? [])
            return Proposal(
                version, changes,
                recording: [
                    Fact(
                        "registry.version.created", version.ref, by: actor, inputs: inputs, outputs: [version.ref],
                        body: [
                            "source": .string(draft.source), "semantic": .string(version.semantic.description),
                            "signature": draft.signature, "files": draft.files,
                        ])
                ])
        }
    }

    /// A version.
    /// - Throws: `.notFound`.
    package func version(_ name: String, _ number: Int) async throws(GyreError) -> ModelVersion {
        if let found = try await store.document("model-version", ModelVersion.key(name, number)) {
            return try ModelVersion(json: found.body)
        }
        throw Self.missing(name, number)
    }

    /// All versions of a model by number.
    package func versions(of name: String) async throws(GyreError) -> [ModelVersion] {
        try await store.documents("model-version", prefix: "\(name)@").map { document throws(GyreError) in
            try ModelVersion(json: document.body)
        }
    }

    /// All versions of all models.
    package func versions() async throws(GyreError) -> [ModelVersion] {
        try await store.documents("model-version").map { document throws(GyreError) in
            try ModelVersion(json: document.body)
        }
    }

    /// Changes the description.
    ///
    /// `alongside`: facts that belong to the same change.
    package func describeVersion(
        _ name: String, _ number: Int, _ description: String, by actor: String, alongside facts: [Fact] = []
    ) async throws(GyreError) -> ModelVersion {
        try await changeVersion(name, number, "registry.version.described", by: actor, alongside: facts) { version in
            let old = version.description
            version.description = description
            return ["old": .string(old), "new": .string(description)]
        }
    }

    /// Sets a tag, or removes it where `value` is nil.
    ///
    /// `alongside`: facts that belong to the same change.
    package func tagVersion(
        _ name: String, _ number: Int, _ key: String, _ value: String?, by actor: String, alongside facts: [Fact] = []
    ) async throws(GyreError) {
        if let value { try RegistryRules.checkTags([key: value]) }
        let kind = value == nil ? "registry.version.untagged" : "registry.version.tagged"
        _ = try await changeVersion(name, number, kind, touches: false, by: actor, alongside: facts) { version in
            let old = version.tags[key]
            version.tags[key] = value
            return RegistryRules.tagChange(key, old, value)
        }
    }

    /// Moves a version to a stage; where `archivesOthers`, the versions that are there go to the archive.
    package func stageVersion(
        _ name: String, _ number: Int, _ stage: ModelVersion.Stage, archivesOthers: Bool, by actor: String,
        alongside others: [Fact] = []
    ) async throws(GyreError) -> ModelVersion {
        let now = now
        return try await store.transact { ledger throws(GyreError) in
            let versions = try Self.versions(of: name, in: ledger)
            guard var version = versions.first(where: { $0.number == number }) else { throw Self.missing(name, number) }
            var changes: [Change] = []
            var facts: [Fact] = []
            func move(_ version: inout ModelVersion, to stage: ModelVersion.Stage) {
                let body: JSONValue = ["old": .string(version.stage.rawValue), "new": .string(stage.rawValue)]
                version.stage = stage
                version.updatedMilliseconds = now
                changes.append(.put(Self.document(version)))
                facts.append(
                    Fact(
                        "registry.version.staged", version.ref, by: actor, inputs: [Ref("model", name)], body: body))
            }
            move(&version, to: stage)
            if archivesOthers {
                for var other in versions where other.stage == stage && other.number != number {
                    move(&other, to: .archived)
                }
            }
            return Proposal(version, changes, recording: facts + others)
        }
    }

    private func changeVersion(
        _ name: String, _ number: Int, _ kind: String, touches: Bool = true, by actor: String, alongside facts: [Fact],
        _ change: @escaping @Sendable (inout ModelVersion) -> JSONValue
    ) async throws(GyreError) -> ModelVersion {
        let now = now
        return try await store.transact { ledger throws(GyreError) in
            guard let found = try ledger.document("model-version", ModelVersion.key(name, number)) else {
                throw Self.missing(name, number)
            }
            var version = try ModelVersion(json: found.body)
            let body = change(&version)
            if touches { version.updatedMilliseconds = now }
            return Proposal(
                version, [.put(Self.document(version))],
                recording: [
                    Fact(kind, version.ref, by: actor, inputs: [Ref("model", name)], body: body)
                ] + facts)
        }
    }

    /// Removes a version and the aliases that point at it.
    package func deleteVersion(_ name: String, _ number: Int, by actor: String) async throws(GyreError) {
        try await store.transact { ledger throws(GyreError) in
            guard let found = try ledger.document("model-version", ModelVersion.key(name, number)) else {
                throw Self.missing(name, number)
            }
            var changes: [Change] = [.remove(kind: "model-version", key: found.key)]
            for (alias, target) in try Self.aliases(of: name, in: ledger) where target == number {
                changes.append(.move(Self.pointer(name, alias), to: nil))
            }
            return Proposal(
                (), changes,
                recording: [
                    Fact(
                        "registry.version.deleted", ModelVersion.ref(name, number), by: actor,
                        inputs: [Ref("model", name)])
                ])
        }
    }

    // MARK: Parts

    static func versions(of name: String, in ledger: any LedgerTransaction) throws(GyreError) -> [ModelVersion] {
        try ledger.documents("model-version", prefix: "\(name)@").map { document throws(GyreError) in
            try ModelVersion(json: document.body)
        }
    }

    static func document(_ version: ModelVersion) -> Document {
        Document("model-version", ModelVersion.key(version.name, version.number), version.json)
    }

    static func missing(_ name: String, _ number: Int) -> GyreError {
        GyreError(
            .notFound, "Model Version (name=\(name.prefix(200)), version=\(number)) not found",
            fix: "gyre model show \(name.prefix(200))")
    }
}

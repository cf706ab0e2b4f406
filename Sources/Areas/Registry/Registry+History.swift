// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

extension Registry {
    /// What happened to a model, its versions and aliases, newest first.
    package func history(of name: String, limit: Int) async throws(GyreError) -> [RecordedFact] {
        var query = FactQuery(mentioning: Ref("model", name))
        query.kindPrefix = "registry."
        query.isNewestFirst = true
        query.limit = limit
        let facts = try await store.facts(query)
        guard !facts.isEmpty else { throw Self.missing(name) }
        return facts
    }

    /// Takes one change back: an alias, a tag, a description, a stage or a name gets the value that it had before.
    ///
    /// The change and its undoing both stay in the ledger.
    /// - Throws: `.notFound` for a fact that is not the model's; `.unsupported` for one that cannot be taken back.
    package func undo(_ seq: Int64, of name: String, by actor: String) async throws(GyreError) -> RecordedFact {
        let recorded = try await undoable(seq, of: name)
        try await undo(recorded, by: actor)
        return recorded
    }

    /// The change that `undo` would take back.
    /// - Throws: `.notFound` for a fact that is not the model's; `.unsupported` for one that cannot be taken back.
    package func undoable(_ seq: Int64, of name: String) async throws(GyreError) -> RecordedFact {
        var query = FactQuery()
        query.after = max(1, seq) - 1
        query.upTo = seq
        guard let recorded = try await store.facts(query).first, recorded.fact.subject.kind == "model",
            recorded.fact.subject.name == name
        else {
            throw GyreError(
                .notFound, "The ledger has no fact \(seq) about the model \"\(name.prefix(80))\".",
                fix: "gyre model history \(name)")
        }
        guard Self.undoableKinds.contains(recorded.fact.kind) else { throw Self.cannotUndo(recorded.fact.kind) }
        return recorded
    }

    private static let undoableKinds: Set<String> = [
        "registry.alias.set", "registry.alias.deleted", "registry.model.tagged", "registry.model.untagged",
        "registry.version.tagged", "registry.version.untagged", "registry.model.described",
        "registry.version.described", "registry.version.staged", "registry.model.renamed",
    ]

    private static func cannotUndo(_ kind: String) -> GyreError {
        GyreError(
            .unsupported, "\"\(kind)\" cannot be taken back.",
            why:
                "Aliases, tags, descriptions, stages and names can; what was made is deleted, and what was deleted is gone."
        )
    }

    /// Makes the change that takes `recorded` back, and says so in the same transaction.
    private func undo(_ recorded: RecordedFact, by actor: String) async throws(GyreError) {
        let fact = recorded.fact
        let undone = [
            Fact(
                "registry.change.undone", Ref("model", fact.subject.name), by: actor,
                body: ["undoes": .int(recorded.seq), "kind": .string(fact.kind)])
        ]
        let (name, old) = (fact.subject.name, fact.body["old"]?.string)
        let version = fact.subject.version.flatMap { Int($0) }
        switch (fact.kind, version) {
        case ("registry.alias.set", _), ("registry.alias.deleted", _):
            // Refused if the alias was moved again since: that change would be lost.
            let changes = recorded.moves.map {
                Change.moveIf($0.pointer, expecting: $0.new.isNull ? nil : $0.new, to: $0.old.isNull ? nil : $0.old)
            }
            try await store.commit(
                changes,
                recording: [
                    Fact(
                        "registry.alias.set", fact.subject, by: actor, inputs: fact.inputs,
                        body: ["alias": fact.body["alias"] ?? .null])
                ] + undone)
        case ("registry.model.tagged", _), ("registry.model.untagged", nil):
            try await tagModel(name, fact.body["key"]?.string ?? "", old, by: actor, alongside: undone)
        case ("registry.version.tagged", let number?), ("registry.version.untagged", let number?):
            try await tagVersion(name, number, fact.body["key"]?.string ?? "", old, by: actor, alongside: undone)
        case ("registry.model.described", _): _ = try await describeModel(name, old ?? "", by: actor, alongside: undone)
        case ("registry.version.described", let number?):
            _ = try await describeVersion(name, number, old ?? "", by: actor, alongside: undone)
        case ("registry.version.staged", let number?):
            let stage = ModelVersion.Stage(rawValue: old ?? "") ?? .none
            _ = try await stageVersion(name, number, stage, archivesOthers: false, by: actor, alongside: undone)
        case ("registry.model.renamed", _):
            _ = try await renameModel(name, to: fact.inputs.first?.name ?? name, by: actor, alongside: undone)
        default:
            throw Self.cannotUndo(fact.kind)
        }
    }
}

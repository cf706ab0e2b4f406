// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// One version of a scorer: a judge or a rule that tells how good an answer is, as its client wrote it down.
package struct Scorer: Sendable, Hashable {
    /// The same for all versions of a name in an experiment.
    package let id: String
    /// The experiment it is for.
    package let experimentID: String
    /// What the client calls it: unique within the experiment.
    package let name: String
    /// From 1.
    package let version: Int
    /// What the client sent, word for word.
    package let content: String
    /// When it was registered, milliseconds since 1970.
    package let createdMilliseconds: Int64

    init(id: String, experimentID: String, name: String, version: Int, content: String, createdMilliseconds: Int64) {
        self.id = id
        self.experimentID = experimentID
        self.name = name
        self.version = version
        self.content = content
        self.createdMilliseconds = createdMilliseconds
    }

    init(json: JSONValue) {
        self.init(
            id: json["id"]?.string ?? "", experimentID: json["experiment_id"]?.string ?? "",
            name: json["name"]?.string ?? "", version: Int(json["version"]?.int ?? 0),
            content: json["content"]?.string ?? "", createdMilliseconds: json["created_ms"]?.int ?? 0)
    }

    var json: JSONValue {
        [
            "id": .string(id), "experiment_id": .string(experimentID), "name": .string(name),
            "version": .int(Int64(version)), "content": .string(content), "created_ms": .int(createdMilliseconds),
        ]
    }

    /// `scorer/<experiment>/<name>@<version>`.
    package var ref: Ref { Ref("scorer", "\(experimentID)/\(name)", String(version)) }

    var key: String { "\(experimentID)/\(name)@\(version.digits(9))" }
}

/// Keeps scorers.
package struct Scorers: Sendable {
    private let store: any LedgerStore
    private let surroundings: Surroundings
    private static let kind = "scorer"

    /// Scorers in `store`.
    package init(store: any LedgerStore, surroundings: Surroundings) {
        self.store = store
        self.surroundings = surroundings
    }

    /// Registers the next version.
    package func register(
        _ name: String, _ content: String, experimentID: String, by actor: String
    ) async throws(GyreError) -> Scorer {
        let (now, id) = (surroundings.now() / 1000, Self.uuid(surroundings.newID()))
        return try await store.transact { ledger throws(GyreError) in
            let last = Self.named(name, try ledger.documents(Self.kind, prefix: "\(experimentID)/\(name)@")).last
            let scorer = Scorer(
                id: last?.id ?? id, experimentID: experimentID, name: name, version: (last?.version ?? 0) + 1,
                content: content, createdMilliseconds: now)
            return Proposal(
                scorer, [.create(Document(Self.kind, scorer.key, scorer.json))],
                recording: [
                    Fact("evaluation.scorer.registered", scorer.ref, by: actor, outputs: [scorer.ref])
                ])
        }
    }

    /// The versions of one scorer, or of all scorers of an experiment where `name` is nil.
    package func scorers(_ name: String?, experimentID: String) async throws(GyreError) -> [Scorer] {
        let prefix = name.map { "\(experimentID)/\($0)@" } ?? "\(experimentID)/"
        return Self.named(name, try await store.documents(Self.kind, prefix: prefix))
    }

    /// One version, or the newest where `version` is nil.
    /// - Throws: `.notFound`.
    package func scorer(_ name: String, _ version: Int?, experimentID: String) async throws(GyreError) -> Scorer {
        let all = try await scorers(name, experimentID: experimentID)
        if let found = version == nil ? all.last : all.first(where: { $0.version == version }) { return found }
        throw Self.missing(name, version, experimentID)
    }

    /// Removes one version, or all where `version` is nil.
    package func delete(_ name: String, _ version: Int?, experimentID: String, by actor: String) async throws(GyreError)
    {
        try await store.transact { ledger throws(GyreError) in
            let all = Self.named(name, try ledger.documents(Self.kind, prefix: "\(experimentID)/\(name)@"))
            let doomed = all.filter { version == nil || $0.version == version }
            guard !doomed.isEmpty else { throw Self.missing(name, version, experimentID) }
            return Proposal(
                (), doomed.map { .remove(kind: Self.kind, key: $0.key) },
                recording: doomed.map { Fact("evaluation.scorer.deleted", $0.ref, by: actor) })
        }
    }

    /// The scorers of this very name, or all: a name may hold the `@` that a version follows.
    private static func named(_ name: String?, _ documents: [Document]) -> [Scorer] {
        documents.map { Scorer(json: $0.body) }.filter { name == nil || $0.name == name }
    }

    private static func uuid(_ hex: String) -> String {
        let digits = Array(hex)
        let cuts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
        return cuts.map { String(digits[$0]) }.joined(separator: "-")
    }

    private static func missing(_ name: String, _ version: Int?, _ experiment: String) -> GyreError {
        let which = version.map { " and version \($0)" } ?? ""
        return GyreError(
            .notFound,
            "Scorer with name '\(name.prefix(80))'\(which) not found for experiment \(experiment.prefix(40)).")
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// The documents that dialects keep by name.
package struct Manifests: Sendable {
    private let ledger: any LedgerStore
    private let surroundings: Surroundings

    private static let kind = "manifest"

    /// Documents in this ledger.
    package init(ledger: any LedgerStore, surroundings: Surroundings) {
        self.ledger = ledger
        self.surroundings = surroundings
    }

    /// Keeps a new one.
    /// - Throws: `.alreadyExists` for a name that is taken.
    package func create(
        _ kind: String, _ namespace: String, _ name: String, _ body: JSONValue, schedules: [String] = [],
        with exchange: Schedules.Exchange = .init(), by actor: String
    ) async throws(GyreError) -> Manifest {
        var manifest = Manifest(
            kind: kind, namespace: namespace, name: name, id: surroundings.newID(), body: body,
            createdAt: surroundings.now())
        manifest.schedules = schedules
        let new = manifest
        return try await ledger.transact { store throws(GyreError) in
            guard try store.document(Self.kind, Self.key(kind, namespace, name)) == nil else {
                throw GyreError(
                    .alreadyExists, "There is a \(kind) \"\(name)\" already.", fix: "Change it, or choose another name."
                )
            }
            return Proposal(
                new, [.create(Document(Self.kind, Self.key(kind, namespace, name), new.json))] + exchange.changes,
                recording: [Fact("pipelines.manifest.created", new.ref, by: actor, body: new.json)] + exchange.facts)
        }
    }

    /// One by its name.
    /// - Throws: `.notFound`.
    package func manifest(_ kind: String, _ namespace: String, _ name: String) async throws(GyreError) -> Manifest {
        guard let document = try await ledger.document(Self.kind, Self.key(kind, namespace, name)) else {
            throw GyreError(.notFound, "There is no \(kind) \"\(name.prefix(80))\".")
        }
        return try Manifest(json: document.body)
    }

    /// All of a kind by name; of all namespaces for an empty one.
    package func manifests(_ kind: String, _ namespace: String) async throws(GyreError) -> [Manifest] {
        let prefix = namespace.isEmpty ? "\(kind)/" : "\(kind)/\(namespace)/"
        return try await ledger.documents(Self.kind, prefix: prefix).map { document throws(GyreError) in
            try Manifest(json: document.body)
        }
    }

    /// Changes one.
    /// - Throws: `.notFound`; `.conflict` where somebody changed it since `version`.
    package func change(
        _ kind: String, _ namespace: String, _ name: String, version: Int64? = nil,
        with exchange: Schedules.Exchange = .init(), by actor: String,
        _ change: @escaping @Sendable (inout Manifest) -> Void
    ) async throws(GyreError) -> Manifest {
        try await ledger.transact { store throws(GyreError) in
            guard let document = try store.document(Self.kind, Self.key(kind, namespace, name)) else {
                throw GyreError(.notFound, "There is no \(kind) \"\(name.prefix(80))\".")
            }
            var manifest = try Manifest(json: document.body)
            if let version, version != manifest.version {
                throw GyreError(
                    .conflict, "The \(kind) \"\(name)\" was changed by somebody else.",
                    why: "It has the version \(manifest.version), and the change is for \(version).",
                    fix: "Read it again, and change that.")
            }
            change(&manifest)
            manifest.version += 1
            return Proposal(
                manifest, [.put(Document(Self.kind, document.key, manifest.json))] + exchange.changes,
                recording: [Fact("pipelines.manifest.changed", manifest.ref, by: actor, body: manifest.json)]
                    + exchange.facts)
        }
    }

    /// Removes one.
    package func remove(
        _ manifest: Manifest, with exchange: Schedules.Exchange = .init(), by actor: String
    ) async throws(GyreError) {
        try await ledger.commit(
            [.remove(kind: Self.kind, key: Self.key(manifest.kind, manifest.namespace, manifest.name))]
                + exchange.changes,
            recording: [Fact("pipelines.manifest.removed", manifest.ref, by: actor, body: manifest.json)]
                + exchange.facts)
    }

    private static func key(_ kind: String, _ namespace: String, _ name: String) -> String {
        "\(kind)/\(namespace)/\(name)"
    }
}

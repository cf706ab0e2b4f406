// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// Places that clients of other systems keep data in, over the same blobs as everything else.
package struct DataRemotes: Sendable {
    /// The names of what is there.
    package let names: any ObjectNameStore
    /// The bytes of what is there.
    package let blobs: any BlobStore
    private let store: any LedgerStore

    /// Remotes over these stores.
    package init(names: any ObjectNameStore, blobs: any BlobStore, store: any LedgerStore) {
        self.names = names
        self.blobs = blobs
        self.store = store
    }

    /// Keeps contents that are at hand under their names; the caller has looked that the names are theirs.
    package func put(
        _ contents: [(name: ObjectName, bytes: [UInt8])], in remote: Name, by actor: String
    ) async throws(GyreError) {
        let stored = try await blobs.add(contents.map(\.bytes))
        try await names.add(
            zip(contents, stored).map { NamedObject(name: $0.name, blob: $1) }, to: remote.text, by: actor)
    }

    /// Keeps a blob that was written under its name.
    package func put(_ name: ObjectName, _ blob: StoredBlob, in remote: Name, by actor: String) async throws(GyreError)
    {
        try await names.add([NamedObject(name: name, blob: blob)], to: remote.text, by: actor)
    }

    /// Which of these names a remote does not have.
    package func missing(among wanted: [ObjectName], in remote: Name) async throws(GyreError) -> [ObjectName] {
        let found = try await names.find(wanted, in: remote.text)
        return wanted.filter { found[$0] == nil }
    }

    // MARK: What stages did before

    private static let runKind = "shared-run"

    /// The paths of what stages of this remote's clients did.
    package func runs(in remote: Name) async throws(GyreError) -> [String] {
        let prefix = remote.text + "/"
        return try await store.documents(Self.runKind, prefix: prefix).map { String($0.key.dropFirst(prefix.count)) }
    }

    /// What a stage did.
    /// - Throws: `.notFound`.
    package func run(_ path: String, in remote: Name) async throws(GyreError) -> String {
        guard let document = try await store.document(Self.runKind, "\(remote.text)/\(path)"),
            let text = document.body["text"]?.string
        else { throw GyreError(.notFound, "\"\(path.prefix(200))\" is not kept in \"\(remote)\".") }
        return text
    }

    /// Keeps what a stage did.
    package func keepRun(_ path: String, _ text: String, in remote: Name, by actor: String) async throws(GyreError) {
        try await store.commit(
            [.put(Document(Self.runKind, "\(remote.text)/\(path)", ["text": .string(text)]))],
            recording: [
                Fact("versioning.run.shared", Ref("remote", remote.text), by: actor, body: ["run": .string(path)])
            ])
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Foundation
package import GyreBase
package import GyreLedger

/// The key that secrets are sealed with; it lies outside of the database.
package struct SealingKey: Sendable {
    private let bytes: [UInt8]

    /// A key of 32 bytes.
    package init(_ bytes: [UInt8]) throws(GyreError) {
        guard bytes.count == 32 else {
            throw GyreError(
                .invalid, "The key that seals secrets has \(bytes.count) bytes.", why: "It has to have 32.",
                fix: "head -c 32 /dev/urandom > FILE")
        }
        self.bytes = bytes
    }

    /// `text`, sealed for what `label` says: it is opened for nothing else.
    func seal(_ text: String, _ label: String) throws(GyreError) -> String {
        do {
            let box = try AES.GCM.seal(
                Data(text.utf8), using: SymmetricKey(data: bytes), authenticating: Data(label.utf8))
            return (box.combined ?? Data()).base64EncodedString()
        } catch {
            throw GyreError(.internal, "A secret cannot be sealed.", why: "\(error)")
        }
    }

    /// What was sealed.
    /// - Throws: `.corrupt` where the key is another one, or the text was changed.
    func open(_ sealed: String, _ label: String) throws(GyreError) -> String {
        do {
            let box = try AES.GCM.SealedBox(combined: Data(base64Encoded: sealed) ?? Data())
            let text = try AES.GCM.open(box, using: SymmetricKey(data: bytes), authenticating: Data(label.utf8))
            return String(decoding: text, as: UTF8.self)
        } catch {
            throw GyreError(
                .corrupt, "The secret \"\(label.prefix(80))\" cannot be opened.",
                why: "It was sealed with another key, or was changed.", fix: "Set it again: gyre secret set NAME")
        }
    }
}

/// Keeps secrets under names: sealed on disk, and told to nothing but what uses them.
package struct Vault: Sendable {
    private let store: any LedgerStore
    private let key: @Sendable () throws(GyreError) -> SealingKey
    private let surroundings: Surroundings
    private static let kind = "secret"
    /// The longest secret in bytes.
    private static let longest = 65_536

    /// What is told of a secret.
    package struct Entry: Sendable, Hashable {
        /// What it is called.
        package let name: String
        /// When it was set last, in microseconds since 1970.
        package let changedAt: Int64
        /// Who set it last.
        package let actor: String
    }

    /// The secrets in `store`; `key` is asked for when one is sealed or opened.
    package init(
        store: any LedgerStore, surroundings: Surroundings,
        key: @escaping @Sendable () throws(GyreError) -> SealingKey
    ) {
        self.store = store
        self.surroundings = surroundings
        self.key = key
    }

    /// Sets a secret, over an older one of the name.
    package func set(_ name: String, to text: String, by actor: String) async throws(GyreError) {
        _ = try Name(name, of: "secret")
        guard !text.isEmpty, text.utf8.count <= Self.longest else {
            throw GyreError(.invalid, "A secret has 1 to \(Self.longest) bytes.", why: "\(text.utf8.count) were given.")
        }
        let sealed = try key().seal(text, name)
        let document: JSONValue = [
            "sealed": .string(sealed), "changed_at": .int(surroundings.now()), "actor": .string(actor),
        ]
        try await store.commit(
            [.put(Document(Self.kind, name, document))],
            recording: [Fact("vault.secret.set", Ref("secret", name), by: actor)])
    }

    /// Removes a secret.
    /// - Throws: `.notFound`.
    package func remove(_ name: String, by actor: String) async throws(GyreError) {
        guard try await store.document(Self.kind, name) != nil else { throw Self.missing(name) }
        try await store.commit(
            [.remove(kind: Self.kind, key: name)],
            recording: [Fact("vault.secret.removed", Ref("secret", name), by: actor)])
    }

    /// The names of all secrets.
    package func list() async throws(GyreError) -> [Entry] {
        try await store.documents(Self.kind).map { document throws(GyreError) in
            let stored = StoredReader("secret", document.body)
            return Entry(
                name: document.key, changedAt: try stored.integer("changed_at"), actor: try stored.text("actor"))
        }
    }

    /// What a name stands for.
    /// - Throws: `.notFound`; `.corrupt` where the key is another one.
    package func open(_ name: String) async throws(GyreError) -> String {
        guard let found = try await store.document(Self.kind, name) else { throw Self.missing(name) }
        return try key().open(try StoredReader("secret", found.body).text("sealed"), name)
    }

    private static func missing(_ name: String) -> GyreError {
        GyreError(.notFound, "There is no secret \"\(name.prefix(80))\".", fix: "gyre secret set \(name.prefix(80))")
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// What a dataset held at one time.
package struct DatasetVersion: Sendable, Hashable {
    /// The dataset.
    package let name: String
    /// The first twelve digits of the tree's digest: the same content always has the same id.
    package let id: String
    /// The files.
    package let tree: Tree
    /// What the one who added it said about it.
    package let message: String
    /// When, microseconds since 1970.
    package let at: Int64
    /// Who added it.
    package let actor: String
    /// What it was made from, for a dataset that was computed.
    package let madeFrom: [Ref]

    /// A version.
    package init(name: Name, tree: Tree, message: String, at: Int64, actor: String, madeFrom: [Ref]) {
        self.name = name.text
        id = tree.digest.short
        self.tree = tree
        self.message = message
        self.at = at
        self.actor = actor
        self.madeFrom = madeFrom
    }

    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("dataset version", json)
        name = try stored.text("name")
        tree = try stored.tree("tree")
        id = tree.digest.short
        message = try stored.text("message")
        at = try stored.integer("at")
        actor = try stored.text("actor")
        madeFrom = try (json["made_from"]?.strings ?? []).map { text throws(GyreError) in try Ref(parsing: text) }
    }

    /// As stored and as the native API tells it.
    package var json: JSONValue {
        [
            "name": .string(name), "id": .string(id), "ref": .string(ref.description), "message": .string(message),
            "at": .int(at),
            "actor": .string(actor), "made_from": .strings(madeFrom.map(\.description)),
            "files": .int(Int64(tree.entries.count)), "size_bytes": .int(tree.sizeBytes), "tree": tree.json,
        ]
    }

    /// `dataset/<name>@<id>`.
    package var ref: Ref { Ref("dataset", name, id) }
}

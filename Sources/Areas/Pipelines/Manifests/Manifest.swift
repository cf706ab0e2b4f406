// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// A document that a dialect keeps by name: a stored template, or what makes runs by itself.
package struct Manifest: Sendable, Hashable {
    /// What it is, in the dialect's words.
    package let kind: String
    /// Where its name is the only one of its kind; empty for what is for all.
    package let namespace: String
    /// What it is asked for by.
    package let name: String
    /// What tells it from one of that name that was there before.
    package let id: String
    /// The document itself.
    package var body: JSONValue
    /// How often it was changed.
    package var version: Int64 = 1
    /// When it was made, microseconds since 1970.
    package let createdAt: Int64
    /// The schedules that act for it.
    package var schedules: [String] = []

    init(kind: String, namespace: String, name: String, id: String, body: JSONValue, createdAt: Int64) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.id = id
        self.body = body
        self.createdAt = createdAt
    }

    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("manifest", json)
        self.init(
            kind: try stored.text("kind"), namespace: try stored.text("namespace"), name: try stored.text("name"),
            id: try stored.text("id"), body: json["body"] ?? [:], createdAt: try stored.integer("created_at"))
        version = json["version"]?.int ?? 1
        schedules = json["schedules"]?.strings ?? []
    }

    /// As it is stored.
    package var json: JSONValue {
        [
            "kind": .string(kind), "namespace": .string(namespace), "name": .string(name), "id": .string(id),
            "body": body, "created_at": .int(createdAt), "version": .int(version), "schedules": .strings(schedules),
        ]
    }

    /// `manifest/<kind>/<namespace>/<name>`.
    package var ref: Ref { Ref("manifest", "\(kind)/\(namespace)/\(name)", Digest(of: body.canonicalBytes).short) }
}

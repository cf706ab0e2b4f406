// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// Parameters and artifacts that go into a task or come out of it.
package struct TaskValues: Sendable, Hashable {
    /// Parameters by name.
    package var parameters: [String: JSONValue] = [:]
    /// Artifacts by name; a loop's collected output has several.
    package var artifacts: [String: [Artifact]] = [:]

    /// Nothing.
    package init() {}

    /// As it was stored.
    package init(json: JSONValue) throws(GyreError) {
        for member in json["parameters"]?.object?.members ?? [] { parameters[member.name] = member.value }
        for member in json["artifacts"]?.object?.members ?? [] {
            artifacts[member.name] = try (member.value.array ?? []).map { item throws(GyreError) in
                try Artifact(json: item)
            }
        }
    }

    /// As stored.
    package var json: JSONValue {
        ["parameters": .sorted(parameters), "artifacts": .sorted(artifacts.mapValues { .array($0.map(\.json)) })]
    }
}

extension JSONValue {
    /// An object of these members, by name.
    static func sorted(_ members: [String: JSONValue]) -> JSONValue {
        .object(JSONObject(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
    }
}

/// A file or folder that a task made, or a dataset that was imported.
package struct Artifact: Sendable, Hashable {
    /// The output of the component that it is.
    package let name: String
    /// `system.Model` and more.
    package let type: String
    /// Its files; one whose path is the name alone is a single file.
    package let tree: Tree
    /// What the component said about it.
    package let metadata: JSONValue
    /// What it is in the lineage: a dataset version, an artifact by its digest, or an address that says nothing of its content.
    package let ref: Ref
    /// Where it is said to be, for what is kept elsewhere and has no files here.
    package let address: String?

    /// An artifact.
    package init(
        name: String, type: String, tree: Tree, metadata: JSONValue, ref: Ref? = nil, address: String? = nil
    ) {
        self.name = name
        self.type = type
        self.tree = tree
        self.metadata = metadata
        self.address = address
        self.ref = ref ?? address.map { Ref("address", $0) } ?? Ref("artifact", name, tree.digest.short)
    }

    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("artifact", json)
        self.init(
            name: try stored.text("name"), type: try stored.text("type"), tree: try stored.tree("tree"),
            metadata: json["metadata"] ?? [:], ref: try stored.ref("ref"), address: json["address"]?.string)
    }

    /// As stored.
    package var json: JSONValue {
        [
            "name": .string(name), "type": .string(type), "tree": tree.json, "metadata": metadata,
            "ref": .string(ref.description), "address": .optional(address),
        ]
    }

    /// Whether it is one file and not a folder.
    package var isSingleFile: Bool { tree.entries.count == 1 && tree.entries[0].path.description == name }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// A pipeline that was given a name to be run by; its versions hold the compiled packages.
package struct RegisteredPipeline: Sendable, Hashable {
    /// What tells it apart; the server makes it.
    package let id: String
    /// Its name; no other pipeline has it.
    package let name: String
    /// What people call it.
    package var displayName: String
    /// What it does.
    package var description: String
    /// Labels that people give it.
    package var tags: [String: String]
    /// When it was registered, microseconds since 1970.
    package let createdAt: Int64

    init(id: String, name: String, displayName: String, description: String, tags: [String: String], createdAt: Int64) {
        self.id = id
        self.name = name
        self.displayName = displayName
        self.description = description
        self.tags = tags
        self.createdAt = createdAt
    }

    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("registered pipeline", json)
        var tags: [String: String] = [:]
        for member in json["tags"]?.object?.members ?? [] { tags[member.name] = member.value.string ?? "" }
        self.init(
            id: try stored.text("id"), name: try stored.text("name"), displayName: try stored.text("display_name"),
            description: json["description"]?.string ?? "", tags: tags, createdAt: try stored.integer("created_at"))
    }

    /// As stored and as the native API tells it.
    package var json: JSONValue {
        [
            "id": .string(id), "name": .string(name), "display_name": .string(displayName),
            "description": .string(description), "tags": .sorted(tags.mapValues { .string($0) }),
            "created_at": .int(createdAt),
        ]
    }

    /// `registered-pipeline/<name>`.
    package var ref: Ref { Ref("registered-pipeline", name) }
}

/// One compiled package of a registered pipeline; its package never changes.
package struct PipelineVersion: Sendable, Hashable {
    /// What tells it apart; the server makes it.
    package let id: String
    /// The registered pipeline that it is a version of, by id.
    package let pipeline: String
    /// Its name; no other version of the pipeline has it.
    package let name: String
    /// What people call it.
    package var displayName: String
    /// What is new in it.
    package var description: String
    /// Labels that people give it.
    package var tags: [String: String]
    /// Where its code is said to be.
    package let codeSource: String
    /// The blob that holds the compiled package.
    package let compiled: Digest
    /// The ref of the pipeline that it holds, which pins its code.
    package let ref: Ref
    /// When it was made, microseconds since 1970.
    package let createdAt: Int64

    init(
        id: String, pipeline: String, name: String, displayName: String, description: String, tags: [String: String],
        codeSource: String, compiled: Digest, ref: Ref, createdAt: Int64
    ) {
        self.id = id
        self.pipeline = pipeline
        self.name = name
        self.displayName = displayName
        self.description = description
        self.tags = tags
        self.codeSource = codeSource
        self.compiled = compiled
        self.ref = ref
        self.createdAt = createdAt
    }

    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("pipeline version", json)
        var tags: [String: String] = [:]
        for member in json["tags"]?.object?.members ?? [] { tags[member.name] = member.value.string ?? "" }
        self.init(
            id: try stored.text("id"), pipeline: try stored.text("pipeline"), name: try stored.text("name"),
            displayName: try stored.text("display_name"), description: json["description"]?.string ?? "", tags: tags,
            codeSource: json["code_source"]?.string ?? "", compiled: try stored.digest("compiled"),
            ref: try stored.ref("ref"), createdAt: try stored.integer("created_at"))
    }

    /// As stored and as the native API tells it.
    package var json: JSONValue {
        [
            "id": .string(id), "pipeline": .string(pipeline), "name": .string(name),
            "display_name": .string(displayName), "description": .string(description),
            "tags": .sorted(tags.mapValues { .string($0) }), "code_source": .string(codeSource),
            "compiled": .string(compiled.hex), "ref": .string(ref.description), "created_at": .int(createdAt),
        ]
    }
}

/// A group of pipeline runs that belong together.
package struct PipelineExperiment: Sendable, Hashable {
    /// What tells it apart; the server makes it.
    package let id: String
    /// Its name; no other experiment has it.
    package let name: String
    /// What it is about.
    package let description: String
    /// Whether it is left out of lists.
    package var isArchived = false
    /// When it was made, microseconds since 1970.
    package let createdAt: Int64

    init(id: String, name: String, description: String, createdAt: Int64) {
        self.id = id
        self.name = name
        self.description = description
        self.createdAt = createdAt
    }

    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("pipeline experiment", json)
        self.init(
            id: try stored.text("id"), name: try stored.text("name"), description: json["description"]?.string ?? "",
            createdAt: try stored.integer("created_at"))
        isArchived = json["is_archived"]?.bool ?? false
    }

    /// As stored and as the native API tells it.
    package var json: JSONValue {
        [
            "id": .string(id), "name": .string(name), "description": .string(description),
            "is_archived": .bool(isArchived), "created_at": .int(createdAt),
        ]
    }

    /// `pipeline-experiment/<name>`.
    package var ref: Ref { Ref("pipeline-experiment", name) }
}

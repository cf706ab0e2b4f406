// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// A named line of model versions.
package struct RegisteredModel: Sendable, Hashable {
    /// Its name: not empty, without `/` and `:`, which would break a `models:/` address.
    package let name: String
    /// What it is for.
    package var description: String
    /// What clients noted about it, by key.
    package var tags: [String: String]
    /// The number that the next version gets; numbers are never used twice.
    package var nextNumber: Int
    /// When it was made, milliseconds since 1970.
    package let createdMilliseconds: Int64
    /// When it last changed, milliseconds since 1970.
    package var updatedMilliseconds: Int64

    /// A model without versions.
    /// - Throws: `.invalid` for a name that an address cannot hold.
    package init(name: String, description: String, tags: [String: String], atMilliseconds: Int64) throws(GyreError) {
        let isBlank = name.allSatisfy(\.isWhitespace)
        guard !isBlank, name.utf8.count <= 900, !name.contains("/"), !name.contains(":"), !name.contains("@") else {
            throw GyreError(
                .invalid, "Invalid model name: '\(name.prefix(80))'.",
                why: "It has 1 to 900 bytes and none of / : @, which have a meaning in models:/ addresses.",
                fix: "Choose another name.")
        }
        self.name = name
        self.description = description
        self.tags = tags
        nextNumber = 1
        createdMilliseconds = atMilliseconds
        updatedMilliseconds = atMilliseconds
    }

    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("registered model", json)
        try self.init(
            name: try stored.text("name"), description: try stored.text("description"),
            tags: ModelVersion.tags(json["tags"]), atMilliseconds: try stored.integer("created_ms"))
        nextNumber = Int(try stored.integer("next_number"))
        updatedMilliseconds = try stored.integer("updated_ms")
    }

    var json: JSONValue {
        [
            "name": .string(name), "description": .string(description), "tags": ModelVersion.json(tags),
            "next_number": .int(Int64(nextNumber)), "created_ms": .int(createdMilliseconds),
            "updated_ms": .int(updatedMilliseconds),
        ]
    }

    /// `model/<name>`.
    package var ref: Ref { Ref("model", name) }

    /// Whether it is a prompt: a model whose versions are texts.
    package var isPrompt: Bool { tags[Self.promptTag]?.lowercased() == "true" }

    /// The tag that makes a model a prompt.
    package static let promptTag = "mlflow.prompt.is_prompt"
}

/// One version of a registered model.
package struct ModelVersion: Sendable, Hashable {
    /// The model's name.
    package let name: String
    /// Its number, from 1.
    package let number: Int
    /// Where its files are, as the client said it.
    package let source: String
    /// The run that made it.
    package let runID: String
    /// Where its files really are, if `source` names another version; empty otherwise.
    package var location = ""
    /// An address of that run, if it is elsewhere.
    package var runLink = ""
    /// What callers have to expect after the version before.
    package var semantic = SemanticVersion(1, 0, 0)
    /// The logged model it is a version of; empty for none.
    package let modelID: String
    /// What is said about it.
    package var description: String
    /// Its stage, for clients that know stages.
    package var stage: Stage = .none
    /// What clients noted about it, by key.
    package var tags: [String: String]
    /// Inputs and outputs as the model file or its signature tells them; null where unknown.
    package var signature: JSONValue
    /// When it was made, milliseconds since 1970.
    package let createdMilliseconds: Int64
    /// When it last changed, milliseconds since 1970.
    package var updatedMilliseconds: Int64

    /// Stages of MLflow's older clients.
    package enum Stage: String, Sendable, Hashable, CaseIterable {
        case none = "None"
        case staging = "Staging"
        case production = "Production"
        case archived = "Archived"
    }

    /// A new version.
    package init(
        name: String, number: Int, source: String, runID: String, modelID: String, description: String,
        tags: [String: String], signature: JSONValue, atMilliseconds: Int64
    ) {
        self.name = name
        self.number = number
        self.source = source
        self.runID = runID
        self.modelID = modelID
        self.description = description
        self.tags = tags
        self.signature = signature
        createdMilliseconds = atMilliseconds
        updatedMilliseconds = atMilliseconds
    }

    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("model version", json)
        self.init(
            name: try stored.text("name"), number: Int(try stored.integer("number")),
            source: try stored.text("source"), runID: try stored.text("run_id"), modelID: try stored.text("model_id"),
            description: try stored.text("description"), tags: Self.tags(json["tags"]),
            signature: json["signature"] ?? .null, atMilliseconds: try stored.integer("created_ms"))
        stage = try stored.word("stage", Stage.self)
        runLink = json["run_link"]?.string ?? ""
        location = json["location"]?.string ?? ""
        semantic = SemanticVersion(json["semantic"]?.string ?? "") ?? semantic
        updatedMilliseconds = try stored.integer("updated_ms")
    }

    /// As stored and as the native API tells it.
    package var json: JSONValue {
        [
            "name": .string(name), "number": .int(Int64(number)), "source": .string(source), "run_id": .string(runID),
            "model_id": .string(modelID), "description": .string(description), "stage": .string(stage.rawValue),
            "tags": Self.json(tags), "signature": signature, "run_link": .string(runLink),
            "location": .string(location),
            "semantic": .string(semantic.description), "created_ms": .int(createdMilliseconds),
            "updated_ms": .int(updatedMilliseconds),
        ]
    }

    /// `model/<name>@<number>`.
    package var ref: Ref { Self.ref(name, number) }

    /// `model/<name>@<number>`.
    package static func ref(_ name: String, _ number: Int) -> Ref { Ref("model", name, String(number)) }

    /// The key it is stored under: sorts by number.
    static func key(_ name: String, _ number: Int) -> String { "\(name)@\(number.digits(9))" }

    static func json(_ tags: [String: String]) -> JSONValue {
        .object(JSONObject(tags.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }

    static func tags(_ json: JSONValue?) -> [String: String] {
        var tags: [String: String] = [:]
        for member in json?.object?.members ?? [] { tags[member.name] = member.value.string }
        return tags
    }
}

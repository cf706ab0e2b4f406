// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Inputs to ask a model, with what should come out: what evaluations run over.
package struct EvaluationDataset: Sendable, Hashable {
    /// `d-` and 32 hexadecimal digits.
    package let id: String
    /// Its name; several may share one.
    package let name: String
    /// The experiments that it is for.
    package var experimentIDs: [String]
    /// What clients noted about it, by key.
    package var tags: [String: String]
    /// Changes whenever records are written: 8 hexadecimal digits.
    package var digest = ""
    /// The kinds of values under each key of inputs, outputs and expectations; null while there is no record.
    package var schema: JSONValue = .null
    /// How many records there are.
    package var recordCount = 0
    /// The place of the record that came last.
    var lastPlace: Int64 = 0
    /// Who made it.
    package let createdBy: String?
    /// Who wrote records last.
    package var updatedBy: String?
    /// When it was made, milliseconds since 1970.
    package let createdMilliseconds: Int64
    /// When it last changed, milliseconds since 1970.
    package var updatedMilliseconds: Int64

    /// A dataset without records.
    package init(
        id: String, name: String, experimentIDs: [String], tags: [String: String], atMilliseconds: Int64
    ) {
        self.id = id
        self.name = name
        self.experimentIDs = experimentIDs
        self.tags = tags
        createdBy = tags["mlflow.user"]
        updatedBy = createdBy
        createdMilliseconds = atMilliseconds
        updatedMilliseconds = atMilliseconds
        renewDigest()
    }

    init(json: JSONValue) {
        id = json["id"]?.string ?? ""
        name = json["name"]?.string ?? ""
        experimentIDs = json["experiment_ids"]?.strings ?? []
        var tags: [String: String] = [:]
        for member in json["tags"]?.object?.members ?? [] { tags[member.name] = member.value.string }
        self.tags = tags
        digest = json["digest"]?.string ?? ""
        schema = json["schema"] ?? .null
        recordCount = Int(json["records"]?.int ?? 0)
        lastPlace = json["last_place"]?.int ?? 0
        createdBy = json["created_by"]?.string
        updatedBy = json["updated_by"]?.string
        createdMilliseconds = json["created_ms"]?.int ?? 0
        updatedMilliseconds = json["updated_ms"]?.int ?? 0
    }

    var json: JSONValue {
        [
            "id": .string(id), "name": .string(name), "experiment_ids": .strings(experimentIDs),
            "tags": .object(JSONObject(tags.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
            "digest": .string(digest), "schema": schema, "records": .int(Int64(recordCount)),
            "last_place": .int(lastPlace),
            "created_by": .optional(createdBy), "updated_by": .optional(updatedBy),
            "created_ms": .int(createdMilliseconds), "updated_ms": .int(updatedMilliseconds),
        ]
    }

    /// `evaluation-dataset/<id>`.
    package var ref: Ref { Ref("evaluation-dataset", id) }

    /// As MLflow makes it: from the name and the time of the last change.
    mutating func renewDigest() { digest = String(Digest(of: "\(name):\(updatedMilliseconds)").hex.prefix(8)) }

    /// Adds what a record tells of the kinds of values; the first kind seen stays.
    mutating func learn(_ record: JSONValue) {
        var learned = schema.isNull ? ["inputs": [:], "outputs": [:], "expectations": [:], "version": "1.0"] : schema
        for side in ["inputs", "outputs", "expectations"] {
            guard let value = record[side], !value.isNull else { continue }
            guard let object = value.object else {
                if learned[side]?.object?.isEmpty ?? false { learned[side] = .string(Self.kind(value)) }
                continue
            }
            guard var known = learned[side]?.object else { continue }
            for member in object.members where known[member.name] == nil {
                known[member.name] = .string(Self.kind(member.value))
            }
            learned[side] = .object(known)
        }
        schema = learned
    }

    private static func kind(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .int: "integer"
        case .double: "float"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreTracking

/// Datasets and models that a run used or made, as clients tell them; only what clients can read back is taken.
enum RunLinks {
    static func dataset(_ json: JSONValue, at path: String) throws(GyreError) -> RunLink {
        guard json.object != nil else { throw .invalidParameter(path, json) }
        guard let told = json["dataset"], told.object != nil else { throw .missingParameter("\(path).dataset") }
        var dataset = JSONObject()
        for (name, most, isNeeded) in [
            ("name", 500, true), ("digest", 36, true), ("source_type", 1000, true), ("source", 65_535, true),
            ("schema", 1_048_575, false), ("profile", 16_777_215, false),
        ] {
            dataset[name] = try text(told, name, most, isNeeded: isNeeded, at: "\(path).dataset")
        }
        var tags: [JSONValue] = []
        guard json["tags"] == nil || json["tags"]?.isNull == true || json["tags"]?.array != nil else {
            throw .invalidParameter("\(path).tags", json["tags"] ?? .null)
        }
        for (index, tag) in (json["tags"]?.array ?? []).enumerated() {
            let at = "\(path).tags[\(index)]"
            guard tag.object != nil else { throw .invalidParameter(at, tag) }
            var kept = JSONObject()
            kept["key"] = try text(tag, "key", 255, isNeeded: true, at: at)
            kept["value"] = try text(tag, "value", 500, isNeeded: true, at: at)
            tags.append(.object(kept))
        }
        var body: JSONValue = tags.isEmpty ? [:] : ["tags": .array(tags)]
        body["dataset"] = .object(dataset)
        let key = "\(dataset["name"]?.string ?? "")@\(dataset["digest"]?.string ?? "")"
        return RunLink(kind: .dataset, key: key, body: body)
    }

    static func model(_ json: JSONValue, _ kind: RunLink.Kind, at path: String) throws(GyreError) -> RunLink {
        let id = try modelID(json, at: path)
        var members: [(String, JSONValue)] = [("model_id", .string(id))]
        if kind == .modelOutput { members.append(("step", .int(try step(json, at: path)))) }
        return RunLink(kind: kind, key: id, body: .object(JSONObject(members)))
    }

    private static func modelID(_ json: JSONValue, at path: String) throws(GyreError) -> String {
        guard json.object != nil else { throw .invalidParameter(path, json) }
        guard let id = try text(json, "model_id", 256, isNeeded: true, at: path)?.string else {
            throw .missingParameter("\(path).model_id")
        }
        return id
    }

    private static func step(_ json: JSONValue, at path: String) throws(GyreError) -> Int64 {
        guard let step = json["step"], !step.isNull else { return 0 }
        guard let number = Translate.integer(step) else { throw .invalidParameter("\(path).step", step) }
        return number
    }

    private static func text(
        _ json: JSONValue, _ name: String, _ most: Int, isNeeded: Bool, at path: String
    ) throws(GyreError) -> JSONValue? {
        switch json[name] {
        case nil, .null:
            if isNeeded { throw .missingParameter("\(path).\(name)") }
            return nil
        case .string(let text):
            guard text.count <= most else {
                throw GyreError(.invalid, "'\(path).\(name)' exceeds the maximum length of \(most) characters")
            }
            return .string(text)
        case .some(let other): throw .invalidParameter("\(path).\(name)", other)
        }
    }
}

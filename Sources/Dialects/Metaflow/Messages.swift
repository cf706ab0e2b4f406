// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

/// Flows, runs, steps, tasks and what they keep, as Metaflow's service tells of them.
enum Messages {
    /// A number or a name that a client gives a run or a task; nil where it gives none.
    static func key(_ json: JSONValue?) -> String? {
        guard let json, json != .null else { return nil }
        let text = json.string ?? json.text
        return text.isEmpty || text == "None" ? nil : text
    }

    static func number(_ json: JSONValue?) -> Int64? { json?.int ?? json?.string.flatMap { Int64($0) } }

    /// A list of texts; nothing is an empty one, and nil is for something else.
    static func tags(_ json: JSONValue?) -> [String]? {
        guard let json, json != .null else { return [] }
        guard let list = json.array, list.allSatisfy({ $0.string != nil }) else { return nil }
        return json.strings
    }

    static func telling(_ body: JSONValue) -> Flows.Telling {
        var telling = Flows.Telling()
        telling.userName = body["user_name"]?.string ?? ""
        telling.tags = body["tags"]?.strings ?? []
        telling.systemTags = body["system_tags"]?.strings ?? []
        return telling
    }

    /// Numbers go out as such, names as texts.
    private static func told(_ key: String?) -> JSONValue {
        guard let key else { return .null }
        return Int64(key).map { .int($0) } ?? .string(key)
    }

    private static func place(_ place: FlowPlace) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = [("flow_id", .string(place.flow))]
        if place.run != nil { members.append(("run_number", told(place.run))) }
        if let step = place.step { members.append(("step_name", .string(step))) }
        if place.task != nil { members.append(("task_id", told(place.task))) }
        return members
    }

    /// `run`: the one whose labels it shows; nil for its own.
    static func record(_ record: FlowRecord, of run: FlowRecord? = nil) -> JSONValue {
        let labels = run ?? record
        var members = place(record.place)
        members += [
            ("user_name", .string(record.userName)), ("ts_epoch", .int(record.createdAt)),
            ("tags", .strings(labels.tags)), ("system_tags", .strings(labels.systemTags)),
        ]
        if record.place.run != nil, record.place.step == nil || record.place.task != nil {
            members.append(("last_heartbeat_ts", .optional(record.heartbeatAt)))
        }
        if record.place.run != nil, record.place.step == nil {
            let user = record.systemTags.first { $0.hasPrefix("user:") }.map { String($0.dropFirst(5)) }
            members.append(("user", .optional(user)))
        }
        return .object(JSONObject(members))
    }

    /// What the client said, at the place that is known.
    private static func item(_ item: FlowItem) -> JSONValue {
        var json = item.body
        for (name, value) in place(item.place) { json[name] = value }
        if json["tags"] == nil { json["tags"] = [] }
        if json["system_tags"] == nil { json["system_tags"] = [] }
        return json
    }

    static func artifact(_ item: FlowItem) -> JSONValue {
        var json = self.item(item)
        json["attempt_id"] = .int(item.attempt)
        return json
    }

    static func metadatum(_ item: FlowItem) -> JSONValue {
        var json = self.item(item)
        json["id"] = .int(item.id)
        return json
    }
}

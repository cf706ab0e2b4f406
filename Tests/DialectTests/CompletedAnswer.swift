// SPDX-License-Identifier: Apache-2.0

import GyreAPI
import GyreBase

/// Answers of the API with the members that a test does not speak of filled in, as their types require them.
enum CompletedAnswer {
    /// By the parts of the path; `*` is a name.
    private static let types: [([String], any APIObject.Type)] = [
        (["runs"], API.RunList.self), (["runs", "*"], API.Run.self), (["runs", "*", "history"], API.History.self),
        (["experiments"], API.ExperimentList.self), (["models"], API.ModelList.self),
        (["models", "*"], API.Model.self), (["endpoints"], API.EndpointList.self),
        (["endpoints", "*"], API.Endpoint.self), (["served"], API.ServedModels.self),
        (["pipeline-runs"], API.PipelineRunList.self), (["pipeline-runs", "*"], API.PipelineRun.self),
        (["schedules"], API.ScheduleList.self), (["pipeline-runs", "*", "logs"], API.TaskLog.self),
        (["datasets"], API.DatasetList.self),
        (["datasets", "*"], API.DatasetList.self), (["datasets", "*", "versions", "*"], API.DatasetVersion.self),
        (["lineage"], API.Lineage.self), (["ledger"], API.FactList.self), (["ledger", "head"], API.Head.self),
        (["traces"], API.TraceList.self), (["traces", "*"], API.Trace.self), (["prompts"], API.PromptList.self),
        (["prompts", "*"], API.Prompt.self), (["logged-models"], API.LoggedModelList.self),
        (["logged-models", "*"], API.LoggedModel.self), (["whoami"], API.Identity.self),
        (["accounts"], API.AccountList.self), (["groups"], API.GroupList.self), (["roles"], API.GrantList.self),
        (["tokens"], API.TokenList.self), (["refusals"], API.RefusalList.self),
        (["approvals"], API.ApprovalList.self), (["approval-rules"], API.ApprovalRuleList.self),
    ]

    /// The answer at `path`, whole.
    static func at(_ path: String, _ answer: JSONValue) -> JSONValue {
        let parts = path.prefix { $0 != "?" }.split(separator: "/").map(String.init)
        let found = types.first { pattern, _ in
            pattern.count == parts.count && zip(pattern, parts).allSatisfy { $0 == "*" || $0 == $1 }
        }
        guard let (_, type) = found else { return answer }
        var schemas = APISchema()
        let schema = schemas.schema(of: type)
        return complete(answer, schema, schemas.components)
    }

    private static func complete(
        _ value: JSONValue, _ schema: JSONValue, _ components: [String: JSONValue]
    ) -> JSONValue {
        if let name = schema["$ref"]?.string?.split(separator: "/").last {
            return complete(value, components[String(name)] ?? [:], components)
        }
        if let choices = schema["anyOf"]?.array {
            return value.isNull ? value : complete(value, choices[0], components)
        }
        if let members = value.array {
            return .array(members.map { complete($0, schema["items"] ?? [:], components) })
        }
        guard value.object != nil, let properties = schema["properties"]?.object?.members else { return value }
        var whole = value
        let required = Set(schema["required"]?.strings ?? [])
        for property in properties {
            if let known = value[property.name] {
                whole[property.name] = complete(known, property.value, components)
            } else if required.contains(property.name) {
                whole[property.name] = example(property.value, components)
            }
        }
        return whole
    }

    private static func example(_ schema: JSONValue, _ components: [String: JSONValue]) -> JSONValue {
        switch schema["type"]?.string {
        case "string": ""
        case "boolean": false
        case "integer", "number": 0
        case "array": []
        case "object": complete([:], schema, components)
        default: schema["$ref"] == nil ? .null : complete([:], schema, components)
        }
    }
}

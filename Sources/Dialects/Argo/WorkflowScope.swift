// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

/// What the tags and expressions of a workflow see.
struct WorkflowScope: ExpressionScope {
    let scope: Scope
    /// The inputs that `inputs` stands for.
    let inputs: TaskValues
    let language: ArgoLanguage
    /// Where the inputs and outputs of a command lie, by `inputs.artifacts.x` and the like.
    var paths: [String: String] = [:]

    var now: Int64 { scope.now }
    var seed: String { "\(scope.run.id)/\(scope.path)/\(scope.attempts)" }

    func value(_ path: [String]) throws(GyreError) -> JSONValue? {
        switch path[0] {
        case "inputs", "outputs": return own(path)
        case "steps", "tasks": return try task(path)
        case "item": return Self.descend(scope.item, path.dropFirst())
        case "workflow": return workflow(path)
        case "pod" where path.count == 2: return path[1] == "name" ? .string(podName) : nil
        case "node" where path.count == 2:
            return path[1] == "name" ? .string("\(scope.run.name).\(scope.path.replacing("/", with: "."))") : nil
        case "retries": return .string(String(scope.attempts))
        case "lastRetry": return scope.lastAttempt.flatMap { Self.descend(Self.lastRetry($0), path.dropFirst()) }
        default: return nil
        }
    }

    /// What a cluster would call the place that the task runs in.
    private var podName: String { WorkflowNames.node(scope.run.name, scope.path) }

    private static func descend(_ value: JSONValue?, _ path: ArraySlice<String>) -> JSONValue? {
        guard let name = path.first, let value else { return value }
        return descend(value[name], path.dropFirst())
    }

    private static func lastRetry(_ attempt: TaskView) -> JSONValue {
        let seconds = ((attempt.endedAt ?? 0) - (attempt.startedAt ?? 0)) / 1_000_000
        return [
            "exitCode": .string(String(attempt.exitStatus ?? -1)), "status": .string(WorkflowNames.phase(attempt)),
            "duration": .string(String(seconds)), "message": .string(attempt.message ?? ""),
        ]
    }

    private func own(_ path: [String]) -> JSONValue? {
        if path.count == 4, path[3] == "path" {
            return paths[path.prefix(3).joined(separator: ".")].map { .string($0) }
        }
        guard path[0] == "inputs", path.count >= 2, path[1] == "parameters" else {
            return path.count == 1 ? ["parameters": parameters(inputs)] : nil
        }
        if path.count == 2 { return parameters(inputs) }
        return Self.descend(inputs.parameters[path[2]], path.dropFirst(3))
    }

    private func parameters(_ values: TaskValues) -> JSONValue {
        .object(JSONObject(values.parameters.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
    }

    // MARK: Tasks

    private func task(_ path: [String]) throws(GyreError) -> JSONValue? {
        guard path.count > 1 else {
            return .object(JSONObject(scope.tasks().map { ($0.key, Self.json($0.value)) }))
        }
        guard let view = scope.task(path[1]) else { return nil }
        switch path.dropFirst(2).first {
        case nil: return Self.json(view)
        case "status": return .string(WorkflowNames.phase(view))
        case "id": return .string(WorkflowNames.node(scope.run.name, view.path))
        case "ip": return "127.0.0.1"
        case "startedAt": return view.startedAt.map { .string(Timestamp.text($0)) }
        case "finishedAt": return view.endedAt.map { .string(Timestamp.text($0)) }
        case "exitCode": return view.exitStatus.map { .string(String($0)) }
        case "message": return .string(view.message ?? "")
        case "outputs":
            // What all iterations gave is a list of what each gave.
            if path.count == 4, path[3] == "parameters", view.iterations != nil { return Self.aggregated(view) }
            return Self.descend(Self.outputs(view), path.dropFirst(3))
        default: return nil
        }
    }

    private static func json(_ view: TaskView) -> JSONValue {
        ["status": .string(WorkflowNames.phase(view)), "outputs": outputs(view)]
    }

    private static func outputs(_ view: TaskView) -> JSONValue {
        var outputs: JSONValue = [:]
        if let status = view.exitStatus { outputs["exitCode"] = .string(String(status)) }
        var parameters = JSONObject()
        for (name, value) in view.outputs.parameters {
            let given =
                view.iterations == nil ? value : .string(list(value, isResult: name == ArgoLanguage.result).text)
            if name == ArgoLanguage.result { outputs["result"] = given } else { parameters[name] = given }
        }
        outputs["parameters"] = .object(parameters)
        outputs["artifacts"] = .object(
            JSONObject(view.outputs.artifacts.keys.map { ($0, ["artifact": .strings([view.path, $0])]) }))
        return outputs
    }

    /// The outputs of iterations; a result that is JSON stands as that.
    private static func list(_ value: JSONValue, isResult: Bool) -> JSONValue {
        guard isResult else {
            // Lists and maps stand as that where all of them are.
            let decoded = (value.array ?? []).map { $0.string.flatMap { try? JSONValue(parsing: $0) } }
            let isWhole = !decoded.isEmpty && decoded.allSatisfy { $0?.array != nil || $0?.object != nil }
            return isWhole ? .array(decoded.compactMap(\.self)) : value
        }
        return .array(
            (value.array ?? []).map { item in
                guard let text = item.string else { return item }
                // What is no JSON is a text.
                return (try? JSONValue(parsing: text)) ?? item
            })
    }

    private static func aggregated(_ view: TaskView) -> JSONValue {
        let named = view.outputs.parameters.filter { $0.key != ArgoLanguage.result }
        let count = named.values.map { $0.array?.count ?? 0 }.max() ?? 0
        let items = (0..<count).map { index in
            JSONValue.object(
                JSONObject(
                    named.sorted { $0.key < $1.key }.compactMap { name, list in
                        list[index].map { (name, $0) }
                    }))
        }
        return .string(JSONValue.array(items).text)
    }

    // MARK: The workflow

    private func workflow(_ path: [String]) -> JSONValue? {
        let run = scope.run
        guard path.count > 1 else {
            return [
                "name": .string(run.name), "uid": .string(run.id), "namespace": .string(language.namespace),
                "parameters": .object(JSONObject(run.parameters.map { ($0.key, $0.value) })),
                "creationTimestamp": .string(WorkflowNames.time(run.startedAt)),
            ]
        }
        let rest = path.dropFirst(2)
        switch path[1] {
        case "name": return .string(run.name)
        case "uid": return .string(run.id)
        case "namespace": return .string(language.namespace)
        case "serviceAccountName": return .string(language.serviceAccount)
        case "mainEntrypoint": return .string(language.entrypoint)
        case "priority": return .string(String(language.priority))
        case "parameters":
            let all = run.parameters.sorted { $0.key < $1.key }
            if rest.isEmpty || (rest.first == "json" && run.parameters["json"] == nil) {
                return .string(JSONValue.array(all.map { ["name": .string($0.key), "value": $0.value] }).text)
            }
            return rest.first.flatMap { run.parameters[$0] }
        case "labels": return member(language.labels, rest)
        case "annotations": return member(language.annotations, rest)
        case "creationTimestamp":
            guard let form = rest.first else { return .string(WorkflowNames.time(run.startedAt)) }
            return .string(WorkflowNames.time(run.startedAt, form: form))
        case "scheduledTime": return .optional(run.scheduledAt.map { WorkflowNames.time($0) })
        case "duration":
            let seconds = Double(max(0, scope.now - run.startedAt)) / 1_000_000
            return .string(String(seconds))
        case "status": return scope.first(language.entrypoint).map { .string(WorkflowNames.phase($0)) } ?? "Running"
        case "failures":
            return .string(JSONValue.array(scope.failures().map { WorkflowNames.failure($0, of: run) }).text)
        case "outputs":
            guard path.count == 4, path[2] == "parameters" else { return nil }
            return scope.shared.parameters[path[3]]
        default: return nil
        }
    }

    private func member(_ members: [String: String], _ rest: ArraySlice<String>) -> JSONValue? {
        guard let name = rest.first, name != "json" || members["json"] != nil else {
            return .string(
                JSONValue.object(JSONObject(members.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
                    .text)
        }
        return members[name].map { .string($0) }
    }
}

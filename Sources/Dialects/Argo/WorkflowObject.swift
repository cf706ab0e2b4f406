// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

/// A run as the object that Argo's clients read.
enum WorkflowObject {
    /// The labels of a run: its own, and what its state says.
    static func labels(_ run: PipelineRun) -> [String: String] {
        var labels = WorkflowReader.texts(run.annotations["labels"])
        labels["workflows.argoproj.io/phase"] = phase(run)
        if run.state.isEnd { labels["workflows.argoproj.io/completed"] = "true" }
        if let cron = run.annotations["cron_workflow"]?.string { labels["workflows.argoproj.io/cron-workflow"] = cron }
        return labels
    }

    static func phase(_ run: PipelineRun) -> String {
        switch run.state {
        case .pending: "Pending"
        case .running: "Running"
        case .succeeded, .skipped: "Succeeded"
        case .failed, .canceled: "Failed"
        }
    }

    private static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(JSONObject(members.filter { $0.1 != .null }))
    }

    private static func texts(_ texts: [String: String]) -> JSONValue {
        texts.isEmpty
            ? .null : .object(JSONObject(texts.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }

    static func metadata(_ run: PipelineRun, _ own: JSONValue, version: Int64) -> JSONValue {
        object([
            ("name", .string(run.name)), ("generateName", own["generateName"] ?? .null),
            ("namespace", .string(run.namespace ?? "argo")), ("uid", .string(uid(run.id))),
            ("resourceVersion", .string(String(version))), ("generation", .int(1)),
            ("creationTimestamp", .string(WorkflowNames.time(run.startedAt))), ("labels", texts(labels(run))),
            ("annotations", texts(WorkflowReader.texts(own["annotations"]))),
        ])
    }

    /// An id as clusters write theirs.
    static func uid(_ id: String) -> String {
        guard id.count == 32 else { return id }
        let text = Array(id)
        return [text[0..<8], text[8..<12], text[12..<16], text[16..<20], text[20..<32]].map { String($0) }
            .joined(separator: "-")
    }

    /// The whole object; `tasks` is nil in lists, which have no nodes.
    static func workflow(
        _ run: PipelineRun, _ package: WorkflowPackage?, tasks: [TaskRecord]?, isPaused: Bool = false
    ) -> JSONValue {
        let own = package?.workflow["metadata"] ?? [:]
        var status: [(String, JSONValue)] = [
            ("phase", .string(phase(run))), ("startedAt", .string(WorkflowNames.time(run.startedAt))),
            ("finishedAt", .optional(run.endedAt.map { WorkflowNames.time($0) })),
            ("message", .optional(run.message)),
        ]
        if let tasks {
            let leaves = tasks.filter(\.isLeaf)
            let done = leaves.filter(\.state.isEnd)
            status.append(("progress", .string("\(done.count)/\(max(leaves.count, 1))")))
            status.append(("nodes", WorkflowNodes(run, package, tasks).json))
            status.append(("outputs", outputs(run.outputs)))
        }
        if run.state.isEnd { status.append(("conditions", [["type": "Completed", "status": "True"]])) }
        var spec = package?.workflow["spec"] ?? [:]
        if isPaused { spec["suspend"] = true }
        let version = tasks.map { Int64($0.count) + Int64($0.filter(\.state.isEnd).count) } ?? 1
        return [
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
            "metadata": metadata(run, own, version: version + (run.state.isEnd ? 1 : 0)), "spec": spec,
            "status": object(status),
        ]
    }

    /// What a workflow or a node gave; null for nothing.
    static func outputs(_ values: TaskValues, exitStatus: Int? = nil) -> JSONValue {
        var parameters: [JSONValue] = []
        for (name, value) in values.parameters.sorted(by: { $0.key < $1.key }) where name != ArgoLanguage.result {
            parameters.append(["name": .string(name), "value": .string(ExpressionFunctions.text(value))])
        }
        let artifacts = values.artifacts.keys.sorted().map { name in
            JSONValue.object(JSONObject([("name", .string(name))]))
        }
        let json = object([
            ("parameters", parameters.isEmpty ? .null : .array(parameters)),
            ("artifacts", artifacts.isEmpty ? .null : .array(artifacts)),
            ("result", values.parameters[ArgoLanguage.result].map { .string(ExpressionFunctions.text($0)) } ?? .null),
            ("exitCode", .optional(exitStatus.map(String.init))),
        ])
        return json == [:] ? .null : json
    }
}

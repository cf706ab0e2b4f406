// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

/// The tasks of a run as the nodes that Argo's clients read.
struct WorkflowNodes {
    private let run: PipelineRun
    private let tasks: [TaskRecord]
    private let templates: [String: JSONValue]
    private let mainPath: String
    /// Tasks by the group or loop that they stand in.
    private let children: [String: [TaskRecord]]

    init(_ run: PipelineRun, _ package: WorkflowPackage?, _ tasks: [TaskRecord]) {
        self.run = run
        self.tasks = tasks
        children = Dictionary(grouping: tasks.filter { Self.parent($0.path) != nil }) { Self.parent($0.path) ?? "" }
        let entrypoint = package?.workflow["spec"]?["entrypoint"]?.string ?? tasks.first?.path ?? ""
        mainPath =
            tasks.contains { $0.path == entrypoint }
            ? entrypoint : tasks.first { !$0.path.contains("/") }?.path ?? entrypoint
        var templates: [String: JSONValue] = [:]
        func add(_ spec: JSONValue?, _ prefix: String) {
            for template in spec?["templates"]?.array ?? [] {
                if let name = template["name"]?.string { templates[prefix + name] = template }
            }
        }
        for (name, spec) in package?.templates ?? [:] { add(spec, name + "/") }
        if let name = package?.workflow["spec"]?["workflowTemplateRef"]?["name"]?.string {
            add(package?.templates[name] ?? package?.templates["cluster/" + name], "")
        }
        add(package?.workflow["spec"], "")
        self.templates = templates
    }

    /// The id of a task; that of the main one is the name of the workflow.
    private func id(_ path: String) -> String {
        WorkflowNames.node(run.name, isMain(path) ? "" : path)
    }

    private func isMain(_ path: String) -> Bool { path == mainPath }

    var json: JSONValue {
        .object(JSONObject(merging: tasks.map { (id($0.path), node($0)) }))
    }

    private func type(_ task: TaskRecord) -> String {
        let template = templates[task.component] ?? [:]
        switch task.kind {
        case "loop": return template["dag"] != nil || template["steps"] == nil ? "TaskGroup" : "StepGroup"
        case "group": return template["dag"] != nil ? "DAG" : "Steps"
        case "gate": return "Suspend"
        default: return task.state == .skipped ? "Skipped" : "Pod"
        }
    }

    private func node(_ task: TaskRecord) -> JSONValue {
        let children = children[task.path] ?? []
        let last = task.path.split(separator: "/").last.map(String.init) ?? task.path
        var node: JSONValue = [
            "id": .string(id(task.path)), "name": .string(name(task.path)),
            "displayName": .string(isMain(task.path) ? run.name : last), "type": .string(type(task)),
            "phase": .string(WorkflowNames.phase(task)), "templateName": .string(task.component),
            "templateScope": .string("local/\(run.name)"),
            "startedAt": .optional(task.startedAt.map { WorkflowNames.time($0) }),
            "finishedAt": .optional(task.endedAt.map { WorkflowNames.time($0) }),
            "progress": .string(task.state.isEnd ? "1/1" : "0/1"),
        ]
        if let parent = Self.parent(task.path) { node["boundaryID"] = .string(id(parent)) }
        if let message = task.message { node["message"] = .string(message) }
        if !children.isEmpty { node["children"] = .strings(children.map { id($0.path) }) }
        let outputs = WorkflowObject.outputs(task.outputs, exitStatus: task.exitStatus)
        if outputs != .null { node["outputs"] = outputs }
        let inputs = task.inputs.sorted { $0.key < $1.key }.map {
            ["name": .string($0.key), "value": .string(ExpressionFunctions.text($0.value))] as JSONValue
        }
        if !inputs.isEmpty { node["inputs"] = ["parameters": .array(inputs)] }
        if task.isCacheHit { node["memoizationStatus"] = ["hit": true, "key": "", "cacheName": ""] }
        for member in node.object?.members ?? [] where member.value == .null { node[member.name] = nil }
        return node
    }

    private func name(_ path: String) -> String {
        if isMain(path) { return run.name }
        let below = path.hasPrefix(mainPath + "/") ? String(path.dropFirst(mainPath.count + 1)) : path
        return "\(run.name).\(below.replacing("/", with: "."))"
    }

    /// The group or loop that a task stands in.
    static func parent(_ path: String) -> String? {
        if path.hasSuffix("]"), let start = path.lastIndex(of: "[") { return String(path[..<start]) }
        guard let slash = path.lastIndex(of: "/") else { return nil }
        let parent = path[..<slash]
        // A group that was begun again has its number behind it.
        if parent.hasSuffix(")"), let start = parent.lastIndex(of: "(") { return String(parent[..<start]) }
        return String(parent)
    }

    /// The task that a selector of clients means: `displayName=approve`, `id=…`, `name=…`.
    func task(_ selector: Selector) -> [TaskRecord] {
        tasks.filter { task in
            let last = task.path.split(separator: "/").last.map(String.init) ?? task.path
            let fields = [
                "id": id(task.path), "name": name(task.path), "displayName": isMain(task.path) ? run.name : last,
                "templateName": task.component, "phase": WorkflowNames.phase(task),
            ]
            var all = fields
            for (name, value) in task.inputs {
                all["inputs.parameters.\(name).value"] = ExpressionFunctions.text(value)
            }
            return selector.fits(all)
        }
    }

    /// The task of a node's id.
    func task(id wanted: String) -> TaskRecord? { tasks.first { id($0.path) == wanted } }
}

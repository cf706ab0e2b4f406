// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

/// Makes the pipeline of a workflow: each template that can be reached is a component.
struct WorkflowReader {
    /// A template, with what it was found in.
    struct Template {
        /// What components call it.
        let key: String
        /// Where names of templates in it are looked for: a stored template, or the workflow itself.
        let owner: String
        /// Where it stands, for messages: `spec.templates[0]`.
        let place: String
        let body: JSONValue
    }

    /// The spec with what the stored template that it refers to gives it.
    let spec: JSONValue
    let package: WorkflowPackage
    private(set) var components: [String: Component] = [:]
    private var pending: [Template] = []
    private var seen: Set<String> = []
    private let scopes: WorkflowScopes

    init(_ package: WorkflowPackage) throws(GyreError) {
        self.package = package
        spec = try Self.merged(package)
        scopes = WorkflowScopes(spec: spec)
    }

    /// The parameter that holds an artifact whose content stands in the workflow itself.
    static func raw(_ artifact: String) -> String { "\(artifact) (raw)" }
    /// The parameter that says which part of an artifact is meant.
    static func part(_ artifact: String) -> String { "\(artifact) (part)" }

    /// The task of the graph that a run begins with that is called at its end.
    static let exit = "onExit"

    mutating func pipeline() throws(GyreError) -> Pipeline {
        try WorkflowSupport.check(spec)
        guard let entrypoint = spec["entrypoint"]?.string else {
            throw GyreError(.invalid, "The workflow has no spec.entrypoint.")
        }
        var tasks: [String: TaskDefinition] = [:]
        var main = try call(
            ["name": .string(entrypoint), "template": .string(entrypoint), "arguments": spec["arguments"] ?? [:]],
            in: nil, "spec.entrypoint")
        if let seconds = spec["activeDeadlineSeconds"].flatMap({ GoTime.seconds(ExpressionFunctions.text($0)) }) {
            main.deadlineSeconds = min(seconds, main.deadlineSeconds ?? seconds)
        }
        main.locks =
            try WorkflowLocks.requests(spec["synchronization"], "spec.synchronization", isOwn: false) + main.locks
        tasks[entrypoint] = main
        try addEndings(to: &tasks, after: entrypoint)
        var parameters: [String: ParameterDefinition] = [:]
        for parameter in spec["arguments"]?["parameters"]?.array ?? [] {
            guard let name = parameter["name"]?.string else { continue }
            if parameter["valueFrom"]?["configMapKeyRef"] != nil, parameter["valueFrom"]?["default"] == nil,
                parameter["value"] == nil
            {
                throw WorkflowSupport.needsCluster("spec.arguments.parameters[\(name)].valueFrom.configMapKeyRef")
            }
            let value = parameter["value"] ?? parameter["default"] ?? parameter["valueFrom"]?["default"]
            parameters[name] = ParameterDefinition(
                type: .string, defaultValue: value.map { .string(ExpressionFunctions.text($0)) }, isOptional: false)
        }
        while let next = pending.popLast() {
            let component = try component(next)
            components[next.key] = component
        }
        let metadata = package.workflow["metadata"] ?? [:]
        let language = ArgoLanguage(
            namespace: metadata["namespace"]?.string ?? "argo", entrypoint: entrypoint,
            labels: Self.texts(metadata["labels"]), annotations: Self.texts(metadata["annotations"]),
            serviceAccount: spec["serviceAccountName"]?.string ?? "default",
            priority: Int(spec["priority"]?.int ?? 0))
        var pipeline = try Pipeline(
            name: Self.name(metadata), components: components,
            root: Component(inputParameters: parameters, body: .graph(TaskGraph(tasks: tasks))),
            digest: Digest(of: spec.canonicalBytes), language: language)
        pipeline.parallelism = spec["parallelism"]?.int.map { max(1, Int($0)) }
        pipeline.priority = language.priority
        return pipeline
    }

    /// What is run when the main task has ended, or while it goes on.
    private mutating func addEndings(
        to tasks: inout [String: TaskDefinition], after entrypoint: String
    ) throws(GyreError) {
        func ending(_ json: JSONValue, _ place: String) throws(GyreError) -> TaskDefinition {
            var task = try call(json, in: nil, place)
            task.upstream = [entrypoint]
            task.runsAfterFailure = true
            return task
        }
        if let template = spec["onExit"]?.string, !template.isEmpty {
            tasks[Self.exit] = try ending(["template": .string(template)], "spec.onExit")
        }
        for hook in spec["hooks"]?.object?.members ?? [] {
            let place = "spec.hooks.\(hook.name)"
            var task = try ending(hook.value, place)
            if let expression = hook.value["expression"]?.string {
                _ = try ExpressionParser.parse(expression)
                task.condition = WorkflowText.hook("\(entrypoint) \(expression)").stored
                if Self.isDuring(expression) { task.upstream = [] }
            }
            tasks[hook.name == "exit" ? Self.exit : "hooks.\(hook.name)"] = task
        }
    }

    /// Whether a hook is called while something goes on, and not at its end.
    static func isDuring(_ expression: String) -> Bool {
        expression.contains("\"Running\"") || expression.contains("'Running'")
    }

    /// A name that refs can have.
    private static func name(_ metadata: JSONValue) -> String {
        var name = metadata["name"]?.string ?? ""
        if let generated = metadata["generateName"]?.string, !generated.isEmpty {
            name = generated.hasSuffix("-") ? String(generated.dropLast()) : generated
        }
        if let template = metadata["labels"]?["workflows.argoproj.io/workflow-template"]?.string { name = template }
        if let cron = metadata["labels"]?["workflows.argoproj.io/cron-workflow"]?.string { name = cron }
        name = String(name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }.prefix(200))
        return name.first?.isLetter == true || name.first?.isNumber == true ? name : "workflow"
    }

    static func texts(_ json: JSONValue?) -> [String: String] {
        var texts: [String: String] = [:]
        for member in json?.object?.members ?? [] { texts[member.name] = ExpressionFunctions.text(member.value) }
        return texts
    }

    /// The spec of a workflow that refers to a stored template: what it says itself goes before what the template says.
    private static func merged(_ package: WorkflowPackage) throws(GyreError) -> JSONValue {
        let own = package.workflow["spec"] ?? [:]
        guard let reference = own["workflowTemplateRef"], let name = reference["name"]?.string else { return own }
        let key = reference["clusterScope"]?.bool == true ? "cluster/\(name)" : name
        guard var spec = package.templates[key] else {
            throw GyreError(.notFound, "There is no workflow template \"\(name.prefix(80))\".")
        }
        for member in own.object?.members ?? [] where member.name != "arguments" && member.name != "workflowTemplateRef"
        {
            spec[member.name] = member.value
        }
        for side in ["parameters", "artifacts"] {
            let given = own["arguments"]?[side]?.array ?? []
            let names = Set(given.compactMap { $0["name"]?.string })
            let known = (spec["arguments"]?[side]?.array ?? []).filter { !names.contains($0["name"]?.string ?? "") }
            if given.isEmpty && known.isEmpty { continue }
            var arguments = spec["arguments"] ?? [:]
            arguments[side] = .array(known + given)
            spec["arguments"] = arguments
        }
        return spec
    }

    // MARK: Templates

    /// The template that a step or task uses; it will become a component.
    private mutating func template(
        _ step: JSONValue, in owner: Template?, _ place: String
    ) throws(GyreError) -> Template {
        var found: Template
        let scope = owner?.owner ?? ""
        if let inline = step["inline"] {
            let key = "\(owner?.key ?? "")/\(step["name"]?.string ?? "inline")"
            found = Template(key: key, owner: scope, place: place + ".inline", body: inline)
        } else if let reference = step["templateRef"] {
            let name = reference["name"]?.string ?? ""
            let stored = reference["clusterScope"]?.bool == true ? "cluster/\(name)" : name
            found = try named(reference["template"]?.string ?? "", in: stored, place + ".templateRef")
        } else {
            found = try named(step["template"]?.string ?? "", in: scope, place + ".template")
        }
        if let defaults = spec["templateDefaults"] {
            var body = found.body
            for member in defaults.object?.members ?? [] where body[member.name] == nil {
                body[member.name] = member.value
            }
            found = Template(key: found.key, owner: found.owner, place: found.place, body: body)
        }
        if seen.insert(found.key).inserted { pending.append(found) }
        return found
    }

    private func named(_ name: String, in owner: String, _ place: String) throws(GyreError) -> Template {
        let whole: JSONValue
        if owner.isEmpty {
            whole = spec
        } else {
            guard let stored = package.templates[owner] else {
                throw GyreError(
                    .notFound, "\(place) names the workflow template \"\(owner.prefix(80))\", which is not there.")
            }
            whole = stored
        }
        let all = whole["templates"]?.array ?? []
        guard let index = all.firstIndex(where: { $0["name"]?.string == name }) else {
            throw GyreError(
                .invalid, "\(place) names the template \"\(name.prefix(80))\", which is not there.",
                fix: Nearest.fix(
                    name, among: all.compactMap { $0["name"]?.string }, otherwise: "Add it to spec.templates."))
        }
        let prefix = owner.isEmpty ? "spec" : "\(owner): spec"
        return Template(
            key: owner.isEmpty ? name : "\(owner)/\(name)", owner: owner, place: "\(prefix).templates[\(index)]",
            body: all[index])
    }

    private mutating func component(_ template: Template) throws(GyreError) -> Component {
        try WorkflowSupport.check(template)
        try scopes.check(template)
        let body: Component.Body
        let json = template.body
        if let groups = json["steps"]?.array {
            body = .graph(try steps(groups, template))
        } else if json["dag"] != nil {
            body = .graph(try dag(template))
        } else if let suspend = json["suspend"] {
            let duration = suspend["duration"].map { ExpressionFunctions.text($0) } ?? ""
            let message = json["metadata"]?["annotations"]?["description"]?.string ?? "Suspended."
            body = .gate(
                Gate(message: message, duration: duration.isEmpty ? nil : WorkflowText.duration(duration).stored))
        } else {
            body = .container(try container(json, template.place))
        }
        for side in ["inputs", "outputs"] {
            for item in (json[side]?["parameters"]?.array ?? []) + (json[side]?["artifacts"]?.array ?? []) {
                let name = item["name"]?.string ?? ""
                guard !name.isEmpty, name.utf8.count <= 200,
                    name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }),
                    name.first != "."
                else {
                    throw GyreError(
                        .invalid, "\(template.place).\(side) has the name \"\(name.prefix(60))\".",
                        why: "A name has letters, digits, - and _.")
                }
            }
        }
        var outputs: [String: ParameterDefinition] = [:]
        var artifacts: [String: ArtifactDefinition] = [:]
        var globals: [String: String] = [:]
        for parameter in json["outputs"]?["parameters"]?.array ?? [] {
            guard let name = parameter["name"]?.string else { continue }
            outputs[name] = ParameterDefinition(type: .string, defaultValue: nil, isOptional: true)
            if let global = parameter["globalName"]?.string { globals[name] = global }
        }
        for artifact in json["outputs"]?["artifacts"]?.array ?? [] {
            guard let name = artifact["name"]?.string else { continue }
            artifacts[name] = ArtifactDefinition("system.Artifact", isOptional: artifact["optional"]?.bool ?? false)
            if let global = artifact["globalName"]?.string { globals[name] = global }
        }
        if case .container = body {
            outputs[ArgoLanguage.result] = ParameterDefinition(type: .string, defaultValue: nil, isOptional: true)
        }
        var inputs: [String: ParameterDefinition] = [:]
        for parameter in json["inputs"]?["parameters"]?.array ?? [] {
            guard let name = parameter["name"]?.string else { continue }
            inputs[name] = ParameterDefinition(type: .string, defaultValue: nil, isOptional: true)
        }
        var component = Component(
            inputParameters: inputs, outputParameters: outputs, outputArtifacts: artifacts, body: body)
        component.globalOutputs = globals
        return component
    }

    private func container(_ json: JSONValue, _ place: String) throws(GyreError) -> Container {
        if let http = json["http"] { return try WorkflowHTTP.container(http, json, place) }
        guard let body = json["container"] ?? json["script"] else {
            throw GyreError(
                .invalid, "\(place) is of no kind that there is.",
                why: "It has none of container, script, http, steps, dag, suspend.")
        }
        var environment: [String: String] = [:]
        for variable in body["env"]?.array ?? [] {
            guard let name = variable["name"]?.string else { continue }
            if let secret = variable["valueFrom"]?["secretKeyRef"] {
                environment[name] = "secret://\(secret["name"]?.string ?? "").\(secret["key"]?.string ?? "")"
            } else if let from = variable["valueFrom"]?.object?.members.first?.name {
                throw WorkflowSupport.needsCluster("\(place).env[\(name)].valueFrom.\(from)")
            } else {
                environment[name] = ExpressionFunctions.text(variable["value"] ?? "")
            }
        }
        return Container(
            image: body["image"]?.string ?? "", command: body["command"]?.array ?? [],
            arguments: body["args"]?.array ?? [],
            environment: environment, details: json)
    }

    // MARK: Calls

    /// The task that a step or a task of a graph is.
    mutating func call(_ step: JSONValue, in owner: Template?, _ place: String) throws(GyreError) -> TaskDefinition {
        let template = try template(step, in: owner, place)
        var task = TaskDefinition(component: template.key)
        task.parameters = try arguments(step, template, place, in: owner)
        try artifacts(step, template, place, into: &task)
        if let when = step["when"]?.string, !when.isEmpty { task.condition = WorkflowText.when(when).stored }
        let limit = owner?.body["parallelism"]?.int.map { max(1, Int($0)) }
        func loop(_ items: TaskDefinition.ValueSource) {
            task.iterator = TaskDefinition.Iterator(items: items, itemInput: nil, parallelism: limit)
        }
        if let items = step["withItems"], items != .null {
            loop(items.text.contains("{{") ? .expression(WorkflowText.items(items.text).stored) : .constant(items))
        } else if let text = step["withParam"]?.string {
            loop(.expression(WorkflowText.argument(text).stored))
        } else if let sequence = step["withSequence"], sequence != .null {
            loop(.expression(WorkflowText.sequence(sequence.text).stored))
        }
        let goesOn = step["continueOn"]
        task.mayFail = goesOn?["failed"]?.bool ?? false
        task.mayError = goesOn?["error"]?.bool ?? false
        let body = template.body
        if let strategy = body["retryStrategy"] { task.retry = try WorkflowRetry.policy(strategy, template.place) }
        task.locks = try WorkflowLocks.requests(
            body["synchronization"], template.place + ".synchronization", isOwn: true)
        if let memoize = body["memoize"], let key = memoize["key"]?.string {
            task.memo = Memo(
                cache: memoize["cache"]?["configMap"]?["name"]?.string ?? "", key: WorkflowText.own(key).stored,
                maximumAgeSeconds: memoize["maxAge"]?.string.flatMap(GoTime.seconds))
            task.isCacheable = true
        }
        if body["steps"] != nil || body["dag"] != nil {
            let limits = ["activeDeadlineSeconds", "timeout"].compactMap { name in
                body[name].flatMap { GoTime.seconds(ExpressionFunctions.text($0)) }
            }
            task.deadlineSeconds = limits.min()
        }
        return task
    }

    private func arguments(
        _ step: JSONValue, _ template: Template, _ place: String, in owner: Template?
    ) throws(GyreError) -> [String: TaskDefinition.ValueSource] {
        var given: [String: JSONValue] = [:]
        for argument in step["arguments"]?["parameters"]?.array ?? [] {
            if let name = argument["name"]?.string { given[name] = argument }
        }
        var sources: [String: TaskDefinition.ValueSource] = [:]
        for parameter in template.body["inputs"]?["parameters"]?.array ?? [] {
            guard let name = parameter["name"]?.string else { continue }
            // The arguments of a workflow are its parameters, and may be given another value when it is started.
            if owner == nil, given[name] != nil, parameter["value"] == nil {
                sources[name] = .expression(WorkflowText.argument("{{workflow.parameters.\(name)}}").stored)
                continue
            }
            if let expression = given[name]?["valueFrom"]?["expression"]?.string {
                sources[name] = .expression(WorkflowText.argument("{{=\(expression)}}").stored)
                continue
            }
            if parameter["valueFrom"]?["configMapKeyRef"] != nil, given[name] == nil, parameter["value"] == nil,
                parameter["valueFrom"]?["default"] == nil
            {
                throw WorkflowSupport.needsCluster(
                    "\(template.place).inputs.parameters[\(name)].valueFrom.configMapKeyRef")
            }
            let value =
                given[name]?["value"] ?? given[name]?["default"] ?? parameter["value"] ?? parameter["default"]
                ?? parameter["valueFrom"]?["default"]
            guard let value else {
                throw GyreError(
                    .invalid, "\(place) does not give the parameter \"\(name)\" that \(template.place) takes.")
            }
            if let choices = parameter["enum"]?.array, !choices.isEmpty, !value.text.contains("{{"),
                !choices.contains(where: { ExpressionFunctions.text($0) == ExpressionFunctions.text(value) })
            {
                throw GyreError(.invalid, "\(place) gives \"\(name)\" a value that is none of its enum.")
            }
            let text = ExpressionFunctions.text(value)
            if let skippable = skippable(text, parameter, in: owner) {
                sources[name] = .expression(skippable.stored)
                continue
            }
            sources[name] =
                text.contains("{{") ? .expression(WorkflowText.argument(text).stored) : .constant(.string(text))
        }
        return sources
    }

    /// A text that is an output of another task, and what it comes to where that is skipped: the output's default, or the input's.
    private func skippable(_ text: String, _ parameter: JSONValue, in owner: Template?) -> WorkflowText? {
        guard let owner, text.hasPrefix("{{"), text.hasSuffix("}}") else { return nil }
        let path = text.dropFirst(2).dropLast(2).filter { !$0.isWhitespace }.split(separator: ".").map(String.init)
        guard path.count == 5, path[0] == "tasks" || path[0] == "steps", path[2] == "outputs", path[3] == "parameters"
        else { return nil }
        let tasks =
            (owner.body["dag"]?["tasks"]?.array ?? []) + (owner.body["steps"]?.array ?? []).flatMap { $0.array ?? [$0] }
        guard let producer = tasks.first(where: { $0["name"]?.string == path[1] }), producer["when"] != nil else {
            return nil
        }
        let all = (owner.owner.isEmpty ? spec : package.templates[owner.owner] ?? [:])["templates"]?.array ?? []
        let template = producer["inline"] ?? all.first { $0["name"] == producer["template"] }
        let output = (template?["outputs"]?["parameters"]?.array ?? []).first { $0["name"]?.string == path[4] }
        let otherwise =
            output?["valueFrom"]?["default"] ?? output?["default"] ?? parameter["value"] ?? parameter["default"]
        let source: JSONValue = [
            "text": .string(text), "task": .string(path[1]),
            "otherwise": .string(ExpressionFunctions.text(otherwise ?? "")),
        ]
        return .skippable(source.text)
    }

    private func artifacts(
        _ step: JSONValue, _ template: Template, _ place: String, into task: inout TaskDefinition
    ) throws(GyreError) {
        var given: [String: JSONValue] = [:]
        for argument in step["arguments"]?["artifacts"]?.array ?? [] {
            if let name = argument["name"]?.string { given[name] = argument }
        }
        for artifact in template.body["inputs"]?["artifacts"]?.array ?? [] {
            guard let name = artifact["name"]?.string else { continue }
            let source = given[name] ?? artifact
            let isOptional = artifact["optional"]?.bool == true || source["optional"]?.bool == true
            if let from = source["from"]?.string {
                task.artifacts[name] = .expression(WorkflowText.argument(from).stored)
                if let part = source["subPath"]?.string {
                    task.parameters[Self.part(name)] = .expression(WorkflowText.argument(part).stored)
                }
            } else if let expression = source["fromExpression"]?.string {
                task.artifacts[name] = .expression(WorkflowText.expression(expression).stored)
            } else if let data = source["raw"]?["data"]?.string {
                if given[name] != nil {
                    task.parameters[Self.raw(name)] = .expression(WorkflowText.argument(data).stored)
                }
            } else if let kind = WorkflowSupport.location(source) {
                throw WorkflowSupport.needsStore("\(place).arguments.artifacts[\(name)].\(kind)")
            } else if !isOptional {
                throw GyreError(
                    .invalid, "\(place) does not give the artifact \"\(name)\" that \(template.place) takes.")
            }
        }
    }
}

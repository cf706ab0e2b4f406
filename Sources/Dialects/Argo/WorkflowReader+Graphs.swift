// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

extension WorkflowReader {
    /// Steps: lists one after another, those of a list at the same time.
    mutating func steps(_ groups: [JSONValue], _ template: Template) throws(GyreError) -> TaskGraph {
        var tasks: [String: TaskDefinition] = [:]
        var before: [String] = []
        for (index, group) in groups.enumerated() {
            var now: [String] = []
            for (inner, step) in (group.array ?? [group]).enumerated() {
                let place = "\(template.place).steps[\(index)][\(inner)]"
                let name = try Self.name(step, place)
                guard tasks[name] == nil else {
                    throw GyreError(.invalid, "\(place) is called \"\(name)\", as another step is.")
                }
                var task = try call(step, in: template, place)
                task.upstream = before
                task.runsAfterSkip = true
                tasks[name] = task
                now.append(name)
                for (hook, definition) in try hooks(of: step, name, template, place) {
                    tasks[hook] = definition
                    now.append(hook)
                }
            }
            before = now
        }
        return graph(tasks, template)
    }

    /// Tasks that depend on one another.
    mutating func dag(_ template: Template) throws(GyreError) -> TaskGraph {
        let dag = template.body["dag"] ?? [:]
        var tasks: [String: TaskDefinition] = [:]
        let all = dag["tasks"]?.array ?? []
        var goesOn: [String: JSONValue] = [:]
        for task in all { if let name = task["name"]?.string { goesOn[name] = task["continueOn"] ?? [:] } }
        for (index, json) in all.enumerated() {
            let place = "\(template.place).dag.tasks[\(index)]"
            let name = try Self.name(json, place)
            guard tasks[name] == nil else {
                throw GyreError(.invalid, "\(place) is called \"\(name)\", as another task is.")
            }
            var task = try call(json, in: template, place)
            var depends = json["depends"]?.string ?? ""
            if depends.isEmpty {
                depends = (json["dependencies"]?.strings ?? []).map { name in
                    let after = goesOn[name]
                    return "(\(name)" + (after?["failed"]?.bool == true ? " || \(name).Failed" : "")
                        + (after?["error"]?.bool == true ? " || \(name).Errored" : "") + ")"
                }.joined(separator: " && ")
            }
            if !depends.isEmpty {
                task.upstream = try DependsExpression(parsing: depends).tasks.sorted()
                if let missing = task.upstream.first(where: { goesOn[$0] == nil }) {
                    throw GyreError(.invalid, "\(place) depends on \"\(missing)\", which is no task of it.")
                }
                task.depends = WorkflowText.depends(depends).stored
            }
            tasks[name] = task
            for (hook, definition) in try hooks(of: json, name, template, place) { tasks[hook] = definition }
        }
        // What is called at the end of a task is none that needs it.
        let needed = Set(tasks.filter { !$0.key.contains(".") }.values.flatMap(\.upstream))
        var targets = all.compactMap { $0["name"]?.string }.filter { !needed.contains($0) }
        if let named = dag["target"]?.string, !named.isEmpty {
            // The parameters are known by now: they stand in the spec.
            var filled = named
            for parameter in spec["arguments"]?["parameters"]?.array ?? [] {
                let value = ExpressionFunctions.text(parameter["value"] ?? parameter["default"] ?? "")
                filled = filled.replacing("{{workflow.parameters.\(parameter["name"]?.string ?? "")}}", with: value)
            }
            targets = filled.split(separator: " ").map(String.init)
            if targets.isEmpty { targets = all.compactMap { $0["name"]?.string }.filter { !needed.contains($0) } }
            tasks = try Self.reached(targets, in: tasks, template)
        }
        // What is called at the end of a task decides as well.
        targets += tasks.keys.filter { $0.contains(".") }.sorted()
        var graph = graph(tasks, template)
        graph.targets = targets
        graph.failsFast = dag["failFast"]?.bool ?? true
        return graph
    }

    private static func name(_ step: JSONValue, _ place: String) throws(GyreError) -> String {
        guard let name = step["name"]?.string, !name.isEmpty, name.utf8.count <= 200,
            name.allSatisfy({ $0.isLetter || $0.isNumber || "_-".contains($0) })
        else {
            throw GyreError(
                .invalid, "\(place) has the name \"\(step["name"]?.string?.prefix(60) ?? "")\".",
                why: "A name has letters, digits, - and _.")
        }
        return name
    }

    /// The targets, and what they depend on.
    private static func reached(
        _ targets: [String], in tasks: [String: TaskDefinition], _ template: Template
    ) throws(GyreError) -> [String: TaskDefinition] {
        var reached: [String: TaskDefinition] = [:]
        var waiting = targets
        while let name = waiting.popLast() {
            guard let task = tasks[name] else {
                throw GyreError(
                    .invalid, "\(template.place).dag.target names \"\(name.prefix(80))\", which is no task of it.")
            }
            if reached.updateValue(task, forKey: name) == nil { waiting += task.upstream }
        }
        for (name, task) in tasks where name.contains(".") && task.upstream.allSatisfy({ reached[$0] != nil }) {
            reached[name] = task
        }
        return reached
    }

    /// What is called when a step ends, or while it goes on.
    private mutating func hooks(
        of step: JSONValue, _ name: String, _ template: Template, _ place: String
    ) throws(GyreError) -> [(String, TaskDefinition)] {
        var found: [(String, TaskDefinition)] = []
        func task(_ json: JSONValue, _ place: String) throws(GyreError) -> TaskDefinition {
            var task = try call(json, in: template, place)
            task.upstream = [name]
            task.runsAfterFailure = true
            task.condition = WorkflowText.hook("\(name) \(json["expression"]?.string ?? "")").stored
            return task
        }
        if let exit = step["onExit"]?.string, !exit.isEmpty {
            found.append(("\(name).onExit", try task(["template": .string(exit)], place + ".onExit")))
        }
        for hook in step["hooks"]?.object?.members ?? [] {
            let place = "\(place).hooks.\(hook.name)"
            var definition = try task(hook.value, place)
            if let expression = hook.value["expression"]?.string {
                _ = try ExpressionParser.parse(expression)
                if Self.isDuring(expression) {
                    definition.upstream = []
                    definition.condition = nil
                }
            }
            found.append((hook.name == "exit" ? "\(name).onExit" : "\(name).hooks.\(hook.name)", definition))
        }
        return found
    }

    private func graph(_ tasks: [String: TaskDefinition], _ template: Template) -> TaskGraph {
        var graph = TaskGraph(tasks: tasks)
        graph.parallelism = template.body["parallelism"]?.int.map { max(1, Int($0)) }
        for parameter in template.body["outputs"]?["parameters"]?.array ?? [] {
            guard let name = parameter["name"]?.string else { continue }
            var source = parameter["valueFrom"] ?? [:]
            source["name"] = .string(name)
            if let value = parameter["value"] { source["parameter"] = .string(ExpressionFunctions.text(value)) }
            graph.computed.parameters[name] = WorkflowText.output(source.text).stored
        }
        for artifact in template.body["outputs"]?["artifacts"]?.array ?? [] {
            guard let name = artifact["name"]?.string else { continue }
            if let from = artifact["from"]?.string {
                graph.computed.artifacts[name] = WorkflowText.argument(from).stored
            } else if let expression = artifact["fromExpression"]?.string {
                graph.computed.artifacts[name] = WorkflowText.expression(expression).stored
            }
        }
        return graph
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyrePipelines
internal import GyreYAML

/// The package that the kfp compiler writes, as a pipeline.
package enum KFPPackage {
    /// Reads the YAML (or JSON) of a compiled pipeline.
    /// - Throws: `.invalid` for something else; `.unsupported` naming what is not run here.
    package static func read(_ bytes: [UInt8]) throws(GyreError) -> Pipeline {
        let documents = try YAML.documents(String(decoding: bytes, as: UTF8.self))
        guard let spec = documents.first, let name = spec["pipelineInfo"]?["name"]?.string, let root = spec["root"]
        else {
            throw GyreError(
                .invalid, "The file is no compiled pipeline.", why: "It has no pipelineInfo and root.",
                fix: "Compile it: kfp.compiler.Compiler().compile(pipeline, \"pipeline.yaml\")")
        }
        let executors = spec["deploymentSpec"]?["executors"] ?? [:]
        var components: [String: Component] = [:]
        for member in spec["components"]?.object?.members ?? [] {
            components[member.name] = try component(member.name, member.value, executors)
        }
        return try Pipeline(
            name: try Name(name, of: "pipeline").text, components: components,
            root: try component("root", root, executors),
            digest: Digest(of: spec.canonicalBytes))
    }

    private static func component(
        _ name: String, _ json: JSONValue, _ executors: JSONValue
    ) throws(GyreError) -> Component {
        let body: Component.Body
        if let dag = json["dag"] {
            body = .graph(try graph(dag))
        } else if let label = json["executorLabel"]?.string, let executor = executors[label] {
            body = try self.body(executor, of: name)
        } else {
            throw GyreError(.invalid, "The component \"\(name)\" has neither tasks nor an executor.")
        }
        return Component(
            inputParameters: try parameters(json["inputDefinitions"]),
            inputArtifacts: artifacts(json["inputDefinitions"]),
            outputParameters: try parameters(json["outputDefinitions"]),
            outputArtifacts: artifacts(json["outputDefinitions"]), body: body)
    }

    private static func body(_ executor: JSONValue, of name: String) throws(GyreError) -> Component.Body {
        if let container = executor["container"] {
            var environment: [String: String] = [:]
            for variable in container["env"]?.array ?? [] {
                if let name = variable["name"]?.string { environment[name] = variable["value"]?.string ?? "" }
            }
            return .container(
                Container(
                    image: container["image"]?.string ?? "", command: container["command"]?.array ?? [],
                    arguments: container["args"]?.array ?? [], environment: environment))
        }
        if let importer = executor["importer"] {
            let uri = importer["artifactUri"]
            let source: Importer.Source
            if let constant = uri?["constant"]?.string {
                source = .address(constant)
            } else if let parameter = uri?["runtimeParameter"]?.string {
                source = .parameter(parameter)
            } else {
                throw GyreError(.invalid, "The importer \"\(name)\" has no address.")
            }
            return .importer(
                Importer(
                    source: source, type: importer["typeSchema"]?["schemaTitle"]?.string ?? "system.Artifact",
                    metadata: importer["metadata"] ?? [:]))
        }
        throw GyreError(.unsupported, "The executor of the component \"\(name)\" is of a kind that is not run here.")
    }

    private static func parameters(_ json: JSONValue?) throws(GyreError) -> [String: ParameterDefinition] {
        var definitions: [String: ParameterDefinition] = [:]
        for member in json?["parameters"]?.object?.members ?? [] {
            let word = member.value["parameterType"]?.string ?? ""
            guard let type = ParameterDefinition.Kind(rawValue: word) else {
                throw GyreError(
                    .unsupported, "The parameter \"\(member.name)\" has the type \(word), which is not read.")
            }
            definitions[member.name] = ParameterDefinition(
                type: type, defaultValue: member.value["defaultValue"],
                isOptional: member.value["isOptional"]?.bool ?? false)
        }
        return definitions
    }

    private static func artifacts(_ json: JSONValue?) -> [String: String] {
        var types: [String: String] = [:]
        for member in json?["artifacts"]?.object?.members ?? [] {
            types[member.name] = member.value["artifactType"]?["schemaTitle"]?.string ?? "system.Artifact"
        }
        return types
    }

    // MARK: Graphs

    private static func graph(_ dag: JSONValue) throws(GyreError) -> TaskGraph {
        var tasks: [String: TaskDefinition] = [:]
        for member in dag["tasks"]?.object?.members ?? [] { tasks[member.name] = try task(member.name, member.value) }
        var parameterOutputs: [String: [TaskGraph.OutputReference]] = [:]
        for member in dag["outputs"]?["parameters"]?.object?.members ?? [] {
            let selectors =
                member.value["valueFromOneof"]?["parameterSelectors"]?.array ?? [
                    member.value["valueFromParameter"] ?? .null
                ]
            parameterOutputs[member.name] = selectors.compactMap { reference($0, "outputParameterKey") }
        }
        var artifactOutputs: [String: [TaskGraph.OutputReference]] = [:]
        for member in dag["outputs"]?["artifacts"]?.object?.members ?? [] {
            artifactOutputs[member.name] = (member.value["artifactSelectors"]?.array ?? []).compactMap {
                reference($0, "outputArtifactKey")
            }
        }
        return TaskGraph(tasks: tasks, parameterOutputs: parameterOutputs, artifactOutputs: artifactOutputs)
    }

    private static func reference(_ json: JSONValue, _ key: String) -> TaskGraph.OutputReference? {
        guard let task = json["producerSubtask"]?.string, let output = json[key]?.string else { return nil }
        return TaskGraph.OutputReference(task: task, output: output)
    }

    private static func task(_ name: String, _ json: JSONValue) throws(GyreError) -> TaskDefinition {
        guard let component = json["componentRef"]?["name"]?.string else {
            throw GyreError(.invalid, "The task \"\(name)\" names no component.")
        }
        var task = TaskDefinition(component: component)
        for member in json["inputs"]?["parameters"]?.object?.members ?? [] {
            task.parameters[member.name] = try source(member.value, name)
        }
        for member in json["inputs"]?["artifacts"]?.object?.members ?? [] {
            task.artifacts[member.name] = try source(member.value, name)
        }
        var upstream = Set(json["dependentTasks"]?.strings ?? [])
        for source in Array(task.parameters.values) + Array(task.artifacts.values) {
            switch source {
            case .output(let producer, _), .finalStatus(let producer): upstream.insert(producer)
            case .constant, .input: break
            }
        }
        task.condition = json["triggerPolicy"]?["condition"]?.string
        task.runsAfterFailure = json["triggerPolicy"]?["strategy"]?.string == "ALL_UPSTREAM_TASKS_COMPLETED"
        task.isCacheable = json["cachingOptions"]?["enableCache"]?.bool ?? false
        task.retries = Int(json["retryPolicy"]?["maxRetryCount"]?.int ?? 0)
        task.retrySeconds = json["retryPolicy"]?["backoffDuration"]?.string.flatMap { Double($0.dropLast()) } ?? 0
        task.iterator = try iterator(json, name)
        if case .output(let producer, _)? = task.iterator?.items { upstream.insert(producer) }
        task.upstream = upstream.sorted()
        return task
    }

    private static func iterator(_ json: JSONValue, _ name: String) throws(GyreError) -> TaskDefinition.Iterator? {
        if json["artifactIterator"] != nil {
            throw GyreError(
                .unsupported, "The task \"\(name)\" loops over artifacts, which is not run here.",
                fix: "Loop over parameters.")
        }
        guard let iterator = json["parameterIterator"], let item = iterator["itemInput"]?.string else { return nil }
        let items: TaskDefinition.ValueSource
        if let raw = iterator["items"]?["raw"]?.string {
            items = .constant(try JSONValue(parsing: raw))
        } else {
            let input = iterator["items"]?["inputParameter"]?.string ?? ""
            // The list is an input of the loop's own component, given by the task's inputs.
            items =
                try json["inputs"]?["parameters"]?[input].map { value throws(GyreError) in try source(value, name) }
                ?? .input(input, member: nil)
        }
        return TaskDefinition.Iterator(
            items: items, itemInput: item,
            parallelism: json["iteratorPolicy"]?["parallelismLimit"]?.int.map { max(1, Int($0)) })
    }

    private static func source(_ json: JSONValue, _ task: String) throws(GyreError) -> TaskDefinition.ValueSource {
        if let constant = json["runtimeValue"]?["constant"] { return .constant(constant) }
        if let output = json["taskOutputParameter"] {
            return .output(task: output["producerTask"]?.string ?? "", name: output["outputParameterKey"]?.string ?? "")
        }
        if let output = json["taskOutputArtifact"] {
            return .output(task: output["producerTask"]?.string ?? "", name: output["outputArtifactKey"]?.string ?? "")
        }
        if let input = json["componentInputArtifact"]?.string { return .input(input, member: nil) }
        if let status = json["taskFinalStatus"] { return .finalStatus(task: status["producerTask"]?.string ?? "") }
        if let input = json["componentInputParameter"]?.string {
            guard let selector = json["parameterExpressionSelector"]?.string else { return .input(input, member: nil) }
            guard let start = selector.firstRange(of: "[\""), let end = selector.firstRange(of: "\"]") else {
                throw GyreError(.unsupported, "The task \"\(task)\" selects by \"\(selector)\", which is not read.")
            }
            return .input(input, member: String(selector[start.upperBound..<end.lowerBound]))
        }
        throw GyreError(.unsupported, "The task \"\(task)\" has an input that is not read: \(json.text.prefix(200)).")
    }
}

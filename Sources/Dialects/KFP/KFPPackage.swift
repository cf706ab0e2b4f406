// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyrePipelines
internal import GyreYAML

/// The package that the kfp compiler writes, as a pipeline.
package enum KFPPackage {
    /// Reads the YAML (or JSON) of a compiled pipeline.
    /// - Throws: `.invalid` for something else; `.unsupported` naming what is not run here.
    package static func read(_ bytes: [UInt8]) throws(GyreError) -> Pipeline {
        let (spec, platform) = try parts(bytes)
        guard let name = spec["pipelineInfo"]?["name"]?.string, let root = spec["root"]
        else {
            throw GyreError(
                .invalid, "The file is no compiled pipeline.", why: "It has no pipelineInfo and root.",
                fix: "Compile it: kfp.compiler.Compiler().compile(pipeline, \"pipeline.yaml\")")
        }
        try checkPlatform(platform)
        let executors = spec["deploymentSpec"]?["executors"] ?? [:]
        var components: [String: Component] = [:]
        for member in spec["components"]?.object?.members ?? [] {
            components[member.name] = try component(member.name, member.value, executors)
        }
        return try Pipeline(
            name: try Name(name, of: "pipeline").text, components: components,
            root: try component("root", root, executors),
            digest: Digest(
                of: (platform == [:] ? spec : ["pipeline_spec": spec, "platform_spec": platform]).canonicalBytes),
            language: KFPLanguage())
    }

    /// The specification in a package, as KFP's messages hold it: with that of the platform, where there is one, beside it.
    package static func specification(_ bytes: [UInt8]) throws(GyreError) -> JSONValue {
        let (spec, platform) = try parts(bytes)
        return platform == [:] ? spec : ["pipeline_spec": spec, "platform_spec": platform]
    }

    /// The two documents of a package; in a message they are two members.
    private static func parts(_ bytes: [UInt8]) throws(GyreError) -> (spec: JSONValue, platform: JSONValue) {
        let documents = try YAML.documents(String(decoding: bytes, as: UTF8.self))
        let first = documents.first ?? [:]
        if let spec = first["pipeline_spec"] { return (spec, platform(first["platform_spec"])) }
        return (first, platform(documents.dropFirst().first))
    }

    private static func platform(_ json: JSONValue?) -> JSONValue {
        guard let json, json.object?.members.isEmpty == false else { return [:] }
        return json
    }

    /// Refuses what only a cluster can do, before anything runs.
    private static func checkPlatform(_ platform: JSONValue) throws(GyreError) {
        for kind in platform["platforms"]?.object?.members ?? [] {
            let place = "platforms.\(kind.name)"
            for executor in kind.value["deploymentSpec"]?["executors"]?.object?.members ?? [] {
                guard let field = executor.value.object?.members.first else { continue }
                throw needsCluster("\(place).deploymentSpec.executors.\(executor.name).\(field.name)")
            }
            // Tasks share a folder here; what the volume of a cluster would be like says nothing.
            for member in kind.value["pipelineConfig"]?.object?.members ?? [] where member.name != "workspace" {
                throw needsCluster("\(place).pipelineConfig.\(member.name)")
            }
        }
    }

    private static func needsCluster(_ path: String) -> GyreError {
        GyreError(
            .unsupported, "The pipeline needs Kubernetes: \(path).",
            why: "Tasks run as processes of this machine, which have nothing of that kind.",
            fix: "Compile it without the calls of kfp.kubernetes.")
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
            guard let type = Self.kinds[word] else {
                throw GyreError(
                    .unsupported, "The parameter \"\(member.name)\" has the type \(word), which is not read.")
            }
            definitions[member.name] = ParameterDefinition(
                type: type, defaultValue: member.value["defaultValue"],
                isOptional: member.value["isOptional"]?.bool ?? false)
        }
        return definitions
    }

    private static let kinds: [String: ParameterDefinition.Kind] = [
        "NUMBER_DOUBLE": .double, "NUMBER_INTEGER": .integer, "STRING": .string, "BOOLEAN": .boolean, "LIST": .list,
        "STRUCT": .structure, "TASK_FINAL_STATUS": .finalStatus, "TASK_CONFIG": .structure,
    ]

    private static func artifacts(_ json: JSONValue?) -> [String: ArtifactDefinition] {
        var definitions: [String: ArtifactDefinition] = [:]
        for member in json?["artifacts"]?.object?.members ?? [] {
            definitions[member.name] = ArtifactDefinition(
                member.value["artifactType"]?["schemaTitle"]?.string ?? "system.Artifact",
                isList: member.value["isArtifactList"]?.bool ?? false,
                isOptional: member.value["isOptional"]?.bool ?? false)
        }
        return definitions
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
        task.condition = json["triggerPolicy"]?["condition"]?.string
        task.runsAfterFailure = json["triggerPolicy"]?["strategy"]?.string == "ALL_UPSTREAM_TASKS_COMPLETED"
        task.isCacheable = json["cachingOptions"]?["enableCache"]?.bool ?? false
        task.displayName = json["taskInfo"]?["name"]?.string
        task.retry.limit = Int(json["retryPolicy"]?["maxRetryCount"]?.int ?? 0)
        task.retry.delaySeconds = seconds(json["retryPolicy"]?["backoffDuration"]) ?? 0
        task.retry.factor = json["retryPolicy"]?["backoffFactor"]?.double ?? 2
        task.retry.longestDelaySeconds = seconds(json["retryPolicy"]?["backoffMaxDuration"]) ?? 3600
        task.iterator = try iterator(json, task, name)
        task.upstream = Set(json["dependentTasks"]?.strings ?? []).union(task.producers).sorted()
        return task
    }

    /// A duration as protobuf writes it: `30s`.
    private static func seconds(_ json: JSONValue?) -> Double? { json?.string.flatMap { Double($0.dropLast()) } }

    private static func iterator(
        _ json: JSONValue, _ task: TaskDefinition, _ name: String
    ) throws(GyreError) -> TaskDefinition.Iterator? {
        let parallelism = json["iteratorPolicy"]?["parallelismLimit"]?.int.flatMap { $0 > 0 ? Int($0) : nil }
        if let iterator = json["artifactIterator"], let item = iterator["itemInput"]?.string {
            // The list is an input of the loop's own component, given by the task's inputs.
            let input = iterator["items"]?["inputArtifact"]?.string ?? ""
            return TaskDefinition.Iterator(
                items: task.artifacts[input] ?? .input(input), itemInput: item, isOverArtifacts: true,
                parallelism: parallelism)
        }
        guard let iterator = json["parameterIterator"], let item = iterator["itemInput"]?.string else { return nil }
        let items: TaskDefinition.ValueSource
        if let raw = iterator["items"]?["raw"]?.string {
            items = .constant(try JSONValue(parsing: raw))
        } else {
            let input = iterator["items"]?["inputParameter"]?.string ?? ""
            items = task.parameters[input] ?? .input(input)
        }
        return TaskDefinition.Iterator(items: items, itemInput: item, parallelism: parallelism)
    }

    private static func source(_ json: JSONValue, _ task: String) throws(GyreError) -> TaskDefinition.ValueSource {
        if let constant = json["runtimeValue"]?["constant"] { return .constant(constant) }
        if let output = json["taskOutputParameter"] {
            let whole = TaskDefinition.ValueSource.output(
                task: output["producerTask"]?.string ?? "", name: output["outputParameterKey"]?.string ?? "")
            return try selected(whole, json, task)
        }
        if let output = json["taskOutputArtifact"] {
            return .output(task: output["producerTask"]?.string ?? "", name: output["outputArtifactKey"]?.string ?? "")
        }
        if let input = json["componentInputArtifact"]?.string { return .input(input) }
        if let status = json["taskFinalStatus"] { return .finalStatus(task: status["producerTask"]?.string ?? "") }
        if let input = json["componentInputParameter"]?.string { return try selected(.input(input), json, task) }
        throw GyreError(.unsupported, "The task \"\(task)\" has an input that is not read: \(json.text.prefix(200)).")
    }

    /// What an expression takes of a value: `parseJson(string_value)["name"]`.
    private static func selected(
        _ whole: TaskDefinition.ValueSource, _ json: JSONValue, _ task: String
    ) throws(GyreError) -> TaskDefinition.ValueSource {
        guard let selector = json["parameterExpressionSelector"]?.string else { return whole }
        guard selector.hasPrefix("parseJson(string_value)"), let start = selector.firstRange(of: "[\""),
            let end = selector.firstRange(of: "\"]")
        else {
            throw GyreError(.unsupported, "The task \"\(task)\" selects by \"\(selector)\", which is not read.")
        }
        return .member(of: whole, String(selector[start.upperBound..<end.lowerBound]))
    }
}

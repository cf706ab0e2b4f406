// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreServing

/// Reads an `InferenceGraph`.
enum InferenceGraphManifest {
    static func read(_ manifest: JSONValue) throws(GyreError) -> InferenceGraph {
        let name = try ManifestName.read(manifest)
        guard let nodes = manifest["spec"]?["nodes"]?.object, !nodes.isEmpty else {
            throw InferenceServiceManifest.wrong("spec.nodes", "It is missing.")
        }
        var read: [String: InferenceGraph.Node] = [:]
        for member in nodes.members {
            let place = "spec.nodes.\(member.name)"
            guard let kind = InferenceGraph.Kind(rawValue: member.value["routerType"]?.string ?? "") else {
                throw InferenceServiceManifest.wrong(
                    "\(place).routerType",
                    "It is one of \(InferenceGraph.Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            var steps: [InferenceGraph.Step] = []
            for (index, step) in (member.value["steps"]?.array ?? []).enumerated() {
                steps.append(try self.step(step, index, "\(place).steps[\(index)]"))
            }
            var node = InferenceGraph.Node(kind: kind, steps: steps)
            try annotations(manifest, member.name, &node)
            read[member.name] = node
        }
        var graph = try InferenceGraph(name: name, nodes: read)
        if let seconds = manifest["spec"]?["timeout"] {
            guard let number = seconds.int, (1...86_400).contains(number) else {
                throw InferenceServiceManifest.wrong("spec.timeout", "It is a whole number of seconds from 1 to 86400.")
            }
            graph.timeoutMilliseconds = Int(number) * 1000
        }
        return graph
    }

    /// What KServe has no field for: `gyre.dev/NODE.combine` and `gyre.dev/NODE.deadline-ms`, for ensembles.
    private static func annotations(
        _ manifest: JSONValue, _ name: String, _ node: inout InferenceGraph.Node
    ) throws(GyreError) {
        let annotations = manifest["metadata"]?["annotations"]
        func value(_ what: String) throws(GyreError) -> String? {
            guard let text = annotations?["gyre.dev/\(name).\(what)"]?.string else { return nil }
            guard node.kind == .ensemble else {
                throw InferenceServiceManifest.wrong(
                    "metadata.annotations.gyre.dev/\(name).\(what)", "The node is no Ensemble.")
            }
            return text
        }
        if let text = try value("combine") {
            guard let combiner = InferenceGraph.Combiner(rawValue: text) else {
                throw InferenceServiceManifest.wrong(
                    "metadata.annotations.gyre.dev/\(name).combine",
                    "It is one of \(InferenceGraph.Combiner.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            node.combiner = combiner
        }
        if let text = try value("deadline-ms") {
            guard let milliseconds = Int(text), (1...3_600_000).contains(milliseconds) else {
                throw InferenceServiceManifest.wrong(
                    "metadata.annotations.gyre.dev/\(name).deadline-ms", "It is from 1 to 3600000 milliseconds.")
            }
            node.deadlineMilliseconds = milliseconds
        }
    }

    private static func step(_ json: JSONValue, _ index: Int, _ place: String) throws(GyreError) -> InferenceGraph.Step
    {
        let target: InferenceGraph.Target
        switch (json["serviceName"]?.string, json["nodeName"]?.string, json["serviceUrl"]?.string) {
        case (let service?, nil, nil): target = .model(service)
        case (nil, let node?, nil): target = .node(node)
        case (_, _, _?):
            throw InferenceServiceManifest.wrong(
                "\(place).serviceUrl", "Steps lead to models of this server: use serviceName.")
        default:
            throw InferenceServiceManifest.wrong(place, "It has exactly one of serviceName and nodeName.")
        }
        var step = InferenceGraph.Step(name: json["name"]?.string ?? String(index), target: target)
        switch json["data"]?.string {
        case nil, "", "$response": break
        case "$request": step.takesRequest = true
        default: throw InferenceServiceManifest.wrong("\(place).data", "It is $request or $response.")
        }
        step.weight = Int(clamping: json["weight"]?.int ?? 0)
        if let condition = json["condition"]?.string, !condition.isEmpty { step.condition = try JSONPath(condition) }
        step.isHard = json["dependency"]?.string == "Hard"
        step.mapsPredictions = json["mapPredictionsToInstances"]?.bool ?? false
        return step
    }
}

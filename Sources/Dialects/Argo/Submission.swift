// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

extension ArgoDialect {
    /// The workflow with the stored templates that it uses, as they are now.
    /// - Throws: `.notFound` for a template that is not there.
    func package(_ workflow: JSONValue, in namespace: String) async throws(GyreError) -> WorkflowPackage {
        var workflow = workflow
        if workflow["spec"] == nil { throw GyreError(.invalid, "The workflow has no spec.") }
        var metadata = workflow["metadata"] ?? [:]
        metadata["namespace"] = .string(namespace)
        workflow["metadata"] = metadata
        var package = WorkflowPackage(workflow: workflow)
        var waiting = Self.references(workflow["spec"] ?? [:])
        while let next = waiting.popFirst() {
            guard package.templates[next] == nil else { continue }
            let manifest: Manifest
            if next.hasPrefix("cluster/") {
                manifest = try await manifests.manifest(StoredKind.cluster.rawValue, "", String(next.dropFirst(8)))
            } else {
                manifest = try await manifests.manifest(StoredKind.template.rawValue, namespace, next)
            }
            let spec = manifest.body["spec"] ?? [:]
            package.templates[next] = spec
            waiting.formUnion(Self.references(spec))
        }
        return package
    }

    /// The stored templates that a spec names.
    static func references(_ json: JSONValue) -> Set<String> {
        switch json {
        case .array(let elements): return elements.reduce(into: []) { $0.formUnion(references($1)) }
        case .object(let object):
            var found: Set<String> = []
            for member in object.members {
                if member.name == "templateRef" || member.name == "workflowTemplateRef",
                    let name = member.value["name"]?.string
                {
                    found.insert(member.value["clusterScope"]?.bool == true ? "cluster/\(name)" : name)
                }
                found.formUnion(references(member.value))
            }
            return found
        default: return []
        }
    }

    /// The name of an object that is made, from what it says.
    func name(_ metadata: JSONValue) throws(GyreError) -> String {
        var name = metadata["name"]?.string ?? ""
        if name.isEmpty, let prefix = metadata["generateName"]?.string, !prefix.isEmpty {
            let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")
            let suffix = (0..<5).map { _ in
                alphabet[Int(surroundings.random() * Double(alphabet.count)) % alphabet.count]
            }
            name = prefix + String(suffix)
        }
        let isFit =
            name.utf8.count <= 253 && name.first.map { $0.isLetter || $0.isNumber } ?? false
            && name.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
            }
        guard isFit else {
            throw GyreError(
                .invalid, "\"\(name.prefix(80))\" cannot be the name of an object.",
                why: "A name has small letters, digits, - and ., and begins with a letter or a digit.",
                fix: "Set metadata.name or metadata.generateName.")
        }
        return name
    }

    /// Begins a workflow.
    func start(
        _ workflow: JSONValue, in namespace: String, isTrial: Bool, by actor: String
    ) async throws(GyreError) -> JSONValue {
        var package = try await package(workflow, in: namespace)
        var metadata = package.workflow["metadata"] ?? [:]
        metadata["name"] = .string(try name(metadata))
        if let reference = workflow["spec"]?["workflowTemplateRef"]?["name"] {
            var labels = metadata["labels"] ?? [:]
            labels["workflows.argoproj.io/workflow-template"] = reference
            metadata["labels"] = labels
        }
        package.workflow["metadata"] = metadata
        package.workflow["apiVersion"] = "argoproj.io/v1alpha1"
        package.workflow["kind"] = "Workflow"
        let request = Self.request(package, in: namespace)
        if isTrial {
            try await pipelines.check(request)
            return package.workflow
        }
        let run = try await pipelines.start(request, by: actor)
        return WorkflowObject.workflow(run, package, tasks: [])
    }

    /// What a run of a package is started with.
    static func request(_ package: WorkflowPackage, in namespace: String) -> Pipelines.Request {
        let metadata = package.workflow["metadata"] ?? [:]
        var request = Pipelines.Request(compiled: package.bytes)
        request.name = metadata["name"]?.string
        request.namespace = namespace
        request.annotations = ["labels": metadata["labels"] ?? [:], "annotations": metadata["annotations"] ?? [:]]
        request.startsPaused = package.workflow["spec"]?["suspend"]?.bool ?? false
        request.reason = metadata["annotations"]?["workflows.argoproj.io/description"]?.string ?? ""
        return request
    }

    /// The workflow that `submit` makes of a stored object.
    func submitted(_ body: JSONValue, in namespace: String) async throws(GyreError) -> JSONValue {
        let name = body["resourceName"]?.string ?? ""
        let options = body["submitOptions"] ?? [:]
        var workflow: JSONValue = ["metadata": ["generateName": .string(name + "-")], "spec": [:]]
        switch (body["resourceKind"]?.string ?? "").lowercased() {
        case "workflowtemplate":
            _ = try await manifests.manifest(StoredKind.template.rawValue, namespace, name)
            workflow["spec"] = ["workflowTemplateRef": ["name": .string(name)]]
        case "clusterworkflowtemplate":
            _ = try await manifests.manifest(StoredKind.cluster.rawValue, "", name)
            workflow["spec"] = ["workflowTemplateRef": ["name": .string(name), "clusterScope": true]]
        case "cronworkflow":
            let manifest = try await manifests.manifest(StoredKind.cron.rawValue, namespace, name)
            guard let runnable = WorkflowPackage.runnable(manifest.body) else {
                throw GyreError(.invalid, "The cron workflow \"\(name)\" has no workflow in it.")
            }
            workflow["spec"] = runnable["spec"]
            workflow["metadata"] = [
                "generateName": .string(name + "-"), "labels": ["workflows.argoproj.io/cron-workflow": .string(name)],
            ]
        case let other:
            throw GyreError(
                .invalid, "A workflow cannot be made of a \"\(other.prefix(40))\".",
                why: "resourceKind is workflowtemplate, clusterworkflowtemplate or cronworkflow.")
        }
        return try Self.with(options, workflow)
    }

    /// A workflow with what the options of a submission say.
    private static func with(_ options: JSONValue, _ workflow: JSONValue) throws(GyreError) -> JSONValue {
        var (workflow, metadata, spec) = (workflow, workflow["metadata"] ?? [:], workflow["spec"] ?? [:])
        if let name = options["name"]?.string, !name.isEmpty { metadata["name"] = .string(name) }
        if let prefix = options["generateName"]?.string, !prefix.isEmpty { metadata["generateName"] = .string(prefix) }
        for side in ["labels", "annotations"] {
            guard let text = options[side]?.string, !text.isEmpty else { continue }
            var members = metadata[side] ?? [:]
            for term in text.split(separator: ",") {
                guard let sign = term.firstIndex(of: "=") else {
                    throw GyreError(.invalid, "\"\(term.prefix(60))\" in \(side) is no name=value.")
                }
                members[String(term[..<sign])] = .string(String(term[term.index(after: sign)...]))
            }
            metadata[side] = members
        }
        if let entrypoint = options["entryPoint"]?.string, !entrypoint.isEmpty {
            spec["entrypoint"] = .string(entrypoint)
        }
        if let priority = options["priority"]?.int { spec["priority"] = .int(priority) }
        spec = try with(parameters: options["parameters"]?.strings ?? [], spec)
        workflow["metadata"] = metadata
        workflow["spec"] = spec
        return workflow
    }

    /// A spec with other values for parameters: `name=value` each.
    static func with(parameters: [String], _ spec: JSONValue) throws(GyreError) -> JSONValue {
        guard !parameters.isEmpty else { return spec }
        var spec = spec
        var arguments = spec["arguments"] ?? [:]
        var all = arguments["parameters"]?.array ?? []
        for term in parameters {
            guard let sign = term.firstIndex(of: "=") else {
                throw GyreError(.invalid, "The parameter \"\(term.prefix(60))\" is no name=value.")
            }
            let name = String(term[..<sign])
            all.removeAll { $0["name"]?.string == name }
            all.append(["name": .string(name), "value": .string(String(term[term.index(after: sign)...]))])
        }
        arguments["parameters"] = .array(all)
        spec["arguments"] = arguments
        return spec
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyrePipelines

extension ArgoDialect {
    var templateRoutes: [Route] {
        objectRoutes("\(Self.root)/workflow-templates/{namespace}", .template)
            + objectRoutes(
                "\(Self.root)/cluster-workflow-templates", .cluster)
    }

    /// A kind of object that is kept by name.
    enum StoredKind: String, Sendable {
        case template = "workflow template"
        case cluster = "cluster workflow template"
        case cron = "cron workflow"

        /// Its name in documents.
        var word: String {
            switch self {
            case .template: "WorkflowTemplate"
            case .cluster: "ClusterWorkflowTemplate"
            case .cron: "CronWorkflow"
            }
        }
    }

    private func objectRoutes(_ all: String, _ kind: StoredKind) -> [Route] {
        [
            Route("POST", all, .runCode) { request throws(GyreError) in
                let (object, isTrial) = try await body(request, kind)
                let namespace = request.parameter("namespace")
                let name = try name(object["metadata"] ?? [:])
                try await check(object, in: namespace, kind)
                if isTrial { return .json(object) }
                return .json(
                    Self.object(
                        try await manifests.create(
                            kind.rawValue, namespace, name, object, by: request.actor(surface: "argo")), kind))
            },
            Route("POST", "\(all)/lint", .read) { request throws(GyreError) in
                let (object, _) = try await body(request, kind)
                try await check(object, in: request.parameter("namespace"), kind)
                return .json(object)
            },
            Route("GET", all, .read) { request throws(GyreError) in try await list(request, kind) },
            Route("GET", "\(all)/{name}", .read) { request throws(GyreError) in
                .json(Self.object(try await manifest(request, kind), kind))
            },
            Route("PUT", "\(all)/{name}", .runCode) { request throws(GyreError) in
                let (object, _) = try await body(request, kind)
                let (namespace, actor) = (request.parameter("namespace"), request.actor(surface: "argo"))
                try await check(object, in: namespace, kind)
                let changed = try await manifests.change(
                    kind.rawValue, namespace, request.parameter("name"), version: Self.version(of: object), by: actor
                ) { $0.body = object }
                try await renewSchedules(namespace, by: actor)
                return .json(Self.object(changed, kind))
            },
            Route("DELETE", "\(all)/{name}", .write) { request throws(GyreError) in
                try await manifests.remove(
                    try await manifest(request, kind), by: request.actor(surface: "argo"))
                return .json([:])
            },
        ]
    }

    func manifest(_ request: HTTPRequest, _ kind: StoredKind) async throws(GyreError) -> Manifest {
        try await manifests.manifest(kind.rawValue, request.parameter("namespace"), request.parameter("name"))
    }

    /// The object of a body, and whether it is only to be looked at.
    func body(_ request: HTTPRequest, _ kind: StoredKind) async throws(GyreError) -> (object: JSONValue, isTrial: Bool)
    {
        let body = try await request.json()
        let member = kind == .cron ? "cronWorkflow" : "template"
        guard var object = body[member] ?? (body["spec"] == nil ? nil : body) else {
            throw GyreError(.invalid, "The body has no \(member).")
        }
        object["kind"] = .string(kind.word)
        object["apiVersion"] = "argoproj.io/v1alpha1"
        return (object, body["createOptions"]?["dryRun"]?.array?.isEmpty == false)
    }

    /// The version that a change is for; nil where it says none.
    static func version(of object: JSONValue) -> Int64? {
        object["metadata"]?["resourceVersion"]?.string.flatMap { Int64($0) }
    }

    func list(_ request: HTTPRequest, _ kind: StoredKind) async throws(GyreError) -> HTTPResponse {
        let labels = try Selector(request.query("listOptions.labelSelector") ?? "")
        let term = request.query("namePattern") ?? ""
        let items = try await manifests.manifests(kind.rawValue, request.parameter("namespace")).filter { manifest in
            labels.fits(WorkflowReader.texts(manifest.body["metadata"]?["labels"]))
                && (term.isEmpty || manifest.name.contains(term))
        }.map { Self.object($0, kind) }
        return .json(["metadata": ["resourceVersion": "1"], "items": .array(items)])
    }

    /// An object as clients read it.
    static func object(_ manifest: Manifest, _ kind: StoredKind) -> JSONValue {
        var object = manifest.body
        var metadata = object["metadata"] ?? [:]
        metadata["name"] = .string(manifest.name)
        if !manifest.namespace.isEmpty { metadata["namespace"] = .string(manifest.namespace) }
        metadata["uid"] = .string(WorkflowObject.uid(manifest.id))
        metadata["resourceVersion"] = .string(String(manifest.version))
        metadata["generation"] = .int(manifest.version)
        metadata["creationTimestamp"] = .string(WorkflowNames.time(manifest.createdAt))
        object["metadata"] = metadata
        object["kind"] = .string(kind.word)
        return object
    }

    /// Whether every template of an object could be run.
    /// - Throws: what a workflow of it would.
    private func check(_ object: JSONValue, in namespace: String, _ kind: StoredKind) async throws(GyreError) {
        guard let spec = object["spec"] else { throw GyreError(.invalid, "The object has no spec.") }
        var workflow: JSONValue = ["metadata": ["generateName": "lint-"], "spec": spec]
        // A library of templates has none to begin with: each is looked at by itself.
        let package = try await package(workflow, in: namespace.isEmpty ? "argo" : namespace)
        if spec["entrypoint"] != nil {
            var complete = package
            complete.workflow["spec"] = Self.withGuesses(spec)
            _ = try complete.pipeline()
            return
        }
        for template in spec["templates"]?.array ?? [] {
            guard let name = template["name"] else { throw GyreError(.invalid, "A template has no name.") }
            var whole = spec
            whole["entrypoint"] = name
            workflow["spec"] = Self.withGuesses(whole)
            _ = try WorkflowPackage(workflow: workflow, templates: package.templates).pipeline()
        }
    }

    /// A spec whose parameters all have a value, as they will when it is submitted.
    private static func withGuesses(_ spec: JSONValue) -> JSONValue {
        var spec = spec
        var arguments = spec["arguments"] ?? [:]
        var parameters = (arguments["parameters"]?.array ?? []).map { parameter in
            var parameter = parameter
            if parameter["value"] == nil { parameter["value"] = parameter["default"] ?? "" }
            return parameter
        }
        let first = (spec["templates"]?.array ?? []).first { $0["name"] == spec["entrypoint"] }
        var names = (first?["inputs"]?["parameters"]?.array ?? []).compactMap { $0["name"]?.string }
        // What a workflow of it is given may not be written here at all.
        for part in spec.text.components(separatedBy: "workflow.parameters.").dropFirst() {
            names.append(String(part.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }))
        }
        for name in Set(names).sorted() where !parameters.contains(where: { $0["name"]?.string == name }) {
            parameters.append(["name": .string(name), "value": ""])
        }
        arguments["parameters"] = .array(parameters)
        let given = Set((arguments["artifacts"]?.array ?? []).compactMap { $0["name"]?.string })
        let artifacts = (first?["inputs"]?["artifacts"]?.array ?? []).compactMap { $0["name"] }.filter {
            !given.contains($0.string ?? "")
        }
        arguments["artifacts"] = .array(
            (arguments["artifacts"]?.array ?? []) + artifacts.map { ["name": $0, "raw": ["data": ""]] })
        spec["arguments"] = arguments
        return spec
    }
}

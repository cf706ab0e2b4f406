// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyrePipelines
internal import GyreYAML

/// A workflow with the stored templates that it uses, as they were when it was handed in.
package struct WorkflowPackage: Sendable, Hashable {
    /// The workflow: `metadata` and `spec`.
    package var workflow: JSONValue
    /// The specs of stored templates, by `name` or `cluster/name`.
    package var templates: [String: JSONValue]

    /// A workflow that uses these.
    package init(workflow: JSONValue, templates: [String: JSONValue] = [:]) {
        self.workflow = workflow
        self.templates = templates
    }

    /// Whether bytes look like a workflow, and not like another kind of pipeline.
    package static func isWorkflow(_ bytes: [UInt8]) -> Bool {
        let head = String(decoding: bytes.prefix(1 << 16), as: UTF8.self)
        return head.contains("argoproj.io/")
    }

    /// Reads one: a workflow as people write it, or one that was stored with its templates.
    /// - Throws: `.invalid` for something else.
    package init(reading bytes: [UInt8]) throws(GyreError) {
        let documents = try YAML.documents(String(decoding: bytes, as: UTF8.self)).filter { $0 != .null }
        if let first = documents.first, first["workflow"] != nil, first["kind"] == nil {
            self.init(workflow: first["workflow"] ?? [:])
            for member in first["templates"]?.object?.members ?? [] { templates[member.name] = member.value }
            return
        }
        self.init(workflow: [:])
        var found: JSONValue?
        for document in documents {
            let name = document["metadata"]?["name"]?.string ?? ""
            switch document["kind"]?.string {
            case "WorkflowTemplate": templates[name] = document["spec"] ?? [:]
            case "ClusterWorkflowTemplate": templates["cluster/\(name)"] = document["spec"] ?? [:]
            default: break
            }
            // The first that can be run is; templates by themselves can be, too.
            if found?["kind"]?.string != "Workflow" {
                if document["kind"]?.string == "Workflow" || found == nil { found = document }
            }
        }
        guard let found, let whole = Self.runnable(found) else {
            throw GyreError(.invalid, "The file holds no workflow.", why: "It has no document of a kind Workflow.")
        }
        workflow = whole
    }

    /// What a run of this object would be: of a cron workflow, the workflow that it makes.
    package static func runnable(_ object: JSONValue) -> JSONValue? {
        switch object["kind"]?.string {
        case "Workflow", nil: return object["spec"] == nil ? nil : object
        case "WorkflowTemplate", "ClusterWorkflowTemplate":
            var workflow = object
            workflow["kind"] = "Workflow"
            return workflow
        case "CronWorkflow":
            var workflow: JSONValue = ["kind": "Workflow"]
            var metadata = object["spec"]?["workflowMetadata"] ?? [:]
            metadata["name"] = object["metadata"]?["name"]
            metadata["namespace"] = object["metadata"]?["namespace"]
            workflow["metadata"] = metadata
            workflow["spec"] = object["spec"]?["workflowSpec"]
            return workflow["spec"] == nil ? nil : workflow
        default: return nil
        }
    }

    /// As it is stored.
    package var bytes: [UInt8] {
        var specs = JSONObject()
        for (name, spec) in templates.sorted(by: { $0.key < $1.key }) { specs[name] = spec }
        let stored: JSONValue = [
            "apiVersion": "argoproj.io/v1alpha1", "workflow": workflow, "templates": .object(specs),
        ]
        return stored.bytes
    }

    /// The pipeline that it is.
    /// - Throws: `.invalid` for what does not fit together; `.unsupported` naming what only a cluster can do.
    package func pipeline() throws(GyreError) -> Pipeline {
        var reader = try WorkflowReader(self)
        return try reader.pipeline()
    }

    /// Reads the pipeline of a package.
    package static func read(_ bytes: [UInt8]) throws(GyreError) -> Pipeline {
        try WorkflowPackage(reading: bytes).pipeline()
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// What a workflow may have that only a cluster can do; it is refused before anything runs, with the place where it stands.
enum WorkflowSupport {
    static func needsCluster(_ place: String) -> GyreError {
        GyreError(
            .unsupported, "The workflow needs Kubernetes: \(place).",
            why: "Tasks run as processes or containers of this machine, which have nothing of that kind.",
            fix: "Leave it out, or run the workflow in a cluster.")
    }

    static func needsStore(_ place: String) -> GyreError {
        GyreError(
            .unsupported, "The workflow reads from a store that is not reached from here: \(place).",
            fix: "Hand the artifact on with from, or write it as raw.")
    }

    /// Refuses what the spec of a workflow asks of a cluster.
    static func check(_ spec: JSONValue) throws(GyreError) {
        for name in ["volumeClaimTemplates", "podSpecPatch", "executorPlugins"] where isSet(spec[name]) {
            throw needsCluster("spec.\(name)")
        }
        for (index, volume) in (spec["volumes"]?.array ?? []).enumerated() where volume["emptyDir"] == nil {
            throw needsCluster("spec.volumes[\(index)]")
        }
    }

    private static func isSet(_ value: JSONValue?) -> Bool {
        guard let value else { return false }
        switch value {
        case .null, .bool(false): return false
        case .array(let elements): return !elements.isEmpty
        case .object(let object): return !object.isEmpty
        default: return true
        }
    }

    /// Refuses what a template asks of a cluster.
    static func check(_ template: WorkflowReader.Template) throws(GyreError) {
        let (body, place) = (template.body, template.place)
        for name in ["resource", "data", "plugin", "containerSet", "sidecars", "initContainers", "podSpecPatch"]
        where isSet(body[name]) {
            throw needsCluster("\(place).\(name)")
        }
        if body["daemon"]?.bool == true { throw needsCluster("\(place).daemon") }
        for (index, volume) in (body["volumes"]?.array ?? []).enumerated() where volume["emptyDir"] == nil {
            throw needsCluster("\(place).volumes[\(index)]")
        }
        for kind in ["container", "script"] {
            if isSet(body[kind]?["envFrom"]) { throw needsCluster("\(place).\(kind).envFrom") }
        }
        for (index, artifact) in (body["inputs"]?["artifacts"]?.array ?? []).enumerated() {
            // One that is given by its caller may say here where else it would be.
            if artifact["from"] == nil, artifact["raw"] == nil, let kind = location(artifact) {
                throw needsStore("\(place).inputs.artifacts[\(index)].\(kind)")
            }
        }
    }

    /// The kind of store that an artifact lies in.
    static func location(_ artifact: JSONValue) -> String? {
        ["s3", "git", "http", "gcs", "azure", "oss", "hdfs", "artifactory", "plugin"].first { isSet(artifact[$0]) }
    }
}

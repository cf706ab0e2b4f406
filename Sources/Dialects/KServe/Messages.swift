// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// The kinds of objects that are known.
enum ObjectKind: CaseIterable {
    case service
    case trained
    case graph

    var name: String {
        switch self {
        case .service: "InferenceService"
        case .trained: "TrainedModel"
        case .graph: "InferenceGraph"
        }
    }
    /// The last part of its address.
    var plural: String { name.lowercased() + "s" }
    var version: String { self == .service ? "serving.kserve.io/v1beta1" : "serving.kserve.io/v1alpha1" }
}

/// Objects as Kubernetes tells them: the manifest as it was applied, with a status.
enum KServeMessages {
    /// An InferenceService with its status, from the manifest that was applied and what came of it.
    static func service(_ state: JSONValue, isReady: (String, Int64?) -> Bool) -> JSONValue {
        var manifest = state["manifest"] ?? [:]
        let name = manifest["metadata"]?["name"]?.string ?? ""
        let space = manifest["metadata"]?["namespace"]?.string ?? "default"
        let (latest, rolledOut) = (state["latest"]?.int ?? 1, state["rolled_out"]?.int ?? 1)
        let percent = state["canary_percent"]?.int ?? 0
        func revision(_ number: Int64) -> String {
            "\(name)-predictor-\(number.digits(5))"
        }
        var traffic: [JSONValue] = [
            [
                "revisionName": .string(revision(rolledOut)),
                "percent": .int(latest == rolledOut ? 100 : 100 - percent),
                "latestRevision": .bool(latest == rolledOut),
            ]
        ]
        if latest != rolledOut {
            traffic.append([
                "revisionName": .string(revision(latest)), "percent": .int(percent), "latestRevision": true,
            ])
        }
        let isReady = isReady(name, rolledOut)
        let url = JSONValue.string("/v1/models/\(name)")
        var predictor: JSONValue = [
            "url": url, "latestReadyRevision": .string(revision(latest)),
            "latestCreatedRevision": .string(revision(latest)),
            "latestRolledoutRevision": .string(revision(rolledOut)), "traffic": .array(traffic),
        ]
        if let previous = state["previous"]?.int {
            predictor["previousRolledoutRevision"] = .string(revision(previous))
        }
        manifest["apiVersion"] = manifest["apiVersion"] ?? "serving.kserve.io/v1beta1"
        manifest["metadata"] = manifest["metadata"] ?? [:]
        var metadata = manifest["metadata"] ?? [:]
        metadata["namespace"] = .string(space)
        manifest["metadata"] = metadata
        manifest["status"] = [
            "url": url, "address": ["url": url],
            "conditions": .array(
                ["IngressReady", "PredictorReady", "Ready"].map {
                    ["type": .string($0), "status": isReady ? "True" : "False"]
                }),
            "components": ["predictor": predictor],
            "modelStatus": [
                "transitionStatus": "UpToDate",
                "states": [
                    "activeModelState": isReady ? "Loaded" : "Pending",
                    "targetModelState": isReady ? "Loaded" : "Pending",
                ],
                "copies": ["totalCopies": 1, "failedCopies": 0],
            ], "deploymentMode": "Standard", "observedGeneration": .int(latest),
        ]
        return manifest
    }

    static func trainedModel(_ state: JSONValue, isReady: (String, Int64?) -> Bool) -> JSONValue {
        var manifest = state["manifest"] ?? [:]
        let name = manifest["metadata"]?["name"]?.string ?? ""
        let isReady = isReady(name, nil)
        let url = JSONValue.string("/v1/models/\(name)")
        manifest["status"] = [
            "url": url, "address": ["url": url],
            "conditions": .array(
                ["FrameworkSupported", "InferenceServiceReady", "IsMMSPredictor", "MemoryResourceAvailable", "Ready"]
                    .map {
                        ["type": .string($0), "status": $0 != "Ready" || isReady ? "True" : "False"]
                    }),
        ]
        return manifest
    }

    static func graph(_ manifest: JSONValue) -> JSONValue {
        var manifest = manifest
        let name = manifest["metadata"]?["name"]?.string ?? ""
        let space = manifest["metadata"]?["namespace"]?.string ?? "default"
        manifest["status"] = [
            "url": .string("/serving/\(space)/\(name)"), "conditions": [["type": "Ready", "status": "True"]],
        ]
        return manifest
    }
}

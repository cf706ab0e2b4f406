// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreServing

/// What the protocol and its extensions tell about models, as JSON.
enum OIPMessages {
    static func metadata(_ hosted: HostedModel, versions: [Int]) -> JSONValue {
        [
            "name": .string(hosted.name), "versions": .strings(versions.map(String.init)),
            "platform": .string(hosted.model.platform), "inputs": .array(hosted.model.inputs.map(port)),
            "outputs": .array(hosted.model.outputs.map(port)),
        ]
    }

    private static func port(_ spec: TensorSpec) -> JSONValue {
        [
            "name": .string(spec.name), "datatype": .string(spec.datatype.rawValue),
            "shape": .array(spec.shape.map { .int(Int64($0)) }),
        ]
    }

    /// What the owner wrote, or what follows from the model.
    static func configuration(_ hosted: HostedModel) -> JSONValue {
        let settings = hosted.source.settings
        var json: JSONValue =
            settings.configuration ?? [
                "version_policy": ["latest": ["num_versions": 1]],
                "instance_group": [["count": .int(Int64(settings.instances)), "kind": "KIND_CPU"]],
            ]
        json["name"] = .string(hosted.name)
        json["platform"] = json["platform"] ?? .string(hosted.model.platform)
        json["backend"] =
            json["backend"] ?? .string(hosted.source.format == .onnx ? "onnxruntime" : hosted.source.format.rawValue)
        json["max_batch_size"] = .int(Int64(settings.maximumBatch))
        // With a batch size the batch's dimension is not among the dimensions.
        let skipped = settings.maximumBatch > 0 ? 1 : 0
        func ports(_ specs: [TensorSpec]) -> JSONValue {
            .array(
                specs.map { spec in
                    [
                        "name": .string(spec.name), "data_type": .string(Self.configurationType(spec.datatype)),
                        "dims": .array(spec.shape.dropFirst(skipped).map { .int(Int64($0)) }),
                    ]
                })
        }
        json["input"] = json["input"] ?? ports(hosted.model.inputs)
        json["output"] = json["output"] ?? ports(hosted.model.outputs)
        return json
    }

    static func configurationType(_ datatype: Tensor.Datatype) -> String {
        datatype == .bytes ? "TYPE_STRING" : "TYPE_\(datatype.rawValue)"
    }

    static func statistics(_ hosted: HostedModel) -> JSONValue {
        let counts = hosted.statistics.now
        func counted(_ count: UInt64) -> JSONValue { ["count": .int(Int64(clamping: count)), "ns": 0] }
        func duration(_ duration: ModelStatistics.Duration) -> JSONValue {
            ["count": .int(Int64(clamping: duration.count)), "ns": .int(Int64(clamping: duration.nanoseconds))]
        }
        return [
            "name": .string(hosted.name), "version": .string(String(hosted.number)),
            "last_inference": .int(counts.lastInference / 1000),
            "inference_count": .int(Int64(clamping: counts.inferences)),
            "execution_count": .int(Int64(clamping: counts.executions)),
            "inference_stats": [
                "success": duration(counts.success), "fail": duration(counts.failure), "queue": duration(counts.queue),
                "compute_input": duration(counts.input), "compute_infer": duration(counts.infer),
                "compute_output": duration(counts.output), "cache_hit": duration(counts.cacheHits),
                "cache_miss": duration(counts.cacheMisses),
            ],
            "response_stats": [:],
            "batch_stats": .array(
                counts.batches.sorted { $0.key < $1.key }.map { size, run in
                    [
                        "batch_size": .int(Int64(size)),
                        "compute_input": counted(run.count),
                        "compute_infer": duration(run),
                        "compute_output": counted(run.count),
                    ]
                }),
            "memory_usage": [
                ["type": "CPU", "id": 0, "byte_size": .int(hosted.bytes)]
            ],
        ]
    }
}

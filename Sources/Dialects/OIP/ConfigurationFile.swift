// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreServing
internal import ProtoInference
internal import SwiftProtobuf

/// Triton's `config.pbtxt`, and the same as JSON in a request to load a model.
package enum ConfigurationFile {
    /// Reads protobuf's text format.
    /// - Throws: `.invalid` where it is none; `.unsupported` for what is not done here.
    package static func read(_ text: String) throws(GyreError) -> ModelConfiguration {
        let message: Inference_ModelConfig
        do { message = try Inference_ModelConfig(textFormatString: text) } catch {
            throw GyreError(
                .invalid, "The text is no configuration of a model.",
                why: [TextFormatFault.place(in: text), TextFormatFault.words(error)].compactMap(\.self).joined(
                    separator: ": "),
                fix: "Write it as a config.pbtxt of Triton, as in max_batch_size: 8.")
        }
        return try configuration(message)
    }

    /// Reads JSON.
    package static func read(json: String) throws(GyreError) -> ModelConfiguration {
        var options = JSONDecodingOptions()
        options.ignoreUnknownFields = false
        do { return try configuration(try Inference_ModelConfig(jsonString: json, options: options)) } catch {
            if let known = error as? GyreError { throw known }
            throw GyreError(.invalid, "The text is no configuration of a model.", why: "\(error)")
        }
    }

    private static func configuration(_ config: Inference_ModelConfig) throws(GyreError) -> ModelConfiguration {
        var result = ModelConfiguration()
        switch config.schedulingChoice {
        case .sequenceBatching:
            throw GyreError(.unsupported, "Models that keep state over a sequence (sequence_batching) are not served.")
        case .ensembleScheduling: break
        case .dynamicBatching(let batching): result.settings.batching = Self.batching(batching)
        case nil: break
        }
        guard config.maxBatchSize >= 0 else { throw GyreError(.invalid, "max_batch_size is \(config.maxBatchSize).") }
        result.settings.maximumBatch = Int(config.maxBatchSize)
        if result.settings.maximumBatch == 0 { result.settings.batching = nil }
        guard !config.instanceGroup.contains(where: { $0.kind == .gpu }) else {
            throw GyreError(
                .unsupported, "The model asks for a GPU (KIND_GPU), and none is used here.",
                why: "The ONNX Runtime that set-up installs computes on processors alone; it has no CUDA provider.",
                fix: "instance_group [ { kind: KIND_CPU } ], or leave the kind out.")
        }
        let instances = config.instanceGroup.reduce(0) { $0 + max(1, Int($1.count)) }
        result.settings.instances = min(64, max(1, instances))
        if let text = config.parameters["latency_objective_ms"]?.stringValue {
            guard let milliseconds = Double(text), milliseconds > 0 else {
                throw GyreError(.invalid, "latency_objective_ms is \"\(text.prefix(40))\".")
            }
            if result.settings.maximumBatch > 0 {
                result.settings.batching = result.settings.batching ?? ModelSettings.Batching()
                result.settings.batching?.objective = Int64(milliseconds * 1000)
            }
        }
        try runtime(config, &result.settings)
        result.settings.runTimeout = try seconds(config, "timeout_seconds") ?? result.settings.runTimeout
        result.settings.idleTimeout = try seconds(config, "idle_seconds") ?? 0
        if let text = config.parameters["memory_limit_bytes"]?.stringValue {
            guard let bytes = Int64(text), bytes > 0 else {
                throw GyreError(.invalid, "memory_limit_bytes is \"\(text.prefix(40))\".")
            }
            result.settings.memoryLimit = bytes
        }
        result.settings.cachesAnswers = config.responseCache.enable
        result.settings.warmups = config.modelWarmup.map(Self.warmup)
        switch config.versionPolicy.policyChoice {
        case .latest(let latest): result.policy = .latest(Int(max(1, latest.numVersions)))
        case .all: result.policy = .all
        case .specific(let specific): result.policy = .specific(specific.versions.map { Int(clamping: $0) })
        case nil: break
        }
        if !config.defaultModelFilename.isEmpty { result.file = config.defaultModelFilename }
        result.format = try format(config)
        let batch = result.settings.maximumBatch > 0 ? [-1] : []
        for input in config.input {
            result.inputs.append(
                try spec(
                    input.name, input.dataType, batch, input.dims, input.hasReshape ? input.reshape.shape : nil))
        }
        for output in config.output {
            result.outputs.append(
                try spec(
                    output.name, output.dataType, batch, output.dims, output.hasReshape ? output.reshape.shape : nil))
            if !output.labelFilename.isEmpty { result.labelFiles[output.name] = output.labelFilename }
        }
        if case .ensembleScheduling(let scheduling) = config.schedulingChoice {
            result.format = .ensemble
            result.settings.ensemble = try ensemble(
                scheduling, inputs: config.input.map(\.name), outputs: config.output.map(\.name))
        } else if result.format == .ensemble {
            throw GyreError(.invalid, "The ensemble has no ensemble_scheduling.")
        }
        result.settings.configuration = try json(config)
        return result
    }

    private static func ensemble(
        _ scheduling: Inference_ModelEnsembling, inputs: [String], outputs: [String]
    ) throws(GyreError) -> Ensemble {
        try Ensemble(
            scheduling.step.map { step in
                Ensemble.Step(
                    model: step.modelName, version: step.modelVersion > 0 ? Int(clamping: step.modelVersion) : nil,
                    inputs: step.inputMap, outputs: step.outputMap)
            }, inputs: inputs, outputs: outputs)
    }

    /// What a runtime is told: its threads, how far it rewrites the model, where a model of another server is.
    private static func runtime(_ config: Inference_ModelConfig, _ settings: inout ModelSettings) throws(GyreError) {
        for name in ["intra_op_thread_count", "threads"] {
            guard let text = config.parameters[name]?.stringValue else { continue }
            guard let threads = Int(text), (0...1024).contains(threads) else {
                throw GyreError(.invalid, "\(name) is \"\(text.prefix(40))\".", why: "It is from 0 to 1024.")
            }
            settings.runThreads = threads
        }
        if let text = config.parameters["graph_optimization"]?.stringValue {
            guard let level = ModelSettings.GraphOptimization(rawValue: text) else {
                throw GyreError(.invalid, "graph_optimization is \"\(text.prefix(40))\".")
            }
            settings.optimization = level
        } else if config.optimization.hasGraph {
            // Triton's levels: -1 for basic, 1 for more than usual.
            settings.optimization = config.optimization.graph.level < 0 ? .basic : .all
        }
        settings.remote = config.parameters["url"]?.stringValue
    }

    /// A parameter in seconds, as microseconds.
    private static func seconds(_ config: Inference_ModelConfig, _ name: String) throws(GyreError) -> Int64? {
        guard let text = config.parameters[name]?.stringValue else { return nil }
        guard let seconds = Double(text), seconds > 0, seconds < 1e6 else {
            throw GyreError(.invalid, "\(name) is \"\(text.prefix(40))\".")
        }
        return Int64(seconds * 1_000_000)
    }

    private static func batching(_ batching: Inference_ModelDynamicBatching) -> ModelSettings.Batching {
        var result = ModelSettings.Batching()
        result.preferred = batching.preferredBatchSize.map(Int.init).sorted()
        result.maximumDelay = Int64(clamping: batching.maxQueueDelayMicroseconds)
        result.priorityLevels = Int(clamping: min(100, batching.priorityLevels))
        result.defaultPriority = Int(clamping: batching.defaultPriorityLevel)
        let policy = batching.defaultQueuePolicy
        result.maximumQueue = Int(policy.maxQueueSize)
        result.timeout = Int64(clamping: policy.defaultTimeoutMicroseconds)
        result.mayOverrideTimeout = policy.allowTimeoutOverride
        result.delaysLate = policy.timeoutAction == .delay
        return result
    }

    private static func warmup(_ warmup: Inference_ModelWarmup) -> ModelSettings.Warmup {
        var result = ModelSettings.Warmup()
        result.rows = max(1, Int(warmup.batchSize))
        result.count = max(1, Int(warmup.count))
        result.isRandom = warmup.inputs.values.contains { $0.randomData }
        return result
    }

    private static func format(_ config: Inference_ModelConfig) throws(GyreError) -> ModelFormat? {
        let name = config.backend.isEmpty ? config.platform : config.backend
        switch name {
        case "": return nil
        case "onnxruntime", "onnxruntime_onnx": return .onnx
        case "python", "mlflow", "sklearn": return .python
        case "xgboost": return .xgboost
        case "lightgbm": return .lightgbm
        case "ensemble": return .ensemble
        case "remote": return .remote
        default:
            throw GyreError(
                .unsupported, "Models of the backend \"\(name.prefix(80))\" are not served.",
                why: "There are \(ModelFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
    }

    private static func spec(
        _ name: String, _ type: Inference_DataType, _ batch: [Int], _ dimensions: [Int64], _ reshaped: [Int64]?
    ) throws(GyreError) -> TensorSpec {
        guard let datatype = ModelTypes.datatype(type) else {
            throw GyreError(.invalid, "The tensor \"\(name)\" has no data_type.")
        }
        return TensorSpec(
            name: name, datatype: datatype, shape: batch + (reshaped ?? dimensions).map { Int(clamping: $0) })
    }

    private static func json(_ config: Inference_ModelConfig) throws(GyreError) -> JSONValue {
        var options = JSONEncodingOptions()
        options.preserveProtoFieldNames = true
        options.alwaysPrintInt64sAsNumbers = true
        do { return try JSONValue(parsing: try config.jsonString(options: options)) } catch {
            throw GyreError.wrapping(error, "Writing a configuration as JSON")
        }
    }
}

/// The numbers of the element types in a configuration.
enum ModelTypes {
    static func datatype(_ type: Inference_DataType) -> Tensor.Datatype? {
        switch type {
        case .typeBool: .bool
        case .typeUint8: .uint8
        case .typeUint16: .uint16
        case .typeUint32: .uint32
        case .typeUint64: .uint64
        case .typeInt8: .int8
        case .typeInt16: .int16
        case .typeInt32: .int32
        case .typeInt64: .int64
        case .typeFp16: .fp16
        case .typeFp32: .fp32
        case .typeFp64: .fp64
        case .typeString: .bytes
        case .typeBf16: .bf16
        case .typeInvalid, .UNRECOGNIZED: nil
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreDelivery
package import GyreGRPC
internal import GyreServing
internal import ProtoInference
internal import SwiftProtobuf

/// The Open Inference Protocol over gRPC with Triton's extensions, and gRPC's own health service.
package struct InferenceService: Sendable {
    private let calls: InferenceCalls
    private static let name = "inference.GRPCInferenceService"

    /// The service over these.
    package init(_ calls: InferenceCalls) { self.calls = calls }

    private var host: ModelHost { calls.host }
    private var predictor: Predictor { calls.predictor }

    /// All methods.
    package var methods: [GRPCMethod] {
        [
            unary("ServerLive", .nothing) { (_: Inference_ServerLiveRequest) throws(GyreError) in
                Inference_ServerLiveResponse.with { $0.live = true }
            },
            unary("ServerReady", .nothing) { (_: Inference_ServerReadyRequest) throws(GyreError) in
                Inference_ServerReadyResponse.with { $0.ready = calls.repository.hasStarted }
            },
            unary("ModelReady", .predict(.endpoint, "name"), modelReady),
            unary("ServerMetadata", .nothing) { (_: Inference_ServerMetadataRequest) throws(GyreError) in
                Inference_ServerMetadataResponse.with {
                    $0.name = "gyre"
                    $0.version = calls.version
                    $0.extensions = calls.extensions
                }
            },
            unary("ModelMetadata", .predict(.endpoint, "name"), modelMetadata),
            unary("ModelConfig", .predict(.endpoint, "name"), modelConfiguration),
            unary("ModelStatistics", .read, statistics), unary("RepositoryIndex", .read, index),
            unary("RepositoryModelLoad", .operate, load),
            unary("RepositoryModelUnload", .operate, unload),
            unary("SystemSharedMemoryStatus", .predict, sharedMemoryStatus),
            unary("SystemSharedMemoryRegister", .predict, registerSharedMemory),
            unary("SystemSharedMemoryUnregister", .predict, unregisterSharedMemory),
            unary("CudaSharedMemoryStatus", .predict) {
                (_: Inference_CudaSharedMemoryStatusRequest) throws(GyreError) in
                Inference_CudaSharedMemoryStatusResponse()
            },
            unary("CudaSharedMemoryRegister", .predict) {
                (
                    _: Inference_CudaSharedMemoryRegisterRequest
                ) throws(GyreError)
                    -> Inference_CudaSharedMemoryRegisterResponse in throw InferenceCalls.noGraphicsMemory
            },
            unary("CudaSharedMemoryUnregister", .predict) {
                (_: Inference_CudaSharedMemoryUnregisterRequest) throws(GyreError) in
                Inference_CudaSharedMemoryUnregisterResponse()
            },
            unary("TraceSetting", .operate, traceSetting), unary("LogSettings", .operate, logSettings),
            GRPCMethod(
                Self.name, "ModelInfer", .predict(.endpoint, "model_name"), subject: Self.inferred, answer: infer),
            GRPCMethod(
                Self.name, "ModelStreamInfer", .predict(.endpoint, "model_name"), .repeated, subject: Self.inferred,
                answer: inferInStream),
            GRPCMethod(Self.health, "Check", .nothing, answer: check),
            GRPCMethod(Self.health, "Watch", .nothing, .lasting, answer: watch),
        ]
    }

    /// A method whose answer may have to be waited for.
    private func unary<Input: Message, Output: Message>(
        _ method: String, _ need: Need, _ answer: @escaping @Sendable (Input) async throws(GyreError) -> Output
    ) -> GRPCMethod {
        GRPCMethod(Self.name, method, need, subject: Self.subject) { bytes throws(GyreError) in
            let message: Input = try Self.read(bytes)
            return .later { () async throws(GyreError) in try Self.write(try await answer(message)) }
        }
    }

    /// The model that a message about one names in its first field.
    private static func subject(_ bytes: [UInt8]) throws(GyreError) -> String {
        (try read(bytes) as Inference_ModelReadyRequest).name
    }

    /// The model that a message asks.
    private static func inferred(_ bytes: [UInt8]) throws(GyreError) -> String {
        (try read(bytes) as Inference_ModelInferRequest).modelName
    }

    private static func read<Input: Message>(_ bytes: [UInt8]) throws(GyreError) -> Input {
        do { return try Input(serializedBytes: bytes) } catch {
            throw GyreError(.invalid, "The message is no \(Input.protoMessageName).", why: "\(error)")
        }
    }

    private static func write(_ message: some Message) throws(GyreError) -> [UInt8] {
        do { return try message.serializedBytes() } catch { throw GyreError.wrapping(error, "Writing a message") }
    }

    // MARK: Health

    private static let health = "grpc.health.v1.Health"

    /// Whether a service is known.
    private func isKnown(_ service: String) -> Bool { service.isEmpty || service == Self.name }

    private func state(of service: String) throws(GyreError) -> [UInt8] {
        let isReady = calls.repository.hasStarted
        return try Self.write(
            Grpc_Health_V1_HealthCheckResponse.with {
                $0.status = isKnown(service) ? isReady ? .serving : .notServing : .serviceUnknown
            })
    }

    private func check(_ bytes: [UInt8]) throws(GyreError) -> GRPCMethod.Answer {
        let request: Grpc_Health_V1_HealthCheckRequest = try Self.read(bytes)
        guard isKnown(request.service) else {
            throw GyreError(.notFound, "There is no service \"\(request.service.prefix(200))\".")
        }
        return .now(try state(of: request.service))
    }

    /// Tells the state once: when it changes the server ends, which ends the call.
    private func watch(_ bytes: [UInt8]) throws(GyreError) -> GRPCMethod.Answer {
        let request: Grpc_Health_V1_HealthCheckRequest = try Self.read(bytes)
        return .later { () async throws(GyreError) in
            while !calls.repository.hasStarted, !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(100))  // a cancelled wait ends the loop
            }
            return try state(of: request.service)
        }
    }

    // MARK: What is told

    private func modelReady(
        _ request: Inference_ModelReadyRequest
    ) async throws(GyreError) -> Inference_ModelReadyResponse {
        do throws(GyreError) {
            _ = try await predictor.summon(request.name, try calls.number(request.version))
            return .with { $0.ready = true }
        } catch {
            // An unknown model is not ready, which clients ask for without wanting an error.
            return .with { $0.ready = false }
        }
    }

    private func modelMetadata(
        _ request: Inference_ModelMetadataRequest
    ) async throws(GyreError) -> Inference_ModelMetadataResponse {
        let hosted = try await predictor.summon(request.name, try calls.number(request.version))
        func port(_ spec: TensorSpec) -> Inference_ModelMetadataResponse.TensorMetadata {
            .with {
                $0.name = spec.name
                $0.datatype = spec.datatype.rawValue
                $0.shape = spec.shape.map(Int64.init)
            }
        }
        return .with { answer in
            answer.name = hosted.name
            answer.versions = host.models().filter { $0.name == hosted.name }.map { String($0.number) }
            answer.platform = hosted.model.platform
            answer.inputs = hosted.model.inputs.map(port)
            answer.outputs = hosted.model.outputs.map(port)
        }
    }

    private func modelConfiguration(
        _ request: Inference_ModelConfigRequest
    ) async throws(GyreError) -> Inference_ModelConfigResponse {
        let hosted = try await predictor.summon(request.name, try calls.number(request.version))
        let json = OIPMessages.configuration(hosted).text
        do { return try .with { $0.config = try Inference_ModelConfig(jsonString: json) } } catch {
            throw GyreError.wrapping(error, "Writing the configuration of the model \"\(request.name)\"")
        }
    }

    private func statistics(
        _ request: Inference_ModelStatisticsRequest
    ) async throws(GyreError) -> Inference_ModelStatisticsResponse {
        let number = try calls.number(request.version)
        if !request.name.isEmpty { _ = try host.loaded(request.name, number) }
        return .with { answer in
            answer.modelStats = host.models().filter {
                request.name.isEmpty || $0.name == request.name && (number == nil || $0.number == number)
            }.map(Self.statistics)
        }
    }

    private static func statistics(_ hosted: HostedModel) -> Inference_ModelStatistics {
        let counts = hosted.statistics.now
        func duration(_ duration: ModelStatistics.Duration) -> Inference_StatisticDuration {
            .with {
                $0.count = duration.count
                $0.ns = duration.nanoseconds
            }
        }
        return .with { answer in
            answer.name = hosted.name
            answer.version = String(hosted.number)
            answer.lastInference = UInt64(max(0, counts.lastInference / 1000))
            answer.inferenceCount = counts.inferences
            answer.executionCount = counts.executions
            answer.inferenceStats = .with {
                $0.success = duration(counts.success)
                $0.fail = duration(counts.failure)
                $0.queue = duration(counts.queue)
                $0.computeInput = duration(counts.input)
                $0.computeInfer = duration(counts.infer)
                $0.computeOutput = duration(counts.output)
                $0.cacheHit = duration(counts.cacheHits)
                $0.cacheMiss = duration(counts.cacheMisses)
            }
            answer.batchStats = counts.batches.sorted { $0.key < $1.key }.map { size, run in
                .with {
                    $0.batchSize = UInt64(size)
                    $0.computeInfer = duration(run)
                }
            }
        }
    }

    // MARK: Inference

    private func question(_ request: Inference_ModelInferRequest) throws(GyreError) -> Predictor.Request {
        var asked = Predictor.Request(
            name: request.modelName,
            payload: .tensors(
                try InferMessage.inputs(request, calls), parameters: InferMessage.json(request.parameters)))
        asked.version = try calls.number(request.modelVersion)
        asked.id = try InferenceCalls.id(request.id)
        if !request.parameters.isEmpty {
            asked.stickyKey = request.parameters["key"]?.stringParam
            for (name, parameter) in request.parameters.prefix(100) {
                if case .stringParam(let value) = parameter.parameterChoice { asked.attributes[name] = value }
            }
            if let time = request.parameters["event_time"]?.stringParam { asked.eventAt = try Timestamp.parse(time) }
            asked.wishes.priority = request.parameters["priority"].map(InferMessage.integer) ?? 0
            asked.wishes.timeout = Int64(request.parameters["timeout"].map(InferMessage.integer) ?? 0)
        }
        return asked
    }

    private func infer(_ bytes: [UInt8]) throws(GyreError) -> GRPCMethod.Answer {
        let request: Inference_ModelInferRequest = try Self.read(bytes)
        var asked = try question(request)
        if let answer = try predictor.predictNow(&asked) {
            return .now(try Self.write(try InferMessage.response(request, answer, calls)))
        }
        let awaited = asked
        return .later { () async throws(GyreError) in
            try Self.write(try InferMessage.response(request, try await calls.predict(awaited), calls))
        }
    }

    /// One request of a stream, whose failure does not end the stream.
    private func inferInStream(_ bytes: [UInt8]) throws(GyreError) -> GRPCMethod.Answer {
        let request: Inference_ModelInferRequest = try Self.read(bytes)
        return .later { () async throws(GyreError) in
            var answer = Inference_ModelStreamInferResponse()
            do throws(GyreError) {
                let given = try await calls.predict(try question(request))
                answer.inferResponse = try InferMessage.response(request, given, calls)
                if request.parameters["triton_enable_empty_final_response"]?.boolParam == true {
                    answer.inferResponse.parameters["triton_final_response"] = .with { $0.boolParam = true }
                }
            } catch {
                answer.errorMessage = error.description
                answer.inferResponse.id = request.id
            }
            return try Self.write(answer)
        }
    }

    // MARK: Repository

    private func index(
        _ request: Inference_RepositoryIndexRequest
    ) async throws(GyreError) -> Inference_RepositoryIndexResponse {
        let listings = await calls.repository.index().filter { !request.ready || $0.state == .ready }
        return .with { answer in
            answer.models = listings.map { listing in
                .with {
                    $0.name = listing.name
                    if listing.isKnown {
                        $0.version = listing.number == 0 ? "" : String(listing.number)
                        $0.state = listing.state.rawValue
                        $0.reason = listing.reason
                    }
                }
            }
        }
    }

    private func load(
        _ request: Inference_RepositoryModelLoadRequest
    ) async throws(GyreError) -> Inference_RepositoryModelLoadResponse {
        var files: [String: [UInt8]] = [:]
        for (name, parameter) in request.parameters where name.hasPrefix("file:") {
            files[String(name.dropFirst(5))] = [UInt8](parameter.bytesParam)
        }
        try await calls.load(
            request.modelName, configuration: request.parameters["config"]?.stringParam, files: files)
        return Inference_RepositoryModelLoadResponse()
    }

    private func unload(
        _ request: Inference_RepositoryModelUnloadRequest
    ) async throws(GyreError) -> Inference_RepositoryModelUnloadResponse {
        try await calls.unload(request.modelName)
        return Inference_RepositoryModelUnloadResponse()
    }

    // MARK: Shared memory

    private func sharedMemoryStatus(
        _ request: Inference_SystemSharedMemoryStatusRequest
    ) async throws(GyreError) -> Inference_SystemSharedMemoryStatusResponse {
        let regions = try calls.regions(request.name)
        return .with { answer in
            for region in regions {
                answer.regions[region.name] = .with {
                    $0.name = region.name
                    $0.key = region.key
                    $0.offset = UInt64(region.offset)
                    $0.byteSize = UInt64(region.byteCount)
                }
            }
        }
    }

    private func registerSharedMemory(
        _ request: Inference_SystemSharedMemoryRegisterRequest
    ) async throws(GyreError) -> Inference_SystemSharedMemoryRegisterResponse {
        try calls.shared().register(
            try TensorRegion(
                name: request.name, key: request.key, offset: Int64(clamping: request.offset),
                byteCount: Int64(clamping: request.byteSize)))
        return Inference_SystemSharedMemoryRegisterResponse()
    }

    private func unregisterSharedMemory(
        _ request: Inference_SystemSharedMemoryUnregisterRequest
    ) async throws(GyreError) -> Inference_SystemSharedMemoryUnregisterResponse {
        calls.regions?.unregister(request.name.isEmpty ? nil : request.name)
        return Inference_SystemSharedMemoryUnregisterResponse()
    }

    // MARK: Settings

    private func traceSetting(
        _ request: Inference_TraceSettingRequest
    ) async throws(GyreError) -> Inference_TraceSettingResponse {
        let model = try calls.traced(request.modelName)
        var settings: [String: [String]?] = [:]
        for (name, setting) in request.settings {
            settings.updateValue(setting.value.isEmpty ? nil : setting.value, forKey: name)
        }
        let now = settings.isEmpty ? calls.traces.settings(of: model) : try calls.traces.set(settings, of: model)
        return .with { answer in
            for (name, values) in now.values { answer.settings[name] = .with { $0.value = values } }
        }
    }

    private func logSettings(
        _ request: Inference_LogSettingsRequest
    ) async throws(GyreError) -> Inference_LogSettingsResponse {
        var changes = JSONObject()
        for (name, setting) in request.settings {
            switch setting.parameterChoice {
            case .boolParam(let value): changes[name] = .bool(value)
            case .uint32Param(let value): changes[name] = .int(Int64(value))
            case .stringParam(let value): changes[name] = .string(value)
            case nil: changes[name] = .null
            }
        }
        let now = try calls.log.set(changes)
        return .with { answer in
            for (name, isOn) in [
                ("log_info", now.informs), ("log_warning", now.warns), ("log_error", now.tellsErrors),
            ] {
                answer.settings[name] = .with { $0.boolParam = isOn }
            }
            answer.settings["log_verbose_level"] = .with { $0.uint32Param = UInt32(now.verbosity) }
            answer.settings["log_format"] = .with { $0.stringParam = "default" }
            answer.settings["log_file"] = .with { $0.stringParam = "" }
        }
    }
}

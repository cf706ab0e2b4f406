// SPDX-License-Identifier: Apache-2.0

package import GRPCCore
internal import GRPCProtobuf
internal import GyreBase
internal import GyreGRPC
package import GyreLoop
package import GyreServing
internal import ProtoInference
internal import SwiftProtobuf

/// The Open Inference Protocol over gRPC with Triton's extensions, and gRPC's own health service.
package struct InferenceService: RegistrableRPCService {
    private let host: ModelHost
    private let predictor: Predictor
    private let repository: ModelRepository
    private let version: String
    private static let name = "inference.GRPCInferenceService"

    /// The service over these.
    ///
    /// `version`: the server's own version.
    package init(host: ModelHost, predictor: Predictor, repository: ModelRepository, version: String) {
        self.host = host
        self.predictor = predictor
        self.repository = repository
        self.version = version
    }

    package func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        let service = self
        func unary<Input: Message, Output: Message>(
            _ method: String, _ answer: @escaping @Sendable (Input) async throws(GyreError) -> Output
        ) {
            router.unary(
                Self.name, method, deserializer: ProtobufDeserializer<Input>(),
                serializer: ProtobufSerializer<Output>(), answer)
        }
        unary("ServerLive") { (_: Inference_ServerLiveRequest) throws(GyreError) in
            Inference_ServerLiveResponse.with { $0.live = true }
        }
        unary("ServerReady") { (_: Inference_ServerReadyRequest) throws(GyreError) in
            Inference_ServerReadyResponse.with { $0.ready = true }
        }
        unary("ModelReady", service.modelReady)
        unary("ServerMetadata") { (_: Inference_ServerMetadataRequest) throws(GyreError) in
            Inference_ServerMetadataResponse.with {
                $0.name = "gyre"
                $0.version = service.version
                $0.extensions = OIPDialect.extensions
            }
        }
        unary("ModelMetadata", service.modelMetadata)
        unary("ModelConfig", service.modelConfiguration)
        unary("ModelStatistics", service.statistics)
        unary("ModelInfer", service.infer)
        unary("RepositoryIndex", service.index)
        unary("RepositoryModelLoad", service.load)
        unary("RepositoryModelUnload", service.unload)
        registerStream(&router)
        registerHealth(&router)
    }

    private func registerStream<Transport: ServerTransport>(_ router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: MethodDescriptor(fullyQualifiedService: Self.name, method: "ModelStreamInfer"),
            deserializer: ProtobufDeserializer<Inference_ModelInferRequest>(),
            serializer: ProtobufSerializer<Inference_ModelStreamInferResponse>()
        ) { request, _ in
            StreamingServerResponse { writer in
                for try await message in request.messages {
                    var answer = Inference_ModelStreamInferResponse()
                    do throws(GyreError) {
                        answer.inferResponse = try await infer(message)
                        if message.parameters["triton_enable_empty_final_response"]?.boolParam == true {
                            answer.inferResponse.parameters["triton_final_response"] = .with { $0.boolParam = true }
                        }
                    } catch {
                        // One request that fails does not end the stream.
                        answer.errorMessage = error.description
                        answer.inferResponse.id = message.id
                    }
                    try await writer.write(answer)
                }
                return [:]
            }
        }
    }

    private func registerHealth<Transport: ServerTransport>(_ router: inout RPCRouter<Transport>) {
        let known = ["", Self.name]
        router.unary(
            "grpc.health.v1.Health", "Check", deserializer: ProtobufDeserializer<Grpc_Health_V1_HealthCheckRequest>(),
            serializer: ProtobufSerializer<Grpc_Health_V1_HealthCheckResponse>()
        ) { (request: Grpc_Health_V1_HealthCheckRequest) throws(GyreError) in
            guard known.contains(request.service) else {
                throw GyreError(.notFound, "There is no service \"\(request.service.prefix(200))\".")
            }
            return Grpc_Health_V1_HealthCheckResponse.with { $0.status = .serving }
        }
        router.registerHandler(
            forMethod: MethodDescriptor(fullyQualifiedService: "grpc.health.v1.Health", method: "Watch"),
            deserializer: ProtobufDeserializer<Grpc_Health_V1_HealthCheckRequest>(),
            serializer: ProtobufSerializer<Grpc_Health_V1_HealthCheckResponse>()
        ) { request, _ in
            let service = try await ServerRequest(stream: request).message.service
            return StreamingServerResponse { writer in
                try await writer.write(.with { $0.status = known.contains(service) ? .serving : .serviceUnknown })
                // The state changes when the server ends, which ends the stream.
                while !Task.isCancelled { try await Task.sleep(for: .seconds(60)) }
                return [:]
            }
        }
    }

    private func number(_ text: String) throws(GyreError) -> Int? {
        if text.isEmpty { return nil }
        if let number = Int(text) { return number }
        throw GyreError(.notFound, "\"\(text.prefix(40))\" is no version of a model.")
    }

    // MARK: What is told

    private func modelReady(
        _ request: Inference_ModelReadyRequest
    ) async throws(GyreError) -> Inference_ModelReadyResponse {
        do throws(GyreError) {
            _ = try await predictor.summon(request.name, try number(request.version))
            return .with { $0.ready = true }
        } catch {
            // An unknown model is not ready, which clients ask for without wanting an error.
            return .with { $0.ready = false }
        }
    }

    private func modelMetadata(
        _ request: Inference_ModelMetadataRequest
    ) async throws(GyreError) -> Inference_ModelMetadataResponse {
        let hosted = try await predictor.summon(request.name, try number(request.version))
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
        let hosted = try await predictor.summon(request.name, try number(request.version))
        let json = ModelDocuments.configuration(hosted).text
        do { return try .with { $0.config = try Inference_ModelConfig(jsonString: json) } } catch {
            throw GyreError.wrapping(error, "Writing the configuration of the model \"\(request.name)\"")
        }
    }

    private func statistics(
        _ request: Inference_ModelStatisticsRequest
    ) async throws(GyreError) -> Inference_ModelStatisticsResponse {
        let number = try number(request.version)
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

    private func infer(
        _ request: Inference_ModelInferRequest
    ) async throws(GyreError) -> Inference_ModelInferResponse {
        var asked = Predictor.Request(name: request.modelName, inputs: try InferMessage.inputs(request))
        asked.version = try number(request.modelVersion)
        asked.id = request.id.isEmpty ? nil : request.id
        if !request.parameters.isEmpty {
            asked.stickyKey = request.parameters["key"]?.stringParam
            if let time = request.parameters["event_time"]?.stringParam { asked.eventAt = try Timestamp.parse(time) }
            asked.wishes.priority = request.parameters["priority"].map(InferMessage.integer) ?? 0
            asked.wishes.timeout = Int64(request.parameters["timeout"].map(InferMessage.integer) ?? 0)
        }
        let now = try predictor.predictNow(asked)
        let answer = if let now { now } else { try await predictor.predict(asked) }
        let wantsClasses = request.outputs.contains { $0.parameters["classification"] != nil }
        let labels = wantsClasses ? try host.model(asked.name, answer.version).source.settings.labels : [:]
        return try InferMessage.response(request, answer, labels)
    }

    // MARK: Repository

    private func index(
        _ request: Inference_RepositoryIndexRequest
    ) async throws(GyreError) -> Inference_RepositoryIndexResponse {
        let listings = await repository.index().filter { !request.ready || $0.state == .ready }
        return .with { answer in
            answer.models = listings.map { listing in
                .with {
                    $0.name = listing.name
                    if listing.isKnown {
                        $0.version = String(listing.number)
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
        if let file = request.parameters.keys.first(where: { $0.hasPrefix("file:") }) {
            throw GyreError(
                .unsupported, "Files in a request to load a model are not taken: \(file.prefix(80)).",
                fix: "Put them into the model repository, or register the model.")
        }
        let text = request.parameters["config"]?.stringParam
        let configuration = try text.map { text throws(GyreError) in try ConfigurationFile.read(json: text) }
        try await repository.load(request.modelName, configuration: configuration)
        return Inference_RepositoryModelLoadResponse()
    }

    private func unload(
        _ request: Inference_RepositoryModelUnloadRequest
    ) async throws(GyreError) -> Inference_RepositoryModelUnloadResponse {
        if predictor.routes(request.modelName) != nil {
            throw GyreError(
                .conflict, "The model \"\(request.modelName)\" has the traffic of an endpoint.",
                fix: "gyre endpoint show \(request.modelName)")
        }
        try await repository.unload(request.modelName)
        return Inference_RepositoryModelUnloadResponse()
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
package import GyreBase

/// Serves gRPC services on one port.
package struct GRPCListener: Sendable {
    private let host: String
    private let port: Int
    private let services: [any RegistrableRPCService]
    private let onListening: @Sendable (String) -> Void

    /// A listener that is not listening yet.
    ///
    /// `onListening`: told the address once requests are taken.
    package init(
        host: String, port: Int, services: [any RegistrableRPCService],
        onListening: @escaping @Sendable (String) -> Void
    ) {
        self.host = host
        self.port = port
        self.services = services
        self.onListening = onListening
    }

    /// Serves until the task is cancelled.
    /// - Throws: `.unavailable` if the port is in use.
    package func run() async throws(GyreError) {
        let transport = HTTP2ServerTransport.Posix(
            address: host.contains(":")
                ? .ipv6(host: host, port: port) : .ipv4(host: host == "localhost" ? "127.0.0.1" : host, port: port),
            transportSecurity: .plaintext,
            config: .defaults { config in
                config.rpc.maxRequestPayloadSize = Limits.tensorBytes
                config.http2.targetWindowSize = 8 << 20
                config.http2.maxFrameSize = 1 << 20
                config.http2.maxConcurrentStreams = 1024
                config.compression.enabledAlgorithms = [.gzip, .deflate]
            })
        let server = GRPCServer(transport: transport, services: services)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.serve() }
                group.addTask {
                    let address = try await transport.listeningAddress
                    onListening(
                        "\(address.ipv4?.host ?? address.ipv6?.host ?? host):\(address.ipv4?.port ?? address.ipv6?.port ?? port)"
                    )
                }
                try await group.waitForAll()
            }
        } catch {
            if Task.isCancelled { return }
            throw GyreError(
                .unavailable, "Gyre cannot listen for gRPC on \(host):\(port).", why: "\(error)",
                fix: "Choose another port: gyre up --grpc 127.0.0.1:8001")
        }
    }
}

extension RPCRouter {
    /// Registers a method with one message each way, whose errors are told by their status.
    package mutating func unary<Input: Sendable, Output: Sendable>(
        _ service: String, _ method: String, deserializer: some MessageDeserializer<Input>,
        serializer: some MessageSerializer<Output>,
        _ answer: @escaping @Sendable (Input) async throws(GyreError) -> Output
    ) {
        registerHandler(
            forMethod: MethodDescriptor(fullyQualifiedService: service, method: method), deserializer: deserializer,
            serializer: serializer
        ) { request, _ in
            let message = try await ServerRequest(stream: request).message
            do throws(GyreError) {
                return StreamingServerResponse(single: ServerResponse(message: try await answer(message)))
            } catch {
                throw RPCError(error)
            }
        }
    }
}

extension RPCError {
    /// The status that tells of `error`.
    package init(_ error: GyreError) {
        let code: RPCError.Code =
            switch error.code {
            case .invalid: .invalidArgument
            case .notFound: .notFound
            case .alreadyExists: .alreadyExists
            case .conflict: .failedPrecondition
            case .denied: .permissionDenied
            case .limitExceeded: .resourceExhausted
            case .unavailable: .unavailable
            case .timeout: .deadlineExceeded
            case .cancelled: .cancelled
            case .corrupt: .dataLoss
            case .unsupported: .unimplemented
            case .internal: .internalError
            }
        self.init(code: code, message: error.description)
    }
}

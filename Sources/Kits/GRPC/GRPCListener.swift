// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreHTTP
internal import NIOCore
internal import NIOExtras
internal import NIOHTTP2
internal import NIOPosix
internal import NIOSSL

/// Serves gRPC methods on one port, over HTTP/2, encrypted or in plain text.
///
/// The calls of a connection are answered on its thread, without a task and a channel for each: those cost several times what a small
/// model does.
package struct GRPCListener: Sendable {
    private let host: String
    private let port: Int
    private let front: any GRPCFront
    private let limits: ConnectionLimits
    private let tls: TLSFiles?
    private let onListening: @Sendable (String) -> Void

    /// A listener that is not listening yet.
    ///
    /// `onListening`: told the address once requests are taken.
    package init(
        host: String, port: Int, front: any GRPCFront, limits: ConnectionLimits = ConnectionLimits(),
        tls: TLSFiles? = nil, onListening: @escaping @Sendable (String) -> Void
    ) {
        self.host = host
        self.port = port
        self.front = front
        self.limits = limits
        self.tls = tls
        self.onListening = onListening
    }

    /// Serves until the task is cancelled; calls under way then end first.
    /// - Throws: `.unavailable` if the port is in use.
    package func run() async throws(GyreError) {
        let (front, limits, tls) = (front, limits, tls)
        let quiescing = ServerQuiescingHelper(group: .singletonMultiThreadedEventLoopGroup)
        let bootstrap = ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        quiescing.makeServerChannelHandler(channel: channel))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let address = channel.remoteAddress?.ipAddress ?? "local"
                    guard limits.enter(address) else { return channel.close(promise: nil) }
                    channel.closeFuture.whenComplete { _ in limits.leave(address) }
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.context))
                    }
                    let (connection, stream) = Self.settings
                    let handlers: [any ChannelHandler] = [
                        NIOHTTP2Handler(
                            mode: .server, connectionConfiguration: connection, streamConfiguration: stream),
                        GRPCHandler(front: front) { limits.shut(address) },
                    ]
                    try channel.pipeline.syncOperations.addHandlers(handlers)
                }
            }
        do {
            let channel = try await bootstrap.bind(host: host, port: port).get()
            let bound = channel.localAddress
            onListening("\(bound?.ipAddress ?? host):\(bound?.port ?? port)")
            let allClosed = channel.eventLoop.makePromise(of: Void.self)
            try await withTaskCancellationHandler {
                try await allClosed.futureResult.get()
            } onCancel: {
                quiescing.initiateShutdown(promise: allClosed)
            }
        } catch {
            if Task.isCancelled { return }
            throw GyreError(
                .unavailable, "Gyre cannot listen for gRPC on \(host):\(port).", why: "\(error)",
                fix: "Choose another port: gyre up --grpc 127.0.0.1:8001")
        }
    }

    private static let settings = {
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 1024),
            HTTP2Setting(parameter: .initialWindowSize, value: GRPCHandler.window),
            HTTP2Setting(parameter: .maxFrameSize, value: 1 << 20),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 16 << 10),
        ]
        // Clients measure the line with pings in a long transfer, and end calls that took too long by resetting them.
        connection.controlFrameRateLimit.maximumCount = 20_000
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.streamResetFrameRateLimit.maximumCount = 2000
        return (connection, stream)
    }()
}

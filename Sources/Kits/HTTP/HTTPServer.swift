// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import GyreBase
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle

/// Serves a router on one port.
package struct HTTPServer: Sendable {
    /// Where to listen.
    package struct Address: Sendable, Hashable, CustomStringConvertible {
        /// A name or an IP address.
        package let host: String
        /// 0 takes any free port.
        package let port: Int
        /// The path of a Unix socket in place of host and port; nil for those.
        package let socket: String?

        /// Reads `HOST:PORT`, `[V6]:PORT`, or `unix:PATH`.
        /// - Throws: `.invalid` for anything else.
        package init(_ text: String) throws(GyreError) {
            if text.hasPrefix("unix:/") {
                (host, port, socket) = ("localhost", 0, String(text.dropFirst(5)))
                return
            }
            guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
                (0...65_535).contains(port), colon > text.startIndex
            else {
                throw GyreError(
                    .invalid, "\"\(text)\" is no address.",
                    fix: "Write it as HOST:PORT, for example 127.0.0.1:5000, or as unix:/PATH.")
            }
            host = String(text[..<colon]).replacing("[", with: "").replacing("]", with: "")
            self.port = port
            socket = nil
        }

        /// An address of these parts.
        package init(host: String, port: Int) {
            self.host = host
            self.port = port
            socket = nil
        }

        /// Looks whether the address can be listened on, before anything else is begun; port 0 always can.
        ///
        /// `option`: the one that chose the address, for the error.
        /// - Throws: `.unavailable` if another program listens there, or the address is none of this machine's.
        package func checkFree(option: String = "--http") async throws(GyreError) {
            guard port != 0 else { return }
            do {
                try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .bind(host: host, port: port).get().close().get()
            } catch {
                throw unusable(error, option)
            }
        }

        /// The error of an address that cannot be listened on.
        func unusable(_ error: any Error, _ option: String = "--http") -> GyreError {
            let isInUse = (error as? IOError)?.errnoCode == EADDRINUSE
            return GyreError(
                .unavailable, "Gyre cannot listen on \(self).",
                why: isInUse ? "Another program listens there already." : "\(error)",
                fix: isInUse
                    ? "Stop it, or choose another port: gyre up \(option) \(Self(host: host, port: 0)) takes a free one."
                    : "Choose an address of this machine, for example 127.0.0.1:\(port).")
        }

        /// `HOST:PORT`, or `unix:PATH`.
        package var description: String {
            socket.map { "unix:\($0)" } ?? (host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")
        }
    }

    private let front: any Front
    private let address: Address
    private let originGuard: OriginGuard
    private let limits: ConnectionLimits
    private let tls: TLSFiles?
    private let onListening: @Sendable (Address) async -> Void

    /// A server that is not listening yet.
    ///
    /// `tls`: what connections are encrypted with; nil for not at all. `onListening`: told the address once requests are taken.
    package init(
        front: any Front, address: Address, originGuard: OriginGuard, limits: ConnectionLimits = ConnectionLimits(),
        tls: TLSFiles? = nil,
        onListening: @escaping @Sendable (Address) async -> Void
    ) {
        self.front = front
        self.address = address
        self.originGuard = originGuard
        self.limits = limits
        self.tls = tls
        self.onListening = onListening
    }

    /// Runs Swift's tasks on the threads that do the network's work, so that a request is answered without changing threads.
    ///
    /// Called once, first of all. Where it cannot be done requests are answered all the same, for more CPU.
    package static func shareThreads() {
        SharedThreads.install()
    }

    /// Serves until the task's service group shuts down gracefully or the task is cancelled.
    /// - Throws: `.unavailable` if the port is in use.
    package func run() async throws(GyreError) {
        var logger = Logger(label: "gyre.http")
        logger.logLevel = .error
        let application = Application(
            responder: Responder(front: front, originGuard: originGuard),
            server: HTTPServerBuilder { responder in
                DirectChannel(
                    responder: responder, front: front, originGuard: originGuard, limits: limits, tls: tls)
            },
            configuration: ApplicationConfiguration(
                address: address.socket.map { .unixDomainSocket(path: $0) }
                    ?? .hostname(address.host, port: address.port), backlog: 1024),
            onServerRunning: { channel in
                if let socket = address.socket {
                    // Whoever is let in there is for the folder's rights to say, and for the group.
                    unsafe chmod(socket, 0o660)
                    return await onListening(address)
                }
                await onListening(Address(host: address.host, port: channel.localAddress?.port ?? address.port))
            },
            logger: logger)
        do { try await application.runService() } catch let error as IOError {
            throw address.unusable(error)
        } catch {
            throw GyreError.wrapping(error, "Serving HTTP on \(address)")
        }
    }
}

/// What Hummingbird knows of a connection.
private struct PeerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let peer: SocketAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress
    }
}

/// Turns Hummingbird's requests into ours and our answers into Hummingbird's.
private struct Responder: HTTPResponder {
    typealias Context = PeerContext
    let front: any Front
    let originGuard: OriginGuard

    func respond(to request: Request, context: PeerContext) async throws -> Response {
        let fields = request.headers
        do {
            try originGuard.check(
                method: request.method.rawValue, host: request.head.authority, origin: fields[.origin],
                fetchSite: HTTPField.Name("sec-fetch-site").flatMap { fields[$0] })
        } catch {
            return answer(front.router.refusal(request.head.path ?? "/", error), isHead: request.method == .head)
        }
        var ours = HTTPRequest(
            method: request.method.rawValue, target: request.head.path ?? "/",
            headers: { name in HTTPField.Name(name).flatMap { fields[$0] } }, body: HTTPBody(stream: request.body))
        ours.headerFields = { fields.map { ($0.name.rawName, $0.value) } }
        ours.peer = { context.peer?.ipAddress }
        ours.isEncrypted = HTTPField.Name(HTTPRequest.encryptedField).flatMap { fields[$0] } != nil
        return answer(await front.respond(to: ours), isHead: request.method == .head)
    }

    private func answer(_ answer: HTTPResponse, isHead: Bool) -> Response {
        var headers = HTTPFields()
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
        }
        return Response(
            status: .init(code: answer.status), headers: headers,
            body: body(of: answer, isHead: isHead))
    }

    private func body(of answer: HTTPResponse, isHead: Bool) -> ResponseBody {
        switch answer.body {
        case .bytes(let bytes):
            // The head tells of the content that GET would have.
            if isHead { return ResponseBody(contentLength: bytes.count) { writer in try await writer.finish(nil) } }
            return ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        case .stream(let size, let next):
            if isHead {
                return ResponseBody(contentLength: size.map(Int.init)) { writer in try await writer.finish(nil) }
            }
            return ResponseBody(contentLength: size.map(Int.init)) { writer in
                while let piece = try await next() { try await writer.write(ByteBuffer(bytes: piece)) }
                try await writer.finish(nil)
            }
        }
    }
}

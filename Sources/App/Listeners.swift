// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreAccess
internal import GyreBase
internal import GyreCLI
internal import GyreGRPC
internal import GyreGate
internal import GyreHTTP
internal import GyreServices

/// What serves one port until it is told to stop.
protocol Listener: Sendable {
    func run() async throws(GyreError)
}

extension HTTPServer: Listener {}
extension GRPCListener: Listener {}

/// The ports of a server, each with who is let in there.
struct Listeners: Sendable {
    /// Each runs until it is told to stop.
    let all: [any Listener]
    private let certificates: [TLSFiles]

    /// The ports that `options` name.
    ///
    /// `isOpen`: whether others than the users of this machine can reach them. `onListening`: told the address of HTTP.
    init(
        _ assembly: Assembly, _ options: ServeOptions, _ settings: Settings, isOpen: Bool,
        onListening: @escaping @Sendable (HTTPServer.Address) async -> Void
    ) throws(GyreError) {
        let wide = assembly.wide
        let address = try HTTPServer.Address(options.http)
        let own = [address.host, ProcessInfo.processInfo.hostName]
        let originGuard = OriginGuard(
            allowedHosts: own + options.allowHost + settings.allowedHosts + Self.publicHost(options),
            allowedOrigins: options.allowOrigin)
        let limits = Self.limits(options)
        let (web, rpc) = (try Self.tls(options, ["http/1.1"]), try Self.tls(options, ["h2"]))
        certificates = [web, rpc].compactMap(\.self)
        var gate = Gatekeeper.Options(now: Surroundings.live.now)
        if !wide.asksWhoCalls { gate.open = Caller(.open(isMarked: isOpen), .everything) }
        gate.provider = wide.provider
        gate.trustedProxies = Set(options.trustProxy)
        gate.allowedOrigins = Set(options.allowOrigin)
        gate.prefix = options.publicURL.flatMap { URLComponents(string: $0)?.path }?.trimmingSlashes ?? ""
        let choice = gate
        func front(_ router: Router, _ workspaces: any WorkspaceRouters) -> Gatekeeper {
            Gatekeeper(
                router, identity: wide.identity, workspaces: workspaces, refusals: wide.refusals, options: choice)
        }
        let server = HTTPServer(
            front: front(assembly.surfaces.router, wide.workspaces), address: address, originGuard: originGuard,
            limits: limits, tls: web, onListening: onListening)
        var all: [any Listener] = [server]
        if web != nil, let socket = assembly.home.socket {
            // Commands of whoever may open the folder need no certificate.
            all.append(
                HTTPServer(
                    front: front(assembly.surfaces.router, wide.workspaces),
                    address: try HTTPServer.Address("unix:\(socket)"), originGuard: originGuard
                ) { _ in })
        }
        if let text = options.grpc {
            let address = try HTTPServer.Address(text)
            let gatekeeper = GRPCGatekeeper(
                identity: wide.identity, open: choice.open, refusals: wide.refusals, now: Surroundings.live.now
            ) { wide.workspaces.methods(of: $0) }
            let listener = GRPCListener(
                host: address.host, port: address.port, front: gatekeeper, limits: Self.limits(options), tls: rpc
            ) { bound in
                StandardError.write("serving gRPC on \(bound)")
            }
            all.append(listener)
        }
        for (endpoint, text) in try options.services() {
            let router = Router([assembly.surfaces.services.routes(of: endpoint)])
            let service = HTTPServer(
                front: front(router, SingleRouter(router: router)), address: try HTTPServer.Address(text),
                originGuard: originGuard, limits: Self.limits(options), tls: web
            ) { StandardError.write("serving the service of \(endpoint) on http://\($0)") }
            all.append(service)
        }
        self.all = all
    }

    private static func publicHost(_ options: ServeOptions) -> [String] {
        options.publicURL.flatMap { URLComponents(string: $0)?.host }.map { [$0] } ?? []
    }

    private static func limits(_ options: ServeOptions) -> ConnectionLimits {
        var choice = ConnectionLimits.Choice()
        choice.connections = options.maxConnections
        choice.connectionsOfOneAddress = options.maxConnectionsPerAddress
        choice.headSeconds = options.headSeconds
        choice.stillSeconds = options.stillSeconds
        return ConnectionLimits(choice)
    }

    private static func tls(_ options: ServeOptions, _ protocols: [String]) throws(GyreError) -> TLSFiles? {
        guard let certificate = options.tlsCertificate, let key = options.tlsKey else { return nil }
        var choice = TLSFiles.Choice(certificate: certificate, key: key)
        choice.clientAuthority = options.tlsClientAuthority
        choice.takesOlder = options.tlsOlder
        return try TLSFiles(choice, protocols: protocols)
    }

    /// Looks every second whether certificates have changed, until the task is cancelled.
    func reloadCertificates() async {
        var told = ""
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))  // a cancelled wait ends the loop
            for files in certificates {
                do throws(GyreError) { try files.reload() } catch {
                    if told != error.description { StandardError.write("the certificate stays as it was: \(error)") }
                    told = error.description
                }
            }
        }
    }
}

extension String {
    /// A path without slashes at its end.
    fileprivate var trimmingSlashes: String {
        var path = self
        while path.hasSuffix("/") { path.removeLast() }
        return path
    }
}

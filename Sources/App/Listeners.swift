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
        let originGuard = OriginGuard(allowedHosts: own + options.allowHost + settings.allowedHosts)
        var gate = Gatekeeper.Options(now: Surroundings.live.now)
        if !wide.asksWhoCalls { gate.open = Caller(.open(isMarked: isOpen), .everything) }
        gate.trustedProxies = Set(options.trustProxy)
        let choice = gate
        func front(_ router: Router, _ workspaces: any WorkspaceRouters) -> Gatekeeper {
            Gatekeeper(
                router, identity: wide.identity, workspaces: workspaces, refusals: wide.refusals, options: choice)
        }
        let server = HTTPServer(
            front: front(assembly.surfaces.router, wide.workspaces), address: address, originGuard: originGuard,
            onListening: onListening)
        var all: [any Listener] = [server]
        if let text = options.grpc {
            let address = try HTTPServer.Address(text)
            let gatekeeper = GRPCGatekeeper(
                identity: wide.identity, open: choice.open, refusals: wide.refusals, now: Surroundings.live.now
            ) { wide.workspaces.methods(of: $0) }
            let listener = GRPCListener(host: address.host, port: address.port, front: gatekeeper) { bound in
                StandardError.write("serving gRPC on \(bound)")
            }
            all.append(listener)
        }
        for (endpoint, text) in try options.services() {
            let router = Router([assembly.surfaces.services.routes(of: endpoint)])
            let service = HTTPServer(
                front: front(router, SingleRouter(router: router)), address: try HTTPServer.Address(text),
                originGuard: originGuard
            ) { StandardError.write("serving the service of \(endpoint) on http://\($0)") }
            all.append(service)
        }
        self.all = all
    }
}

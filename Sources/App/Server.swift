// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreCLI
internal import GyreDelivery
internal import GyreGRPC
internal import GyreHTTP
internal import GyreLedger
internal import GyreLoop
internal import GyreOIP
internal import GyrePipelines
internal import GyreSQLite
internal import GyreServices
internal import GyreServing
internal import GyreUpkeep
internal import Synchronization

/// Serves a home until the process is told to stop.
enum Server {
    static func run(
        home path: String, options: ServeOptions, settings: Settings
    ) async throws(GyreError) {
        let started = Surroundings.live.now()
        let address = try HTTPServer.Address(options.http)
        let reachable = try reachable(options)
        try checkReach(reachable, options)
        try await address.checkFree()
        if let grpc = options.grpc { try await HTTPServer.Address(grpc).checkFree(option: "--grpc") }
        for (_, address) in try options.services() {
            try await HTTPServer.Address(address).checkFree(option: "--service")
        }
        let home = try HomeFolder(path, creating: true)
        let choices = ServeChoices(
            modelRepository: options.modelRepository, modelMemoryBytes: try options.modelMemoryBytes(),
            trustsModels: options.trustModels, sharesModelEnvironment: options.modelEnvironment == "shared",
            sharesMemory: options.sharedMemory || reachable.isEmpty, ray: options.ray,
            openAddresses: reachable)
        let assembly = try await Assembly.make(home: home, settings: settings, choices: choices)
        let own = [address.host, ProcessInfo.processInfo.hostName]
        let originGuard = OriginGuard(allowedHosts: own + options.allowHost + settings.allowedHosts)
        let grpc = try options.grpc.map { text throws(GyreError) in
            let address = try HTTPServer.Address(text)
            return GRPCListener(host: address.host, port: address.port, methods: assembly.surfaces.inference.methods) {
                bound in
                StandardError.write("serving gRPC on \(bound)")
            }
        }
        let server = HTTPServer(
            router: assembly.surfaces.router, address: address, originGuard: originGuard, isOpen: !reachable.isEmpty
        ) { bound in
            let running = RunningServer(
                address: bound.description, id: Surroundings.live.newID(), home: home.path)
            assembly.address.set(bound.description, home: running?.json(home: home.path))
            running?.write(home: home.path)
            StandardError.write(
                "serving \(home.path) on http://\(bound) after \((Surroundings.live.now() - started) / 1000) ms")
        }
        let services = try options.services().map { endpoint, text throws(GyreError) in
            HTTPServer(
                router: Router([assembly.surfaces.services.routes(of: endpoint)]),
                address: try HTTPServer.Address(text),
                originGuard: originGuard, isOpen: !reachable.isEmpty
            ) { StandardError.write("serving the service of \(endpoint) on http://\($0)") }
        }
        do {
            for problem in try await assembly.delivery.endpoints.restore() { StandardError.write("\(problem)") }
            for problem in try await assembly.delivery.inferenceServices.restore() { StandardError.write("\(problem)") }
            let isLazy = try options.modelMemoryBytes() > 0
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                group.addTask { await keep(assembly) }
                group.addTask { await tendModels(assembly, options.loadModel, isLazy: isLazy) }
                if let grpc { group.addTask { try await grpc.run() } }
                for service in services { group.addTask { try await service.run() } }
                // The first to end is the server: told to stop, or unable to listen.
                try await group.next()
                group.cancelAll()
            }
        } catch {
            RunningServer.remove(home: home.path)
            throw GyreError.wrapping(error, "Serving \(home.path)")
        }
        RunningServer.remove(home: home.path)
        try await assembly.close()
        StandardError.write("stopped; everything is on disk")
    }

    /// Loads the models of the repository, then converts others as they come and looks what all of them take; apart from the loop's clock, since one takes seconds.
    private static func tendModels(_ assembly: Assembly, _ wanted: [String], isLazy: Bool) async {
        for problem in await assembly.delivery.repository.start(wanted, isLazy: isLazy) {
            StandardError.write("\(problem)")
        }
        var rounds = 0
        while !Task.isCancelled {
            rounds += 1
            do {
                if rounds.isMultiple(of: 10) {
                    try await Background.run { () throws(GyreError) in assembly.areas.host.keepWithinBudget() }
                }
                for problem in try await assembly.delivery.conversions.tick() { StandardError.write("\(problem)") }
            } catch {
                StandardError.write("converting models met an error and goes on: \(error)")
            }
            try? await Task.sleep(for: .milliseconds(500))  // a cancelled wait ends the loop
        }
    }

    /// The addresses of `options` that others than this machine may reach.
    private static func reachable(_ options: ServeOptions) throws(GyreError) -> [String] {
        var found: [String] = []
        for text in [options.http] + (options.grpc.map { [$0] } ?? []) + (try options.services().map(\.address)) {
            let host = try HTTPServer.Address(text).host
            if host != "localhost", host != "::1", !host.hasPrefix("127.") { found.append(text) }
        }
        return found
    }

    /// Whoever reaches the server may run code, so that being reached from elsewhere is nothing that happens by itself.
    private static func checkReach(_ reachable: [String], _ options: ServeOptions) throws(GyreError) {
        guard !reachable.isEmpty else { return }
        guard options.noAuth else {
            throw GyreError(
                .denied, "Gyre does not listen on \(reachable.joined(separator: " and ")).",
                why:
                    "Nobody has to sign in, and whoever reaches that address could run code, delete models and move traffic.",
                fix:
                    "Listen on 127.0.0.1 behind a proxy that asks who calls, or say --no-auth where the network is closed."
            )
        }
        StandardError.write(
            "WARNING: listening on \(reachable.joined(separator: " and ")) without authentication (--no-auth): "
                + "whoever reaches it may run code, delete models and move traffic")
    }

    /// What the server does by itself, in this order.
    private static func jobs(_ assembly: Assembly) -> [Clock.Job] {
        let lastHead = Mutex<Head?>(nil)
        return [
            Clock.Job("judging rollouts") { () throws(GyreError) in try await assembly.loop.conductor.tick() },
            Clock.Job("telling webhooks") { () throws(GyreError) in try await assembly.loop.notifier.tick() },
            Clock.Job("removing what was deleted", everyRounds: Clock.hour) { () throws(GyreError) in
                try await assembly.loop.retention.carryOut(
                    deletedFor: try await assembly.loop.conductor.projects().compactMap(\.retentionSeconds))
            },
            Clock.Job("closing segments of the prediction log", everyRounds: 20) { () throws(GyreError) in
                try await assembly.closeSegments(all: false)
            },
            Clock.Job("writing down the head of the ledger") { () throws(GyreError) in
                let head = try await assembly.stores.ledger.head()
                guard head != lastHead.withLock({ $0 }) else { return }
                RecordedHead.write(head, assembly.home.recordedHead)
                lastHead.withLock { $0 = head }
            },
        ]
    }

    /// Finishes what the last server left, and then does its jobs until the server ends.
    private static func keep(_ assembly: Assembly) async {
        while assembly.address.value == nil {
            if Task.isCancelled { return }
            try? await Task.sleep(for: .milliseconds(20))  // a cancelled wait ends the loop
        }
        await assembly.clock.attempt(
            Clock.Job("finishing what the last server left") { () throws(GyreError) in
                for problem in try await assembly.loop.conductor.catchUp() { StandardError.write("\(problem)") }
            })
        await assembly.clock.attempt(
            Clock.Job("taking up pipeline runs") { () throws(GyreError) in
                for problem in try await assembly.areas.pipelines.resume() { StandardError.write("\(problem)") }
            })
        await assembly.clock.run(jobs(assembly))
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreCLI
internal import GyreGRPC
internal import GyreHTTP
internal import GyreLedger
internal import GyreLoop
internal import GyreOIP
internal import GyrePipelines
internal import GyreSQLite

/// Serves a home until the process is told to stop.
enum Server {
    static func run(
        home path: String, options: ServeOptions, settings: Settings
    ) async throws(GyreError) {
        let started = Surroundings.live.now()
        let address = try HTTPServer.Address(options.http)
        let home = try HomeFolder(path)
        let assembly = try await Assembly.make(
            home: home, settings: settings, modelRepository: options.modelRepository,
            modelMemoryBytes: try options.modelMemoryBytes(), trustsModels: options.trustModels,
            sharesMemory: options.sharedMemory ? true : try staysOnThisMachine(options))
        let own = [address.host, ProcessInfo.processInfo.hostName]
        let originGuard = OriginGuard(allowedHosts: own + options.allowHost + settings.allowedHosts)
        let grpc = try options.grpc.map { text throws(GyreError) in
            let address = try HTTPServer.Address(text)
            return GRPCListener(host: address.host, port: address.port, methods: assembly.inference.methods) { bound in
                StandardError.write("serving gRPC on \(bound)")
            }
        }
        let server = HTTPServer(router: assembly.router, address: address, originGuard: originGuard) { bound in
            assembly.address.set(bound.description)
            RunningServer(process: getpid(), address: bound.description).write(home: home.path)
            StandardError.write(
                "serving \(home.path) on http://\(bound) after \((Surroundings.live.now() - started) / 1000) ms")
        }
        do {
            for problem in try await assembly.endpoints.restore() { StandardError.write("\(problem)") }
            for problem in try await assembly.inferenceServices.restore() { StandardError.write("\(problem)") }
            let isLazy = try options.modelMemoryBytes() > 0
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                group.addTask { await keep(assembly) }
                group.addTask { await tendModels(assembly, options.loadModel, isLazy: isLazy) }
                if let grpc { group.addTask { try await grpc.run() } }
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

    /// Loads the models of the repository, then converts others as they come; apart from the loop's clock, since one takes seconds.
    private static func tendModels(_ assembly: Assembly, _ wanted: [String], isLazy: Bool) async {
        for problem in await assembly.repository.start(wanted, isLazy: isLazy) { StandardError.write("\(problem)") }
        while !Task.isCancelled {
            do {
                for problem in try await assembly.conversions.tick() { StandardError.write("\(problem)") }
            } catch {
                StandardError.write("converting models met an error and goes on: \(error)")
            }
            try? await Task.sleep(for: .milliseconds(500))  // a cancelled wait ends the loop
        }
    }

    /// Whether nobody beyond this machine reaches the server.
    private static func staysOnThisMachine(_ options: ServeOptions) throws(GyreError) -> Bool {
        for text in [options.http] + (options.grpc.map { [$0] } ?? []) {
            let host = try HTTPServer.Address(text).host
            guard host == "localhost" || host == "::1" || host.hasPrefix("127.") else { return false }
        }
        return true
    }

    /// The loop's clock goes round twice a second.
    private static let roundsPerHour = 7200

    /// The loop's clock: lets the judge look, closes segments, writes the head down.
    private static func keep(_ assembly: Assembly) async {
        var round = 0
        var lastHead: Head?
        while assembly.address.value == nil, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(20))  // a cancelled wait ends the loop
        }
        do {
            try await assembly.conductor.catchUp()
            try await assembly.pipelines.resume()
        } catch {
            StandardError.write("taking up what was left failed: \(error)")
        }
        while !Task.isCancelled {
            round += 1
            do {
                try await assembly.conductor.tick()
                try await assembly.notifier.tick()
                if round % roundsPerHour == 0 {
                    try await assembly.retention.carryOut(try await assembly.conductor.projects())
                }
                if round % 20 == 0 { try await assembly.closeSegments(all: false) }
                let head = try await assembly.ledger.head()
                if head != lastHead { RecordedHead.write(head, assembly.home.recordedHead) }
                lastHead = head
            } catch {
                StandardError.write("the loop met an error and goes on: \(error)")
            }
            try? await Task.sleep(for: .milliseconds(500))  // a cancelled wait ends the loop
        }
    }
}

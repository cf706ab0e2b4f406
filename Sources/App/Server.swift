// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreAccess
internal import GyreBase
internal import GyreCLI
internal import GyreDelivery
internal import GyreGRPC
internal import GyreHTTP
internal import GyreIdentity
internal import GyreLedger
internal import GyreLoop
internal import GyreOIP
internal import GyreOpenID
internal import GyrePipelines
internal import GyreSQLite
internal import GyreServices
internal import GyreServing
internal import GyreUpkeep
internal import GyreVersioning
internal import Synchronization

/// Serves a home until the process is told to stop.
enum Server {
    static func run(
        home path: String, options: ServeOptions, settings: Settings
    ) async throws(GyreError) {
        let started = Surroundings.live.now()
        let address = try HTTPServer.Address(options.http)
        let reachable = try reachable(options)
        try await address.checkFree()
        if let grpc = options.grpc { try await HTTPServer.Address(grpc).checkFree(option: "--grpc") }
        for (_, address) in try options.services() {
            try await HTTPServer.Address(address).checkFree(option: "--service")
        }
        // A home that is not there has no users who could be asked, and is not made for nothing.
        if !options.noAuth, !FileManager.default.fileExists(atPath: path + "/gyre.db") {
            try checkReach(reachable, options, asksWhoCalls: options.auth)
        }
        let home = try HomeFolder(path, creating: true)
        var choices = ServeChoices(
            modelRepository: options.modelRepository, modelMemoryBytes: try options.modelMemoryBytes(),
            trustsModels: options.trustModels, sharesModelEnvironment: options.modelEnvironment == "shared",
            sharesMemory: options.sharedMemory || reachable.isEmpty, ray: options.ray,
            asksWhoCalls: options.auth, asksNobody: options.noAuth, openAddresses: options.noAuth ? reachable : [])
        choices.provider = provider(options)
        let assembly = try await Assembly.make(home: home, settings: settings, choices: choices)
        try checkReach(reachable, options, asksWhoCalls: assembly.wide.asksWhoCalls)
        if assembly.wide.asksWhoCalls { try await greetFirstAdministrator(assembly) }
        try await openWorkspaces(assembly, settings, choices, options)
        let listeners = try Listeners(assembly, options, settings, isOpen: !reachable.isEmpty) { bound in
            let isEncrypted = options.tlsCertificate != nil
            let own = isEncrypted ? "https://\(bound)" : bound.description
            let running = RunningServer(
                address: own, id: Surroundings.live.newID(), home: home.path, socket: isEncrypted ? home.socket : nil)
            let told = options.publicURL ?? own
            let isOwnEncrypted = isEncrypted && options.publicURL == nil
            assembly.address.set(told, home: running?.json(home: home.path), isOwnEncrypted: isOwnEncrypted)
            for workspace in assembly.wide.identity.workspaces where workspace.name != Caller.defaultWorkspace {
                assembly.wide.workspaces.assembly(of: workspace.name)?.address.set(
                    "\(told)/workspaces/\(workspace.name)", home: nil, isOwnEncrypted: isOwnEncrypted)
            }
            running?.write(home: home.path)
            StandardError.write(
                "serving \(home.path) on \(isEncrypted || bound.socket != nil ? "" : "http://")\(own) after \((Surroundings.live.now() - started) / 1000) ms"
            )
        }
        do {
            for problem in try await assembly.delivery.endpoints.restore() { StandardError.write("\(problem)") }
            for problem in try await assembly.delivery.inferenceServices.restore() { StandardError.write("\(problem)") }
            let isLazy = try options.modelMemoryBytes() > 0
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await listeners.reloadCertificates() }
                for listener in listeners.all { group.addTask { try await listener.run() } }
                group.addTask { await keep(assembly) }
                group.addTask { await tendModels(assembly, options.loadModel, isLazy: isLazy) }
                // The first to end is a server: told to stop, or unable to listen.
                try await group.next()
                group.cancelAll()
            }
        } catch {
            RunningServer.remove(home: home.path)
            throw GyreError.wrapping(error, "Serving \(home.path)")
        }
        RunningServer.remove(home: home.path)
        try await assembly.wide.workspaces.closeAll()
        try await assembly.close()
        StandardError.write("stopped; everything is on disk")
    }

    private static func provider(_ options: ServeOptions) -> OpenIDProvider.Choice? {
        guard let issuer = options.oidcIssuer, let client = options.oidcClient else { return nil }
        var choice = OpenIDProvider.Choice(issuer: issuer, client: client)
        choice.secret = ProcessInfo.processInfo.environment["GYRE_OIDC_CLIENT_SECRET"]
        choice.audiences = options.oidcAudience
        choice.nameClaim = options.oidcNameClaim
        choice.groupsClaim = options.oidcGroupsClaim
        return choice
    }

    /// Makes the first administrator where there is nobody, and this machine's own way in.
    private static func greetFirstAdministrator(_ assembly: Assembly) async throws(GyreError) {
        let identity = assembly.wide.identity
        if let secret = try await identity.makeFirstAdministrator() {
            StandardError.write(
                """
                the first administrator is "admin"; this token is told only now:
                  \(secret)
                sign in with it at /login, or say GYRE_TOKEN, and make users: gyre user create NAME --password
                """)
        }
        var caller = Caller(.known("local/\(NSUserName())"), .everything)
        caller.token = "the home folder"
        try LocalToken.write(identity.issue(caller), home: assembly.home.path)
    }

    /// Opens the folders of all workspaces beside the first.
    private static func openWorkspaces(
        _ first: Assembly, _ settings: Settings, _ choices: ServeChoices, _ options: ServeOptions
    ) async throws(GyreError) {
        let workspaces = first.wide.workspaces
        let wide = first.wide
        let isLazy = try options.modelMemoryBytes() > 0
        workspaces.add(Caller.defaultWorkspace, first)
        workspaces.set(
            root: first.home.workspaces,
            make: { folder throws(GyreError) in
                let name = String(folder.split(separator: "/").last ?? "")
                var own = choices
                var ownSettings = settings
                let quota = try wide.identity.workspace(name).quota
                own.modelRepository = nil
                own.modelMemoryBytes = quota.modelBytes ?? own.modelMemoryBytes
                own.quota = quota
                own.workspace = name
                ownSettings.runningTasks = quota.runningTasks ?? settings.runningTasks
                let made = try await Assembly.make(
                    home: try HomeFolder(folder, creating: true), settings: ownSettings, choices: own, wide: wide)
                if let address = first.address.value {
                    made.address.set(
                        "\(address)/workspaces/\(name)", home: nil, isOwnEncrypted: first.address.isOwnEncrypted)
                }
                for problem in try await made.delivery.endpoints.restore() { StandardError.write("\(problem)") }
                for problem in try await made.delivery.inferenceServices.restore() { StandardError.write("\(problem)") }
                return made
            },
            tend: { assembly in
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await keep(assembly) }
                    group.addTask { await tendModels(assembly, [], isLazy: isLazy) }
                }
            })
        for workspace in wide.identity.workspaces where workspace.name != Caller.defaultWorkspace {
            try await workspaces.open(workspace.name)
        }
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
            let address = try HTTPServer.Address(text)
            // Who may open a socket of the file system is for its folder to say.
            if address.socket != nil { continue }
            let host = address.host
            if host != "localhost", host != "::1", !host.hasPrefix("127.") { found.append(text) }
        }
        return found
    }

    /// Whoever reaches the server may run code, so that being reached from elsewhere is nothing that happens by itself.
    private static func checkReach(
        _ reachable: [String], _ options: ServeOptions, asksWhoCalls: Bool
    ) throws(GyreError) {
        guard !reachable.isEmpty, !asksWhoCalls else { return }
        guard options.noAuth else {
            throw GyreError(
                .denied, "Gyre does not listen on \(reachable.joined(separator: " and ")).",
                why:
                    "Nobody has to sign in, and whoever reaches that address could run code, delete models and move traffic.",
                fix: "Ask who calls with --auth, or say --no-auth where the network is closed."
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
            Clock.Job("acting on schedules") { () throws(GyreError) in
                try await assembly.areas.schedules.act()
            },
            Clock.Job("telling webhooks") { () throws(GyreError) in try await assembly.loop.notifier.tick() },
            Clock.Job("removing what was deleted", everyRounds: Clock.hour) { () throws(GyreError) in
                try await assembly.loop.retention.carryOut(
                    deletedFor: try await assembly.loop.conductor.projects().compactMap(\.retentionSeconds))
            },
            Clock.Job("recording what came to data remotes", everyRounds: 10) { () throws(GyreError) in
                _ = try await assembly.areas.dataRemotes.names.record()
            },
            Clock.Job("closing segments of the prediction log", everyRounds: 20) { () throws(GyreError) in
                try await assembly.closeSegments(all: false)
            },
            Clock.Job("signing the ledger", everyRounds: 10) { () throws(GyreError) in
                try await assembly.checkpoints.tick()
            },
            Clock.Job("telling of refused calls", everyRounds: 120) { () throws(GyreError) in
                try await assembly.recordRefusals()
            },
            Clock.Job("removing tokens that have ended", everyRounds: Clock.hour) { () throws(GyreError) in
                try await assembly.wide.identity.removeEnded()
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

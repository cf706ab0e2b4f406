// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import GyreBase
internal import GyreCLI
internal import GyreCompute
internal import GyreHTTP
internal import GyreLedger
internal import GyreSQLite

@main
struct Main {
    static func main() async {
        let settings = Settings.read()
        if CommandLine.arguments.dropFirst() == [DuckDBProcess.word] {
            return await DuckDBProcess.answer(by: DuckDBEngine(search: settings.libraries))
        }
        HTTPServer.shareThreads()
        let environment = CommandEnvironment(
            openHome: { home, creating throws(GyreError) in
                let assembly = try await Assembly.make(
                    home: try HomeFolder(home, creating: creating), settings: settings)
                return LocalConnection(assembly: assembly, actor: settings.actor)
            },
            serve: { home, options throws(GyreError) in
                try await Server.run(home: home, options: options, settings: settings)
            },
            runningServer: { home in
                RunningServer.read(home: home).map {
                    FoundServer(
                        address: $0.socket.map { "unix:\($0)" } ?? $0.address, id: $0.id,
                        token: LocalToken.read(home: home))
                }
            },
            verifyHome: { home, head, key, file throws(GyreError) in
                let signed = SignedStates(home: home, key: key, file: file)
                let verifier = try await LedgerFile(home: home).verify(
                    recordedHead: try head.map { text throws(GyreError) in try Head(parsing: text) }
                        ?? RecordedHead.read(home + "/ledger.head"), checkpoints: signed.good)
                return signed.told(verifier)
            }, defaultHome: settings.defaultHome, defaultServer: settings.defaultServer, actor: settings.actor,
            token: settings.token, workspace: settings.workspace,
            authority: settings.authority, surroundings: .live, variables: ProcessInfo.processInfo.environment,
            folder: FileManager.default.currentDirectoryPath,
            fileMemory: { path throws(GyreError) in try SQLiteFileMemory(path: path) })
        await CommandEnvironment.$current.withValue(environment) { await run() }
    }

    private static func run() async {
        do {
            let arguments = Array(CommandLine.arguments.dropFirst())
            if arguments == ["--version"] { return print(GyreCommand.version) }
            try CommandWords.check(arguments)
            var command = try GyreCommand.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let error as GyreError {
            var text = "error: \(error.what)"
            if let why = error.why { text += "\n  why: \(why)" }
            if let fix = error.fix { text += "\n  fix: \(fix)" }
            FileHandle.standardError.write(Data((text + "\n").utf8))
            exit(error.code.exitStatus)
        } catch {
            GyreCommand.exit(withError: error)
        }
    }
}

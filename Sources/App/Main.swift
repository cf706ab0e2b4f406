// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import GyreBase
internal import GyreCLI
internal import GyreHTTP

@main
struct Main {
    static func main() async {
        HTTPServer.shareThreads()
        let settings = Settings.read()
        let environment = CommandEnvironment(
            openHome: { home throws(GyreError) in
                let assembly = try await Assembly.make(home: try HomeFolder(home), settings: settings)
                return LocalConnection(assembly: assembly, actor: settings.actor)
            },
            serve: { home, options throws(GyreError) in
                try await Server.run(home: home, options: options, settings: settings)
            },
            runningServer: { home in RunningServer.read(home: home)?.address }, defaultHome: settings.defaultHome,
            defaultServer: settings.defaultServer, actor: settings.actor)
        await CommandEnvironment.$current.withValue(environment) { await run() }
    }

    private static func run() async {
        do {
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

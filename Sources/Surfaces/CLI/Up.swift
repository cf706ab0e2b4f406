// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import GyreBase

struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a home folder: every API, the console and the loop.",
        discussion: "Example: gyre up --home ./gyre-home --http 127.0.0.1:5000")

    @Option(help: "The home folder; GYRE_HOME, or ~/.gyre where it is not set.") var home: String?
    @OptionGroup var options: ServeOptions

    func run() async throws {
        guard let environment = CommandEnvironment.current else {
            throw GyreError(.internal, "Commands run inside of gyre only.")
        }
        try await environment.serve(home ?? environment.defaultHome, options)
    }
}

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at what is installed: libraries, Python, disk; and say what to do for each thing missing.",
        discussion: "Example: gyre doctor --format json")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let report = try await look()
        let items = report["items"]?.array ?? []
        output.render(report, ids: items.map { Cell.text($0["name"]) }) {
            TextTable(
                ["", "WHAT", "VERSION", "WHERE", "FIX"],
                items.map {
                    [
                        Self.state($0), Cell.text($0["name"]), Cell.text($0["version"]),
                        Cell.text($0["path"]),
                        Cell.text($0["fix"]),
                    ]
                }
            ).text(empty: "")
        }
        if items.contains(where: { $0["ok"]?.bool != true }) { throw ExitCode(1) }
    }

    /// What is not there is missing; what is there and not as it should be is to be looked at.
    private static func state(_ item: JSONValue) -> String {
        if item["ok"]?.bool == true { return "ok" }
        return item["version"]?.isNull == false ? "LOOK" : "MISSING"
    }

    /// What is installed has nothing to do with a home: where there is none yet, one is made for the moment, elsewhere.
    private func look() async throws -> JSONValue {
        do { return try await connection.with { try await $0.call("GET", "/doctor", nil) } } catch let error
            as GyreError
        {
            guard error.code == .notFound, connection.home == nil else { throw error }
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gyre-doctor-\(getpid())").path
            defer { try? FileManager.default.removeItem(atPath: folder) }  // the system empties the place in time
            var elsewhere = connection
            elsewhere.home = folder
            return try await elsewhere.with(creating: true) { try await $0.call("GET", "/doctor", nil) }
        }
    }
}

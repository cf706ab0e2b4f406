// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import GyreAPI
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
        output.render(report, ids: report.items.map(\.name)) {
            TextTable(
                ["", "WHAT", "VERSION", "WHERE", "FIX"],
                report.items.map {
                    [Self.state($0), $0.name, Cell.text($0.version), Cell.text($0.path), Cell.text($0.fix)]
                }
            ).text(empty: "")
        }
        if !report.items.allSatisfy(\.ok) { throw ExitCode(1) }
    }

    /// What is not there is missing; what is there and not as it should be is to be looked at.
    private static func state(_ item: API.DoctorItem) -> String {
        if item.ok { return "ok" }
        return item.version == nil ? "MISSING" : "LOOK"
    }

    /// What is installed has nothing to do with a home: where there is none yet, one is made for the moment, elsewhere.
    private func look() async throws -> Answer<API.Doctor> {
        do { return try await connection.get(API.Doctor.self, "/doctor") } catch let error as GyreError {
            guard error.code == .notFound, connection.home == nil else { throw error }
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gyre-doctor-\(getpid())").path
            defer { try? FileManager.default.removeItem(atPath: folder) }  // the system empties the place in time
            var elsewhere = connection
            elsewhere.home = folder
            return try await elsewhere.with(creating: true) { try await $0.get(API.Doctor.self, "/doctor") }
        }
    }
}

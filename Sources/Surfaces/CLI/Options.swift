// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import GyreAPI
internal import GyreBase

/// Where the command looks.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "The home folder; GYRE_HOME, or ~/.gyre where it is not set.") var home: String?
    @Option(help: "The server's address; GYRE_SERVER, or the one that runs on the home folder.") var server: String?

    @Option(help: "The workspace; GYRE_WORKSPACE, or the usual one where it is not set.") var workspace: String?

    func validate() throws {
        guard home == nil || server == nil else {
            throw ValidationError("--home and --server name two different places; say one of them.")
        }
    }

    /// Opens the way, hands it to `body`, and lets go of it.
    ///
    /// `creating`: whether the command may be the first one of a home, which is then made. For all others a path without a home is
    /// a mistake, and nothing is made there.
    func with<Result>(
        creating: Bool = false, _ body: (any Connection) async throws -> Result
    ) async throws -> Result {
        guard let environment = CommandEnvironment.current else {
            throw GyreError(.internal, "Commands run inside of gyre only.")
        }
        let home = self.home ?? environment.defaultHome
        let connection: any Connection
        let workspace = self.workspace ?? environment.workspace
        if let url = server ?? (self.home == nil ? environment.defaultServer : nil) {
            connection = RemoteConnection(
                url: url, actor: environment.actor, token: environment.token, workspace: workspace,
                authority: environment.authority)
        } else if let found = environment.runningServer(home) {
            connection = RemoteConnection(
                url: found.address, actor: environment.actor, token: environment.token ?? found.token,
                workspace: workspace)
            try await Self.check(
                RemoteConnection(
                    url: found.address, actor: environment.actor, token: environment.token ?? found.token),
                found, home)
        } else {
            let isUsual = workspace == nil || workspace == "default"
            connection = try await environment.openHome(
                isUsual ? home : "\(home)/workspaces/\(workspace ?? "")", isUsual && creating)
        }
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }
}

extension ConnectionOptions {
    /// The folder that is meant; nil where a server is named instead.
    func folder(_ environment: CommandEnvironment) -> String? {
        if server != nil { return nil }
        return home ?? (environment.defaultServer == nil ? environment.defaultHome : nil)
    }

    /// A command belongs to the home it names: the server that was found there must say that it serves it.
    private static func check(
        _ connection: any Connection, _ found: FoundServer, _ home: String
    ) async throws(GyreError) {
        let told = try await connection.get(API.Home.self, "/home")
        guard told.id == found.id else {
            throw GyreError(
                .conflict, "The server at \(found.address) does not serve \(home).",
                why: "It serves \(told.home ?? "another home").",
                fix: "Name the server that is meant with --server, or stop the one that has \(home) locked.")
        }
    }
}

/// Whether the command is only tried.
struct DryRunOptions: ParsableArguments {
    @Flag(help: "Say what would be done, and do nothing.") var dryRun = false

    /// A body that says so; unchanged where the command is carried out.
    func marked(_ body: JSONValue) -> JSONValue {
        var body = body
        if dryRun { body["dry_run"] = true }
        return body
    }
}

/// How the answer is told.
struct OutputOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table
        case json
    }

    @Option(help: "table for people, json for programs (stable).") var format: Format = .table
    @Flag(name: .shortAndLong, help: "Print ids only.") var quiet = false

    /// Prints the whole answer as JSON, the ids alone, or what `table` makes of it.
    func render(_ json: JSONValue, ids: [String], table: () -> String) {
        if format == .json { return print(json.indented()) }
        if quiet {
            for id in ids { print(id) }
            return
        }
        let text = table()
        if !text.isEmpty { print(text) }
    }
}

/// Progress and remarks for people; they go to standard error, so that answers can be piped.
func tell(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

/// Columns of text, as wide as their widest cell.
struct TextTable {
    private var rows: [[String]]

    init(_ header: [String], _ rows: [[String]]) { self.rows = [header] + rows }

    /// The table; `empty` where it has no rows.
    func text(empty: String) -> String {
        guard rows.count > 1 else { return empty }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
                .replacing(/\s+$/, with: "")
        }.joined(separator: "\n")
    }
}

/// Cells of tables.
enum Cell {
    /// A time in microseconds since 1970.
    static func time(_ microseconds: Int64?) -> String { microseconds.map { Timestamp.readable($0) } ?? "-" }

    /// A time in milliseconds since 1970.
    static func time(milliseconds: Int64?) -> String { time(milliseconds.map { $0 * 1000 }) }

    static func size(_ bytes: Int64) -> String {
        let value = Double(bytes)
        if value < 1024 { return "\(Int(value)) B" }
        if value < 1_048_576 { return String(format: "%.1f KiB", value / 1024) }
        if value < 1_073_741_824 { return String(format: "%.1f MiB", value / 1_048_576) }
        return String(format: "%.1f GiB", value / 1_073_741_824)
    }

    /// A part of what is pinned: where it is missing, nobody knows it.
    static func pinned(_ value: String?) -> String { value ?? "not known" }

    /// Parts of what is pinned.
    static func pinned(_ values: [String]) -> String {
        values.isEmpty ? "not known" : values.joined(separator: "  ")
    }

    /// The same of any value of JSON.
    static func pinned(_ value: JSONValue) -> String {
        let isNothing = value.isNull || value.array?.isEmpty == true || value.object?.isEmpty == true
        return isNothing ? "not known" : value.array.map { $0.map { text($0) }.joined(separator: "  ") } ?? text(value)
    }

    static func text(_ value: String?) -> String { value ?? "-" }

    static func text<Whole: BinaryInteger>(_ value: Whole?) -> String { value.map { "\($0)" } ?? "-" }

    static func text(_ value: Double?) -> String { value.map { Number.readable($0) } ?? "-" }

    static func text(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null: "-"
        case .string(let text): text
        case .double(let number): Number.readable(number)
        case .some(let other): other.text
        }
    }
}

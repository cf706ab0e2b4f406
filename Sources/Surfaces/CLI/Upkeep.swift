// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import GyreAPI
internal import GyreBase

struct GarbageCollection: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Remove for good what was deleted: runs, experiments and models, their names, rows and blobs.",
        discussion: """
            What a registered version or a release still needs stays, and is told. Every removal is a fact.
            Example: gyre gc --older-than 30d --dry-run
            """)
    @Option(help: "Only what was deleted at least this long ago: 90s, 10m, 12h, 30d.") var olderThan = "30d"
    @Option(help: "Keep blobs that were written within this time.") var grace = "1h"
    @Flag(help: "Show what would go, and remove nothing.") var dryRun = false
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let body: JSONValue = [
            "deleted_for_seconds": .int(try Self.seconds(olderThan)), "grace_seconds": .int(try Self.seconds(grace)),
            "dry_run": .bool(dryRun),
        ]
        let answer = try await connection.post(API.Collected.self, "/gc", body)
        let kinds = [
            ("runs", answer.runs), ("experiments", answer.experiments), ("logged models", answer.loggedModels),
        ]
        let gone = kinds.flatMap { kind, things in things.map { [kind, $0.id, $0.name] } }
        output.render(answer, ids: gone.map { $0[1] }) {
            var lines = [
                TextTable([dryRun ? "WOULD GO" : "GONE", "ID", "NAME"], gone).text(
                    empty: "Nothing that was deleted is old enough.")
            ]
            let kept = answer.kept.map { [$0.what, $0.neededBy] }
            if !kept.isEmpty { lines.append("\n" + TextTable(["STAYS", "NEEDED BY"], kept).text(empty: "")) }
            if !dryRun {
                lines.append("\(Cell.text(answer.blobs)) blobs removed, \(Cell.size(answer.freedBytes ?? 0)) free.")
            }
            return lines.joined(separator: "\n")
        }
    }

    /// Reads `30d`, `12h`, `10m`, `90s`.
    static func seconds(_ text: String) throws -> Int64 {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let last = text.last, let unit = units[last], let count = Int64(text.dropLast()), count >= 0,
            count < 1_000_000
        else {
            throw ValidationError("\"\(text)\" is no stretch of time; write it as 90s, 10m, 12h or 30d.")
        }
        return count * unit
    }
}

struct BlobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blob", abstract: "Content-addressed bytes.", subcommands: [Verify.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read every blob again and find those that are damaged; ends with 1 if there is one.",
            discussion: "Example: gyre blob verify")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var (read, bytes): (Int64, Int64) = (0, 0)
            var damaged: [API.DamagedBlob] = []
            var told: [JSONValue] = []
            let showsProgress = isatty(2) == 1 && !output.quiet
            try await connection.with { connection in
                var after = ""
                while true {
                    let page = try await connection.get(API.BlobList.self, "/blobs?limit=100" + after)
                    guard let last = page.blobs.last else { break }
                    let answer = try await connection.post(
                        API.BlobsRead.self, "/blobs/verify", ["blobs": .strings(page.blobs)])
                    read += Int64(page.blobs.count)
                    bytes += answer.bytes
                    damaged += answer.damaged
                    told += answer.json["damaged"]?.array ?? []
                    after = "&after=\(last)"
                    if showsProgress { progress(read, of: Int64(page.total), bytes) }
                }
            }
            if showsProgress { tell("") }
            let report: JSONValue = ["blobs": .int(read), "bytes": .int(bytes), "damaged": .array(told)]
            output.render(report, ids: damaged.map(\.sha256)) {
                let head = "\(read) blobs read, \(Cell.size(bytes)); \(damaged.count) damaged."
                return damaged.isEmpty
                    ? head
                    : head + "\n"
                        + TextTable(["BLOB", "WHAT"], damaged.map { [$0.sha256, $0.what] }).text(empty: "")
            }
            if !damaged.isEmpty { throw ExitCode(1) }
        }

        private func progress(_ read: Int64, of total: Int64, _ bytes: Int64) {
            let width = 30
            let filled = total == 0 ? width : Int(Int64(width) * read / total)
            let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled)
            FileHandle.standardError.write(Data("\r\(bar) \(read)/\(total) blobs, \(Cell.size(bytes)) ".utf8))
        }
    }
}

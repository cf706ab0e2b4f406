// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import GyreAPI
internal import GyreBase

struct DataCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Dataset versions.",
        subcommands: [Add.self, List.self, Log.self, Diff.self, Checkout.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Record what files or folders hold now as a version of a dataset; checks run at once.",
            discussion:
                "Exit status 1 if a check stops the version. Example: gyre data add data/flights --message \"March\"")

        @Argument(help: "Files and folders.") var paths: [String]
        @Option(help: "The dataset; the name of the first path where it is not said.") var name: String?
        @Option(name: .shortAndLong, help: "What there is to say about it.") var message = ""
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let files = try LocalFiles.find(paths)
            let name = name ?? URL(fileURLWithPath: paths[0]).deletingPathExtension().lastPathComponent
            if trial.dryRun { return try await tryAdding(files, to: name) }
            let added = try await connection.with(creating: true) { connection in
                var tree: [JSONValue] = []
                let progress = LineProgress("adding", total: files.count)
                for (path, file) in files {
                    let blob = try await connection.upload(file: file)
                    tree.append(["path": .string(path), "sha256": .string(blob.sha256), "size": .int(blob.sizeBytes)])
                    progress.step(1)
                }
                return try await connection.post(
                    API.DatasetVersion.self, Percent.path("datasets", name, "versions"),
                    ["tree": .array(tree), "message": .string(message)])
            }
            output.render(added, ids: [added.ref]) {
                let news = added.isNew == true ? "" : " (nothing changed)"
                var text = "\(added.ref)  \(added.files) files, \(Cell.size(added.sizeBytes))\(news)"
                if let check = added.check {
                    let stopped = check.blocking ? ", the version is stopped" : ""
                    text += "\ncheck \(CheckWords.of(check.state))\(stopped): \(check.ref)"
                    for failure in check.failures { text += "\n  - \(failure)" }
                }
                return text
            }
            if added.check?.blocking == true { throw ExitCode(1) }
        }

        /// The version is known by its content, so nothing has to be sent to say what it would be.
        private func tryAdding(_ files: [(path: String, file: String)], to name: String) async throws {
            var tree: [JSONValue] = []
            for (path, file) in files {
                let (digest, size) = try LocalFiles.digest(of: file)
                tree.append(["path": .string(path), "sha256": .string(digest.hex), "size": .int(size)])
            }
            let body = trial.marked(["tree": .array(tree), "message": .string(message)])
            let plan = try await connection.post(API.AddPlan.self, Percent.path("datasets", name, "versions"), body)
            output.render(plan, ids: [plan.ref]) {
                guard plan.isNew else { return "Nothing would change: \(plan.ref) is the newest version already." }
                let check = plan.checkedBy.map { "; the project \"\($0)\" would check it" } ?? ""
                return "would add \(plan.ref)  \(plan.files) files, \(Cell.size(plan.sizeBytes))\(check)"
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the newest version of each dataset.", discussion: "Example: gyre data list")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.DatasetList.self, "/datasets")
            var seen: Set<String> = []
            let newest = answer.versions.filter { seen.insert($0.name).inserted }
            VersionTable.render(newest, answer, output)
        }
    }

    struct Log: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the versions of a dataset, newest first.", discussion: "Example: gyre data log flights")
        @Argument(help: "The dataset.") var name: String
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.DatasetList.self, Percent.path("datasets", name))
            VersionTable.render(answer.versions, answer, output)
        }
    }

    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the rows and bytes that changed between two versions.",
            discussion: "Example: gyre data diff flights --from 3f2a --to latest")
        @Argument(help: "The dataset.") var name: String
        @Option(help: "The older version; the one before the newer where it is not said.") var from: String?
        @Option(help: "The newer version.") var to = "latest"
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = Percent.path("datasets", name, "diff") + Percent.query([("to", to), ("from", from)])
            let diff = try await connection.get(API.DatasetDiff.self, path)
            output.render(diff, ids: diff.files.map(\.path)) {
                TextTable(
                    ["FILE", "CHANGE", "BYTES BEFORE", "BYTES AFTER", "ROWS ADDED", "ROWS REMOVED"],
                    diff.files.map {
                        [
                            $0.path, $0.kind, String($0.oldBytes), String($0.newBytes), Cell.text($0.addedRows),
                            Cell.text($0.removedRows),
                        ]
                    }
                ).text(empty: "\(diff.from) and \(diff.to) hold the same.")
            }
        }
    }

    struct Checkout: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the files of a version to a folder.",
            discussion: "Example: gyre data checkout flights@3f2a --to data/flights")
        @Argument(help: "The dataset, with @version where it is not the newest.") var dataset: String
        @Option(help: "The folder; files in it that differ are only replaced with --force.") var to: String
        @Flag(help: "Replace files that differ.") var force = false
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let parts = dataset.split(separator: "@", maxSplits: 1).map(String.init)
            guard let name = parts.first else { throw ValidationError("Name a dataset, as in flights@3f2a.") }
            let selector = parts.count > 1 ? parts[1] : "latest"
            let version = try await connection.with { connection in
                let path = Percent.path("datasets", name, "versions", selector)
                let version = try await connection.get(API.DatasetVersion.self, path)
                let files = version.tree ?? []
                let progress = LineProgress("checking out", total: files.count)
                for file in files {
                    try await write(file, connection)
                    progress.step(1)
                }
                return version
            }
            output.render(version, ids: [version.ref]) { "\(version.ref) is in \(to)." }
        }

        private func write(_ file: API.BlobFile, _ connection: any Connection) async throws {
            let path = "\(to)/\(try RelativePath(file.path))"
            if let old = FileManager.default.contents(atPath: path) {
                if Digest(of: Array(old)).hex == file.sha256 { return }
                guard force else {
                    throw GyreError(
                        .conflict, "\(path) is there already and differs.", fix: "Use --force, or another folder.")
                }
            }
            try FileManager.default.createDirectory(
                at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
            try await connection.download(file.sha256, to: path + ".part")
            guard unsafe rename(path + ".part", path) == 0 else {
                throw GyreError(.unavailable, "\(path) cannot be written.")
            }
        }
    }
}

/// The files that a user names, with the paths that they get in a tree.
enum LocalFiles {
    /// The digest of a file's content, and its size; read in pieces.
    static func digest(of path: String) throws -> (Digest, sizeBytes: Int64) {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw GyreError(.notFound, "The file \(path) cannot be read.")
        }
        defer { try? handle.close() }  // nothing was written
        var hash = DigestStream()
        var size: Int64 = 0
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
            hash.update(Array(piece))
            size += Int64(piece.count)
        }
        return (hash.finish(), size)
    }

    static func find(_ paths: [String]) throws -> [(path: String, file: String)] {
        var found: [(String, String)] = []
        for path in paths {
            var isFolder: ObjCBool = false
            guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                throw GyreError(.notFound, "There is nothing at \(path).")
            }
            guard isFolder.boolValue else {
                found.append((URL(fileURLWithPath: path).lastPathComponent, path))
                continue
            }
            for name in (FileManager.default.subpaths(atPath: path) ?? []).sorted() {
                let kind =
                    try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")[.type] as? FileAttributeType
                if kind == .typeRegular { found.append((name, "\(path)/\(name)")) }
            }
        }
        return found
    }
}

private enum VersionTable {
    static func render(_ versions: [API.DatasetVersion], _ answer: Answer<API.DatasetList>, _ output: OutputOptions) {
        output.render(answer, ids: versions.map(\.ref)) {
            TextTable(
                ["VERSION", "ADDED", "FILES", "SIZE", "BY", "MESSAGE"],
                versions.map {
                    [$0.ref, Cell.time($0.at), String($0.files), Cell.size($0.sizeBytes), $0.actor, $0.message]
                }
            ).text(empty: "No dataset has a version yet. Add one: gyre data add PATH")
        }
    }
}

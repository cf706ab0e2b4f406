// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreBase
internal import GyreDVC

extension DVCCommand {
    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Say what differs between what is written down and what is here, or between the cache and a remote.",
            discussion: "Example: gyre dvc status --json")
        @Argument(help: "Files NAME.dvc, stages or paths; everything for none.") var targets: [String] = []
        @Flag(name: .shortAndLong, help: "Compare the cache with the remote.") var cloud = false
        @Option(name: .shortAndLong, help: "The remote to compare with.") var remote: String?
        @Flag(name: .customLong("json"), help: "As JSON.") var isJSON = false
        @Flag(name: [.customShort("a"), .long], help: "With --cloud: what all branches need.") var allBranches = false
        @Flag(name: [.customShort("T"), .long], help: "With --cloud: what all tags need.") var allTags = false
        @Flag(name: [.customShort("A"), .long], help: "With --cloud: what all commits need.") var allCommits = false
        @Option(name: .shortAndLong, help: "Accepted, as dvc has it.") var jobs: Int?
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            if cloud || remote != nil { return try await compareWithRemote() }
            let targets = targets
            let (found, isEmpty) = try await options.work { repository throws(GyreError) in
                (try repository.status(targets), try repository.index().stages.isEmpty)
            }
            let json = JSONValue.object(JSONObject(found.map { ($0.address, .array($0.changes)) }))
            if isJSON { return print(String(decoding: PythonText.json(json), as: UTF8.self)) }
            if options.quiet {
                if !found.isEmpty { throw ExitCode(1) }
                return
            }
            if found.isEmpty {
                return print(
                    isEmpty
                        ? "There are no data or pipelines tracked in this project yet."
                        : "Data and pipelines are up to date.")
            }
            show(json, indent: 0)
        }

        private func compareWithRemote() async throws {
            let repository = try options.open()
            var transfer = TransferOptions()
            transfer.targets = targets
            transfer.remote = remote
            (transfer.allBranches, transfer.allTags, transfer.allCommits) = (allBranches, allTags, allCommits)
            let remotes = RemoteChoice(repository: repository)
            let (name, states) = try await remotes.with { choose async throws(GyreError) in
                try await repository.cloudStatus(transfer, remotes: choose)
            }
            if isJSON {
                let json = JSONValue.object(JSONObject(merging: states.map { ($0.name, .string($0.state)) }))
                return print(String(decoding: PythonText.json(json), as: UTF8.self))
            }
            if states.isEmpty { return print("Cache and remote '\(name)' are in sync.") }
            for (name, state) in states { line(state, name, indent: 1) }
        }

        private func show(_ value: JSONValue, indent: Int) {
            switch value {
            case .string(let text): print(String(repeating: "\t", count: indent) + text)
            case .array(let elements): for element in elements { show(element, indent: indent) }
            case .object(let object):
                for member in object.members {
                    if let text = member.value.string {
                        line(text, member.name, indent: indent)
                    } else {
                        print(String(repeating: "\t", count: indent) + member.name + ":")
                        show(member.value, indent: indent + 1)
                    }
                }
            default: break
            }
        }

        private func line(_ state: String, _ name: String, indent: Int) {
            let word = state + ":"
            print(
                String(repeating: "\t", count: indent) + word + String(repeating: " ", count: max(1, 20 - word.count))
                    + name)
        }
    }

    struct DiffCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "diff", abstract: "Show what data was added, changed, moved or removed between two commits.",
            discussion: "Without a second one, the workspace is compared. Example: gyre dvc diff HEAD~1 HEAD --json")
        @Argument(help: "The older commit.") var old = "HEAD"
        @Argument(help: "The newer commit; the workspace where it is not said.") var new: String?
        @Option(parsing: .upToNextOption, help: "Paths to look at; everything for none.") var targets: [String] = []
        @Flag(name: .customLong("json"), help: "As JSON.") var isJSON = false
        @Flag(help: "With the objects.") var showHash = false
        @Flag(name: .customLong("md"), help: "As a table of Markdown.") var isMarkdown = false
        @Flag(help: "Leave out what the cache does not have.") var hideMissing = false
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let (old, new, targets) = (old, new, targets)
            let all = try await options.work { repository throws(GyreError) in
                try repository.diff(old, new, targets: targets)
            }
            let kinds: [Difference.Kind] =
                [.added, .deleted, .modified, .renamed] + (hideMissing || new != nil ? [] : [.notInCache])
            let found = all.filter { kinds.contains($0.kind) }
            if isJSON {
                var json = JSONObject()
                if !all.isEmpty {
                    for kind in kinds { json[kind.rawValue] = .array(found.filter { $0.kind == kind }.map(entry)) }
                }
                return print(String(decoding: PythonText.json(.object(json)), as: UTF8.self))
            }
            isMarkdown ? printMarkdown(found) : printText(found)
        }

        private func entry(_ difference: Difference) -> JSONValue {
            var entry: JSONValue = [
                "path": difference.newPath.map { ["old": .string(difference.path), "new": .string($0)] }
                    ?? .string(difference.path)
            ]
            guard showHash else { return entry }
            switch difference.kind {
            case .modified:
                entry["hash"] = ["old": .optional(difference.old?.text), "new": .optional(difference.new?.text)]
            case .added: entry["hash"] = .optional(difference.new?.text)
            default: entry["hash"] = .optional(difference.old?.text)
            }
            return entry
        }

        private func digest(_ difference: Difference) -> String {
            let (old, new) = (
                difference.old.map { String($0.hex.prefix(8)) }, difference.new.map { String($0.hex.prefix(8)) }
            )
            return difference.kind == .modified ? "\(old ?? "")..\(new ?? "")" : old ?? new ?? ""
        }

        private func path(_ difference: Difference) -> String {
            difference.newPath.map { "\(difference.path) -> \($0)" } ?? difference.path
        }

        private func printText(_ found: [Difference]) {
            let order: [Difference.Kind] = [.added, .deleted, .renamed, .modified, .notInCache]
            var summary: [String] = []
            for kind in order {
                let group = found.filter { $0.kind == kind }
                guard !group.isEmpty else { continue }
                print(kind.rawValue.prefix(1).uppercased() + kind.rawValue.dropFirst() + ":")
                for difference in group {
                    print("    " + (showHash ? digest(difference) + "  " : "") + path(difference))
                }
                print("")
                let files = group.count { !path($0).hasSuffix("/") }
                if files > 0 { summary.append("\(files) \(kind.rawValue)") }
            }
            if !summary.isEmpty { print("files summary: " + summary.joined(separator: ", ")) }
        }

        private func printMarkdown(_ found: [Difference]) {
            var rows = [showHash ? ["Status", "Hash", "Path"] : ["Status", "Path"]]
            for kind in [Difference.Kind.added, .deleted, .renamed, .modified, .notInCache] {
                for difference in found where difference.kind == kind {
                    rows.append(
                        showHash
                            ? [kind.rawValue, digest(difference), path(difference)] : [kind.rawValue, path(difference)])
                }
            }
            print(MarkdownTable.text(rows))
        }
    }

    struct ListFiles: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List what a folder of the repository has, tracked data among it.",
            discussion: "Example: gyre dvc list . --recursive --dvc-only", aliases: ["ls"])
        @Argument(help: "The repository; . for this one.") var url = "."
        @Argument(help: "A path in it.") var path: String?
        @Flag(name: [.customShort("R"), .long], help: "With all that is in folders.") var recursive = false
        @Flag(help: "Only what is tracked.") var dvcOnly = false
        @Flag(name: .customLong("json"), help: "As JSON.") var isJSON = false
        @Flag(help: "With the objects.") var showHash = false
        @Flag(help: "With the bytes.") var size = false
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            guard !url.contains("://"), !url.contains("@") else {
                throw GyreError(
                    .unsupported, "Only repositories on this disk are listed; \(url) is elsewhere.",
                    fix: "git clone \(url)")
            }
            let base = try options.here()
            let environment = try options.environment()
            let now = environment.surroundings.now
            let repository = try Repository(
                around: Paths.absolute(url, from: base), environment: environment.variables, now: { now() * 1000 },
                progress: NoProgress(), memory: environment.fileMemory)
            let top = url == "." ? base : Paths.absolute(url, from: base)
            let folder = path.map { Paths.absolute($0, from: top) } ?? top
            let (recursive, dvcOnly) = (recursive, dvcOnly)
            let entries = try await Background.run { () throws(GyreError) in
                try repository.list(folder, recursive: recursive, onlyTracked: dvcOnly)
            }
            if isJSON {
                let json = JSONValue.array(entries.map(Self.json))
                return print(String(decoding: PythonText.json(json), as: UTF8.self))
            }
            for entry in entries {
                var columns: [String] = []
                if size { columns.append(entry.sizeBytes.map { Cell.size($0) } ?? "-") }
                if showHash { columns.append(entry.id?.text ?? "-") }
                print((columns + [entry.path]).joined(separator: "\t"))
            }
        }

        private static func json(_ entry: Repository.ListEntry) -> JSONValue {
            [
                "isout": .bool(entry.isTracked), "isdir": .bool(entry.isFolder), "isexec": .bool(entry.isExecutable),
                "size": .optional(entry.sizeBytes), "md5": .optional(entry.id?.text), "path": .string(entry.path),
            ]
        }
    }
}

/// A table as Markdown has it.
enum MarkdownTable {
    /// The rows, the first of them the names of the columns.
    static func text(_ rows: [[String]]) -> String {
        guard let header = rows.first else { return "" }
        let widths = header.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            "| " + zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: " | ")
                + " |"
        }
        let rule = "|" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "|") + "|"
        return ([line(header), rule] + rows.dropFirst().map(line)).joined(separator: "\n") + "\n"
    }
}

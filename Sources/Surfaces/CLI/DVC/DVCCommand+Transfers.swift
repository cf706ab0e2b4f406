// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreBase
internal import GyreDVC

/// What is transferred, and where.
struct TransferArguments: ParsableArguments {
    @Argument(help: "Files NAME.dvc, stages or paths; everything for none.") var targets: [String] = []
    @Option(name: .shortAndLong, help: "The remote; the usual one where it is not said.") var remote: String?
    @Flag(name: [.customShort("a"), .long], help: "What the tips of all branches need.") var allBranches = false
    @Flag(name: [.customShort("T"), .long], help: "What all tags need.") var allTags = false
    @Flag(name: [.customShort("A"), .long], help: "What all commits need.") var allCommits = false
    @Flag(help: "Also what stages did before.") var runCache = false
    @Option(name: .shortAndLong, help: "Transfers at the same time.") var jobs: Int?

    var options: TransferOptions {
        var options = TransferOptions()
        options.targets = targets
        options.remote = remote
        (options.allBranches, options.allTags, options.allCommits) = (allBranches, allTags, allCommits)
        options.runCache = runCache
        return options
    }
}

extension DVCCommand {
    struct Push: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send contents that the remote lacks.",
            discussion:
                "What was sent stays sent: run it again after an interruption. Example: gyre dvc push -r storage")
        @OptionGroup var transfer: TransferArguments
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let repository = try options.open()
            let (wanted, remotes) = (transfer.options, RemoteChoice(repository: repository, jobs: transfer.jobs))
            let result = try await remotes.with { choose async throws(GyreError) in
                try await repository.push(wanted, remotes: choose)
            }
            if result.objects > 0 || (!options.quiet && result.missing.isEmpty) {
                print(Summary.text(result.objects, "pushed"))
            }
            try Summary.check(result, "They are not in the cache; what was pushed of the rest stays pushed.")
        }
    }

    struct Fetch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Get contents that the cache lacks; the workspace stays as it is.",
            discussion: "Example: gyre dvc fetch data.dvc")
        @OptionGroup var transfer: TransferArguments
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let repository = try options.open()
            let (wanted, remotes) = (transfer.options, RemoteChoice(repository: repository, jobs: transfer.jobs))
            let result = try await remotes.with { choose async throws(GyreError) in
                try await repository.fetch(wanted, remotes: choose)
            }
            if result.objects > 0 || (!options.quiet && result.missing.isEmpty) {
                print(Summary.text(result.objects, "fetched"))
            }
            try Summary.check(result, "They are neither in the cache nor on the remote.")
        }
    }

    struct Pull: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Get contents that the cache lacks, and put them into the workspace.",
            discussion: "Example: gyre dvc pull")
        @OptionGroup var transfer: TransferArguments
        @Flag(name: .shortAndLong, help: "Replace changed files whose content is kept nowhere.") var force = false
        @Flag(help: "Leave out what is nowhere.") var allowMissing = false
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let repository = try options.open()
            let (wanted, remotes) = (transfer.options, RemoteChoice(repository: repository, jobs: transfer.jobs))
            let result = try await remotes.with { choose async throws(GyreError) in
                try await repository.fetch(wanted, remotes: choose)
            }
            let (targets, force) = (transfer.targets, force)
            let checkout = try await Background.run { () throws(GyreError) in
                try repository.checkout(targets, force: force)
            }
            if !options.quiet {
                CheckoutText.show(checkout)
                var parts = result.objects > 0 ? [Summary.files(result.objects, "fetched")] : []
                if let text = CheckoutText.summary(checkout) { parts.append(text) }
                if !parts.isEmpty {
                    print(parts.joined(separator: " and "))
                } else if result.missing.isEmpty {
                    print("Everything is up to date.")
                }
            }
            if !allowMissing { try Summary.check(result, "They are neither in the cache nor on the remote.") }
            if !allowMissing, !checkout.failed.isEmpty { throw ExitCode(1) }
        }
    }

    struct Checkout: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put into the workspace what is written down, from the cache.",
            discussion: "Example: git checkout v1 && gyre dvc checkout")
        @Argument(help: "Files NAME.dvc, stages or paths; everything for none.") var targets: [String] = []
        @Flag(name: .shortAndLong, help: "Replace changed files whose content is kept nowhere.") var force = false
        @Flag(help: "Put everything there anew, for other kinds of links.") var relink = false
        @Flag(help: "Say how many files changed only.") var summary = false
        @Flag(help: "Leave out what the cache does not have.") var allowMissing = false
        @Flag(name: [.customShort("R"), .long], help: "Accepted, as dvc has it: folders mean all that is in them.")
        var recursive = false
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let (targets, force, relink) = (targets, force, relink)
            let result = try await options.work { repository throws(GyreError) in
                try repository.checkout(targets, force: force, relinks: relink)
            }
            if summary {
                print(CheckoutText.summary(result) ?? "No changes.")
            } else if !options.quiet {
                CheckoutText.show(result)
            }
            if relink { print("Relinked successfully") }
            if !allowMissing, !result.failed.isEmpty {
                throw GyreError(
                    .notFound, "The cache does not have what these hold: \(result.failed.joined(separator: ", ")).",
                    fix: "gyre dvc pull")
            }
        }
    }

    struct GarbageCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "gc",
            abstract: "Remove contents that nothing which is named needs, from the cache or a remote.",
            discussion: "Example: gyre dvc gc --all-commits --dry")
        @Flag(name: .shortAndLong, help: "Keep what the workspace needs.") var workspace = false
        @Flag(name: [.customShort("a"), .long], help: "Keep what the tips of all branches need, too.") var allBranches =
            false
        @Flag(name: [.customShort("T"), .long], help: "Keep what all tags need, too.") var allTags = false
        @Flag(name: [.customShort("A"), .long], help: "Keep what any commit needs, too.") var allCommits = false
        @Flag(name: .shortAndLong, help: "Also remove from the remote.") var cloud = false
        @Option(name: .shortAndLong, help: "The remote.") var remote: String?
        @Flag(help: "Say what would be removed, and remove nothing.") var dry = false
        @Flag(name: .shortAndLong, help: "Do it; without it, and without --dry, nothing is done.") var force = false
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            guard workspace || allBranches || allTags || allCommits else {
                throw GyreError(
                    .invalid, "Say what is to be kept.",
                    fix: "gyre dvc gc --workspace, --all-branches, --all-tags or --all-commits")
            }
            guard dry || force else {
                throw GyreError(
                    .conflict, "Contents that nothing named needs would be removed for good.",
                    fix: "Look with --dry first, then use --force.")
            }
            let repository = try options.open()
            var wanted = TransferOptions()
            (wanted.allBranches, wanted.allTags, wanted.allCommits) = (allBranches, allTags, allCommits)
            // Nothing may come between asking what is needed and removing the rest.
            let lock = try repository.lock()
            defer { withExtendedLifetime(lock) {} }
            let needed = try await repository.needed(wanted) { _ async throws(GyreError) in nil }
            let dry = dry
            let (objects, bytes) = try await Background.run { () throws(GyreError) in
                try repository.collectGarbage(keeping: needed, onlyTold: dry)
            }
            let word = dry ? "Would remove" : "Removed"
            print(
                objects == 0
                    ? "Nothing in the cache is unused."
                    : "\(word) \(objects) objects, \(Cell.size(bytes)), from the cache.")
            guard cloud else { return }
            let remotes = RemoteChoice(repository: repository)
            let name = remote
            let (removed, place) = try await remotes.with { choose async throws(GyreError) in
                let remote = try await choose(name)
                let unused = try await remote.all().filter { !needed.contains($0) }.sorted {
                    $0.isFolder && !$1.isFolder
                }
                if !dry { for id in unused { try await remote.remove(id) } }
                return (unused.count, remote.name)
            }
            print(removed == 0 ? "Nothing on \(place) is unused." : "\(word) \(removed) objects from \(place).")
        }
    }
}

/// What a transfer did, in a line.
enum Summary {
    static func files(_ count: Int, _ what: String) -> String { "\(count) file\(count == 1 ? "" : "s") \(what)" }

    static func text(_ count: Int, _ what: String) -> String {
        count == 0 ? "Everything is up to date." : files(count, what)
    }

    static func check(_ result: TransferResult, _ why: String) throws(GyreError) {
        guard !result.missing.isEmpty else { return }
        let names = result.missing.prefix(20).joined(separator: "\n")
        throw GyreError(
            .notFound, "Contents of \(result.missing.count) outputs are missing:\n\(names)", why: why,
            fix: "Push them from a copy that has them.")
    }
}

/// What putting things into the workspace did, in lines.
enum CheckoutText {
    static func show(_ result: CheckoutResult) {
        for path in result.modified { print("M\t\(path)") }
        for path in result.added { print("A\t\(path)") }
        for path in result.deleted { print("D\t\(path)") }
    }

    static func summary(_ result: CheckoutResult) -> String? {
        var parts: [String] = []
        if result.files.modified > 0 { parts.append(Summary.files(result.files.modified, "modified")) }
        if result.files.added > 0 { parts.append(Summary.files(result.files.added, "added")) }
        if result.files.deleted > 0 { parts.append(Summary.files(result.files.deleted, "deleted")) }
        guard let last = parts.popLast() else { return nil }
        return parts.isEmpty ? last : parts.joined(separator: ", ") + " and " + last
    }
}

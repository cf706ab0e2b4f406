// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreBase
internal import GyreDVC

extension DVCCommand {
    struct Initialize: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init", abstract: "Make this folder a repository.", discussion: "Example: gyre dvc init")
        @Flag(help: "Also outside of git; there are no versions then.") var noScm = false
        @Flag(name: .shortAndLong, help: "Begin anew; the cache goes.") var force = false
        @Flag(help: "Below the root of the working copy of git, not at it.") var subdir = false
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let here = try options.here()
            if !noScm, !subdir, let git = GitFolder(around: here), git.root != here {
                throw GyreError(
                    .conflict, "\(here) is not the root of its working copy of git.", why: "That is \(git.root).",
                    fix: "gyre dvc init --subdir, or run it there.")
            }
            let (usesGit, force) = (!noScm, force)
            _ = try await Background.run { () throws(GyreError) in
                try Repository.make(at: here, usesGit: usesGit, force: force)
            }
            guard !options.quiet else { return }
            print("Initialized DVC repository.")
            if usesGit { print("\nYou can now commit the changes to git.") }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put files and folders under the care of the repository.",
            discussion: "A .dvc file beside each says what it holds; git keeps that. Example: gyre dvc add data")
        @Argument(help: "Files and folders.") var targets: [String]
        @Flag(help: "Write down what they hold, and leave the cache as it is.") var noCommit = false
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let repository = try options.open()
            let (targets, commits) = (targets, !noCommit)
            let added = try await Background.run { () throws(GyreError) in
                try repository.add(targets, commits: commits)
            }
            if !added.isStaged { options.tellToTrack(added.files, repository) }
        }
    }

    struct RemoveTarget: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Take data or a stage out of the repository's care; the data stays.",
            discussion: "Example: gyre dvc remove data.dvc")
        @Argument(help: "Files NAME.dvc, or names of stages.") var targets: [String]
        @Flag(help: "Remove the data from the workspace, too.") var outs = false
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let (targets, outs) = (targets, outs)
            try await options.work { repository throws(GyreError) in
                for target in targets { _ = try repository.remove(target, data: outs) }
            }
        }
    }

    struct Move: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Move or rename tracked data, and the file that tracks it.",
            discussion: "Example: gyre dvc move data raw", aliases: ["mv"])
        @Argument(help: "What is tracked.") var source: String
        @Argument(help: "Where it shall be.") var target: String
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let repository = try options.open()
            let (source, target) = (source, target)
            let files = try await Background.run { () throws(GyreError) in try repository.move(source, to: target) }
            options.tellToTrack(files, repository)
        }
    }

    struct Commit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write down what tracked data holds now, where it was changed in place.",
            discussion: "Example: gyre dvc commit data.dvc")
        @Argument(help: "Files NAME.dvc, stages, or paths; everything for none.") var targets: [String] = []
        @Flag(name: .shortAndLong, help: "Accepted, as dvc has it: nothing is asked.") var force = false
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let targets = targets
            _ = try await options.work { repository throws(GyreError) in try repository.commit(targets) }
        }
    }

    struct Unprotect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make files that are links into the cache files of their own, to be changed.",
            discussion: "Example: gyre dvc unprotect data/labels.csv")
        @Argument(help: "Files and folders.") var targets: [String]
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let targets = targets
            try await options.work { repository throws(GyreError) in try repository.unprotect(targets) }
        }
    }

    struct Destroy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Make the repository an ordinary folder again: all of DVC's files and the cache go, the data stays.",
            discussion: "Example: gyre dvc destroy --force")
        @Flag(name: .shortAndLong, help: "Do it; without it nothing is done.") var force = false
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            guard force else {
                throw GyreError(
                    .conflict, "This removes every .dvc file, .dvc and the cache with all older versions.",
                    fix: "gyre dvc destroy --force")
            }
            try await options.work { repository throws(GyreError) in try repository.destroy() }
        }
    }

    struct Root: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say where the repository's root is, seen from here.", discussion: "Example: gyre dvc root")
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let repository = try options.open()
            print(repository.shown(repository.root))
        }
    }

    struct CheckIgnore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say which paths .dvcignore has passed over.",
            discussion: "Exit status 1 where none is. Example: gyre dvc check-ignore -d data/tmp")
        @Argument(help: "Paths.") var targets: [String]
        @Flag(name: .shortAndLong, help: "Say which rule decides.") var details = false
        @Flag(name: .shortAndLong, help: "With --details, say every rule that speaks of the path.") var all = false
        @Flag(name: [.customShort("n"), .long], help: "With --details, also say what no rule speaks of.")
        var nonMatching = false
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let repository = try options.open()
            let index = try repository.index()
            var isAnyIgnored = false
            for target in targets {
                let path = Paths.absolute(target, from: repository.here)
                let isFolder = Files.kind(path) == .folder || target.hasSuffix("/")
                let rules = index.ignores.rules(for: repository.place(path), isFolder: isFolder).filter {
                    !$0.source.isEmpty
                }
                let isIgnored = rules.last.map { !$0.line.hasPrefix("!") } ?? false
                isAnyIgnored = isAnyIgnored || isIgnored
                if details {
                    for rule in all ? rules[...] : rules.suffix(1) { print("\(rule.source):\(rule.line)\t\(target)") }
                    if rules.isEmpty, nonMatching { print("::\t\(target)") }
                } else if isIgnored {
                    print(target)
                }
            }
            if !isAnyIgnored { throw ExitCode(1) }
        }
    }
}

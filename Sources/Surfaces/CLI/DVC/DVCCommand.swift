// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreBase
internal import GyreDVC

/// `gyre dvc`: what people do with `dvc`, in the same repositories and with the same files.
struct DVCCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dvc", abstract: "Repositories of DVC: the same files, caches and remotes, without Python.",
        discussion: """
            Every verb reads and writes what dvc 3 does, so both may be used side by side in one repository.
            Example: gyre dvc add data && gyre dvc push
            """,
        subcommands: [
            Initialize.self, Add.self, RemoveTarget.self, Move.self, Status.self, Checkout.self, Commit.self, Push.self,
            Pull.self, Fetch.self, DiffCommand.self, ListFiles.self, GarbageCommand.self, Unprotect.self, Destroy.self,
            Config.self, RemoteCommand.self, CacheCommand.self, Root.self, CheckIgnore.self, Repro.self,
            StageCommand.self,
            Freeze.self, Unfreeze.self, Dag.self, Params.self, Metrics.self,
        ])
}

/// Where the command works.
struct RepositoryOptions: ParsableArguments {
    @Option(name: .customLong("cd"), help: "The folder to work in, in place of this one.") var folder: String?
    @Flag(name: .shortAndLong, help: "Say no more than what was asked for.") var quiet = false
    @Flag(name: .shortAndLong, help: "Accepted, as dvc has it.") var verbose = false

    /// The folder that is meant, from the root.
    func here() throws(GyreError) -> String {
        let environment = try environment()
        return folder.map { Paths.absolute($0, from: environment.folder) } ?? environment.folder
    }

    /// The repository around that folder.
    func open() throws(GyreError) -> Repository {
        let environment = try environment()
        let now = environment.surroundings.now
        return try Repository(
            around: try here(), environment: environment.variables, now: { now() * 1000 },
            progress: quiet ? NoProgress() : LineProgress(), memory: environment.fileMemory)
    }

    /// What the program around the command offers.
    func environment() throws(GyreError) -> CommandEnvironment {
        guard let environment = CommandEnvironment.current else {
            throw GyreError(.internal, "Commands run inside of gyre only.")
        }
        return environment
    }

    /// Does work on files away from the threads that the network needs.
    func work<Result: Sendable>(
        _ body: @escaping @Sendable (Repository) throws(GyreError) -> Result
    ) async throws(GyreError) -> Result {
        let repository = try open()
        return try await Background.run { () throws(GyreError) in try body(repository) }
    }

    /// What git should be told of, where the settings do not have it told.
    func tellToTrack(_ files: [String], _ repository: Repository) {
        guard !quiet, repository.git != nil, !files.isEmpty, !repository.settings.isOn("core", "autostage") else {
            return
        }
        let names = files.map { repository.shown($0) }.map { $0.contains(" ") ? "'\($0)'" : $0 }
        print(
            """

            To track the changes with git, run:

            	git add \(names.joined(separator: " "))

            To enable auto staging, run:

            	gyre dvc config core.autostage true
            """)
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase

/// How stages are run.
package struct ReproduceOptions: Sendable {
    /// What is named; the stages of the `dvc.yaml` here for nothing.
    package var targets: [String] = []
    /// Run also what did not change.
    package var force = false
    /// Only what is named, not what it needs.
    package var singleItem = false
    /// Say what would be run.
    package var dry = false
    /// Run though the same was run before.
    package var noRunCache = false
    /// Write down what was made, and leave the cache as it is.
    package var noCommit = false
    /// Go on with what does not need a stage that failed.
    package var keepGoing = false
    /// Go on with everything when a stage failed.
    package var ignoreErrors = false
    /// The whole pipelines of what is named.
    package var pipeline = false
    /// All stages of the repository.
    package var allPipelines = false
    /// What is named, and what needs it.
    package var downstream = false
    /// Run what needs a stage that ran, though nothing changed.
    package var forceDownstream = false

    /// The stages here, as they need it.
    package init() {}
}

extension Repository {
    /// Brings stages up to date: what changed is run, each stage after the ones it needs.
    ///
    /// `say` is told what is done. Gives the files that git should know of.
    /// - Throws: `.conflict` where a stage failed.
    package func reproduce(
        _ options: ReproduceOptions, say: @escaping (String) -> Void
    ) throws(GyreError) -> [String] {
        let lock = RepositoryLockHolder(lock: try lock())
        var run = Reproduction(
            repository: self, options: options, index: try index(), memory: try memory(), lock: lock, say: say)
        return try run.carryOut()
    }
}

/// The lock of a repository that is let go of while a command runs, so that the command may use the repository.
final class RepositoryLockHolder {
    private var lock: RepositoryLock?

    init(lock: RepositoryLock) { self.lock = lock }

    func without(_ repository: Repository, _ body: () throws(GyreError) -> Void) throws(GyreError) {
        lock = nil
        let result: Result<Void, GyreError>
        do throws(GyreError) {
            try body()
            result = .success(())
        } catch { result = .failure(error) }
        lock = try repository.lock()
        try result.get()
    }
}

/// One bringing up to date.
struct Reproduction {
    private let repository: Repository
    private let options: ReproduceOptions
    private var index: Index
    private let memory: any FileMemory
    private let lock: RepositoryLockHolder
    private let inspection: Inspection
    private let say: (String) -> Void
    private var files: [String] = []

    init(
        repository: Repository, options: ReproduceOptions, index: Index, memory: any FileMemory,
        lock: RepositoryLockHolder,
        say: @escaping (String) -> Void
    ) {
        self.repository = repository
        self.options = options
        self.index = index
        self.memory = memory
        self.lock = lock
        self.say = say
        inspection = Inspection(repository: repository, index: index, memory: memory)
    }

    mutating func carryOut() throws(GyreError) -> [String] {
        let graph = try StageGraph(index)
        let targets = try targets()
        let frozen = Set(index.stages.indices.filter { index.stages[$0].pipeline?.isFrozen ?? false })
        let order: [Int]
        if options.singleItem {
            order = targets
        } else if options.downstream {
            let wanted = graph.dependents(of: targets)
            order = graph.order(for: Array(index.stages.indices), frozen: frozen).filter { wanted.contains($0) }
        } else {
            let starts = options.pipeline ? graph.pipelines(of: targets) : targets
            order = graph.order(for: starts, frozen: frozen)
        }
        var (failed, skipped): ([Int], Set<Int>) = ([], [])
        var forced: Set<Int> = options.force ? Set(targets).union(options.singleItem ? [] : order) : []
        for stage in order where !skipped.contains(stage) {
            do throws(GyreError) {
                let hasRun = try reproduce(stage, force: forced.contains(stage))
                if hasRun, options.forceDownstream { forced.formUnion(graph.downstream[stage]) }
            } catch {
                failed.append(stage)
                guard options.keepGoing || options.ignoreErrors else { throw error }
                say("\(error.what)\(options.ignoreErrors ? " (ignored)" : "")")
                if !options.ignoreErrors { skipped.formUnion(graph.dependents(of: [stage]).subtracting([stage])) }
            }
        }
        _ = try repository.stage(files)
        if !failed.isEmpty, !options.ignoreErrors {
            let names = failed.map { "\"\(index.stages[$0].address(from: repository.here))\"" }.joined(separator: ", ")
            throw GyreError(.conflict, "These stages failed: \(names).", fix: "Look at what they wrote above.")
        }
        return files
    }

    private func targets() throws(GyreError) -> [Int] {
        if options.allPipelines { return Array(index.stages.indices) }
        if !options.targets.isEmpty { return try repository.select(options.targets, index) }
        let file = repository.here + "/dvc.yaml"
        guard Files.kind(file) != nil else {
            throw GyreError(
                .notFound, "There is no dvc.yaml here.",
                fix: "gyre dvc stage add, or name a stage, or use --all-pipelines.")
        }
        return index.stages.indices.filter { index.stages[$0].pipeline?.file == file }
    }

    /// Looks at a stage and runs it where that is needed; says whether it did.
    private mutating func reproduce(_ number: Int, force: Bool) throws(GyreError) -> Bool {
        let stage = index.stages[number]
        let name = stage.address(from: repository.here)
        let changes = try inspection.changes(stage)
        guard let pipeline = stage.pipeline else {
            guard !changes.isEmpty else {
                say("'\(name)' didn't change, skipping")
                return false
            }
            say("Verifying data sources in stage: '\(name)'")
            if !options.dry { try save(number) }
            return true
        }
        guard force || !changes.isEmpty else {
            say("Stage '\(name)' didn't change, skipping")
            return false
        }
        if pipeline.isFrozen { say("Stage '\(name)' is frozen: what it needs is not looked at.") }
        if options.dry {
            say("Running stage '\(name)':")
            for command in Self.lines(pipeline) { say("> \(command)") }
            return true
        }
        if !force, !options.noRunCache, !pipeline.isFrozen, try restore(number, pipeline, name) { return true }
        if pipeline.isFrozen {
            say("Verifying outputs in frozen stage: '\(name)'")
        } else {
            try run(pipeline, name)
        }
        try save(number)
        return true
    }

    // MARK: What was done before

    private mutating func restore(_ number: Int, _ stage: PipelineStage, _ name: String) throws(GyreError) -> Bool {
        guard stage.mayBeReused else { return false }
        let entry = try repository.lockEntry(stage, inspection)
        guard let found = RunCache.find(entry, in: repository.cache) else { return false }
        let outs = try (found["outs"]?.array ?? []).map { value throws(GyreError) in
            try Output(entry: value, file: "the run-cache")
        }
        var restored = stage
        for place in restored.outs.indices {
            guard let out = outs.first(where: { $0.path == restored.outs[place].path }), let id = out.id,
                try inspection.isCached(id)
            else { return false }
            restored.outs[place].id = id
            restored.outs[place].sizeBytes = out.sizeBytes
            restored.outs[place].fileCount = out.fileCount
            restored.outs[place].isExecutable = out.isExecutable
        }
        say("Stage '\(name)' is cached - skipping run, checking out outputs")
        for output in restored.outs {
            let path = restored.path(of: output)
            try repository.place(output, at: path, index, memory)
            inspection.forget(path)
        }
        index.stages[number] = Stage(restored)
        try save(number)
        return true
    }

    // MARK: Running

    /// A text of several lines is as many commands.
    static func lines(_ stage: PipelineStage) -> [String] {
        stage.isCommandList ? stage.commands : stage.commands.flatMap { $0.split(separator: "\n").map(String.init) }
    }

    private func run(_ stage: PipelineStage, _ name: String) throws(GyreError) {
        for dep in stage.deps where !dep.path.contains("://") {
            let path = Paths.absolute(dep.path, from: stage.folder)
            guard Files.kind(path) != nil else {
                throw GyreError(
                    .notFound, "The stage \"\(name)\" depends on \"\(repository.shown(path))\", which does not exist.")
            }
        }
        guard Files.kind(stage.folder) == .folder else {
            throw GyreError(
                .notFound, "The folder of the stage \"\(name)\" is not there: \(repository.shown(stage.folder)).")
        }
        try checkGit(stage)
        for output in stage.outs {
            let path = stage.path(of: output)
            try repository.checkInside(path)
            if output.isPersistent {
                if Files.kind(path) != nil { try repository.unprotect([path]) }
            } else {
                try Files.remove(path)
            }
            inspection.forget(path)
        }
        say("Running stage '\(name)':")
        try lock.without(repository) { () throws(GyreError) in
            for command in Self.lines(stage) {
                say("> \(command)")
                try Self.execute(command, stage, name, repository)
            }
        }
    }

    private static func execute(
        _ command: String, _ stage: PipelineStage, _ name: String, _ repository: Repository
    ) throws(GyreError) {
        let shell = repository.environment["SHELL"].flatMap { $0.isEmpty ? nil : $0 } ?? "/bin/sh"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: shell)
        // The shell's own start-up files would make a run depend on who runs it.
        let plain = ["zsh": ["--no-rcs"], "bash": ["--noprofile", "--norc"]][Paths.name(shell).lowercased()] ?? []
        process.arguments = plain + ["-c", command]
        process.currentDirectoryURL = URL(fileURLWithPath: stage.folder)
        var environment = repository.environment
        environment["DVC_ROOT"] = environment["DVC_ROOT"] ?? repository.root
        environment["DVC_STAGE"] = name
        process.environment = environment
        do { try process.run() } catch {
            throw GyreError(.unavailable, "The shell \(shell) cannot be run.", why: "\(error)")
        }
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            let end = process.terminationReason == .exit ? "exited with" : "was ended by signal"
            throw GyreError(
                .conflict, "The stage \"\(name)\" failed.",
                why: "Its command \"\(command.prefix(200))\" \(end) \(process.terminationStatus).",
                fix: "Look at what it wrote above.")
        }
    }

    // MARK: Writing down

    private mutating func save(_ number: Int) throws(GyreError) {
        var stage = index.stages[number]
        let name = stage.address(from: repository.here)
        let pipeline = stage.pipeline
        let reused = pipeline.map { $0.mayBeReused && !options.noCommit } ?? false
        // A stage with outputs that are kept nowhere, metrics aside, cannot be had again without running.
        let hasLooseOutput =
            pipeline.map { stage in
                stage.outs.contains { out in
                    !out.isCached && !stage.metrics.contains(out.path) && !stage.plots.contains { $0.path == out.path }
                }
            } ?? false
        for place in stage.outs.indices {
            let output = stage.outs[place]
            guard let path = stage.path(of: output) else { continue }
            inspection.forget(path)
            let stores = !options.noCommit && (output.isCached || (reused && !hasLooseOutput))
            guard let found = try repository.measure(path, ignores: index.ignores, memory: memory, stores: stores)
            else {
                throw GyreError(
                    .notFound, "The stage \"\(name)\" did not write its output \"\(repository.shown(path))\".",
                    fix: "Let its command write it, or take it out of outs.")
            }
            stage.outs[place].take(found)
            if stores, output.isCached { try repository.link(path, found, memory: memory) }
            if output.isCached, repository.git != nil, pipeline != nil { try ignore(path) }
        }
        try repository.cache.sync()
        index.stages[number] = stage
        if let pipeline = stage.pipeline {
            let entry = try repository.lockEntry(pipeline, inspection)
            if reused, !hasLooseOutput { try RunCache.save(entry, in: repository.cache) }
            let isNew = Files.kind(LockFile.path(pipeline)) == nil
            if try LockFile.put(entry, of: pipeline) {
                say("\(isNew ? "Generating" : "Updating") lock file '\(repository.shown(LockFile.path(pipeline)))'")
                note(LockFile.path(pipeline))
            }
        } else if let file = try repository.write(stage, index, memory) {
            note(file)
        }
    }

    private mutating func ignore(_ path: String) throws(GyreError) {
        guard let git = repository.git, try git.ignored(among: [path]).isEmpty else { return }
        note(try GitIgnoreFile.add(path))
    }

    /// Looks before a stage runs whether git has what it writes.
    private func checkGit(_ stage: PipelineStage) throws(GyreError) {
        let paths = stage.outs.filter(\.isCached).map(stage.path)
        guard let path = try repository.git?.tracked(among: paths).first else { return }
        throw GyreError(
            .conflict, "\"\(repository.shown(path))\" is tracked by git already.", why: "What DVC keeps, git must not.",
            fix: "git rm -r --cached '\(repository.shown(path))', or say cache: false for it.")
    }

    private mutating func note(_ file: String) { if !files.contains(file) { files.append(file) } }
}

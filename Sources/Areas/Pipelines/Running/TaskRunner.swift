// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreLedger

/// Makes single attempts of tasks of one run: cache, folder, command, outputs.
struct TaskRunner: Sendable {
    let run: PipelineRun
    let pipeline: Pipeline
    let store: any LedgerStore
    let files: ArtifactFiles
    let executor: any TaskExecutor
    let slots: Slots
    let options: PipelineOptions
    let now: @Sendable () -> Int64

    /// One task to try.
    struct Job: Sendable {
        let component: Component
        let definition: TaskDefinition
        let inputs: TaskValues
        let path: String
        /// What its expressions see.
        let scope: Scope
    }

    /// What came of an attempt.
    struct Result: Sendable {
        let end: RunEvent.AttemptEnd
        var note = AttemptNote()
        /// What the cache remembers of it.
        var changes: [Change] = []
        /// What the ledger is told.
        var facts: [Fact] = []
    }

    /// Tries a task; `onStart` is told once it runs, with its process where it has one.
    func attempt(_ job: Job, onStart: @escaping @Sendable (Int32?) async -> Void) async -> Result {
        do throws(GyreError) {
            switch job.component.body {
            case .graph, .gate: throw GyreError(.internal, "The task \"\(job.path)\" is none that is run.")
            case .importer(let importer): return try await bring(importer, job)
            case .container(let container): return try await execute(container, job, onStart)
            }
        } catch {
            return Result(end: error.code == .cancelled ? .cancelled : .failed(error.description))
        }
    }

    // MARK: Importing

    private func bring(_ importer: Importer, _ job: Job) async throws(GyreError) -> Result {
        let address: String
        switch importer.source {
        case .address(let text): address = text
        case .parameter(let name): address = job.inputs.parameters[name]?.string ?? ""
        }
        guard let output = job.component.outputArtifacts.keys.first else {
            throw GyreError(.invalid, "The importer \"\(job.path)\" has no output.")
        }
        let artifact: Artifact
        var inputs: [Ref] = []
        if Importer.isElsewhere(address) {
            // What lies elsewhere is named and not read: its content may change, and nobody here would know.
            artifact = Artifact(
                name: output, type: importer.type, tree: try Tree([]), metadata: importer.metadata, address: address)
        } else if isOwn(address) {
            artifact = try await files.store(output, type: importer.type, at: address, metadata: importer.metadata)
        } else {
            // What the start of the run could not know is resolved here, once; the task's record keeps it.
            let ref: Ref
            if let known = run.resolved[address] { ref = known } else { ref = try await options.resolve(address) }
            artifact = Artifact(
                name: output, type: importer.type, tree: try await options.files(ref), metadata: importer.metadata,
                ref: ref)
            inputs = [ref]
        }
        var outputs = TaskValues()
        outputs.artifacts[output] = [artifact]
        return Result(
            end: .succeeded(outputs),
            facts: [
                fact(
                    "pipelines.task.succeeded", job, inputs: inputs, outputs: outputs,
                    body: artifact.address.map { ["address": .string($0)] } ?? [:])
            ])
    }

    /// Whether a path is of something that a task of this run has in its folder, whatever links stand on the way.
    private func isOwn(_ path: String) -> Bool {
        path.hasPrefix("/") && RealPath.isWithin(path, "\(options.folder)/\(run.id)")
    }

    // MARK: Executing

    private func execute(
        _ container: Container, _ job: Job, _ onStart: @escaping @Sendable (Int32?) async -> Void
    ) async throws(GyreError) -> Result {
        let container = try pipeline.language.settled(container, in: job.scope)
        guard executor.runs(container.image) else {
            throw GyreError(.unsupported, "The image \"\(container.image.prefix(200))\" cannot be run here.")
        }
        let cache = TaskCache(store: store)
        let identity = try identity(container, job)
        let (found, reason) = try await cache.find(
            identity, pipeline: pipeline.name, maximumAge: job.definition.memo?.maximumAgeSeconds, now: now())
        let mayHit = run.usesCache && job.definition.isCacheable
        var note = AttemptNote()
        note.executor = executor.kind(of: container.image)
        note.cacheReason = mayHit ? reason : "not asked: \(run.usesCache ? "the task" : "the run") has caching off"
        if mayHit, let found {
            note.isCacheHit = true
            note.executor = ""
            return Result(
                end: .succeeded(found), note: note,
                facts: [
                    fact(
                        "pipelines.task.reused", job, inputs: inputRefs(job), outputs: found,
                        body: ["cache": .string(reason)])
                ])
        }
        let outputs: TaskValues
        do throws(GyreError) {
            try await slots.take(priority: pipeline.priority)
            defer { slots.give() }
            switch try await command(container, job, onStart) {
            case .gave(let given): outputs = given
            case .failed(let status, let error):
                note.exitStatus = status
                return Result(end: .failed(error.description), note: note)
            }
            note.exitStatus = 0
        } catch {
            // What ran too long was ended by a signal.
            if error.code == .timeout { note.exitStatus = 143 }
            return Result(end: error.code == .cancelled ? .cancelled : .failed(error.description), note: note)
        }
        return succeeded(container, job, outputs, note, cache, identity)
    }

    /// What a result is remembered under.
    private func identity(_ container: Container, _ job: Job) throws(GyreError) -> TaskCache.Identity {
        guard let memo = job.definition.memo else {
            return TaskCache.identity(
                container, component: job.definition.component, parameters: job.inputs.parameters,
                artifacts: job.inputs.artifacts,
                outputs: Array(job.component.outputArtifacts.keys) + Array(job.component.outputParameters.keys))
        }
        let key = try pipeline.language.value(of: memo.key, in: job.scope)?.string ?? memo.key
        let place = "\(run.namespace ?? "")/\(memo.cache.isEmpty ? job.definition.component : memo.cache)"
        return TaskCache.identity(memo: place, key: key, component: job.definition.component)
    }

    private func succeeded(
        _ container: Container, _ job: Job, _ outputs: TaskValues, _ note: AttemptNote, _ cache: TaskCache,
        _ identity: TaskCache.Identity
    ) -> Result {
        let words = JSONValue.array(container.command + container.arguments)
        let code = Ref("code", job.definition.component, String(Digest(of: words.canonicalBytes).hex.prefix(12)))
        // A reproduction leaves what later runs are given as it is.
        let kept =
            run.purpose.reproduced == nil
            ? cache.keep(outputs, of: identity, task: ref(job), pipeline: pipeline.name, now: now()) : []
        return Result(
            end: .succeeded(outputs), note: note, changes: kept,
            facts: [
                fact(
                    "pipelines.task.succeeded", job, inputs: inputRefs(job) + [code], outputs: outputs,
                    body: [
                        "cache": .string(note.cacheReason), "environment": .string(container.image),
                        "executor": .string(note.executor),
                    ])
            ])
    }

    /// What a command came to.
    private enum Outcome {
        case gave(TaskValues)
        case failed(status: Int, GyreError)
    }

    private func command(
        _ container: Container, _ job: Job, _ onStart: @escaping @Sendable (Int32?) async -> Void
    ) async throws(GyreError) -> Outcome {
        let call = TaskCall(
            run: run, path: job.path, component: job.component, inputs: job.inputs, folder: folder(job.path),
            workspace: "\(options.folder)/\(run.id)/\(TaskFolder.workspace)", scope: job.scope)
        var folder = TaskFolder(call: call, temporaryFolder: executor.temporaryFolder(of: container.image))
        try folder.make()
        for (name, list) in job.inputs.artifacts {
            for (index, artifact) in list.enumerated() where artifact.address == nil {
                try await files.place(artifact, at: call.inputPath(name, index))
            }
        }
        let command = try pipeline.language.command(container, for: call)
        folder.root = command.root
        // Only what was written as a secret is one: a text that comes from elsewhere may look like it.
        let written = Set(container.environment.filter { $0.value.hasPrefix(Self.secretScheme) }.keys)
        var (variables, secrets) = try await opened(command.environment ?? container.environment, only: written)
        let inputs = job.inputs.artifacts.compactMapValues { $0.first?.ref }
        variables.merge(options.variables(run, TaskRecord(run: run.id, path: job.path, upstream: []), inputs)) { $1 }
        if let token = variables["MLFLOW_TRACKING_TOKEN"] { secrets.append(token) }
        let launch = TaskLaunch(
            image: container.image, command: command.words, wholeCommand: command.whole,
            entrypoint: command.hasProgram ? command.whole.first : nil, python: command.python,
            requirements: command.requirements,
            environment: variables, secrets: secrets, folder: call.folder, workspace: call.workspace,
            directory: command.directory, root: command.root, output: command.output, log: call.folder + "/log.txt",
            timeoutSeconds: min(
                command.timeoutSeconds ?? container.timeoutSeconds ?? options.timeoutSeconds, options.timeoutSeconds))
        let status = try await executor.run(launch) { [passed = options.passed] process in
            passed(.processBegan)
            await onStart(process)
        }
        options.passed(.processEnded)
        guard status == 0 else {
            return .failed(
                status: Int(status),
                GyreError(
                    .internal, "The task \"\(job.path)\" failed with exit status \(status).",
                    why: Self.lastLines(of: launch.log),
                    fix: "gyre pipeline logs \(run.id) \(job.path)"))
        }
        let outputs = try await folder.collect(try pipeline.language.written(by: call), files)
        options.passed(.outputsStored)
        return .gave(outputs)
    }

    /// What a variable's value begins with that names a secret.
    private static let secretScheme = "secret://"

    /// The variables with what their secrets stand for, and those by themselves.
    private func opened(
        _ variables: [String: String], only names: Set<String>
    ) async throws(GyreError) -> (variables: [String: String], secrets: [String]) {
        var (opened, secrets) = (variables, [String]())
        for (name, value) in variables where names.contains(name) && value.hasPrefix(Self.secretScheme) {
            let secret = try await options.secret(String(value.dropFirst(Self.secretScheme.count)))
            opened[name] = secret
            secrets.append(secret)
        }
        return (opened, secrets)
    }

    /// Ends what an earlier server left running of a task.
    func stopLeftover(_ path: String, process: Int32?) async {
        await executor.stop(process: process, ofTaskIn: folder(path))
    }

    // MARK: Recording

    private func fact(
        _ kind: String, _ job: Job, inputs: [Ref], outputs: TaskValues, body: JSONValue = [:]
    ) -> Fact {
        let made = outputs.artifacts.values.flatMap { $0.map(\.ref) }.filter { $0.kind == "artifact" }
        return Fact(
            kind, ref(job), by: run.actor, inputs: inputs, outputs: [ref(job), run.ref] + Set(made).sorted(),
            body: body)
    }

    private func ref(_ job: Job) -> Ref { Ref("task", "\(run.id)/\(job.path)") }

    private func inputRefs(_ job: Job) -> [Ref] {
        Array(Set(job.inputs.artifacts.values.flatMap { $0.map(\.ref) } + [pipeline.ref])).sorted()
    }

    private func folder(_ path: String) -> String { "\(options.folder)/\(run.id)/\(path)" }

    private static func lastLines(of log: String) -> String {
        // Without a log the exit status alone is told.
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(3).joined(separator: " | ").suffix(600).description
    }
}

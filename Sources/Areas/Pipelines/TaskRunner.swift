// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreLedger

/// Runs single tasks of one pipeline run: cache, folder, command, outputs, and the facts of it.
struct TaskRunner: Sendable {
    let run: PipelineRun
    let pipeline: Pipeline
    let store: any LedgerStore
    let files: ArtifactFiles
    let executor: any TaskExecutor
    let slots: Slots
    let options: PipelineOptions
    let now: @Sendable () -> Int64
    /// What earlier lives of this run left, by path.
    let earlier: [String: TaskRecord]

    /// One task to run.
    struct Job: Sendable {
        let component: Component
        let definition: TaskDefinition
        let inputs: GraphRunner.Inputs
        let path: String
        let upstream: [String]
    }

    func skip(_ path: String, _ upstream: [String], why: String) async throws(GyreError) -> GraphRunner.Outcome {
        if earlier[path]?.state != .skipped {
            var record = TaskRecord(run: run.id, path: path, upstream: upstream)
            record.state = .skipped
            record.message = why
            try await save(record, "pipelines.task.skipped", body: ["why": .string(why)])
        }
        return GraphRunner.Outcome(state: .skipped, message: why)
    }

    func run(_ job: Job) async throws(GyreError) -> GraphRunner.Outcome {
        if let done = earlier[job.path], done.state == .succeeded {
            return GraphRunner.Outcome(state: .succeeded, outputs: done.outputs)
        }
        if let left = earlier[job.path], let process = left.process {
            await executor.stop(process: process, ofTaskIn: folder(job.path))
        }
        switch job.component.body {
        case .graph: throw GyreError(.internal, "A graph is no single task.")
        case .importer(let importer): return try await bring(importer, job)
        case .container(let container): return try await execute(container, job)
        }
    }

    // MARK: Importing

    private func bring(_ importer: Importer, _ job: Job) async throws(GyreError) -> GraphRunner.Outcome {
        var record = TaskRecord(run: run.id, path: job.path, upstream: job.upstream)
        record.startedAt = now()
        let address: String
        switch importer.source {
        case .address(let text): address = text
        case .parameter(let name): address = job.inputs.parameters[name]?.string ?? ""
        }
        guard let output = job.component.outputArtifacts.keys.first else {
            throw GyreError(.invalid, "The importer \"\(job.path)\" has no output.")
        }
        do {
            // What the start of the run could not know is resolved here, once; the task's record keeps it.
            let ref: Ref
            if let known = run.resolved[address] { ref = known } else { ref = try await options.resolve(address) }
            let tree = try await options.files(ref)
            record.outputs.artifacts[output] = [
                Artifact(name: output, type: importer.type, tree: tree, metadata: importer.metadata, ref: ref)
            ]
        } catch {
            return try await fail(record, error)
        }
        record.state = .succeeded
        record.endedAt = now()
        try await save(
            record, "pipelines.task.succeeded", inputs: record.outputs.artifacts.values.flatMap { $0.map(\.ref) })
        return GraphRunner.Outcome(state: .succeeded, outputs: record.outputs)
    }

    // MARK: Executing

    private func execute(_ container: Container, _ job: Job) async throws(GyreError) -> GraphRunner.Outcome {
        var record = TaskRecord(run: run.id, path: job.path, upstream: job.upstream)
        guard options.images.contains(where: { container.image.hasPrefix($0) }) else {
            return try await fail(
                record,
                GyreError(
                    .unsupported, "The image \"\(container.image)\" cannot be run here.",
                    why:
                        "Tasks run as processes without containers; images \(options.images.joined(separator: ", ")) become environments."
                ))
        }
        let cache = TaskCache(store: store)
        let identity = TaskCache.identity(
            container, component: job.definition.component, parameters: job.inputs.parameters,
            artifacts: job.inputs.artifacts,
            outputs: Array(job.component.outputArtifacts.keys) + Array(job.component.outputParameters.keys))
        let (found, reason) = try await cache.find(identity, pipeline: pipeline.name)
        let mayHit = run.usesCache && job.definition.isCacheable
        record.cacheReason = mayHit ? reason : "not asked: \(run.usesCache ? "the task" : "the run") has caching off"
        if mayHit, let found {
            record.isCacheHit = true
            record.outputs = found
            record.state = .succeeded
            record.startedAt = now()
            record.endedAt = record.startedAt
            try await save(record, "pipelines.task.reused", inputs: inputRefs(job), body: ["cache": .string(reason)])
            return GraphRunner.Outcome(state: .succeeded, outputs: found)
        }
        do { try await slots.take() } catch { return try await fail(record, error) }
        defer { slots.give() }
        var attempt = 0
        while true {
            attempt += 1
            record.attempts = attempt
            record.startedAt = record.startedAt ?? now()
            do {
                record.outputs = try await attemptOnce(container, job, record)
                break
            } catch {
                guard attempt <= job.definition.retries, error.code != .cancelled else {
                    return try await fail(record, error)
                }
                let wait = job.definition.retrySeconds * Double(1 << min(attempt - 1, 10))
                // A cancelled wait ends the retries at the next attempt.
                try? await Task.sleep(for: .seconds(min(wait, 3600)))
            }
        }
        record.state = .succeeded
        record.endedAt = now()
        record.process = nil
        // A reproduction leaves what later runs are given as it is.
        let kept =
            run.purpose.reproduced == nil
            ? cache.keep(record.outputs, of: identity, task: record.ref, pipeline: pipeline.name) : []
        try await save(
            record, "pipelines.task.succeeded", changes: kept,
            inputs: inputRefs(job) + [
                Ref("code", job.definition.component, identity.parts["code"]?.string.map { String($0.prefix(12)) })
            ],
            body: [
                "cache": .string(record.cacheReason), "attempts": .int(Int64(attempt)),
                "environment": .string(container.image),
            ])
        return GraphRunner.Outcome(state: .succeeded, outputs: record.outputs)
    }

    private func attemptOnce(
        _ container: Container, _ job: Job, _ record: TaskRecord
    ) async throws(GyreError) -> TaskOutputs {
        let folder = folder(job.path)
        let outputs = TaskFolder(path: folder, component: job.component)
        try outputs.make()
        for (name, list) in job.inputs.artifacts {
            for (index, artifact) in list.enumerated() {
                try await files.place(artifact, at: outputs.input(name, index))
            }
        }
        let input = outputs.executorInput(job.inputs)
        let (command, requirements) = try CommandTemplate(executorInput: input, run: run, path: job.path).fill(
            container)
        var (variables, secrets) = try await opened(container.environment)
        let inputs = job.inputs.artifacts.compactMapValues { $0.first?.ref }
        variables.merge(options.variables(run, record, inputs)) { $1 }
        if let token = variables["MLFLOW_TRACKING_TOKEN"] { secrets.append(token) }
        let launch = TaskLaunch(
            command: command, requirements: requirements, environment: variables, secrets: secrets, folder: folder,
            log: folder + "/log.txt",
            timeoutSeconds: options.timeoutSeconds)
        let started = record
        let status = try await executor.run(launch) { process in
            var running = started
            running.state = .running
            running.process = process
            // If this is lost, a killed server's child runs on unseen until it ends; the task itself is not affected.
            _ = try? await save(running, "pipelines.task.started")
        }
        guard status == 0 else {
            throw GyreError(
                .internal, "The task \"\(job.path)\" failed with exit status \(status).",
                why: Self.lastLines(of: launch.log),
                fix: "gyre pipeline logs \(run.id) \(job.path)")
        }
        return try await outputs.collect(files)
    }

    /// What a variable's value begins with that names a secret.
    private static let secretScheme = "secret://"

    /// The variables with what their secrets stand for, and those by themselves.
    private func opened(
        _ variables: [String: String]
    ) async throws(GyreError) -> (variables: [String: String], secrets: [String]) {
        var (opened, secrets) = (variables, [String]())
        for (name, value) in variables where value.hasPrefix(Self.secretScheme) {
            let secret = try await options.secret(String(value.dropFirst(Self.secretScheme.count)))
            opened[name] = secret
            secrets.append(secret)
        }
        return (opened, secrets)
    }

    // MARK: Recording

    private func fail(_ record: TaskRecord, _ error: GyreError) async throws(GyreError) -> GraphRunner.Outcome {
        var record = record
        record.state = error.code == .cancelled ? .canceled : .failed
        record.message = error.description
        record.endedAt = now()
        record.process = nil
        try await save(
            record, record.state == .canceled ? "pipelines.task.canceled" : "pipelines.task.failed",
            body: ["why": .string(error.description)])
        return GraphRunner.Outcome(state: record.state, message: error.description)
    }

    private func save(
        _ record: TaskRecord, _ kind: String, changes: [Change] = [], inputs: [Ref] = [], body: JSONValue = [:]
    ) async throws(GyreError) {
        let outputs = record.outputs.artifacts.values.flatMap { $0.map(\.ref) }.filter { $0.kind == "artifact" }
        try await store.commit(
            [.put(Document("pipeline-task", "\(run.id)/\(record.path)", record.json))] + changes,
            recording: [
                Fact(
                    kind, record.ref, by: run.actor, inputs: inputs,
                    outputs: inputs.isEmpty ? [] : [record.ref, run.ref] + outputs,
                    body: body)
            ])
    }

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

// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreBlobs
import GyreKFP
import GyreLedger
import GyreSQLite
import GyreTestSupport
import Synchronization

@testable import GyrePipelines

/// Pipelines whose tasks a test plays: over a database and blobs in a folder of its own.
final class PipelineWorld: Sendable {
    let folder: TemporaryFolder
    let ledger: SQLiteLedgerStore
    let store: SQLitePipelineStore
    let blobs: FileBlobStore
    let executor = PlayedExecutor()
    let pipelines: Pipelines
    private let make: @Sendable () -> Pipelines

    /// Runs of `pipeline`, with what addresses mean.
    init(_ pipeline: Pipeline, data: [String: Ref] = [:], runningTasks: Int = 4) throws {
        folder = try TemporaryFolder()
        blobs = try FileBlobStore(root: folder.path + "/blobs")
        let ended = EndedBox()
        let database = try SQLiteDatabase(path: folder.path + "/gyre.db", now: { 0 })
        let (ledger, store) = (SQLiteLedgerStore(database), SQLitePipelineStore(database))
        (self.ledger, self.store) = (ledger, store)
        make = { [executor, blobs, folder] in
            Pipelines(
                ledger: ledger, store: store, blobs: blobs, executor: executor,
                options: PipelineOptions(
                    folder: folder.path + "/tasks", timeoutSeconds: 60, runningTasks: runningTasks,
                    variables: { run, task, _ in ["RUN": run.id, "TASK": task.path] },
                    resolve: { text throws(GyreError) in
                        guard let ref = data[text] else { throw GyreError(.notFound, "Nothing is called \(text).") }
                        return ref
                    },
                    files: { _ throws(GyreError) in try Tree([]) },
                    read: { bytes throws(GyreError) in
                        if bytes == Array("damaged".utf8) { throw GyreError(.invalid, "This is no package.") }
                        return pipeline
                    },
                    onEnd: {
                        ended.add($0)
                        return "It was heard."
                    }), surroundings: .still)
        }
        pipelines = make()
        self.endedBox = ended
    }

    /// What a server that starts over the same files has.
    func restarted() async -> Pipelines {
        await pipelines.suspend()
        return make()
    }

    private let endedBox: EndedBox

    /// The runs that were told to have ended.
    var told: [PipelineRun] { endedBox.runs }

    /// Starts a run with these parameters.
    func start(_ parameters: [String: JSONValue] = [:], usesCache: Bool = true) async throws -> PipelineRun {
        var request = Pipelines.Request(compiled: Array("package".utf8))
        request.parameters = parameters
        request.usesCache = usesCache
        return try await pipelines.start(request, by: "ann")
    }

    /// Runs to the end.
    func run(_ parameters: [String: JSONValue] = [:], usesCache: Bool = true) async throws -> PipelineRun {
        try await pipelines.wait(for: try await start(parameters, usesCache: usesCache).id)
    }

    /// The tasks of a run with how they ended.
    func states(of run: PipelineRun) async throws -> [String: PipelineRun.State] {
        var states: [String: PipelineRun.State] = [:]
        for task in try await pipelines.tasks(of: run.id) where task.isLeaf { states[task.path] = task.state }
        return states
    }
}

private final class EndedBox: Sendable {
    private let state = Mutex<[PipelineRun]>([])
    var runs: [PipelineRun] { state.withLock { $0 } }
    func add(_ run: PipelineRun) { state.withLock { $0.append(run) } }
}

/// Runs no process: what a task does is a function of its command, and tasks can be held until the test lets them go.
final class PlayedExecutor: TaskExecutor {
    /// What a command does: the parameters that it puts out, or a failure.
    typealias Play = @Sendable (TaskLaunch, Int) throws(GyreError) -> Int32

    private struct State {
        var plays: [String: Play] = [:]
        var launches: [TaskLaunch] = []
        var held: Set<String> = []
        var waiting: [String: CheckedContinuation<Bool, Never>] = [:]
        var arrivals: [String: CheckedContinuation<Void, Never>] = [:]
        var stopped: [Int32] = []
        var running = 0
        var mostRunning = 0
    }

    private let state = Mutex(State())

    /// The commands that were run, by their first word.
    var commands: [String] { state.withLock { $0.launches.map { $0.command[0] } } }
    var launches: [TaskLaunch] { state.withLock { $0.launches } }
    var stopped: [Int32] { state.withLock { $0.stopped } }
    var mostRunning: Int { state.withLock { $0.mostRunning } }

    /// What the command does; it is told how often it ran before.
    func on(_ command: String, _ play: @escaping Play) { state.withLock { $0.plays[command] = play } }

    /// The command puts out text parameters.
    func on(_ command: String, puts values: [String: String]) {
        on(command) { launch, _ throws(GyreError) in
            for (name, value) in values { try launch.put(name, value) }
            return 0
        }
    }

    /// From now on the command waits until it is let go or its run is cancelled.
    func hold(_ command: String) { state.withLock { _ = $0.held.insert(command) } }

    /// Comes back once a held command runs.
    func waitFor(_ command: String) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.waiting[command] != nil { return true }
                state.arrivals[command] = continuation
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Lets a held command go on.
    func release(_ command: String) {
        let continuation = state.withLock { state in
            state.held.remove(command)
            return state.waiting.removeValue(forKey: command)
        }
        continuation?.resume(returning: true)
    }

    func run(
        _ launch: TaskLaunch, onStart: nonisolated(nonsending) @escaping @Sendable (Int32?) async -> Void
    ) async throws(GyreError) -> Int32 {
        let command = launch.command[0]
        let (play, before) = state.withLock { state in
            let before = state.launches.count { $0.command[0] == command }
            state.launches.append(launch)
            state.running += 1
            state.mostRunning = max(state.mostRunning, state.running)
            return (state.plays[command], before)
        }
        defer { state.withLock { $0.running -= 1 } }
        await onStart(Int32(1000 + before))
        guard await mayGoOn(command) else { throw GyreError(.cancelled, "The task was stopped.") }
        return try play?(launch, before) ?? 0
    }

    private func mayGoOn(_ command: String) async -> Bool {
        guard state.withLock({ $0.held.contains(command) }) else { return !Task.isCancelled }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                let arrival = state.withLock { state in
                    state.waiting[command] = continuation
                    return state.arrivals.removeValue(forKey: command)
                }
                arrival?.resume()
                if Task.isCancelled { stop(command) }
            }
        } onCancel: {
            stop(command)
        }
    }

    private func stop(_ command: String) {
        state.withLock { $0.waiting.removeValue(forKey: command) }?.resume(returning: false)
    }

    func stop(process: Int32?, ofTaskIn folder: String) async {
        if let process { state.withLock { $0.stopped.append(process) } }
    }
}

extension TaskLaunch {
    /// Writes an output parameter as a component does.
    func put(_ name: String, _ value: String) throws(GyreError) {
        do { try value.write(toFile: "\(folder)/parameters/\(name)", atomically: true, encoding: .utf8) } catch {
            throw GyreError.wrapping(error, "Writing a parameter")
        }
    }

    /// Writes a file as an output artifact.
    func putArtifact(_ name: String, _ text: String) throws(GyreError) {
        do { try text.write(toFile: "\(folder)/outputs/\(name)", atomically: true, encoding: .utf8) } catch {
            throw GyreError.wrapping(error, "Writing an artifact")
        }
    }
}

/// Short ways to write pipelines down.
enum Written {
    static func parameter(
        _ type: ParameterDefinition.Kind = .string, _ fallback: JSONValue? = nil, isOptional: Bool = false
    ) -> ParameterDefinition {
        ParameterDefinition(type: type, defaultValue: fallback, isOptional: isOptional)
    }

    /// A component that runs the command of its name.
    static func container(
        _ command: String, _ inputs: [String: ParameterDefinition] = [:], in artifacts: [String: String] = [:],
        puts outputs: [String: ParameterDefinition] = [:], makes made: [String: String] = [:],
        image: String = "python:3.11", arguments: [JSONValue] = []
    ) -> Component {
        Component(
            inputParameters: inputs, inputArtifacts: artifacts.mapValues { ArtifactDefinition($0) },
            outputParameters: outputs, outputArtifacts: made.mapValues { ArtifactDefinition($0) },
            body: .container(
                Container(image: image, command: [.string(command)], arguments: arguments, environment: ["KEY": "v"])))
    }

    static func graph(
        _ tasks: [String: TaskDefinition], _ inputs: [String: ParameterDefinition] = [:],
        puts outputs: [String: ParameterDefinition] = [:],
        from references: [String: [TaskGraph.OutputReference]] = [:]
    ) -> Component {
        Component(
            inputParameters: inputs, inputArtifacts: [:], outputParameters: outputs, outputArtifacts: [:],
            body: .graph(TaskGraph(tasks: tasks, parameterOutputs: references, artifactOutputs: [:])))
    }

    static func task(
        _ component: String, after upstream: [String] = [], _ change: (inout TaskDefinition) -> Void = { _ in }
    ) -> TaskDefinition {
        var task = TaskDefinition(component: component)
        task.upstream = upstream
        change(&task)
        return task
    }

    static func pipeline(_ components: [String: Component], _ root: Component) throws -> Pipeline {
        try Pipeline(
            name: "toy", components: components, root: root, digest: Digest(of: Array("toy".utf8)),
            language: KFPLanguage())
    }
}

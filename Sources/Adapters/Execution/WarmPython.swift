// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyrePipelines
internal import Subprocess
internal import SystemPackage

/// Pythons that are up, one for each environment: a task is a fork of one, and does not pay for its start and its imports.
actor WarmPython {
    /// One Python: for as long as a task counts on it, it makes no room for others.
    private final class Worker {
        let send: AsyncStream<[UInt8]>.Continuation
        var isReady = false
        /// Whether its process has ended.
        var isOver = false
        /// Tasks that wait for it or run in it.
        var users = 0
        var readers: [CheckedContinuation<Void, Never>] = []
        var running: [Int: Running] = [:]
        var lastUse = ContinuousClock.now

        init(send: AsyncStream<[UInt8]>.Continuation) { self.send = send }
    }

    private struct Running {
        let began: AsyncStream<Void>.Continuation
        let ended: CheckedContinuation<Int32?, Never>
    }

    private let sandbox: Sandbox?
    private let tasks: String
    private var workers: [String: Worker] = [:]
    private var nextID = 0

    /// Workers at most; the one that was not used for the longest time makes room.
    private static let most = 8

    /// `tasks`: the folder that holds those of all tasks.
    init(sandbox: Sandbox?, tasks: String) {
        self.sandbox = sandbox
        self.tasks = tasks
    }

    /// Runs a call.
    ///
    /// `bin`: the folder with the programs of its environment; `python`: folders that this environment's Python is in.
    /// - Returns: the exit status; nil where no worker could run it, and it must be begun in another way.
    func run(
        _ call: PythonCall, _ launch: TaskLaunch, environment: [String: String], bin: String, python: [String],
        onStart: @escaping @Sendable (Int32?) async -> Void
    ) async throws -> Int32? {
        let worker = worker(bin, call.module, python)
        worker.users += 1
        worker.lastUse = .now
        defer { worker.users -= 1 }
        if !worker.isReady, !worker.isOver { await withCheckedContinuation { worker.readers.append($0) } }
        guard worker.isReady, !worker.isOver else { return nil }
        let log = try LogPipe(
            path: launch.folder + "/.log",
            log: try TaskLog(path: launch.log, limit: Limits.taskLogBytes, hiding: launch.secrets))
        nextID += 1
        let id = nextID
        var variables: JSONValue = [:]
        for (name, value) in environment.merging(call.environment, uniquingKeysWith: { $1 }) {
            variables[name] = .string(value)
        }
        let request: JSONValue = [
            "id": .int(Int64(id)), "folder": .string(launch.folder), "workspace": .string(launch.workspace),
            "tasks": .string(tasks), "writable": .strings(sandbox?.writable ?? []), "isolated": .bool(sandbox != nil),
            "log": .string(log.path),
            "environment": variables, "module": .string(call.module), "source": .string(call.source),
            "source_argument": .string(call.sourceArgument), "arguments": .strings(call.arguments),
        ]
        let (began, continuation) = AsyncStream.makeStream(of: Void.self)
        let telling = Task { for await _ in began { await onStart(nil) } }
        let status: Int32? = await withTaskCancellationHandler {
            await withCheckedContinuation { (ended: CheckedContinuation<Int32?, Never>) in
                // It may have ended since it was ready.
                if worker.isOver { return ended.resume(returning: nil) }
                worker.running[id] = Running(began: continuation, ended: ended)
                worker.send.yield(request.bytes + [UInt8(ascii: "\n")])
            }
        } onCancel: {
            Task { await self.stop(id) }
        }
        continuation.finish()
        await telling.value
        try log.finish()
        try Task.checkCancellation()
        return status ?? 137
    }

    /// Ends a task: asked to first, made to after two seconds.
    private func stop(_ id: Int) async {
        for signal in [15, 9] {
            guard let worker = workers.values.first(where: { $0.running[id] != nil }) else { return }
            let request: JSONValue = ["stop": .int(Int64(id)), "signal": .int(Int64(signal))]
            worker.send.yield(request.bytes + [UInt8(ascii: "\n")])
            // It is made to end whoever waits.
            if signal == 15 { try? await Task.sleep(for: .seconds(2)) }
        }
    }

    /// The worker of an environment, which is begun if there is none.
    private func worker(_ bin: String, _ module: String, _ python: [String]) -> Worker {
        let key = bin + " " + module
        if let worker = workers[key] { return worker }
        makeRoom()
        let (requests, send) = AsyncStream.makeStream(of: [UInt8].self)
        let worker = Worker(send: send)
        workers[key] = worker
        // Owned by the worker's process; ends with it.
        Task {
            await self.serve(worker, bin, module, python, requests)
            self.ended(worker, key)
        }
        return worker
    }

    private func makeRoom() {
        guard workers.count >= Self.most else { return }
        let idle = workers.filter { $0.value.users == 0 }
        guard let oldest = idle.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return }
        // Without requests it ends.
        oldest.value.send.finish()
        workers[oldest.key] = nil
    }

    private func serve(
        _ worker: Worker, _ bin: String, _ module: String, _ python: [String], _ requests: AsyncStream<[UInt8]>
    ) async {
        var words = [bin + "/python", "-c", WarmPythonScript.text, sandbox == nil ? "open" : "isolated", module]
        if let sandbox { words = sandbox.words(forking: words, tasks: tasks, python: python) }
        var own = ChildEnvironment.kept(of: ProcessInfo.processInfo.environment)
        own["PYTHONDONTWRITEBYTECODE"] = "1"
        own["OMP_NUM_THREADS"] = "1"
        var options = PlatformOptions()
        options.createSession = true
        // One that cannot be begun leaves its tasks to be begun in another way.
        _ = try? await Subprocess.run(
            .path(FilePath(words[0])), arguments: Arguments(Array(words.dropFirst())),
            environment: ChildProcess.environment(own), platformOptions: options, input: .inputWriter,
            output: .sequence, error: .discarded
        ) { execution in
            let writer = execution.standardInputWriter
            let writing = Task {
                for await request in requests { _ = try await writer.write(request) }
                try await writer.finish()
            }
            defer { writing.cancel() }
            var buffer: [UInt8] = []
            for try await piece in execution.standardOutput {
                unsafe piece.withUnsafeBytes { unsafe buffer.append(contentsOf: $0) }
                while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = Array(buffer[..<end])
                    buffer.removeSubrange(...end)
                    // What is no message is nothing that it says.
                    if let message = try? JSONValue(parsing: line) { self.heard(message, from: worker) }
                }
            }
        }
    }

    private func heard(_ message: JSONValue, from worker: Worker) {
        if message["ready"] != nil {
            worker.isReady = true
            for reader in worker.readers { reader.resume() }
            worker.readers = []
        }
        guard let id = message["id"]?.int.map({ Int($0) }) else { return }
        if message["began"] != nil { worker.running[id]?.began.yield() }
        if let status = message["status"]?.int, let running = worker.running.removeValue(forKey: id) {
            running.ended.resume(returning: Int32(truncatingIfNeeded: status))
        }
    }

    /// The process of a worker is over, and whatever ran in it.
    private func ended(_ worker: Worker, _ key: String) {
        worker.isOver = true
        // Another one may have its place by now.
        if workers[key] === worker { workers[key] = nil }
        for reader in worker.readers { reader.resume() }
        worker.readers = []
        for running in worker.running.values { running.ended.resume(returning: nil) }
        worker.running = [:]
    }

    /// Ends all workers with what runs in them.
    func close() {
        for worker in workers.values { worker.send.finish() }
        workers = [:]
    }
}

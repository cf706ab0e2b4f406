// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Foundation
internal import Glibc
internal import GyreBase
internal import GyrePipelines
internal import Subprocess
internal import SystemPackage

/// A process of this one, in a session of its own.
enum ChildProcess {
    /// Runs a command until it ends; what it prints goes to the log of the task.
    /// - Returns: the exit status; of one that a signal ended, 128 and its number.
    static func run(
        _ words: [String], _ launch: TaskLaunch, _ environment: Environment,
        _ onStart: @escaping @Sendable (Int32?) async -> Void
    ) async throws -> Int32 {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(2))]
        let log = try TaskLog(path: launch.log, limit: Limits.taskLogBytes, hiding: launch.secrets)
        let program: Executable = words[0].contains("/") ? .path(FilePath(words[0])) : .name(words[0])
        let arguments = Arguments(Array(words.dropFirst()))
        let folder = FilePath(launch.folder)
        let end: TerminationStatus
        if let output = launch.output {
            let kept = try TaskLog(path: output, limit: Limits.taskOutputBytes, isMarked: false)
            end = try await Subprocess.run(
                program, arguments: arguments, environment: environment, workingDirectory: folder,
                platformOptions: options, input: .none, output: .sequence, error: .sequence
            ) { execution in
                try await tend(execution.processIdentifier.value, log, onStart) {
                    async let errors: Void = copy(execution.standardError, to: [log])
                    try await copy(execution.standardOutput, to: [log, kept])
                    try await errors
                }
            }.terminationStatus
        } else {
            end = try await Subprocess.run(
                program, arguments: arguments, environment: environment, workingDirectory: folder,
                platformOptions: options, input: .none, output: .sequence, error: .combinedWithOutput
            ) { execution in
                try await tend(execution.processIdentifier.value, log, onStart) {
                    try await copy(execution.standardOutput, to: [log])
                }
            }.terminationStatus
        }
        try Task.checkCancellation()
        return status(end)
    }

    /// Says that a process runs, and reads what it prints; nothing of it is left where that cannot be kept, or is not wanted any more.
    private static func tend(
        _ process: Int32, _ log: TaskLog, _ onStart: @Sendable (Int32?) async -> Void, _ read: () async throws -> Void
    ) async throws {
        await onStart(process)
        do { try await read() } catch {
            kill(-process, SIGKILL)
            throw error
        }
        try log.finish()
        if Task.isCancelled { kill(-process, SIGKILL) }
    }

    private static func copy(_ output: SubprocessOutputSequence, to logs: [TaskLog]) async throws {
        for try await buffer in output {
            unsafe try buffer.withUnsafeBytes { bytes in for log in logs { try unsafe log.write(bytes) } }
        }
    }

    private static func status(_ end: TerminationStatus) -> Int32 {
        switch end {
        case .exited(let code): Int32(code)
        case .signaled(let signal): 128 + Int32(signal)
        }
    }

    /// Variables as a process is given them; a name that cannot be one is left out.
    static func environment(_ variables: [String: String]) -> Environment {
        var known: [Environment.Key: String] = [:]
        for (name, value) in variables { if let key = Environment.Key(rawValue: name) { known[key] = value } }
        return .custom(known)
    }

    /// Whether a program can be run and ends well within five seconds.
    static func answers(_ program: String, _ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let end = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in end.signal() }
        // What cannot be started answers nothing.
        guard (try? process.run()) != nil else { return false }
        guard end.wait(timeout: .now() + 5) == .success else {
            process.terminate()
            return false
        }
        return process.terminationStatus == 0
    }

    /// Runs `body`, and cancels it when the time is up.
    static func within(
        seconds: Int, _ body: @escaping @Sendable () async throws -> Int32
    ) async throws -> Int32 {
        try await withThrowingTaskGroup(of: Int32?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let status = first else {
                throw GyreError(.timeout, "The task was stopped.", why: "It ran longer than \(seconds) seconds.")
            }
            return status
        }
    }
}

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
        if let output = launch.output {
            return try await run(words, launch, environment, options, log, output: output, onStart)
        }
        let result = try await Subprocess.run(
            words[0].contains("/") ? .path(FilePath(words[0])) : .name(words[0]),
            arguments: Arguments(Array(words.dropFirst())), environment: environment,
            workingDirectory: FilePath(launch.folder), platformOptions: options, input: .none, output: .sequence,
            error: .combinedWithOutput
        ) { execution in
            let process = execution.processIdentifier.value
            await onStart(process)
            do {
                for try await buffer in execution.standardOutput {
                    unsafe try buffer.withUnsafeBytes { bytes in try unsafe log.write(bytes) }
                }
            } catch {
                kill(-process, SIGKILL)
                throw error
            }
            try log.finish()
            if Task.isCancelled { kill(-process, SIGKILL) }
        }
        try Task.checkCancellation()
        return status(result.terminationStatus)
    }

    private static func status(_ end: TerminationStatus) -> Int32 {
        switch end {
        case .exited(let code): Int32(code)
        case .signaled(let signal): 128 + Int32(signal)
        }
    }

    /// The same for a command whose standard output is also kept by itself.
    private static func run(
        _ words: [String], _ launch: TaskLaunch, _ environment: Environment, _ options: PlatformOptions, _ log: TaskLog,
        output: String, _ onStart: @escaping @Sendable (Int32?) async -> Void
    ) async throws -> Int32 {
        let kept = try TaskLog(path: output, limit: Limits.taskOutputBytes, isMarked: false)
        let result = try await Subprocess.run(
            words[0].contains("/") ? .path(FilePath(words[0])) : .name(words[0]),
            arguments: Arguments(Array(words.dropFirst())), environment: environment,
            workingDirectory: FilePath(launch.folder), platformOptions: options, input: .none, output: .sequence,
            error: .sequence
        ) { execution in
            let process = execution.processIdentifier.value
            await onStart(process)
            do {
                async let errors: Void = {
                    for try await buffer in execution.standardError {
                        unsafe try buffer.withUnsafeBytes { bytes in try unsafe log.write(bytes) }
                    }
                }()
                for try await buffer in execution.standardOutput {
                    unsafe try buffer.withUnsafeBytes { bytes in
                        try unsafe log.write(bytes)
                        try unsafe kept.write(bytes)
                    }
                }
                try await errors
            } catch {
                kill(-process, SIGKILL)
                throw error
            }
            try log.finish()
            if Task.isCancelled { kill(-process, SIGKILL) }
        }
        try Task.checkCancellation()
        return status(result.terminationStatus)
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

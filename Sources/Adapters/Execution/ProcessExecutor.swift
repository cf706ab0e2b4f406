// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
package import GyreBase
package import GyrePipelines
internal import Subprocess
internal import SystemPackage

/// Runs tasks as local processes, each in an environment that `uv` makes once for its requirements.
package struct ProcessExecutor: TaskExecutor {
    private let environments: PythonEnvironments

    /// An executor that keeps its environments in `folder`.
    ///
    /// `uv`: the path of the program `uv`.
    package init(environmentsFolder folder: String, uv: String) {
        environments = PythonEnvironments(folder: folder, uv: uv)
    }

    package func run(
        _ launch: TaskLaunch, onStart: @escaping @Sendable (Int32?) async -> Void
    ) async throws(GyreError) -> Int32 {
        let bin = try await environments.bin(for: launch.requirements)
        guard let program = launch.command.first else { throw GyreError(.invalid, "A task has an empty command.") }
        var own = ChildEnvironment.kept(of: ProcessInfo.processInfo.environment)
        own["PYTHONUNBUFFERED"] = "1"
        own["PYTHONDONTWRITEBYTECODE"] = "1"
        own["PATH"] = "\(bin):\(own["PATH"] ?? "/usr/bin:/bin")"
        own["VIRTUAL_ENV"] = String(bin.dropLast(4))
        own.merge(launch.environment) { $1 }
        var known: [Environment.Key: String] = [:]
        for (name, value) in own { if let key = Environment.Key(rawValue: name) { known[key] = value } }
        let variables = Environment.custom(known)
        do {
            return try await within(seconds: launch.timeoutSeconds) {
                try await Self.execute(program, launch, variables, onStart)
            }
        } catch {
            throw GyreError.wrapping(error, "Running a task")
        }
    }

    private static func execute(
        _ program: String, _ launch: TaskLaunch, _ environment: Environment,
        _ onStart: @escaping @Sendable (Int32?) async -> Void
    ) async throws -> Int32 {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(2))]
        let log = try TaskLog(path: launch.log, limit: Limits.taskLogBytes, hiding: launch.secrets)
        let result = try await Subprocess.run(
            .name(program), arguments: Arguments(Array(launch.command.dropFirst())), environment: environment,
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
        switch result.terminationStatus {
        case .exited(let code): return Int32(code)
        case .signaled(let signal): return 128 + Int32(signal)
        }
    }

    /// Runs `body`, and cancels it when the time is up.
    private func within(
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

    package func stop(process: Int32?, ofTaskIn folder: String) async {
        // A number may belong to another program by now: only what still works in the task's folder is ours.
        var known = process.map { [$0] } ?? []
        // Without a folder nothing of it has begun.
        if process == nil, FileManager.default.fileExists(atPath: folder) {
            // A server that was killed before it could say has left some that nobody knows the number of.
            let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            known = all.compactMap { Int32($0) }
        }
        for number in known {
            let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(number)/cwd")
            guard link == folder else { continue }
            kill(-number, SIGKILL)
            kill(number, SIGKILL)
        }
    }
}

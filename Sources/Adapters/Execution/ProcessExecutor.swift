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
    private let sandbox: Found<Sandbox>
    private let warm: Found<WarmPython>

    /// An executor that keeps its environments in `folder`.
    ///
    /// `uv`: the path of the program `uv`; `tasks`: the folder that holds those of all tasks; `isWarm`: whether Pythons are kept up for
    /// tasks that call them; `sandbox`: asked once, when the first task needs it; nil to run tasks without one.
    package init(
        environmentsFolder folder: String, uv: String, tasks: String, isWarm: Bool = true,
        sandbox: @escaping @Sendable () -> Sandbox? = { nil }
    ) {
        environments = PythonEnvironments(folder: folder, uv: uv)
        let found = Found(sandbox)
        self.sandbox = found
        warm = Found { isWarm ? WarmPython(sandbox: found.value, tasks: tasks) : nil }
    }

    package func temporaryFolder(of image: String) -> String? {
        sandbox.value == nil ? nil : Sandbox.temporaryFolder
    }

    package func hasPrivateRoot(for image: String) -> Bool { sandbox.value != nil }

    /// Ends the Pythons that are kept up.
    package func close() async { await warm.valueIfLookedFor?.close() }

    package func run(
        _ launch: TaskLaunch, onStart: @escaping @Sendable (Int32?) async -> Void
    ) async throws(GyreError) -> Int32 {
        let bin = try await environments.bin(for: launch.requirements)
        guard !launch.command.isEmpty else { throw GyreError(.invalid, "A task has an empty command.") }
        var own = ChildEnvironment.kept(of: ProcessInfo.processInfo.environment)
        own["PYTHONUNBUFFERED"] = "1"
        own["PYTHONDONTWRITEBYTECODE"] = "1"
        own["PATH"] = "\(bin):\(own["PATH"] ?? "/usr/bin:/bin")"
        own["VIRTUAL_ENV"] = String(bin.dropLast(4))
        if sandbox.value != nil {
            own["HOME"] = "/tmp"
            own["TMPDIR"] = "/tmp"
        }
        own.merge(launch.environment) { $1 }
        let environment = own
        do {
            return try await ChildProcess.within(seconds: launch.timeoutSeconds) {
                try await execute(launch, environment, bin: bin, onStart)
            }
        } catch {
            throw GyreError.wrapping(error, "Running a task")
        }
    }

    private func execute(
        _ launch: TaskLaunch, _ environment: [String: String], bin: String,
        _ onStart: @escaping @Sendable (Int32?) async -> Void
    ) async throws -> Int32 {
        let python = PythonHome.folders(of: bin)
        if let call = launch.python, let warm = warm.value,
            let status = try await warm.run(
                call, launch, environment: environment, bin: bin, python: python, onStart: onStart)
        {
            return status
        }
        var words = launch.command
        if let sandbox = sandbox.value {
            if let root = launch.root {
                words = sandbox.words(
                    words, folder: launch.folder, workspace: launch.workspace, python: python, root: root,
                    directory: launch.directory ?? "/")
            } else {
                words = sandbox.words(words, folder: launch.folder, workspace: launch.workspace, python: python)
            }
        } else if launch.root != nil {
            throw GyreError(
                .unavailable, "The task reads or writes at paths that it would share with others.",
                fix: "Install bubblewrap, or a container engine with GYRE_TASK_EXECUTOR=container.")
        }
        return try await ChildProcess.run(words, launch, ChildProcess.environment(environment), onStart)
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

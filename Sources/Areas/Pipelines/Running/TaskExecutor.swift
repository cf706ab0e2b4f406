// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Runs a task's command.
package protocol TaskExecutor: Sendable {
    /// What runs commands of this image: `process`, `container`.
    func kind(of image: String) -> String
    /// Whether commands of this image can be run at all.
    func runs(_ image: String) -> Bool
    /// The part of a task's folder that a command of this image sees as `/tmp`; nil where it sees the machine's own.
    func temporaryFolder(of image: String) -> String?
    /// Whether commands of this image can have a root of their own.
    func hasPrivateRoot(for image: String) -> Bool
    /// Runs the command in its environment until it ends, and writes what it prints to the log.
    /// `onStart`: told the process once it runs.
    /// - Returns: the exit status.
    /// - Throws: `.unavailable` if the environment cannot be made; `.timeout`; `CancellationError` as `.cancelled`.
    func run(_ launch: TaskLaunch, onStart: @escaping @Sendable (Int32?) async -> Void) async throws(GyreError) -> Int32
    /// Stops what an earlier server left running in the folder of a task, with all of its children.
    ///
    /// `process`: the one that is known; nil where the server was killed before it could say.
    func stop(process: Int32?, ofTaskIn folder: String) async
}

extension TaskExecutor {
    /// A process.
    package func kind(of image: String) -> String { "process" }
    /// What stands for this machine's own programs.
    package func runs(_ image: String) -> Bool { HostImages().contains(image) }
    /// No.
    package func hasPrivateRoot(for image: String) -> Bool { false }
    /// None.
    package func temporaryFolder(of image: String) -> String? { nil }
}

/// A command that is ready to run.
package struct TaskLaunch: Sendable, Hashable {
    /// What it is meant to run in.
    package let image: String
    /// The command and its arguments, as this machine's own programs run it.
    package let command: [String]
    /// The command and its arguments as they were written, for where nothing of this machine is at hand.
    package let wholeCommand: [String]
    /// The program that stands for the image's own; nil where the command only has arguments for that.
    package let entrypoint: String?
    /// The same as a call of a Python module, where it is one.
    package let python: PythonCall?
    /// What must be installed: lists of arguments of `pip install`, one after another.
    package let requirements: [[String]]
    /// Variables beside the few that it gets of the server's own.
    package let environment: [String: String]
    /// What must not stand in the log, whatever the command prints.
    package let secrets: [String]
    /// The folder it runs in.
    package let folder: String
    /// The folder that all tasks of the run share.
    package let workspace: String
    /// The folder that it starts in as the command sees it; nil for its own.
    package let directory: String?
    /// What it reads and writes by paths of its own.
    package let root: PrivateRoot?
    /// The file that also gets what it prints to its standard output.
    package let output: String?
    /// The file that gets what it prints.
    package let log: String
    /// Seconds until it is stopped.
    package let timeoutSeconds: Int
}

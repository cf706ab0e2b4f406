// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// How pipelines run here.
package struct PipelineOptions: Sendable {
    /// Where tasks have their folders.
    package let folder: String
    /// Seconds until a task is stopped.
    package let timeoutSeconds: Int
    /// Tasks of all runs that run at the same time.
    package let runningTasks: Int
    /// Variables that a task gets; the refs are what goes into it, by the name of the input.
    package let variables: @Sendable (PipelineRun, TaskRecord, [String: Ref]) -> [String: String]
    /// What a name stands for that must not be seen.
    package let secret: @Sendable (String) async throws(GyreError) -> String
    /// What an importer's address means now; the ref never means anything else later.
    package let resolve: @Sendable (String) async throws(GyreError) -> Ref
    /// The files of something resolved.
    package let files: @Sendable (Ref) async throws(GyreError) -> Tree
    /// Reads a compiled package.
    package let read: @Sendable ([UInt8]) throws(GyreError) -> Pipeline
    /// Told each time the engine passes a moment at which a kill of the server would find things half done.
    package let passed: @Sendable (EngineMoment) -> Void
    /// How many tasks hold what has this name at the same time.
    package let lockLimit: @Sendable (String) async throws(GyreError) -> Int
    /// Told when a run has ended; says what it did about it, in words.
    package let onEnd: @Sendable (PipelineRun) async -> String

    /// Options.
    package init(
        folder: String, timeoutSeconds: Int = 3600,
        runningTasks: Int = Limits.runningTasks,
        variables: @escaping @Sendable (PipelineRun, TaskRecord, [String: Ref]) -> [String: String],
        secret: @escaping @Sendable (String) async throws(GyreError) -> String = { name throws(GyreError) in
            throw GyreError(.notFound, "There is no secret \"\(name.prefix(80))\".")
        },
        resolve: @escaping @Sendable (String) async throws(GyreError) -> Ref,
        files: @escaping @Sendable (Ref) async throws(GyreError) -> Tree,
        read: @escaping @Sendable ([UInt8]) throws(GyreError) -> Pipeline,
        passed: @escaping @Sendable (EngineMoment) -> Void = { _ in },
        lockLimit: @escaping @Sendable (String) async throws(GyreError) -> Int = { name throws(GyreError) in
            throw GyreError(.notFound, "Nothing says how many tasks hold \"\(name.prefix(80))\" at the same time.")
        },
        onEnd: @escaping @Sendable (PipelineRun) async -> String
    ) {
        self.folder = folder
        self.timeoutSeconds = timeoutSeconds
        self.runningTasks = runningTasks
        self.variables = variables
        self.secret = secret
        self.resolve = resolve
        self.files = files
        self.read = read
        self.passed = passed
        self.lockLimit = lockLimit
        self.onEnd = onEnd
    }
}

/// A moment of the engine at which a server may be killed, and what came before must not come again.
package enum EngineMoment: String, Sendable, CaseIterable {
    /// A run was kept, and nothing of it was begun.
    case runCreated = "run created"
    /// Events were kept, and what they ask for was not begun.
    case eventsKept = "events kept"
    /// A process was begun, and nobody was told.
    case processBegan = "process began"
    /// A process ended well, and what it wrote was not read.
    case processEnded = "process ended"
    /// What a task gave was stored, and the end of the task was not kept.
    case outputsStored = "outputs stored"
}

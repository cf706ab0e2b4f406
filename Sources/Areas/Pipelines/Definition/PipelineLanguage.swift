// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What the pipelines of a dialect are written in: its expressions, and how its commands are told their inputs and tell what they made.
package protocol PipelineLanguage: Sendable {
    /// Whether a graph may have itself in it: what ends it is known only when it runs.
    var allowsRecursion: Bool { get }
    /// Whether its expressions see tasks, items and what is around them, and not the inputs of their own task alone.
    var seesTasks: Bool { get }
    /// Whether a condition holds.
    /// - Throws: `.invalid` or `.unsupported` for what cannot be evaluated.
    func holds(_ condition: String, in scope: Scope) throws(GyreError) -> Bool
    /// What a text with expressions comes to; nil for nothing.
    func value(of text: String, in scope: Scope) throws(GyreError) -> JSONValue?
    /// The artifacts that an expression names.
    func artifacts(of text: String, in scope: Scope) throws(GyreError) -> [Artifact]?
    /// The inputs with what they stand for where they are written as expressions.
    func settled(_ inputs: TaskValues, in scope: Scope) throws(GyreError) -> TaskValues
    /// What a task is told about another one's end.
    func finalStatus(of task: String, _ state: PipelineRun.State, message: String?, in scope: Scope) -> JSONValue
    /// Whether the image of a container is known before it runs, and is no expression.
    func knowsImage(of container: Container) -> Bool
    /// The container of a task with what its expressions stand for where that decides what runs it.
    func settled(_ container: Container, in scope: Scope) throws(GyreError) -> Container
    /// The command of a task, ready to run in the folder of the call.
    func command(_ container: Container, for call: TaskCall) throws(GyreError) -> TaskCommand
    /// What the command wrote, by the files of its folder.
    func written(by call: TaskCall) throws(GyreError) -> WrittenOutputs
}

extension PipelineLanguage {
    package var allowsRecursion: Bool { false }
    package var seesTasks: Bool { false }
    package func value(of text: String, in scope: Scope) throws(GyreError) -> JSONValue? { .string(text) }
    package func artifacts(of text: String, in scope: Scope) throws(GyreError) -> [Artifact]? { nil }
    package func settled(_ inputs: TaskValues, in scope: Scope) throws(GyreError) -> TaskValues { inputs }
    package func knowsImage(of container: Container) -> Bool { true }
    package func settled(_ container: Container, in scope: Scope) throws(GyreError) -> Container { container }
}

/// What an expression can see.
package struct Scope: Sendable {
    /// The run that it is evaluated in.
    package let run: PipelineRun
    /// The task's path within the run.
    package let path: String
    /// What goes into the task.
    package let inputs: TaskValues
    /// The item of a loop that it is for.
    package var item: JSONValue?
    /// What goes into the graph that the task stands in.
    package var outer = TaskValues()
    /// A task of the same graph.
    package var task: @Sendable (String) -> TaskView? = { _ in nil }
    /// All tasks of the same graph, by name.
    package var tasks: @Sendable () -> [String: TaskView] = { [:] }
    /// A task of the graph that the run starts with.
    package var first: @Sendable (String) -> TaskView? = { _ in nil }
    /// Tasks that failed, anywhere in the run.
    package var failures: @Sendable () -> [TaskView] = { [] }
    /// When the last thing happened to the run, microseconds since 1970.
    package var now: Int64 = 0
    /// What tasks gave for all of the run to see.
    package var shared = TaskValues()
    /// The attempt that failed, where it is asked whether there is another.
    package var lastAttempt: TaskView?
    /// How often it was tried.
    package var attempts = 0

    /// A scope.
    package init(run: PipelineRun, path: String, inputs: TaskValues) {
        self.run = run
        self.path = path
        self.inputs = inputs
    }
}

/// A task of a run as expressions see it.
package struct TaskView: Sendable {
    /// Its name within the run.
    package let path: String
    /// How it goes.
    package let state: PipelineRun.State
    /// Whether it was skipped because of what was before it.
    package let isBlocked: Bool
    /// What came out.
    package let outputs: TaskValues
    /// What went wrong, or why it was skipped.
    package let message: String?
    /// The exit status of its command, where it came to one.
    package let exitStatus: Int?
    /// When it began, microseconds since 1970.
    package let startedAt: Int64?
    /// When it ended.
    package let endedAt: Int64?
    /// Whether it could not be run, and did not fail by itself.
    package let isErrored: Bool
    /// The states of its iterations, for a loop.
    package let iterations: [PipelineRun.State]?

    /// A task.
    package init(
        path: String, state: PipelineRun.State, isBlocked: Bool = false, outputs: TaskValues = TaskValues(),
        message: String? = nil, exitStatus: Int? = nil, startedAt: Int64? = nil, endedAt: Int64? = nil,
        isErrored: Bool = false, iterations: [PipelineRun.State]? = nil
    ) {
        self.path = path
        self.state = state
        self.isBlocked = isBlocked
        self.outputs = outputs
        self.message = message
        self.exitStatus = exitStatus
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.isErrored = isErrored
        self.iterations = iterations
    }
}

/// A command with what it takes to run it.
package struct TaskCommand: Sendable, Hashable {
    /// The program and its words.
    package let words: [String]
    /// The same with what installs packages, for an image that is really there.
    package let whole: [String]
    /// Whether the first of the whole words is the program; else they are arguments of the image's own.
    package var hasProgram = true
    /// What must be installed: lists of arguments of `pip install`, one after another.
    package let requirements: [[String]]
    /// The same as a call of a Python module, where it is one: a Python that is up already may run it.
    package let python: PythonCall?
    /// What it reads and writes by paths of its own, outside of its folder.
    package var root: PrivateRoot?
    /// The file that also gets what it prints to its standard output; nil for the log alone.
    package var output: String?
    /// Seconds until it is stopped; nil for what its container says.
    package var timeoutSeconds: Int?
    /// Variables, where they are not those of its container.
    package var environment: [String: String]?
    /// The folder that it starts in, where that is another than its own.
    package var directory: String?

    /// A command.
    package init(
        _ words: [String], whole: [String]? = nil, requirements: [[String]] = [], python: PythonCall? = nil
    ) {
        self.words = words
        self.whole = whole ?? words
        self.requirements = requirements
        self.python = python
    }
}

/// A root of its own for a command that reads and writes at absolute paths.
package struct PrivateRoot: Sendable, Hashable {
    /// The folder that stands for `/`; what the command does not bring is the system's, to be read.
    package let folder: String
    /// The paths that it finds filled.
    package let inputs: [String]
    /// The paths that are read when it has ended.
    package let outputs: [String]

    /// A root.
    package init(folder: String, inputs: [String], outputs: [String]) {
        self.folder = folder
        self.inputs = inputs
        self.outputs = outputs
    }

    /// Where a path of the command lies here.
    package func place(_ path: String) -> String { folder + path }
}

/// A module of Python that is run as a program on a file with source.
package struct PythonCall: Sendable, Hashable {
    /// The module: `kfp.dsl.executor_main`.
    package let module: String
    /// The source that it is given.
    package let source: String
    /// The argument that the path of the source stands behind.
    package let sourceArgument: String
    /// All other arguments.
    package let arguments: [String]
    /// Variables that it runs with.
    package let environment: [String: String]

    /// A call.
    package init(
        module: String, source: String, sourceArgument: String, arguments: [String], environment: [String: String]
    ) {
        self.module = module
        self.source = source
        self.sourceArgument = sourceArgument
        self.arguments = arguments
        self.environment = environment
    }
}

/// What a command left in its folder.
package struct WrittenOutputs: Sendable {
    /// Output parameters.
    package var parameters: [String: JSONValue] = [:]
    /// Output artifacts: the files of each.
    package var artifacts: [String: [File]] = [:]

    /// A file or folder that is an artifact.
    package struct File: Sendable {
        /// The artifact's name.
        package let name: String
        /// `system.Model` and more.
        package let type: String
        /// Where it lies.
        package let path: String
        /// What is said about it.
        package let metadata: JSONValue

        /// A file.
        package init(name: String, type: String, path: String, metadata: JSONValue) {
            self.name = name
            self.type = type
            self.path = path
            self.metadata = metadata
        }
    }

    /// Nothing.
    package init() {}
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What the pipelines of a dialect are written in: its expressions, and how its commands are told their inputs and tell what they made.
package protocol PipelineLanguage: Sendable {
    /// Whether a condition holds.
    /// - Throws: `.invalid` or `.unsupported` for what cannot be evaluated.
    func holds(_ condition: String, in scope: Scope) throws(GyreError) -> Bool
    /// The inputs with what they stand for where they are written as expressions.
    func settled(_ inputs: TaskValues, in scope: Scope) throws(GyreError) -> TaskValues
    /// What a task is told about another one's end.
    func finalStatus(of task: String, _ state: PipelineRun.State, message: String?, in scope: Scope) -> JSONValue
    /// The command of a task, ready to run in the folder of the call.
    func command(_ container: Container, for call: TaskCall) throws(GyreError) -> TaskCommand
    /// What the command wrote, by the files of its folder.
    func written(by call: TaskCall) throws(GyreError) -> WrittenOutputs
}

extension PipelineLanguage {
    package func settled(_ inputs: TaskValues, in scope: Scope) throws(GyreError) -> TaskValues { inputs }
}

/// What an expression can see.
package struct Scope: Sendable {
    /// The run that it is evaluated in.
    package let run: PipelineRun
    /// The task's path within the run.
    package let path: String
    /// What goes into the task.
    package let inputs: TaskValues

    /// A scope.
    package init(run: PipelineRun, path: String, inputs: TaskValues) {
        self.run = run
        self.path = path
        self.inputs = inputs
    }
}

/// A command with what it takes to run it.
package struct TaskCommand: Sendable, Hashable {
    /// The program and its words.
    package let words: [String]
    /// The same with what installs packages, for an image that is really there.
    package let whole: [String]
    /// What must be installed: lists of arguments of `pip install`, one after another.
    package let requirements: [[String]]
    /// The same as a call of a Python module, where it is one: a Python that is up already may run it.
    package let python: PythonCall?

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

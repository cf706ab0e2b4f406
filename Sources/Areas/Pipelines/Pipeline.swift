// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A pipeline as it was compiled: components, and the graph of tasks that uses them.
package struct Pipeline: Sendable, Hashable {
    /// What its author called it.
    package let name: String
    /// Components by name.
    package let components: [String: Component]
    /// The graph that a run starts with.
    package let root: Component
    /// The digest of the compiled package: pins code and graph.
    package let digest: Digest

    /// A pipeline whose parts fit together.
    /// - Throws: `.invalid` for a component that is missing or a graph with a cycle.
    package init(name: String, components: [String: Component], root: Component, digest: Digest) throws(GyreError) {
        self.name = name
        self.components = components
        self.root = root
        self.digest = digest
        for (owner, component) in components.merging(["root": root], uniquingKeysWith: { $1 }).sorted(by: {
            $0.key < $1.key
        }) {
            guard case .graph(let graph) = component.body else { continue }
            try check(graph, of: owner)
        }
        try checkNesting(root, path: [])
    }

    /// `pipeline/<name>@<digest>`.
    package var ref: Ref { Ref("pipeline", name, digest.short) }

    private func check(_ graph: TaskGraph, of owner: String) throws(GyreError) {
        var waiting = Set(graph.tasks.keys)
        for (name, task) in graph.tasks {
            guard components[task.component] != nil else {
                throw GyreError(
                    .invalid,
                    "The task \"\(name)\" uses the component \"\(task.component)\", which the pipeline does not have.")
            }
            if let missing = task.upstream.first(where: { graph.tasks[$0] == nil }) {
                throw GyreError(
                    .invalid, "The task \"\(name)\" depends on \"\(missing)\", which \(owner) does not have.")
            }
        }
        while !waiting.isEmpty {
            let ready = waiting.filter { name in
                (graph.tasks[name]?.upstream ?? []).allSatisfy { !waiting.contains($0) }
            }
            guard !ready.isEmpty else {
                throw GyreError(
                    .invalid, "The pipeline \"\(name)\" has a cycle.",
                    why: "These tasks wait for one another: \(waiting.sorted().joined(separator: ", ")).")
            }
            waiting.subtract(ready)
        }
    }

    private func checkNesting(_ component: Component, path: [String]) throws(GyreError) {
        guard case .graph(let graph) = component.body else { return }
        for task in graph.tasks.values {
            if path.contains(task.component) {
                throw GyreError(.invalid, "The component \"\(task.component)\" contains itself.")
            }
            if let inner = components[task.component] { try checkNesting(inner, path: path + [task.component]) }
        }
    }
}

/// What a task does, with its inputs and outputs.
package struct Component: Sendable, Hashable {
    /// Input parameters by name.
    package let inputParameters: [String: ParameterDefinition]
    /// Input artifacts: name to type title.
    package let inputArtifacts: [String: String]
    /// Output parameters by name.
    package let outputParameters: [String: ParameterDefinition]
    /// Output artifacts: name to type title.
    package let outputArtifacts: [String: String]
    /// How it is done.
    package let body: Body

    /// How a component is done.
    package indirect enum Body: Sendable, Hashable {
        case graph(TaskGraph)
        case container(Container)
        case importer(Importer)
    }

    /// A component.
    package init(
        inputParameters: [String: ParameterDefinition], inputArtifacts: [String: String],
        outputParameters: [String: ParameterDefinition], outputArtifacts: [String: String], body: Body
    ) {
        self.inputParameters = inputParameters
        self.inputArtifacts = inputArtifacts
        self.outputParameters = outputParameters
        self.outputArtifacts = outputArtifacts
        self.body = body
    }
}

/// A parameter's type and default.
package struct ParameterDefinition: Sendable, Hashable {
    /// What it holds.
    package let type: Kind
    /// Its value where none is given.
    package let defaultValue: JSONValue?
    /// Whether it may be absent.
    package let isOptional: Bool

    /// The types of KFP.
    package enum Kind: String, Sendable, Hashable {
        case double = "NUMBER_DOUBLE"
        case integer = "NUMBER_INTEGER"
        case string = "STRING"
        case boolean = "BOOLEAN"
        case list = "LIST"
        case structure = "STRUCT"
        case finalStatus = "TASK_FINAL_STATUS"
    }

    /// A definition.
    package init(type: Kind, defaultValue: JSONValue?, isOptional: Bool) {
        self.type = type
        self.defaultValue = defaultValue
        self.isOptional = isOptional
    }

    /// `value` as this type has it: the compiler writes 3.0 for an integer's default.
    package func settle(_ value: JSONValue) -> JSONValue {
        switch type {
        case .integer: value.int.map { .int($0) } ?? value
        case .double: value.double.map { .double($0) } ?? value
        default: value
        }
    }
}

/// A command in an image; without containers the image names an environment.
package struct Container: Sendable, Hashable {
    /// `python:3.11`.
    package let image: String
    /// The program and its first words, with placeholders for inputs and outputs.
    package let command: [JSONValue]
    /// The words after the command, with placeholders as well.
    package let arguments: [JSONValue]
    /// Variables it gets.
    package let environment: [String: String]

    /// A container.
    package init(image: String, command: [JSONValue], arguments: [JSONValue], environment: [String: String]) {
        self.image = image
        self.command = command
        self.arguments = arguments
        self.environment = environment
    }
}

/// Brings something that exists already into the run.
package struct Importer: Sendable, Hashable {
    /// Its address, or the input parameter that holds it.
    package let source: Source
    /// The type title of the artifact.
    package let type: String
    /// What the artifact is said to be, beside its type.
    package let metadata: JSONValue

    /// Where the address is.
    package enum Source: Sendable, Hashable {
        case address(String)
        case parameter(String)
    }

    /// An importer.
    package init(source: Source, type: String, metadata: JSONValue) {
        self.source = source
        self.type = type
        self.metadata = metadata
    }
}

/// Tasks that depend on one another.
package struct TaskGraph: Sendable, Hashable {
    /// Tasks by name.
    package let tasks: [String: TaskDefinition]
    /// Outputs of the graph that are parameters: the tasks' outputs that give them; the first that ran wins.
    package let parameterOutputs: [String: [OutputReference]]
    /// Outputs of the graph that are artifacts.
    package let artifactOutputs: [String: [OutputReference]]

    /// An output of a task.
    package struct OutputReference: Sendable, Hashable {
        /// The name of the task that gives it.
        package let task: String
        /// The output's name.
        package let output: String

        /// A reference.
        package init(task: String, output: String) {
            self.task = task
            self.output = output
        }
    }

    /// A graph.
    package init(
        tasks: [String: TaskDefinition], parameterOutputs: [String: [OutputReference]],
        artifactOutputs: [String: [OutputReference]]
    ) {
        self.tasks = tasks
        self.parameterOutputs = parameterOutputs
        self.artifactOutputs = artifactOutputs
    }
}

/// One task of a graph.
package struct TaskDefinition: Sendable, Hashable {
    /// What it does, by the name of a component of the pipeline.
    package var component: String
    /// Where each input parameter comes from.
    package var parameters: [String: ValueSource] = [:]
    /// Where each input artifact comes from.
    package var artifacts: [String: ValueSource] = [:]
    /// Tasks that must have ended before.
    package var upstream: [String] = []
    /// When it runs at all.
    package var condition: String?
    /// Whether it runs even if an upstream task failed.
    package var runsAfterFailure = false
    /// Whether an earlier result for the same inputs may be taken.
    package var isCacheable = false
    /// How often it is tried again.
    package var retries = 0
    /// Seconds before the first retry; doubles each time.
    package var retrySeconds: Double = 0
    /// One run for each item of a list.
    package var iterator: Iterator?

    /// Where a value comes from.
    package enum ValueSource: Sendable, Hashable {
        case constant(JSONValue)
        case input(String, member: String?)
        case output(task: String, name: String)
        case finalStatus(task: String)
    }

    /// A loop.
    package struct Iterator: Sendable, Hashable {
        /// The list.
        package let items: ValueSource
        /// The component's input that gets the item.
        package let itemInput: String
        /// How many run at the same time; nil for any number.
        package let parallelism: Int?

        /// A loop.
        package init(items: ValueSource, itemInput: String, parallelism: Int?) {
            self.items = items
            self.itemInput = itemInput
            self.parallelism = parallelism
        }
    }

    /// A task without inputs.
    package init(component: String) { self.component = component }
}

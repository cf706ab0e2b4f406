// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What a task does, with its inputs and outputs.
package struct Component: Sendable, Hashable {
    /// Input parameters by name.
    package let inputParameters: [String: ParameterDefinition]
    /// Input artifacts by name.
    package let inputArtifacts: [String: ArtifactDefinition]
    /// Output parameters by name.
    package let outputParameters: [String: ParameterDefinition]
    /// Output artifacts by name.
    package let outputArtifacts: [String: ArtifactDefinition]
    /// How it is done.
    package let body: Body
    /// Outputs that all of the run can see, by the names that they have there.
    package var globalOutputs: [String: String] = [:]

    /// How a component is done.
    package indirect enum Body: Sendable, Hashable {
        case graph(TaskGraph)
        case container(Container)
        case importer(Importer)
        case gate(Gate)
    }

    /// A component.
    package init(
        inputParameters: [String: ParameterDefinition] = [:], inputArtifacts: [String: ArtifactDefinition] = [:],
        outputParameters: [String: ParameterDefinition] = [:], outputArtifacts: [String: ArtifactDefinition] = [:],
        body: Body
    ) {
        self.inputParameters = inputParameters
        self.inputArtifacts = inputArtifacts
        self.outputParameters = outputParameters
        self.outputArtifacts = outputArtifacts
        self.body = body
    }
}

/// What kind of artifact goes in or comes out.
package struct ArtifactDefinition: Sendable, Hashable {
    /// `system.Model` and more.
    package let type: String
    /// Whether it is a list of artifacts and not one.
    package let isList: Bool
    /// Whether it may be absent.
    package let isOptional: Bool

    /// A definition.
    package init(_ type: String, isList: Bool = false, isOptional: Bool = false) {
        self.type = type
        self.isList = isList
        self.isOptional = isOptional
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

    /// What a parameter may hold.
    package enum Kind: Sendable, Hashable {
        case double
        case integer
        case string
        case boolean
        case list
        case structure
        /// How another task ended.
        case finalStatus
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
    /// Seconds until an attempt is stopped; nil for the server's own limit.
    package let timeoutSeconds: Int?
    /// What the language of the pipeline keeps with it.
    package let details: JSONValue

    /// A container.
    package init(
        image: String, command: [JSONValue], arguments: [JSONValue] = [], environment: [String: String] = [:],
        timeoutSeconds: Int? = nil, details: JSONValue = .null
    ) {
        self.image = image
        self.command = command
        self.arguments = arguments
        self.environment = environment
        self.timeoutSeconds = timeoutSeconds
        self.details = details
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

    /// Whether an address is of something that is kept elsewhere: `gs://…`, `https://…`.
    package static func isElsewhere(_ address: String) -> Bool { address.contains("://") }

    /// An importer.
    package init(source: Source, type: String, metadata: JSONValue) {
        self.source = source
        self.type = type
        self.metadata = metadata
    }
}

/// Waits until somebody answers, or for a time.
package struct Gate: Sendable, Hashable {
    /// What is asked.
    package let message: String
    /// Seconds after which it opens by itself; nil where somebody must open it.
    package let seconds: Double?
    /// The same as a text in the language of the pipeline that gives the seconds.
    package let duration: String?

    /// A gate.
    package init(message: String, seconds: Double? = nil, duration: String? = nil) {
        self.message = message
        self.seconds = seconds
        self.duration = duration
    }
}

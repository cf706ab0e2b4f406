// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreLedger

/// The folder of one attempt, and what KFP's executor is told about it.
struct TaskFolder: Sendable {
    let path: String
    let component: Component

    /// An empty folder; what an earlier attempt left is removed.
    func make() throws(GyreError) {
        do {
            if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
            for part in ["inputs", "outputs", "parameters"] {
                try FileManager.default.createDirectory(atPath: "\(path)/\(part)", withIntermediateDirectories: true)
            }
        } catch {
            throw GyreError.wrapping(error, "Making the folder of a task")
        }
    }

    func input(_ name: String, _ index: Int) -> String {
        index == 0 ? "\(path)/inputs/\(name)" : "\(path)/inputs/\(name)-\(index)"
    }

    private func output(_ name: String) -> String { "\(path)/outputs/\(name)" }
    private func parameter(_ name: String) -> String { "\(path)/parameters/\(name)" }
    private var outputFile: String { "\(path)/executor_output.json" }

    func executorInput(_ inputs: GraphRunner.Inputs) -> JSONValue {
        var parameters: JSONValue = [:]
        for (name, value) in inputs.parameters.sorted(by: { $0.key < $1.key }) { parameters[name] = value }
        var artifacts: JSONValue = [:]
        for (name, list) in inputs.artifacts.sorted(by: { $0.key < $1.key }) {
            artifacts[name] = [
                "artifacts": .array(list.enumerated().map { artifact($1.name, $1.type, input(name, $0), $1.metadata) })
            ]
        }
        var outputParameters: JSONValue = [:]
        for name in component.outputParameters.keys.sorted() {
            outputParameters[name] = ["outputFile": .string(parameter(name))]
        }
        var outputArtifacts: JSONValue = [:]
        for (name, type) in component.outputArtifacts.sorted(by: { $0.key < $1.key }) {
            outputArtifacts[name] = ["artifacts": [artifact(name, type, output(name), [:])]]
        }
        return [
            "inputs": ["parameterValues": parameters, "artifacts": artifacts],
            "outputs": [
                "parameters": outputParameters, "artifacts": outputArtifacts, "outputFile": .string(outputFile),
            ],
        ]
    }

    private func artifact(_ name: String, _ type: String, _ uri: String, _ metadata: JSONValue) -> JSONValue {
        [
            "name": .string(name), "type": ["schemaTitle": .string(type), "schemaVersion": "0.0.1"],
            "uri": .string(uri), "metadata": metadata,
        ]
    }

    /// What the component wrote: the executor's output file says more than the single files.
    func collect(_ files: ArtifactFiles) async throws(GyreError) -> TaskOutputs {
        var outputs = TaskOutputs()
        let told = FileManager.default.contents(atPath: outputFile)
        let json = try told.map { data throws(GyreError) in try JSONValue(parsing: Array(data)) } ?? [:]
        for (name, definition) in component.outputParameters {
            if let value = json["parameterValues"]?[name] {
                outputs.parameters[name] = definition.settle(value)
            } else if let data = FileManager.default.contents(atPath: parameter(name)) {
                let text = String(decoding: data, as: UTF8.self)
                outputs.parameters[name] =
                    definition.type == .string ? .string(text) : definition.settle(try JSONValue(parsing: text))
            }
        }
        for (name, type) in component.outputArtifacts {
            let metadata = json["artifacts"]?[name]?["artifacts"]?[0]?["metadata"] ?? [:]
            outputs.artifacts[name] = [try await files.store(name, type: type, at: output(name), metadata: metadata)]
        }
        return outputs
    }
}

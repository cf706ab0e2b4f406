// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyrePipelines

/// What KFP's executor is told about a task, and what it tells of it.
enum ExecutorInput {
    /// The document that `{{$}}` stands for.
    static func json(_ call: TaskCall) -> JSONValue {
        var outputParameters: JSONValue = [:]
        for name in call.component.outputParameters.keys.sorted() {
            outputParameters[name] = ["outputFile": .string(call.parameterPath(name))]
        }
        var outputArtifacts: JSONValue = [:]
        for (name, definition) in call.component.outputArtifacts.sorted(by: { $0.key < $1.key }) {
            outputArtifacts[name] = [
                "artifacts": [artifact(name, definition.type, call.outputPath(name), [:])]
            ]
        }
        return [
            "inputs": inputs(call.inputs) { call.inputPath($0, $1) },
            "outputs": [
                "parameters": outputParameters, "artifacts": outputArtifacts,
                "outputFile": .string(outputFile(call)),
            ],
        ]
    }

    /// What goes in; `path` says where an artifact lies.
    static func inputs(_ values: TaskValues, _ path: (String, Int) -> String) -> JSONValue {
        var parameters: JSONValue = [:]
        for (name, value) in values.parameters.sorted(by: { $0.key < $1.key }) { parameters[name] = value }
        var artifacts: JSONValue = [:]
        for (name, list) in values.artifacts.sorted(by: { $0.key < $1.key }) {
            artifacts[name] = [
                "artifacts": .array(
                    list.enumerated().map { artifact($1.name, $1.type, $1.address ?? path(name, $0), $1.metadata) })
            ]
        }
        return ["parameterValues": parameters, "artifacts": artifacts]
    }

    private static func artifact(_ name: String, _ type: String, _ uri: String, _ metadata: JSONValue) -> JSONValue {
        [
            "name": .string(name), "type": ["schemaTitle": .string(type), "schemaVersion": "0.0.1"],
            "uri": .string(uri), "metadata": metadata,
        ]
    }

    private static func outputFile(_ call: TaskCall) -> String { "\(call.folder)/executor_output.json" }

    /// What the component wrote: the executor's output file says more than the single files.
    static func written(_ call: TaskCall) throws(GyreError) -> WrittenOutputs {
        var outputs = WrittenOutputs()
        let told = call.contents(outputFile(call))
        let json = try told.map { bytes throws(GyreError) in try JSONValue(parsing: bytes) } ?? [:]
        for (name, definition) in call.component.outputParameters {
            if let value = json["parameterValues"]?[name] {
                outputs.parameters[name] = value
            } else if let data = call.contents(call.parameterPath(name)) {
                outputs.parameters[name] = try value(String(decoding: data, as: UTF8.self), of: name, definition.type)
            }
        }
        for (name, definition) in call.component.outputArtifacts {
            let told = json["artifacts"]?[name]?["artifacts"]?.array
            if definition.isList {
                outputs.artifacts[name] = (told ?? []).map { file($0, name, definition, call) }
            } else {
                outputs.artifacts[name] = [file(told?.first ?? [:], name, definition, call)]
            }
        }
        return outputs
    }

    /// What a component wrote as text: JSON, or a truth as Python writes it.
    private static func value(
        _ text: String, of name: String, _ type: ParameterDefinition.Kind
    ) throws(GyreError) -> JSONValue {
        switch (type, text.trimmingCharacters(in: .whitespacesAndNewlines)) {
        case (.string, _): return .string(text)
        case (.boolean, "True"), (.boolean, "TRUE"): return true
        case (.boolean, "False"), (.boolean, "FALSE"): return false
        case (_, let trimmed):
            do { return try JSONValue(parsing: trimmed) } catch {
                throw GyreError(
                    .invalid, "The output parameter \"\(name)\" is \"\(trimmed.prefix(80))\", which is no \(type).",
                    why: error.why)
            }
        }
    }

    private static func file(
        _ told: JSONValue, _ output: String, _ definition: ArtifactDefinition, _ call: TaskCall
    ) -> WrittenOutputs.File {
        let uri = told["customPath"]?.string ?? told["custom_path"]?.string ?? told["uri"]?.string ?? ""
        let name = told["name"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? output
        let type = told["type"]?["schemaTitle"]?.string ?? definition.type
        return WrittenOutputs.File(
            // Artifacts of a list may have names with slashes; the part behind them tells them apart.
            name: definition.isList ? String(name.split(separator: "/").last ?? "artifact") : output,
            type: type.isEmpty ? definition.type : type, path: uri.isEmpty ? call.outputPath(output) : uri,
            metadata: told["metadata"] ?? [:])
    }
}

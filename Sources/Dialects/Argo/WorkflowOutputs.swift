// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyrePipelines

/// What a command of a workflow left.
enum WorkflowOutputs {
    static func read(_ call: TaskCall, language: ArgoLanguage) throws(GyreError) -> WrittenOutputs {
        guard case .container(let container) = call.component.body else { return WrittenOutputs() }
        let template = container.details
        let scope = WorkflowScope(scope: call.scope, inputs: call.inputs, language: language)
        let paths = try WorkflowCommand.paths(template, scope)
        let root = WorkflowCommand.root(of: call)
        var outputs = WrittenOutputs()
        var result = text(call.contents(WorkflowCommand.output(of: call)) ?? [])
        if let http = template["http"] { result = try WorkflowHTTP.result(http, result, scope) }
        outputs.parameters[ArgoLanguage.result] = .string(result)
        for parameter in template["outputs"]?["parameters"]?.array ?? [] {
            guard let name = parameter["name"]?.string else { continue }
            if let path = paths["outputs.parameters.\(name)"], let bytes = call.contents(root + path) {
                outputs.parameters[name] = .string(text(bytes))
            } else if let otherwise = parameter["valueFrom"]?["default"] ?? parameter["default"] {
                outputs.parameters[name] = .string(try Tag.fill(ExpressionFunctions.text(otherwise), scope))
            } else if let value = parameter["value"] {
                outputs.parameters[name] = .string(try Tag.fill(ExpressionFunctions.text(value), scope))
            } else {
                throw missing(name, paths["outputs.parameters.\(name)"] ?? "")
            }
        }
        for artifact in template["outputs"]?["artifacts"]?.array ?? [] {
            guard let name = artifact["name"]?.string, let path = paths["outputs.artifacts.\(name)"] else { continue }
            guard FileManager.default.fileExists(atPath: root + path) else {
                if artifact["optional"]?.bool == true { continue }
                throw missing(name, path)
            }
            outputs.artifacts[name] = [
                WrittenOutputs.File(name: name, type: "system.Artifact", path: root + path, metadata: [:])
            ]
        }
        return outputs
    }

    private static func missing(_ name: String, _ path: String) -> GyreError {
        GyreError(.invalid, "The task wrote nothing to \(path), which is its output \"\(name)\".")
    }

    /// The text of a file, without the end of its last line.
    private static func text(_ bytes: [UInt8]) -> String {
        var bytes = bytes[...]
        if bytes.last == UInt8(ascii: "\n") { bytes = bytes.dropLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyrePipelines

/// What compiled Kubeflow pipelines are written in: conditions in a part of CEL, placeholders, and the executor's files.
package struct KFPLanguage: PipelineLanguage {
    /// The language.
    package init() {}

    package func holds(_ condition: String, in scope: Scope) throws(GyreError) -> Bool {
        try Condition.evaluate(condition, scope.inputs.parameters)
    }

    package func settled(_ inputs: TaskValues, in scope: Scope) throws(GyreError) -> TaskValues {
        guard inputs.parameters.values.contains(where: { $0.text.contains("{{$") }) else { return inputs }
        return try Self.settled(inputs, run: scope.run, path: scope.path, workspace: nil)
    }

    private static func settled(
        _ inputs: TaskValues, run: PipelineRun, path: String, workspace: String?
    ) throws(GyreError) -> TaskValues {
        let document: JSONValue = ["inputs": ExecutorInput.inputs(inputs) { name, _ in name }]
        let template = CommandTemplate(executorInput: document, run: run, path: path, workspace: workspace)
        var settled = inputs
        for (name, value) in inputs.parameters { settled.parameters[name] = try template.settled(value) }
        return settled
    }

    package func finalStatus(
        of task: String, _ state: PipelineRun.State, message: String?, in scope: Scope
    ) -> JSONValue {
        var error: JSONValue = [:]
        if let message { error = ["code": 2, "message": .string(message)] }
        return [
            "state": .string(state.rawValue), "error": error, "pipelineTaskName": .string(task),
            "pipelineJobResourceName": .string(Self.resourceName(of: scope.run)),
        ]
    }

    package func command(_ container: Container, for call: TaskCall) throws(GyreError) -> TaskCommand {
        var call = call
        if call.inputs.parameters.values.contains(where: { $0.text.contains("{{$.workspace_path") }) {
            call.inputs = try Self.settled(call.inputs, run: call.run, path: call.path, workspace: call.workspace)
        }
        let filled = try CommandTemplate(
            executorInput: ExecutorInput.json(call), run: call.run, path: call.path, workspace: call.workspace,
            lists: Set(call.component.inputArtifacts.filter(\.value.isList).keys)
        ).fill(container)
        return TaskCommand(
            filled.command, whole: filled.whole, requirements: filled.requirements,
            python: Self.pythonCall(filled.command))
    }

    /// The script that the compiler has before the source of a lightweight component, its words apart.
    private static let script = """
        program_path=$(mktemp -d) printf "%s" "$0" > "$program_path/ephemeral_component.py" _KFP_RUNTIME=true python3 -m \
        kfp.dsl.executor_main --component_module_path "$program_path/ephemeral_component.py" "$@"
        """.split(separator: " ")

    /// A command that does nothing but run kfp's executor on the source of a component, as a call; nil for any other.
    private static func pythonCall(_ words: [String]) -> PythonCall? {
        guard words.count > 4, words[0] == "sh", words[1] == "-ec",
            words[2].split(whereSeparator: \.isWhitespace) == script
        else { return nil }
        return PythonCall(
            module: "kfp.dsl.executor_main", source: words[3], sourceArgument: "--component_module_path",
            arguments: Array(words.dropFirst(4)), environment: ["_KFP_RUNTIME": "true"])
    }

    /// What a cluster would call the run: the pipeline's name and some of the id.
    static func resourceName(of run: PipelineRun) -> String { "\(run.pipeline.name)-\(run.id.prefix(5))" }

    /// The name of a task, without the groups that it stands in.
    static func taskName(of path: String) -> String {
        let last = path.split(separator: "/").last.map(String.init) ?? path
        return String(last.prefix { $0 != "[" })
    }

    package func written(by call: TaskCall) throws(GyreError) -> WrittenOutputs { try ExecutorInput.written(call) }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyrePipelines

/// What Argo's workflows are written in: tags in texts, expressions, `when` and `depends`, and files at paths of a command's own root.
package struct ArgoLanguage: PipelineLanguage {
    /// The name of the output that holds what a command printed; no parameter can be called so.
    package static let result = "standard output"

    /// Images that a few lines of shell stand for here.
    package static let images = ["argosay"]

    /// Where the workflow's name is the only one.
    let namespace: String
    /// The template that it begins with.
    let entrypoint: String
    /// The workflow's labels.
    let labels: [String: String]
    /// The workflow's annotations.
    let annotations: [String: String]
    /// Whose name it would have in a cluster.
    let serviceAccount: String
    /// Who goes first.
    let priority: Int

    package var allowsRecursion: Bool { true }
    package var seesTasks: Bool { true }

    /// What the texts of a template see.
    private func own(_ scope: Scope) -> WorkflowScope {
        WorkflowScope(scope: scope, inputs: scope.inputs, language: self)
    }

    /// What the arguments of a step see.
    private func outer(_ scope: Scope) -> WorkflowScope {
        WorkflowScope(scope: scope, inputs: scope.outer, language: self)
    }

    package func holds(_ condition: String, in scope: Scope) throws(GyreError) -> Bool {
        switch WorkflowText(condition) {
        case .when(let text): return try WhenCondition.holds(try Tag.fill(text, outer(scope)))
        case .depends(let text): return try DependsExpression(parsing: text).holds(scope.task)
        case .retry(let text): return try Self.truth(text, own(scope))
        case .hook(let text):
            let name = String(text.prefix { $0 != " " })
            if let view = scope.task(name), view.state == .skipped { return false }
            let expression = text.dropFirst(name.count + 1)
            return expression.isEmpty ? true : try Self.truth(String(expression), outer(scope))
        case .argument(let text), .skippable(let text), .own(let text), .duration(let text), .items(let text),
            .sequence(let text), .expression(let text), .output(let text):
            return try Self.truth(text, outer(scope))
        }
    }

    private static func truth(_ text: String, _ scope: WorkflowScope) throws(GyreError) -> Bool {
        // Tags may stand in expressions, too.
        try ExpressionEvaluator(scope).truth(try ExpressionParser.parse(try Tag.fill(text, scope)))
    }

    package func value(of text: String, in scope: Scope) throws(GyreError) -> JSONValue? {
        switch WorkflowText(text) {
        case .argument(let text): return .string(try Tag.fill(text, outer(scope)))
        case .skippable(let text):
            let source = try JSONValue(parsing: text)
            if scope.task(source["task"]?.string ?? "")?.state == .skipped {
                return .string(try Tag.fill(source["otherwise"]?.string ?? "", outer(scope)))
            }
            return .string(try Tag.fill(source["text"]?.string ?? "", outer(scope)))
        case .own(let text): return .string(try Tag.fill(text, own(scope)))
        case .duration(let text):
            let written = try Tag.fill(text, own(scope))
            return .string(GoTime.seconds(written).map { String($0) } ?? written)
        case .items(let text): return try Tag.fill(try JSONValue(parsing: text), outer(scope))
        case .sequence(let text):
            return try WorkflowSequence.items(try Tag.fill(try JSONValue(parsing: text), outer(scope)))
        case .output(let text): return try output(try JSONValue(parsing: text), scope)
        case .when(let text), .depends(let text), .expression(let text), .retry(let text), .hook(let text):
            return try ExpressionEvaluator(outer(scope)).value(try ExpressionParser.parse(text))
        }
    }

    /// The output parameter of a template of steps or tasks.
    private func output(_ source: JSONValue, _ scope: Scope) throws(GyreError) -> JSONValue? {
        // What the outputs of a group see is what is in it, and its own inputs.
        let around = outer(scope)
        do throws(GyreError) {
            if let text = source["parameter"]?.string { return .string(try Tag.fill(text, around)) }
            if let text = source["expression"]?.string {
                let value = try ExpressionEvaluator(around).value(try ExpressionParser.parse(text))
                if value != .null { return .string(ExpressionFunctions.text(value)) }
            }
        } catch {
            guard source["default"] != nil else { throw error }
        }
        if let otherwise = source["default"] { return .string(ExpressionFunctions.text(otherwise)) }
        throw GyreError(.invalid, "The output \"\(source["name"]?.string ?? "")\" has no value, and no default.")
    }

    package func artifacts(of text: String, in scope: Scope) throws(GyreError) -> [Artifact]? {
        switch WorkflowText(text) {
        case .expression(let text):
            let value = try ExpressionEvaluator(outer(scope)).value(try ExpressionParser.parse(text))
            guard let place = value["artifact"]?.strings, place.count == 2 else { return nil }
            return scope.tasks().values.first { $0.path == place[0] }?.outputs.artifacts[place[1]]
        case .argument(let text):
            guard case .tag(.path(let path), _) = try Tag.parts(of: text).first else { return nil }
            switch (path.first, path.count) {
            case ("inputs", 3): return scope.outer.artifacts[path[2]]
            case ("workflow", 4): return scope.shared.artifacts[path[3]]
            case ("steps", 5), ("tasks", 5): return scope.task(path[1])?.outputs.artifacts[path[4]]
            default: return nil
            }
        default: return nil
        }
    }

    package func finalStatus(
        of task: String, _ state: PipelineRun.State, message: String?, in scope: Scope
    ) -> JSONValue {
        .string(WorkflowNames.phase(TaskView(path: task, state: state, message: message)))
    }

    package func knowsImage(of container: Container) -> Bool { !container.image.contains("{{") }

    package func settled(_ container: Container, in scope: Scope) throws(GyreError) -> Container {
        if knowsImage(of: container) { return container }
        return Container(
            image: try Tag.fill(container.image, own(scope)), command: container.command,
            arguments: container.arguments, environment: container.environment,
            timeoutSeconds: container.timeoutSeconds, details: container.details)
    }

    package func command(_ container: Container, for call: TaskCall) throws(GyreError) -> TaskCommand {
        try WorkflowCommand(container, call, language: self).made()
    }

    package func written(by call: TaskCall) throws(GyreError) -> WrittenOutputs {
        try WorkflowOutputs.read(call, language: self)
    }
}

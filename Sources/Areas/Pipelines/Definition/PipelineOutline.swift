// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What a pipeline is made of, to be looked at before it runs.
package struct PipelineOutline: Sendable {
    /// The pipeline's ref.
    package let ref: Ref
    /// What it takes, by name.
    package let parameters: [String: ParameterDefinition]
    /// Its tasks in an order in which they could run; those of a group behind it.
    package let tasks: [Entry]

    /// One task.
    package struct Entry: Sendable {
        /// The task's path; what a loop repeats has no number in it.
        package let path: String
        /// `task`, `importer`, `gate`, `group` or `loop`.
        package let kind: String
        /// Tasks that must have ended before.
        package let upstream: [String]
        /// When it runs at all.
        package let condition: String?
        /// The image of its command.
        package let image: String?
        /// Whether it runs whatever the ends of those before it.
        package let runsAfterFailure: Bool
        /// How often it is tried again.
        package let retries: Int
    }

    /// The outline of a pipeline.
    package init(_ pipeline: Pipeline) {
        ref = pipeline.ref
        parameters = pipeline.root.inputParameters
        tasks = Self.entries(of: pipeline.root, in: pipeline, below: "", within: [])
    }

    private static func entries(
        of component: Component, in pipeline: Pipeline, below prefix: String, within: [String]
    ) -> [Entry] {
        guard case .graph(let graph) = component.body else { return [] }
        var entries: [Entry] = []
        for name in graph.order {
            guard let task = graph.tasks[name], let inner = pipeline.components[task.component] else { continue }
            var kind = "task"
            var image: String?
            switch inner.body {
            case .graph: kind = "group"
            case .container(let container): image = container.image
            case .importer: kind = "importer"
            case .gate: kind = "gate"
            }
            if task.iterator != nil { kind = "loop" }
            entries.append(
                Entry(
                    path: prefix + name, kind: kind, upstream: task.upstream.map { prefix + $0 },
                    condition: task.condition, image: image, runsAfterFailure: task.runsAfterFailure,
                    retries: task.retry.limit))
            guard entries.count < Limits.pipelineTasks else { return entries }
            // What stands in itself is told once.
            if within.contains(task.component) || within.count >= Limits.expressionDepth { continue }
            entries += Self.entries(
                of: inner, in: pipeline, below: prefix + name + "/", within: within + [task.component])
        }
        return entries
    }
}

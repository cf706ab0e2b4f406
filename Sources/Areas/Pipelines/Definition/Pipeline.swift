// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A pipeline as it was compiled: components, and the graph of tasks that uses them.
package struct Pipeline: Sendable {
    /// What its author called it.
    package let name: String
    /// Components by name.
    package let components: [String: Component]
    /// The graph that a run starts with.
    package let root: Component
    /// The digest of the compiled package: pins code and graph.
    package let digest: Digest
    /// What its expressions and commands are written in.
    package let language: any PipelineLanguage
    /// How many attempts of a run go on at the same time; nil for any number.
    package var parallelism: Int?
    /// Who goes first where runs wait for places: the higher number.
    package var priority = 0
    /// Its graphs as a run walks them, by component; the root's is under the empty name.
    let graphs: [String: IndexedGraph]

    /// A pipeline whose parts fit together.
    /// - Throws: `.invalid` for a component that is missing or a graph with a cycle.
    package init(
        name: String, components: [String: Component], root: Component, digest: Digest, language: any PipelineLanguage
    ) throws(GyreError) {
        self.name = name
        self.components = components
        self.root = root
        self.digest = digest
        self.language = language
        var graphs: [String: IndexedGraph] = [:]
        for (name, component) in components {
            if case .graph(let graph) = component.body { graphs[name] = IndexedGraph(graph, of: component) }
        }
        if case .graph(let graph) = root.body { graphs[""] = IndexedGraph(graph, of: root) }
        self.graphs = graphs
        for (owner, component) in components.merging(["root": root], uniquingKeysWith: { $1 }).sorted(by: {
            $0.key < $1.key
        }) {
            for name in Array(component.inputArtifacts.keys) + Array(component.outputArtifacts.keys)
                + Array(component.outputParameters.keys)
            { try Self.checkPart(name, "an artifact or output of \"\(owner.prefix(80))\"") }
            guard case .graph(let graph) = component.body else { continue }
            try check(graph, of: owner)
        }
        if !language.allowsRecursion { try checkNesting(root, path: []) }
    }

    /// `pipeline/<name>@<digest>`.
    package var ref: Ref { Ref("pipeline", name, digest.short) }

    private func check(_ graph: TaskGraph, of owner: String) throws(GyreError) {
        for (name, task) in graph.tasks {
            try Self.checkPart(name, "a task of \"\(owner.prefix(80))\"")
            // What an artifact goes in by is a file's name, too.
            for input in task.artifacts.keys { try Self.checkPart(input, "an artifact of \"\(name)\"") }
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
        let waiting = graph.tasksInCycles
        guard waiting.isEmpty else {
            throw GyreError(
                .invalid, "The pipeline \"\(name)\" has a cycle.",
                why: "These tasks wait for one another: \(waiting.sorted().joined(separator: ", ")).")
        }
    }

    /// Refuses a name that is no single part of a path: tasks have folders of their names, and artifacts files.
    private static func checkPart(_ name: String, _ what: String) throws(GyreError) {
        let isPart =
            !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 200
            && !name.unicodeScalars.contains { $0 == "/" || $0.value < 32 }
        guard isPart else {
            throw GyreError(
                .invalid, "\"\(name.prefix(80))\" cannot be the name of \(what).",
                why: "A name has 1 to 200 bytes, no slash, and is neither . nor ...")
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

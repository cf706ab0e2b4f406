// SPDX-License-Identifier: Apache-2.0

/// A graph as runs walk it: tasks by place, with who waits for whom.
struct IndexedGraph: Sendable {
    /// The names of the tasks, sorted.
    let names: [String]
    /// The tasks.
    let tasks: [TaskDefinition]
    /// The places of the tasks that wait for each.
    let dependents: [[Int]]
    /// For how many tasks each waits.
    let upstreamCounts: [Int]
    /// Places by name.
    let places: [String: Int]
    /// The outputs of the whole.
    let graph: TaskGraph
    /// What its inputs and outputs are.
    let component: Component

    init(_ graph: TaskGraph, of component: Component) {
        self.graph = graph
        self.component = component
        names = graph.tasks.keys.sorted()
        var places: [String: Int] = [:]
        for (place, name) in names.enumerated() { places[name] = place }
        self.places = places
        var dependents = [[Int]](repeating: [], count: names.count)
        var counts: [Int] = []
        var tasks: [TaskDefinition] = []
        for (place, name) in names.enumerated() {
            guard let task = graph.tasks[name] else { continue }
            tasks.append(task)
            // A task that is not there is told when the pipeline is checked.
            let upstream = Set(task.upstream).compactMap { places[$0] }
            counts.append(upstream.count)
            for before in upstream { dependents[before].append(place) }
        }
        self.tasks = tasks
        self.dependents = dependents
        upstreamCounts = counts
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Which stages need what others make.
package struct StageGraph: Sendable {
    /// For each stage the ones whose outputs it reads, in the order of its dependencies.
    package private(set) var upstream: [[Int]] = []
    /// For each stage the ones that read its outputs.
    package private(set) var downstream: [[Int]] = []

    /// The graph of an index.
    /// - Throws: `.invalid` for stages that need each other, or that write the same path.
    package init(_ index: Index) throws(GyreError) {
        let stages = index.stages
        var outputs: [(path: String, stage: Int)] = []
        for (number, stage) in stages.enumerated() {
            for output in stage.outs { if let path = stage.path(of: output) { outputs.append((path, number)) } }
        }
        let owners = Dictionary(outputs.map { ($0.path, [$0.stage]) }) { $0 + $1 }
        if let twice = owners.filter({ $0.value.count > 1 }).min(by: { $0.key < $1.key }) {
            let names = twice.value.map { "\"\(stages[$0].address(from: index.root))\"" }.joined(separator: " and ")
            throw GyreError(
                .invalid, "\"\(Paths.relative(twice.key, to: index.root))\" is an output of \(names).",
                fix: "Let one of them write it.")
        }
        upstream = stages.map { _ in [] }
        downstream = stages.map { _ in [] }
        for (number, stage) in stages.enumerated() {
            guard let pipeline = stage.pipeline else { continue }
            for dep in pipeline.deps where !dep.path.contains("://") {
                let path = Paths.absolute(dep.path, from: pipeline.folder)
                var makers = owners[path] ?? []
                if makers.isEmpty {
                    // A path inside of an output needs it, and a folder needs the outputs that are in it.
                    makers = outputs.filter { Paths.isInside(path, $0.path) || Paths.isInside($0.path, path) }.map(
                        \.stage)
                }
                for maker in makers where maker != number && !upstream[number].contains(maker) {
                    upstream[number].append(maker)
                    downstream[maker].append(number)
                }
            }
        }
        try checkForCircles(index)
    }

    private func checkForCircles(_ index: Index) throws(GyreError) {
        var left = upstream.map(\.count)
        var ready = left.indices.filter { left[$0] == 0 }
        var done = 0
        while let stage = ready.popLast() {
            done += 1
            for next in downstream[stage] {
                left[next] -= 1
                if left[next] == 0 { ready.append(next) }
            }
        }
        guard done < left.count else { return }
        let names = left.indices.filter { left[$0] > 0 }.prefix(10).map { index.stages[$0].address(from: index.root) }
        throw GyreError(
            .invalid, "Stages need each other: \(names.joined(separator: ", ")).", fix: "Break the circle in dvc.yaml.")
    }

    /// The stages that have to be looked at for these, each after the ones that it needs; a frozen stage needs none.
    package func order(for targets: [Int], frozen: Set<Int> = []) -> [Int] {
        var seen: Set<Int> = []
        var order: [Int] = []
        var stack: [(stage: Int, next: Int)] = []
        for target in targets.sorted() where seen.insert(target).inserted {
            stack.append((target, 0))
            while let top = stack.last {
                let needs = frozen.contains(top.stage) ? [] : upstream[top.stage]
                if top.next < needs.count {
                    stack[stack.count - 1].next += 1
                    let need = needs[top.next]
                    if seen.insert(need).inserted { stack.append((need, 0)) }
                } else {
                    order.append(top.stage)
                    stack.removeLast()
                }
            }
        }
        return order
    }

    /// The stages that read, over others or not, what these make; these among them.
    package func dependents(of targets: [Int]) -> Set<Int> {
        var found = Set(targets)
        var left = targets
        while let stage = left.popLast() {
            for next in downstream[stage] where found.insert(next).inserted { left.append(next) }
        }
        return found
    }

    /// All stages that are joined to these in whatever direction.
    package func pipelines(of targets: [Int]) -> [Int] {
        var found = Set(targets)
        var left = targets
        while let stage = left.popLast() {
            for next in downstream[stage] + upstream[stage] where found.insert(next).inserted { left.append(next) }
        }
        return found.sorted()
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// What a task of a run waits for.
package struct WaitingTask: Sendable, Hashable {
    /// The task's path within the run.
    package let path: String
    /// What keeps it from going on, in words.
    package let reason: String
}

extension RunMachine {
    /// The tasks that have begun nothing yet or rest, and why; at most this many.
    func waiting(limit: Int) -> [WaitingTask] {
        var found: [WaitingTask] = []
        for (id, node) in nodes.enumerated().dropFirst() {
            if found.count == limit { break }
            guard let reason = reason(id, node) else { continue }
            found.append(WaitingTask(path: node.path, reason: reason))
        }
        return found
    }

    private func reason(_ id: NodeID, _ node: RunNode) -> String? {
        switch node.phase {
        case .waiting:
            let left = upstream(of: id).filter { path in
                self.node(at: path).map { nodes[$0].phase != .ended } ?? false
            }
            return "for \(left.joined(separator: ", "))"
        case .held: return "for its turn: only so many of its loop or group run at the same time"
        case .locking: return "to hold \(node.locks.map(\.name).joined(separator: ", "))"
        case .queued: return isPaused ? "for the run to be resumed" : "for a place to run, or for its environment"
        case .retrying:
            return
                "until \(node.dueAt.map { Timestamp.text($0) } ?? "later"), to be tried again: \(node.message ?? "it failed")"
        case .asking:
            return
                "for an answer\(node.dueAt.map { " or \(Timestamp.text($0))" } ?? "")\(node.message.map { ": \($0)" } ?? "")"
        case .running, .open, .ended: return nil
        }
    }
}

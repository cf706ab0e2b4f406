// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyrePipelines

/// Names, times and phases as Argo writes them.
enum WorkflowNames {
    /// The id of a node: the name of the workflow, and a number that its path gives.
    static func node(_ workflow: String, _ path: String) -> String {
        if path.isEmpty { return workflow }
        var hash: UInt32 = 2_166_136_261
        for byte in path.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return "\(workflow)-\(hash)"
    }

    /// A time in whole seconds.
    static func time(_ microseconds: Int64) -> String { Timestamp.text(microseconds / 1_000_000 * 1_000_000) }

    /// A time in the form that a tag asks for: `RFC3339`, `s`, or a letter of strftime.
    static func time(_ microseconds: Int64, form: String) -> String {
        let layouts: [String: String] = [
            "Y": "2006", "y": "06", "m": "01", "d": "02", "H": "15", "I": "03", "M": "04", "S": "05", "B": "January",
            "b": "Jan", "A": "Monday", "a": "Mon", "p": "PM", "F": "2006-01-02", "T": "15:04:05",
        ]
        switch form {
        case "RFC3339": return time(microseconds)
        case "s": return String(microseconds / 1_000_000)
        default: return GoTime.text(microseconds, layout: layouts[form.filter { $0 != "%" }] ?? form)
        }
    }

    /// How a task goes.
    static func phase(_ view: TaskView) -> String {
        phase(view.state, isBlocked: view.isBlocked, isErrored: view.isErrored)
    }

    /// How a task of a record goes.
    static func phase(_ task: TaskRecord) -> String {
        phase(
            task.state, isBlocked: task.isBlocked,
            isErrored: task.kind == "task" && task.state == .failed && task.exitStatus == nil)
    }

    private static func phase(_ state: PipelineRun.State, isBlocked: Bool, isErrored: Bool) -> String {
        switch state {
        case .pending: "Pending"
        case .running: "Running"
        case .succeeded: "Succeeded"
        case .skipped: isBlocked ? "Omitted" : "Skipped"
        case .failed: isErrored ? "Error" : "Failed"
        case .canceled: "Failed"
        }
    }

    /// A task that failed, as exit handlers are told of it.
    static func failure(_ view: TaskView, of run: PipelineRun) -> JSONValue {
        [
            "displayName": .string(view.path.split(separator: "/").last.map(String.init) ?? view.path),
            "message": .string(view.message ?? ""), "templateName": .string(view.path),
            "phase": .string(phase(view)), "podName": .string(node(run.name, view.path)),
            "finishedAt": .optional(view.endedAt.map { time($0) }),
        ]
    }
}

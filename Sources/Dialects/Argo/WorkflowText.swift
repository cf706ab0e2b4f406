// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// A text of a workflow that is worked out when its run comes to it, as a pipeline carries it: what it is, and the text.
enum WorkflowText {
    /// A value that is given to a template: it sees the inputs of the template that it is given in.
    case argument(String)
    /// The same where it names an output of a task that may be skipped, as JSON: `text`, the `task`, and the value `otherwise`.
    case skippable(String)
    /// A text of a template: it sees the template's own inputs.
    case own(String)
    /// A duration of a template: it comes to a number of seconds.
    case duration(String)
    /// The items of a loop, as JSON with tags.
    case items(String)
    /// The numbers of a loop, as JSON with tags.
    case sequence(String)
    /// What `when` says.
    case when(String)
    /// What `depends` says.
    case depends(String)
    /// An expression that sees the tasks beside it.
    case expression(String)
    /// An expression of a template's `retryStrategy`.
    case retry(String)
    /// Whether the hook of this task is called: its name, a space, and an expression or nothing.
    case hook(String)
    /// Where an output of a template comes from, as JSON.
    case output(String)

    /// As a pipeline carries it.
    var stored: String {
        switch self {
        case .argument(let text): "argument \(text)"
        case .skippable(let text): "skippable \(text)"
        case .own(let text): "own \(text)"
        case .duration(let text): "duration \(text)"
        case .items(let text): "items \(text)"
        case .sequence(let text): "sequence \(text)"
        case .when(let text): "when \(text)"
        case .depends(let text): "depends \(text)"
        case .expression(let text): "expression \(text)"
        case .retry(let text): "retry \(text)"
        case .hook(let text): "hook \(text)"
        case .output(let text): "output \(text)"
        }
    }

    init(_ stored: String) {
        let end = stored.firstIndex(of: " ") ?? stored.endIndex
        let text = String(stored[end...].dropFirst())
        switch stored[..<end] {
        case "argument": self = .argument(text)
        case "skippable": self = .skippable(text)
        case "duration": self = .duration(text)
        case "items": self = .items(text)
        case "sequence": self = .sequence(text)
        case "when": self = .when(text)
        case "depends": self = .depends(text)
        case "expression": self = .expression(text)
        case "retry": self = .retry(text)
        case "hook": self = .hook(text)
        case "output": self = .output(text)
        default: self = .own(text)
        }
    }
}

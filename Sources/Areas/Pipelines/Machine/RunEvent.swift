// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// What is told about an attempt beside how it ended.
struct AttemptNote: Sendable, Hashable {
    /// Whether its result was taken from the cache.
    var isCacheHit = false
    /// Why, or why not.
    var cacheReason = ""
    /// What ran it; empty where nothing did.
    var executor = ""
    /// The exit status of its command, where it came to one.
    var exitStatus: Int?
}

/// Something that happened to a run; all of them in their order are what a run is.
enum RunEvent: Sendable {
    /// The run was begun.
    case began(at: Int64)
    /// An attempt of a task runs, in a process where there is one.
    case attemptBegan(RunMachine.NodeID, attempt: Int, process: Int32?, at: Int64)
    /// An attempt ended.
    case attemptEnded(RunMachine.NodeID, attempt: Int, AttemptEnd, note: AttemptNote = AttemptNote(), at: Int64)
    /// The time is now; whatever waited for it goes on.
    case timePassed(at: Int64)
    /// Somebody stops the run.
    case cancelled(by: String, at: Int64)
    /// Somebody answered what a gate asks.
    case answered(RunMachine.NodeID, isApproved: Bool, values: TaskValues, by: String, reason: String, at: Int64)

    /// A task holds what it asked for.
    case acquired(RunMachine.NodeID, at: Int64)
    /// A task cannot hold what it asked for.
    case notAcquired(RunMachine.NodeID, why: String, at: Int64)
    /// Nothing more is begun, or what was held back is.
    case paused(Bool, by: String, at: Int64)
    /// Somebody stops the run, and lets the tasks go on that run whatever happens.
    case stopped(by: String, message: String, at: Int64)
    /// Somebody says that a task is not to be run, and is as good as done.
    case passedOver(RunMachine.NodeID, by: String, reason: String, at: Int64)

    /// How an attempt ended.
    enum AttemptEnd: Sendable {
        /// Well, with this.
        case succeeded(TaskValues)
        /// It says so itself, or could not be begun.
        case failed(String)
        /// It was stopped.
        case cancelled
        /// Nobody knows: the server was killed meanwhile.
        case lost
    }

    /// When it happened, microseconds since 1970.
    var at: Int64 {
        switch self {
        case .began(let at), .attemptBegan(_, _, _, let at), .attemptEnded(_, _, _, _, let at), .timePassed(let at),
            .cancelled(_, let at), .answered(_, _, _, _, _, let at), .acquired(_, let at), .notAcquired(_, _, let at),
            .paused(_, _, let at),
            .stopped(_, _, let at), .passedOver(_, _, _, let at):
            at
        }
    }
}

extension RunEvent {
    /// As it is stored; what a task gave stands in its record.
    func json(_ path: (RunMachine.NodeID) -> String) -> JSONValue {
        switch self {
        case .began(let at): ["event": "began", "at": .int(at)]
        case .attemptBegan(let node, let attempt, let process, let at):
            [
                "event": "attempt_began", "task": .string(path(node)), "attempt": .int(Int64(attempt)),
                "process": .optional(process.map(Int64.init)), "at": .int(at),
            ]
        case .attemptEnded(let node, let attempt, let end, let note, let at):
            [
                "event": "attempt_ended", "task": .string(path(node)), "attempt": .int(Int64(attempt)),
                "end": .string(end.word), "message": .optional(end.message),
                "exit_status": .optional(note.exitStatus.map(Int64.init)), "at": .int(at),
            ]
        case .timePassed(let at): ["event": "time_passed", "at": .int(at)]
        case .cancelled(let actor, let at): ["event": "cancelled", "by": .string(actor), "at": .int(at)]
        case .answered(let node, let isApproved, let values, let actor, let reason, let at):
            [
                "event": "answered", "task": .string(path(node)), "is_approved": .bool(isApproved),
                "values": values.json, "by": .string(actor), "reason": .string(reason), "at": .int(at),
            ]
        case .acquired(let node, let at): ["event": "acquired", "task": .string(path(node)), "at": .int(at)]
        case .notAcquired(let node, let why, let at):
            ["event": "not_acquired", "task": .string(path(node)), "message": .string(why), "at": .int(at)]
        case .paused(let isPaused, let actor, let at):
            ["event": isPaused ? "paused" : "resumed", "by": .string(actor), "at": .int(at)]
        case .stopped(let actor, let message, let at):
            ["event": "stopped", "by": .string(actor), "message": .string(message), "at": .int(at)]
        case .passedOver(let node, let actor, let reason, let at):
            [
                "event": "passed_over", "task": .string(path(node)), "by": .string(actor), "reason": .string(reason),
                "at": .int(at),
            ]
        }
    }

    /// Reads it back.
    ///
    /// `node`: the task of a path; `outputs`: what a task that succeeded gave, by its record.
    init(
        json: JSONValue, node: (String) -> RunMachine.NodeID?, outputs: (String) -> TaskValues?
    ) throws(GyreError) {
        let at = json["at"]?.int ?? 0
        func damaged() -> GyreError {
            GyreError(.corrupt, "A stored event of a pipeline run cannot be read.", why: String(json.text.prefix(200)))
        }
        func task() throws(GyreError) -> RunMachine.NodeID {
            guard let id = node(json["task"]?.string ?? "") else { throw damaged() }
            return id
        }
        let attempt = Int(json["attempt"]?.int ?? 0)
        switch json["event"]?.string {
        case "began": self = .began(at: at)
        case "attempt_began":
            let process = json["process"]?.int.map { Int32(truncatingIfNeeded: $0) }
            self = .attemptBegan(try task(), attempt: attempt, process: process, at: at)
        case "attempt_ended":
            let end: AttemptEnd
            switch json["end"]?.string {
            case "succeeded": end = .succeeded(outputs(json["task"]?.string ?? "") ?? TaskValues())
            case "failed": end = .failed(json["message"]?.string ?? "")
            case "cancelled": end = .cancelled
            case "lost": end = .lost
            default: throw damaged()
            }
            var note = AttemptNote()
            note.exitStatus = json["exit_status"]?.int.map { Int($0) }
            self = .attemptEnded(try task(), attempt: attempt, end, note: note, at: at)
        case "time_passed": self = .timePassed(at: at)
        case "cancelled": self = .cancelled(by: json["by"]?.string ?? "", at: at)
        case "answered":
            self = .answered(
                try task(), isApproved: json["is_approved"]?.bool ?? false,
                values: try TaskValues(json: json["values"] ?? [:]), by: json["by"]?.string ?? "",
                reason: json["reason"]?.string ?? "", at: at)
        case "acquired": self = .acquired(try task(), at: at)
        case "not_acquired": self = .notAcquired(try task(), why: json["message"]?.string ?? "", at: at)
        case "paused", "resumed":
            self = .paused(json["event"]?.string == "paused", by: json["by"]?.string ?? "", at: at)
        case "stopped":
            self = .stopped(by: json["by"]?.string ?? "", message: json["message"]?.string ?? "", at: at)
        case "passed_over":
            self = .passedOver(
                try task(), by: json["by"]?.string ?? "", reason: json["reason"]?.string ?? "", at: at)
        default: throw damaged()
        }
    }
}

extension RunEvent.AttemptEnd {
    fileprivate var word: String {
        switch self {
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .lost: "lost"
        }
    }

    fileprivate var message: String? {
        if case .failed(let message) = self { return message }
        return nil
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// A task of a run, with what went in and came out.
package struct TaskRecord: Sendable, Hashable {
    /// The id of the run that it is a part of.
    package let run: String
    /// Its name within the run: `train`, `condition-1/say`, `for-loop-3[0]/say-2`.
    package let path: String
    /// Tasks right before it, by path.
    package let upstream: [String]
    /// Whether it is a task, an importer, a gate, a group of tasks or a loop.
    package var kind = "task"
    /// The component that it runs.
    package var component = ""
    /// What people call it.
    package var name = ""
    /// How it goes.
    package var state: PipelineRun.State
    /// How often it was tried.
    package var attempts = 0
    /// Why its result was taken from the cache, or why not.
    package var cacheReason = ""
    /// Whether its result was taken from the cache.
    package var isCacheHit = false
    /// What went wrong, in words.
    package var message: String?
    /// When it began, microseconds since 1970.
    package var startedAt: Int64?
    /// When it ended, microseconds since 1970.
    package var endedAt: Int64?
    /// Parameters that went in.
    package var inputs: [String: JSONValue] = [:]
    /// What artifacts went in, by the names of the inputs.
    package var inputArtifacts: [String: [Ref]] = [:]
    /// What came out.
    package var outputs = TaskValues()
    /// What ran its last attempt: `process`, `container`; empty where nothing did.
    package var executor = ""
    /// The exit status of its last attempt, where it came to one.
    package var exitStatus: Int?
    /// Whether it was skipped because of what was before it, and not by its own condition.
    package var isBlocked = false
    /// The process that runs it, to be stopped if the server was killed meanwhile.
    package var process: Int32?

    /// A task that has not begun.
    package init(run: String, path: String, upstream: [String]) {
        self.run = run
        self.path = path
        self.upstream = upstream
        state = .pending
    }

    /// As it was stored.
    package init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("task of a pipeline", json)
        self.init(
            run: try stored.text("run"), path: try stored.text("path"), upstream: json["upstream"]?.strings ?? [])
        kind = json["kind"]?.string ?? "task"
        component = json["component"]?.string ?? ""
        name = json["name"]?.string ?? ""
        for member in json["inputs"]?["parameters"]?.object?.members ?? [] { inputs[member.name] = member.value }
        for member in json["inputs"]?["artifacts"]?.object?.members ?? [] {
            inputArtifacts[member.name] = try member.value.strings.map { text throws(GyreError) in
                try Ref(parsing: text)
            }
        }
        state = try stored.word("state", PipelineRun.State.self)
        attempts = Int(json["attempts"]?.int ?? 0)
        cacheReason = json["cache_reason"]?.string ?? ""
        isCacheHit = json["cache_hit"]?.bool ?? false
        message = json["message"]?.string
        startedAt = json["started_at"]?.int
        endedAt = json["ended_at"]?.int
        outputs = try TaskValues(json: json["outputs"] ?? [:])
        executor = json["executor"]?.string ?? ""
        exitStatus = json["exit_status"]?.int.map { Int($0) }
        isBlocked = json["is_blocked"]?.bool ?? false
        process = json["process"]?.int.map { Int32(truncatingIfNeeded: $0) }
    }

    /// As stored and as the native API tells it.
    package var json: JSONValue {
        [
            "run": .string(run), "path": .string(path), "upstream": .strings(upstream),
            "kind": .string(kind), "component": .string(component), "name": .string(name),
            "inputs": ["parameters": .sorted(inputs), "artifacts": .sorted(inputArtifacts.mapValues(Self.texts))],
            "state": .string(state.rawValue),
            "attempts": .int(Int64(attempts)), "cache_hit": .bool(isCacheHit), "cache_reason": .string(cacheReason),
            "message": .optional(message), "started_at": .optional(startedAt), "ended_at": .optional(endedAt),
            "outputs": outputs.json,
            "executor": .string(executor), "exit_status": .optional(exitStatus.map(Int64.init)),
            "is_blocked": .bool(isBlocked), "process": .optional(process.map(Int64.init)),
        ]
    }

    private static func texts(_ refs: [Ref]) -> JSONValue { .strings(refs.map(\.description)) }

    /// Whether it did something itself, and holds no other tasks.
    package var isLeaf: Bool { kind != "group" && kind != "loop" }

    /// Whether it is this task, or a part of the group or loop of this path.
    package func isPart(of path: String) -> Bool {
        self.path == path || ["/", "[", "("].contains { self.path.hasPrefix(path + $0) }
    }

    /// A task and all that depend on it, by path.
    static func following(_ path: String, in tasks: [TaskRecord]) -> Set<String> {
        var found: Set<String> = []
        var waiting = [path]
        while let next = waiting.popLast() {
            guard found.insert(next).inserted else { continue }
            // What is in a group goes with it, and who depends on a group depends on what is in it.
            waiting += tasks.filter { other in
                other.isPart(of: next)
                    || other.upstream.contains { $0 == next || next.hasPrefix($0 + "/") || next.hasPrefix($0 + "[") }
            }.map(\.path)
        }
        return found
    }

    /// `task/<run>/<path>`.
    package var ref: Ref { Ref("task", "\(run)/\(path)") }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// One time that a compiled pipeline was started, with what it was given and what came of it.
package struct PipelineRun: Sendable, Hashable {
    /// Its id: 32 hexadecimal digits.
    package let id: String
    /// The pipeline's ref, which pins its code.
    package let pipeline: Ref
    /// The blob that holds the compiled package.
    package let compiled: Digest
    /// What it was started with, defaults included; addresses say what they were resolved to.
    package let parameters: [String: JSONValue]
    /// Who started it, and why.
    package let actor: String
    /// The reason in words.
    package let reason: String
    /// What it is for.
    package let purpose: Purpose
    /// What addresses of imports that float were found to mean when the run started, by the address as it was written.
    package let resolved: [String: Ref]
    /// Whether earlier results may be taken.
    package let usesCache: Bool
    /// How it goes.
    package var state: State
    /// What went wrong, in words.
    package var message: String?
    /// When it was started, microseconds since 1970.
    package let startedAt: Int64
    /// When it ended, microseconds since 1970.
    package var endedAt: Int64?
    /// The outputs of the root graph.
    package var outputs: TaskOutputs

    /// What a run is for.
    package enum Purpose: Sendable, Hashable {
        /// Whatever its caller wants.
        case ordinary
        /// To train on this version of a project's training set, which was made from these for this run.
        case training(Ref, madeFrom: [Ref])
        /// To make a release again and compare: it changes nothing that is live or listed.
        case reproduction(Ref)

        /// The release that is made again; nil for any other purpose.
        package var reproduced: Ref? {
            if case .reproduction(let release) = self { return release }
            return nil
        }
    }

    /// How a run or a task goes; the words are KFP's.
    package enum State: String, Sendable, Hashable {
        case pending = "PENDING"
        case running = "RUNNING"
        case succeeded = "SUCCEEDED"
        case skipped = "SKIPPED"
        case failed = "FAILED"
        case canceled = "CANCELED"

        /// Whether it will not change any more.
        package var isEnd: Bool { self != .pending && self != .running }
    }

    init(
        id: String, pipeline: Ref, compiled: Digest, parameters: [String: JSONValue], actor: String, reason: String,
        purpose: Purpose, resolved: [String: Ref], usesCache: Bool, startedAt: Int64
    ) {
        self.id = id
        self.pipeline = pipeline
        self.compiled = compiled
        self.parameters = parameters
        self.actor = actor
        self.reason = reason
        self.purpose = purpose
        self.resolved = resolved
        self.usesCache = usesCache
        self.startedAt = startedAt
        state = .running
        outputs = TaskOutputs()
    }

    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("pipeline run", json)
        var parameters: [String: JSONValue] = [:]
        for member in json["parameters"]?.object?.members ?? [] { parameters[member.name] = member.value }
        var resolved: [String: Ref] = [:]
        for member in json["resolved"]?.object?.members ?? [] {
            resolved[member.name] = try Ref(parsing: member.value.string ?? "")
        }
        self.init(
            id: try stored.text("id"), pipeline: try stored.ref("pipeline"), compiled: try stored.digest("compiled"),
            parameters: parameters, actor: try stored.text("actor"), reason: try stored.text("reason"),
            purpose: try Purpose(json: json["purpose"], reason: json["reason"]?.string ?? ""), resolved: resolved,
            usesCache: json["uses_cache"]?.bool ?? true, startedAt: try stored.integer("started_at"))
        state = try stored.word("state", State.self)
        message = json["message"]?.string
        endedAt = json["ended_at"]?.int
        outputs = try TaskOutputs(json: json["outputs"] ?? [:])
    }

    /// As stored and as the native API tells it.
    package var json: JSONValue {
        var values: JSONValue = [:]
        for (name, value) in parameters.sorted(by: { $0.key < $1.key }) { values[name] = value }
        return [
            "id": .string(id), "pipeline": .string(pipeline.description), "compiled": .string(compiled.hex),
            "parameters": values,
            "actor": .string(actor), "reason": .string(reason), "purpose": purpose.json,
            "resolved": .object(
                JSONObject(
                    resolved.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value.description)) })),
            "uses_cache": .bool(usesCache),
            "state": .string(state.rawValue),
            "message": .optional(message), "started_at": .int(startedAt), "ended_at": .optional(endedAt),
            "outputs": outputs.json,
        ]
    }

    /// `pipeline-run/<id>`.
    package var ref: Ref { Ref("pipeline-run", id) }
}

extension PipelineRun.Purpose {
    init(json: JSONValue?, reason: String) throws(GyreError) {
        let stored = StoredReader("purpose of a pipeline run", json ?? [:])
        switch json?["kind"]?.string {
        case nil:
            // Runs that were stored before they had a purpose told it by their reason.
            let release = reason.hasPrefix("reproduce release/") ? try? Ref(parsing: String(reason.dropFirst(10))) : nil
            self = release.map { .reproduction($0) } ?? .ordinary
        case "ordinary": self = .ordinary
        case "training":
            var sources: [Ref] = []
            for text in json?["made_from"]?.strings ?? [] { sources.append(try Ref(parsing: text)) }
            self = .training(try stored.ref("dataset"), madeFrom: sources)
        case "reproduction": self = .reproduction(try stored.ref("release"))
        case let other?: throw GyreError(.corrupt, "A stored pipeline run has the purpose \"\(other.prefix(40))\".")
        }
    }

    var json: JSONValue {
        switch self {
        case .ordinary: ["kind": "ordinary"]
        case .training(let dataset, let sources):
            [
                "kind": "training", "dataset": .string(dataset.description),
                "made_from": .strings(sources.map(\.description)),
            ]
        case .reproduction(let release): ["kind": "reproduction", "release": .string(release.description)]
        }
    }
}

/// A task of a run, with what went in and came out.
package struct TaskRecord: Sendable, Hashable {
    /// The id of the run that it is a part of.
    package let run: String
    /// Its name within the run: `train`, `condition-1/say`, `for-loop-3[0]/say-2`.
    package let path: String
    /// Tasks right before it, by path.
    package let upstream: [String]
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
    /// What came out.
    package var outputs = TaskOutputs()
    /// The process that runs it, to be stopped if the server was killed meanwhile.
    package var process: Int32?

    init(run: String, path: String, upstream: [String]) {
        self.run = run
        self.path = path
        self.upstream = upstream
        state = .pending
    }

    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("task of a pipeline", json)
        self.init(
            run: try stored.text("run"), path: try stored.text("path"), upstream: json["upstream"]?.strings ?? [])
        state = try stored.word("state", PipelineRun.State.self)
        attempts = Int(json["attempts"]?.int ?? 0)
        cacheReason = json["cache_reason"]?.string ?? ""
        isCacheHit = json["cache_hit"]?.bool ?? false
        message = json["message"]?.string
        startedAt = json["started_at"]?.int
        endedAt = json["ended_at"]?.int
        outputs = try TaskOutputs(json: json["outputs"] ?? [:])
        process = json["process"]?.int.map { Int32(truncatingIfNeeded: $0) }
    }

    /// As stored and as the native API tells it.
    package var json: JSONValue {
        [
            "run": .string(run), "path": .string(path), "upstream": .strings(upstream),
            "state": .string(state.rawValue),
            "attempts": .int(Int64(attempts)), "cache_hit": .bool(isCacheHit), "cache_reason": .string(cacheReason),
            "message": .optional(message), "started_at": .optional(startedAt), "ended_at": .optional(endedAt),
            "outputs": outputs.json,
            "process": .optional(process.map(Int64.init)),
        ]
    }

    /// `task/<run>/<path>`.
    package var ref: Ref { Ref("task", "\(run)/\(path)") }
}

/// What a task gave.
package struct TaskOutputs: Sendable, Hashable {
    /// Parameters by name.
    package var parameters: [String: JSONValue] = [:]
    /// Artifacts by name; a loop's collected output has several.
    package var artifacts: [String: [Artifact]] = [:]

    init() {}

    init(json: JSONValue) throws(GyreError) {
        for member in json["parameters"]?.object?.members ?? [] { parameters[member.name] = member.value }
        for member in json["artifacts"]?.object?.members ?? [] {
            artifacts[member.name] = try (member.value.array ?? []).map { item throws(GyreError) in
                try Artifact(json: item)
            }
        }
    }

    /// As stored.
    package var json: JSONValue {
        var parameterJSON: JSONValue = [:]
        for (name, value) in parameters.sorted(by: { $0.key < $1.key }) { parameterJSON[name] = value }
        var artifactJSON: JSONValue = [:]
        for (name, list) in artifacts.sorted(by: { $0.key < $1.key }) { artifactJSON[name] = .array(list.map(\.json)) }
        return ["parameters": parameterJSON, "artifacts": artifactJSON]
    }
}

/// A file or folder that a task made, or a dataset that was imported.
package struct Artifact: Sendable, Hashable {
    /// The output of the component that it is.
    package let name: String
    /// `system.Model` and more.
    package let type: String
    /// Its files; one whose path is the name alone is a single file.
    package let tree: Tree
    /// What the component said about it.
    package let metadata: JSONValue
    /// What it is in the lineage: a dataset version, or an artifact by its digest.
    package let ref: Ref

    /// An artifact.
    package init(name: String, type: String, tree: Tree, metadata: JSONValue, ref: Ref? = nil) {
        self.name = name
        self.type = type
        self.tree = tree
        self.metadata = metadata
        self.ref = ref ?? Ref("artifact", name, tree.digest.short)
    }

    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("artifact", json)
        self.init(
            name: try stored.text("name"), type: try stored.text("type"), tree: try stored.tree("tree"),
            metadata: json["metadata"] ?? [:], ref: try stored.ref("ref"))
    }

    /// As stored.
    package var json: JSONValue {
        [
            "name": .string(name), "type": .string(type), "tree": tree.json, "metadata": metadata,
            "ref": .string(ref.description),
        ]
    }

    /// Whether it is one file and not a folder.
    package var isSingleFile: Bool { tree.entries.count == 1 && tree.entries[0].path.description == name }
}

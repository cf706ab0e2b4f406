// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// One time that a compiled pipeline was started, with what it was given and what came of it.
package struct PipelineRun: Sendable, Hashable {
    /// Its id: 32 hexadecimal digits.
    package let id: String
    /// What people call it; need not be unique.
    package var name = ""
    /// Where no other run has its name; nil where others may.
    package var namespace: String?
    /// The group of runs that it is counted in; nil for none.
    package var experiment: String?
    /// The schedule that started it.
    package var schedule: String?
    /// The time that its schedule meant, microseconds since 1970.
    package var scheduledAt: Int64?
    /// What its client keeps with it, in the client's own words.
    package var annotations: JSONValue = [:]
    /// Whether nothing of it is begun until somebody says so.
    package var startsPaused = false
    /// Whether it is left out of lists.
    package var isArchived = false
    /// How often it was let go on after it had ended.
    package var reopenings = 0
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
    package var outputs: TaskValues

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

    /// How a run or a task goes.
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

    /// A run that begins.
    package init(
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
        outputs = TaskValues()
        name = pipeline.name
    }

    /// As it was stored.
    package init(json: JSONValue) throws(GyreError) {
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
        name = json["name"]?.string ?? pipeline.name
        namespace = json["namespace"]?.string
        experiment = json["experiment"]?.string
        schedule = json["schedule"]?.string
        scheduledAt = json["scheduled_at"]?.int
        annotations = json["annotations"] ?? [:]
        isArchived = json["is_archived"]?.bool ?? false
        startsPaused = json["starts_paused"]?.bool ?? false
        reopenings = Int(json["reopenings"]?.int ?? 0)
        state = try stored.word("state", State.self)
        message = json["message"]?.string
        endedAt = json["ended_at"]?.int
        outputs = try TaskValues(json: json["outputs"] ?? [:])
    }

    /// As stored and as the native API tells it.
    package var json: JSONValue {
        [
            "id": .string(id), "name": .string(name), "pipeline": .string(pipeline.description),
            "compiled": .string(compiled.hex), "namespace": .optional(namespace), "experiment": .optional(experiment),
            "schedule": .optional(schedule),
            "scheduled_at": .optional(scheduledAt),
            "annotations": annotations, "is_archived": .bool(isArchived), "starts_paused": .bool(startsPaused),
            "reopenings": .int(Int64(reopenings)), "parameters": .sorted(parameters),
            "actor": .string(actor), "reason": .string(reason), "purpose": purpose.json,
            "resolved": .sorted(resolved.mapValues { .string($0.description) }), "uses_cache": .bool(usesCache),
            "state": .string(state.rawValue), "message": .optional(message), "started_at": .int(startedAt),
            "ended_at": .optional(endedAt), "outputs": outputs.json,
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

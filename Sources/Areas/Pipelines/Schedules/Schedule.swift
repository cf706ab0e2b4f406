// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// When a pipeline is run by itself, and how.
package struct Schedule: Sendable, Hashable {
    /// What tells it apart; the server makes it.
    package let id: String
    /// What people call it.
    package var name: String
    /// What it is for.
    package var description = ""
    /// When it starts runs.
    package var trigger: Trigger
    /// Before this time it starts none, microseconds since 1970.
    package var startsAt: Int64?
    /// After this time it starts none.
    package var endsAt: Int64?
    /// What it runs.
    package var source: Source
    /// Values for the pipeline's parameters.
    package var parameters: [String: JSONValue] = [:]
    /// Where the names of its runs are the only ones of their kind; nil for names that others may have.
    package var namespace: String?
    /// The experiment that its runs are counted in.
    package var experiment: String?
    /// What its client keeps with it, and with its runs.
    package var annotations: JSONValue = [:]
    /// Whether earlier results may be taken.
    package var usesCache = true
    /// What is done when runs of it go on still.
    package var overlap = Overlap.allow
    /// How many runs of it go on at the same time.
    package var mostRunning = 1
    /// Whether every time that was missed is made up for; else the last of them alone.
    package var catchesUp = true
    /// Seconds after which a time that was missed is not made up for any more; nil for never.
    package var latestStartSeconds: Int64?
    /// Whether it starts runs at all.
    package var isEnabled = true
    /// Who made it.
    package let actor: String
    /// When it was made, microseconds since 1970.
    package let createdAt: Int64
    /// The last time that it acted for.
    package var lastTick: Int64?
    /// Earlier times that somebody asked it to act for, in order.
    package var backlog: [Int64] = []
    /// The place in the ledger up to which it has acted on what happened.
    package var lastFact: Int64 = 0
    /// How often it has started a run.
    package var started = 0
    /// What kept it from starting the last run.
    package var problem: String?

    /// When a schedule starts runs.
    package enum Trigger: Sendable, Hashable {
        case cron(CronExpression)
        /// Every so many seconds, from its beginning on.
        case interval(Int64)
        /// Each time that something happened.
        case event(Event)

        /// Something that happens.
        package enum Event: Sendable, Hashable {
            /// A version of this dataset was accepted.
            case accepted(dataset: String)
            /// A run of this pipeline ended: so, or in any way.
            case ended(pipeline: String, state: PipelineRun.State?)
            /// Somebody, or another program, asked for it.
            case called
        }
    }

    /// What a schedule runs.
    package enum Source: Sendable, Hashable {
        /// A compiled package.
        case package(Digest)
        /// A version of a registered pipeline, by ids; without a version the newest at the time of the run.
        case version(pipeline: String, version: String?)
    }

    /// What is done at the time of a run when others of the schedule go on.
    package enum Overlap: String, Sendable, Hashable, CaseIterable {
        /// It is run beside them; once as many go on as may, it waits.
        case allow
        /// It is not run.
        case forbid
        /// They are stopped.
        case replace
    }

    /// A schedule that has not begun.
    package init(
        id: String, name: String, trigger: Trigger, source: Source, actor: String, createdAt: Int64
    ) {
        self.id = id
        self.name = name
        self.trigger = trigger
        self.source = source
        self.actor = actor
        self.createdAt = createdAt
    }

    /// `schedule/<id>`.
    package var ref: Ref { Ref("schedule", id) }

    /// The first time after this one at which it starts a run, whether it is enabled or not; nil for none.
    package func next(after time: Int64) -> Int64? {
        let time = max(time, (startsAt ?? .min + 1) - 1)
        let next: Int64?
        switch trigger {
        case .cron(let expression): next = expression.next(after: time)
        case .interval(let seconds):
            let (first, length) = (startsAt ?? createdAt, seconds * 1_000_000)
            let passed = time < first ? 0 : (time - first) / length
            next = first + (passed + 1) * length
        case .event: next = nil
        }
        guard let next, next <= endsAt ?? .max else { return nil }
        return next
    }

    /// The times that it has to act for by now, in order, the most of them at once: all that were missed, or the last alone.
    func due(at now: Int64) -> [Int64] {
        var time = lastTick ?? max(createdAt, startsAt ?? 0) - 1
        guard let first = next(after: time), first <= now else { return [] }
        guard catchesUp else {
            let last = latest(after: time, upTo: now)
            guard let last, now - last <= (latestStartSeconds ?? .max / 1_000_000) * 1_000_000 else { return [] }
            return [last]
        }
        var due: [Int64] = []
        while due.count < Limits.dueTicks, let next = next(after: time), next <= now {
            due.append(next)
            time = next
        }
        return due
    }

    /// The last time between two others, looked for in longer and longer stretches before the end.
    private func latest(after start: Int64, upTo end: Int64) -> Int64? {
        for seconds: Int64 in [60, 3600, 86_400, 31 * 86_400, 366 * 86_400, .max / 1_000_000] {
            let begin = seconds > (end - start) / 1_000_000 ? start : end - seconds * 1_000_000
            var (time, found) = (begin, Int64?.none)
            while let next = next(after: time), next <= end { (time, found) = (next, next) }
            if found != nil || begin == start { return found }
        }
        return nil
    }
}

extension Schedule {
    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("schedule", json)
        let trigger: Trigger
        if let text = json["cron"]?.string {
            trigger = .cron(try CronExpression(text, zone: try stored.text("zone")))
        } else if let dataset = json["on_dataset"]?.string {
            trigger = .event(.accepted(dataset: dataset))
        } else if let pipeline = json["on_pipeline"]?.string {
            trigger = .event(
                .ended(pipeline: pipeline, state: json["on_state"]?.string.flatMap(PipelineRun.State.init(rawValue:))))
        } else if json["on_call"]?.bool == true {
            trigger = .event(.called)
        } else {
            trigger = .interval(try stored.integer("interval_seconds"))
        }
        let source: Source
        if let pipeline = json["pipeline"]?.string {
            source = .version(pipeline: pipeline, version: json["version"]?.string)
        } else {
            source = .package(try stored.digest("package"))
        }
        self.init(
            id: try stored.text("id"), name: try stored.text("name"), trigger: trigger, source: source,
            actor: try stored.text("actor"), createdAt: try stored.integer("created_at"))
        description = json["description"]?.string ?? ""
        startsAt = json["starts_at"]?.int
        endsAt = json["ends_at"]?.int
        for member in json["parameters"]?.object?.members ?? [] { parameters[member.name] = member.value }
        namespace = json["namespace"]?.string
        experiment = json["experiment"]?.string
        annotations = json["annotations"] ?? [:]
        usesCache = json["uses_cache"]?.bool ?? true
        overlap = try stored.word("overlap", Overlap.self)
        mostRunning = Int(try stored.integer("most_running"))
        catchesUp = json["catches_up"]?.bool ?? true
        latestStartSeconds = json["latest_start_seconds"]?.int
        isEnabled = json["is_enabled"]?.bool ?? true
        lastTick = json["last_tick"]?.int
        backlog = json["backlog"]?.array?.compactMap(\.int) ?? []
        started = Int(json["started"]?.int ?? 0)
        lastFact = json["last_fact"]?.int ?? 0
        problem = json["problem"]?.string
    }

    /// As stored and as the native API tells it.
    package var json: JSONValue {
        var json: JSONValue = [
            "id": .string(id), "name": .string(name), "description": .string(description),
            "starts_at": .optional(startsAt), "ends_at": .optional(endsAt), "parameters": .sorted(parameters),
            "namespace": .optional(namespace), "experiment": .optional(experiment), "annotations": annotations,
            "uses_cache": .bool(usesCache),
            "overlap": .string(overlap.rawValue), "most_running": .int(Int64(mostRunning)),
            "catches_up": .bool(catchesUp), "is_enabled": .bool(isEnabled), "actor": .string(actor),
            "created_at": .int(createdAt), "last_tick": .optional(lastTick),
            "backlog": .array(backlog.map { .int($0) }), "started": .int(Int64(started)),
            "latest_start_seconds": .optional(latestStartSeconds), "last_fact": .int(lastFact),
            "problem": .optional(problem),
        ]
        switch trigger {
        case .cron(let expression):
            json["cron"] = .string(expression.text)
            json["zone"] = .string(expression.zone)
        case .interval(let seconds): json["interval_seconds"] = .int(seconds)
        case .event(.accepted(let dataset)): json["on_dataset"] = .string(dataset)
        case .event(.ended(let pipeline, let state)):
            json["on_pipeline"] = .string(pipeline)
            json["on_state"] = .optional(state?.rawValue)
        case .event(.called): json["on_call"] = true
        }
        switch source {
        case .package(let digest): json["package"] = .string(digest.hex)
        case .version(let pipeline, let version):
            json["pipeline"] = .string(pipeline)
            json["version"] = .optional(version)
        }
        return json
    }
}

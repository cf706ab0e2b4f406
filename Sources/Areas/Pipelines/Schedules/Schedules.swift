// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// Schedules of pipelines: kept, and acted on when their time has come.
///
/// The id of a run is made of its schedule and its time, so whatever happens in between, a time starts one run.
package struct Schedules: Sendable {
    private let ledger: any LedgerStore
    private let blobs: any BlobStore
    private let pipelines: Pipelines
    private let catalog: PipelineCatalog
    private let surroundings: Surroundings
    private let fill: Fill
    private let events: ScheduleEvents

    /// Parameters of a run with what they stand for at its time.
    package typealias Fill = @Sendable ([String: JSONValue], Tick) -> [String: JSONValue]

    private static let kind = "schedule"

    /// One time that a schedule acts for.
    package struct Tick: Sendable {
        /// The time that was planned, microseconds since 1970.
        package let scheduledAt: Int64
        /// The time now.
        package let now: Int64
        /// How many runs the schedule started before.
        package let index: Int
        /// The run that is started.
        package let run: String
    }

    /// Schedules over these.
    package init(
        ledger: any LedgerStore, blobs: any BlobStore, pipelines: Pipelines, catalog: PipelineCatalog,
        surroundings: Surroundings, fill: @escaping Fill = { parameters, _ in parameters }
    ) {
        self.ledger = ledger
        self.blobs = blobs
        self.pipelines = pipelines
        self.catalog = catalog
        self.surroundings = surroundings
        self.fill = fill
        events = ScheduleEvents(ledger: ledger, pipelines: pipelines)
    }

    // MARK: Keeping

    /// A schedule with a new id; nothing is kept yet.
    package func draft(
        _ name: String, _ trigger: Schedule.Trigger, _ source: Schedule.Source, by actor: String
    ) -> Schedule {
        Schedule(
            id: surroundings.newID(), name: name, trigger: trigger, source: source, actor: actor,
            createdAt: surroundings.now())
    }

    /// Whether a schedule could be kept.
    /// - Throws: `.invalid` for one that can never start a run, or whose pipeline does not take its parameters.
    package func check(_ schedule: Schedule, package: [UInt8]? = nil) async throws(GyreError) {
        _ = try PipelineCatalog.checked(schedule.name, "schedule")
        if case .interval(let seconds) = schedule.trigger, !(1...Limits.scheduleSeconds).contains(seconds) {
            throw GyreError(
                .invalid, "A schedule cannot act every \(seconds) seconds.",
                why: "It is 1 to \(Limits.scheduleSeconds).")
        }
        if case .event(let event) = schedule.trigger {
            try check(event, of: schedule)
        } else if schedule.next(after: schedule.createdAt - 1) == nil {
            throw GyreError(
                .invalid, "The schedule \"\(schedule.name)\" would never start a run.",
                why: "No time of it lies between its start and its end.")
        }
        guard (1...Limits.scheduleRuns).contains(schedule.mostRunning) else {
            throw GyreError(
                .invalid, "A schedule cannot have \(schedule.mostRunning) runs at the same time.",
                why: "It is 1 to \(Limits.scheduleRuns).")
        }
        // What it will run is checked now, while somebody listens.
        let compiled: [UInt8]
        if let package { compiled = package } else { compiled = try await self.package(schedule) }
        var request = Pipelines.Request(compiled: compiled)
        request.parameters = schedule.parameters
        try await pipelines.check(request)
    }

    /// Keeps a new schedule.
    /// - Throws: as `check`.
    package func create(_ schedule: Schedule, package: [UInt8]? = nil, by actor: String) async throws(GyreError) {
        try await check(schedule, package: package)
        if let package { _ = try await blobs.put(package) }
        var schedule = schedule
        // What happened before is not what it is for.
        schedule.lastFact = try await ledger.head().seq
        let made = Self.creation(schedule, by: actor)
        try await ledger.commit(made.changes, recording: made.facts)
    }

    /// What is written together with something that schedules act for.
    package struct Exchange: Sendable {
        fileprivate(set) var changes: [Change] = []
        fileprivate(set) var facts: [Fact] = []

        /// Nothing.
        package init() {}
    }

    private static func creation(_ schedule: Schedule, by actor: String) -> Exchange {
        var exchange = Exchange()
        exchange.changes = [.create(Document(kind, schedule.id, schedule.json))]
        exchange.facts = [Fact("pipelines.schedule.created", schedule.ref, by: actor, body: schedule.json)]
        return exchange
    }

    private static func removal(_ schedule: Schedule, by actor: String) -> Exchange {
        var exchange = Exchange()
        exchange.changes = [.remove(kind: kind, key: schedule.id)]
        exchange.facts = [Fact("pipelines.schedule.removed", schedule.ref, by: actor, body: schedule.json)]
        return exchange
    }

    /// Puts schedules in the place of others, which go on from the time that those acted for last; written by whoever commits it.
    ///
    /// One of the others that somebody removed by hand is left out.
    /// - Throws: as `check`.
    package func exchange(
        _ ids: [String], for drafts: [(schedule: Schedule, package: [UInt8])], by actor: String
    ) async throws(GyreError) -> Exchange {
        var exchange = Exchange()
        let old = try await schedules(ids)
        for schedule in old {
            let removal = Self.removal(schedule, by: actor)
            exchange.changes += removal.changes
            exchange.facts += removal.facts
        }
        for (draft, package) in drafts {
            try await check(draft, package: package)
            _ = try await blobs.put(package)
            var schedule = draft
            schedule.lastTick = old.compactMap(\.lastTick).max()
            let made = Self.creation(schedule, by: actor)
            exchange.changes += made.changes
            exchange.facts += made.facts
        }
        return exchange
    }

    /// Schedules by their whole ids; those that are not there are left out.
    package func schedules(_ ids: [String]) async throws(GyreError) -> [Schedule] {
        var found: [Schedule] = []
        for id in ids {
            if let document = try await ledger.document(Self.kind, id) {
                found.append(try Schedule(json: document.body))
            }
        }
        return found
    }

    /// A schedule by its id, or the first characters of it, or its name.
    /// - Throws: `.notFound`.
    package func schedule(_ id: String) async throws(GyreError) -> Schedule {
        if let document = try await ledger.document(Self.kind, id) { return try Schedule(json: document.body) }
        let all = try await schedules()
        let found = all.filter { $0.name == id || (id.count >= 4 && $0.id.hasPrefix(id)) }
        guard found.count == 1 else {
            throw GyreError(
                .notFound,
                found.isEmpty
                    ? "There is no schedule \"\(id.prefix(80))\"."
                    : "Several schedules are called \"\(id.prefix(80))\".",
                fix: Nearest.fix(id, among: all.map(\.name), otherwise: "gyre pipeline schedule list"))
        }
        return found[0]
    }

    /// All schedules, in the order of their ids.
    package func schedules() async throws(GyreError) -> [Schedule] {
        try await ledger.documents(Self.kind).map { document throws(GyreError) in try Schedule(json: document.body) }
    }

    /// The next times of a schedule that is enabled, so many at most.
    package func upcoming(_ schedule: Schedule, _ count: Int) -> [Int64] {
        var times: [Int64] = []
        var time = max(surroundings.now(), schedule.lastTick ?? 0)
        while schedule.isEnabled, times.count < count, let next = schedule.next(after: time) {
            times.append(next)
            time = next
        }
        return times
    }

    /// Lets a schedule start runs, or keeps it from that.
    package func enable(_ id: String, _ isEnabled: Bool, by actor: String) async throws(GyreError) -> Schedule {
        let kind = isEnabled ? "pipelines.schedule.enabled" : "pipelines.schedule.disabled"
        let key = try await schedule(id).id
        let head = try await ledger.head().seq
        return try await change(key, recording: Fact(kind, Ref("schedule", key), by: actor)) {
            // What happened while it was paused is not made up for.
            if isEnabled, !$0.isEnabled { $0.lastFact = max(head, $0.lastFact) }
            $0.isEnabled = isEnabled
        }
    }

    /// Removes a schedule; its runs stay.
    package func remove(_ id: String, by actor: String) async throws(GyreError) {
        let removal = Self.removal(try await self.schedule(id), by: actor)
        try await ledger.commit(removal.changes, recording: removal.facts)
    }

    /// Has a schedule act for the times between two others, both included, as if they had come; those that have a run are left out.
    /// - Returns: the times, in order.
    package func backfill(
        _ id: String, from start: Int64, to end: Int64, isTrial: Bool, by actor: String
    ) async throws(GyreError) -> [Int64] {
        let schedule = try await self.schedule(id)
        var unbounded = schedule
        unbounded.startsAt = nil
        unbounded.endsAt = nil
        if case .interval = schedule.trigger { unbounded.startsAt = schedule.startsAt ?? schedule.createdAt }
        var times: [Int64] = []
        var time = start - 1
        while let next = unbounded.next(after: time), next <= min(end, surroundings.now()) {
            time = next
            if try await pipelines.run(exactly: Self.run(schedule, next)) != nil { continue }
            times.append(next)
            guard times.count <= Limits.backfillTicks else {
                throw GyreError(
                    .limitExceeded, "More than \(Limits.backfillTicks) times lie between the two.",
                    fix: "Take a shorter range.")
            }
        }
        guard !isTrial, !times.isEmpty else { return times }
        let (added, text) = (times, "\(Timestamp.text(start)) to \(Timestamp.text(end))")
        let fact = Fact(
            "pipelines.schedule.backfilled", schedule.ref, by: actor,
            body: ["range": .string(text), "times": .int(Int64(added.count))])
        _ = try await change(schedule.id, recording: fact) { $0.backlog = Set($0.backlog + added).sorted() }
        return times
    }

    private func change(
        _ key: String, recording fact: Fact, _ change: @escaping @Sendable (inout Schedule) -> Void
    ) async throws(GyreError) -> Schedule {
        try await ledger.transact { store throws(GyreError) in
            guard let document = try store.document(Self.kind, key) else {
                throw GyreError(.notFound, "The schedule \"\(key)\" was removed meanwhile.")
            }
            var schedule = try Schedule(json: document.body)
            change(&schedule)
            return Proposal(
                schedule, [.put(Document(Self.kind, key, schedule.json))], recording: [fact])
        }
    }

    // MARK: Acting

    /// Starts what is due; a schedule that cannot act keeps no other from it.
    /// - Throws: what the first of those could not do.
    package func act() async throws(GyreError) {
        var problem: GyreError?
        for document in try await ledger.documents(Self.kind) {
            do throws(GyreError) {
                let schedule = try Schedule(json: document.body)
                if schedule.isEnabled || !schedule.backlog.isEmpty { try await act(schedule) }
            } catch {
                problem = problem ?? error
            }
        }
        if let problem { throw problem }
    }

    private func act(_ schedule: Schedule) async throws(GyreError) {
        for tick in schedule.backlog {
            guard try await act(schedule, at: tick, isBacklog: true) else { return }
        }
        guard schedule.isEnabled else { return }
        if case .event(let event) = schedule.trigger { return try await act(schedule, on: event) }
        for tick in schedule.due(at: surroundings.now()) {
            guard try await act(schedule, at: tick, isBacklog: false) else { return }
        }
    }

    /// - Returns: false where it has to wait.
    private func act(
        _ schedule: Schedule, at tick: Int64, isBacklog: Bool, _ occurrence: ScheduleEvents.Occurrence? = nil
    ) async throws(GyreError) -> Bool {
        let running = try await running(of: schedule.id)
        let id = occurrence?.run(of: schedule) ?? Self.run(schedule, tick)
        switch schedule.overlap {
        case .allow: if running.count >= schedule.mostRunning { return false }
        case .forbid:
            // Times that somebody asked for are not dropped.
            if !running.isEmpty, isBacklog { return false }
            if let other = running.first {
                try await acted(
                    schedule, tick, isBacklog, nil, why: "The run \(other.id.prefix(8)) of it went on still.",
                    occurrence)
                return true
            }
        case .replace:
            for run in running where run.id != id {
                // One that ended meanwhile need not be stopped.
                _ = try? await pipelines.cancel(run.id, by: "schedule/\(schedule.name)")
            }
        }
        do throws(GyreError) { try await start(schedule, tick, id, occurrence) } catch {
            switch error.code {
            case .alreadyExists: break
            case .unavailable, .cancelled: throw error
            default:
                try await acted(schedule, tick, isBacklog, nil, why: error.description, occurrence)
                return true
            }
        }
        try await acted(schedule, tick, isBacklog, id, why: nil, occurrence)
        return true
    }

    private func start(
        _ schedule: Schedule, _ tick: Int64, _ id: String, _ occurrence: ScheduleEvents.Occurrence?
    ) async throws(GyreError) {
        var request = Pipelines.Request(compiled: try await package(schedule))
        let now = surroundings.now()
        request.id = id
        request.name = "\(schedule.name) \(Timestamp.text(tick))"
        if let namespace = schedule.namespace {
            request.namespace = namespace
            request.name = "\(schedule.name)-\(tick / 1_000_000)"
        }
        request.parameters = fill(
            schedule.parameters, Tick(scheduledAt: tick, now: now, index: schedule.started + 1, run: id))
        request.reason = "scheduled for \(Timestamp.text(tick))"
        if let occurrence {
            request.reason = occurrence.reason
            request.parameters = occurrence.filled(request.parameters)
        }
        request.schedule = schedule.id
        request.scheduledAt = tick
        request.experiment = schedule.experiment
        request.annotations = schedule.annotations
        request.usesCache = schedule.usesCache
        _ = try await pipelines.start(request, by: "schedule/\(schedule.name)")
    }

    // MARK: Events

    private func check(_ event: Schedule.Trigger.Event, of schedule: Schedule) throws(GyreError) {
        switch event {
        case .accepted(let name), .ended(let name, _): _ = try Name(name, of: "dataset or a pipeline")
        case .called: break
        }
        guard schedule.startsAt == nil, schedule.endsAt == nil, !schedule.catchesUp else {
            throw GyreError(
                .invalid, "The schedule \"\(schedule.name)\" acts on what happens, and not at times.",
                why: "A start, an end and catching up are for times.")
        }
    }

    /// Starts a run for each thing that happened since it looked last, in order.
    private func act(_ schedule: Schedule, on event: Schedule.Trigger.Event) async throws(GyreError) {
        for occurrence in try await events.happened(event, of: schedule) {
            guard try await act(schedule, at: occurrence.at, isBacklog: false, occurrence) else { return }
        }
    }

    /// Whether a run may begin beside those that go on, by the schedule's rule; those that it replaces are stopped.
    /// - Throws: `.conflict` where none may.
    private func makeRoom(for schedule: Schedule) async throws(GyreError) {
        let running = try await running(of: schedule.id)
        switch schedule.overlap {
        case .replace:
            for run in running { _ = try await pipelines.cancel(run.id, by: "schedule/\(schedule.name)") }
        case .forbid where running.isEmpty: break
        case .allow where running.count < schedule.mostRunning: break
        case .allow, .forbid:
            throw GyreError(
                .conflict, "The schedule \"\(schedule.name)\" starts no further run now.",
                why: "\(running.count) of its runs go on still.", fix: "Call it again when they have ended.")
        }
    }

    /// Starts a run of a schedule now, whatever its times are.
    /// - Throws: `.conflict` for one that is paused.
    package func call(
        _ id: String, parameters: [String: JSONValue], by actor: String
    ) async throws(GyreError) -> PipelineRun {
        var schedule = try await self.schedule(id)
        guard schedule.isEnabled else {
            throw GyreError(
                .conflict, "The schedule \"\(schedule.name)\" is paused.",
                fix: "gyre pipeline schedule resume \(schedule.name)")
        }
        schedule.parameters.merge(parameters) { $1 }
        let run = surroundings.newID()
        try await makeRoom(for: schedule)
        let now = surroundings.now()
        try await start(schedule, now, run, .called(at: now, by: actor))
        let fact = Fact(
            "pipelines.schedule.called", schedule.ref, by: actor, outputs: [Ref("pipeline-run", run)],
            body: ["parameters": .sorted(parameters)])
        _ = try await change(schedule.id, recording: fact) { $0.started += 1 }
        return try await pipelines.run(run)
    }

    /// Remembers what was done for a time.
    private func acted(
        _ schedule: Schedule, _ tick: Int64, _ isBacklog: Bool, _ run: String?, why: String?,
        _ occurrence: ScheduleEvents.Occurrence?
    ) async throws(GyreError) {
        let fact = Fact(
            run == nil ? "pipelines.schedule.skipped" : "pipelines.schedule.acted", schedule.ref, by: "gyre",
            outputs: run.map { [Ref("pipeline-run", $0)] } ?? [],
            body: ["scheduled_at": .string(Timestamp.text(tick)), "why": .optional(why)])
        _ = try await change(schedule.id, recording: fact) { schedule in
            schedule.problem = why
            if run != nil { schedule.started += 1 }
            if let seq = occurrence?.seq { schedule.lastFact = max(seq, schedule.lastFact) }
            if isBacklog {
                schedule.backlog.removeAll { $0 == tick }
            } else {
                schedule.lastTick = max(tick, schedule.lastTick ?? tick)
            }
        }
    }

    /// The runs of a schedule that go on.
    package func running(of id: String) async throws(GyreError) -> [PipelineRun] {
        var query = PipelineRunQuery()
        query.conditions = [
            .init(.schedule, .equal, .string(id)), .init(.state, .among, ["PENDING", "RUNNING"]),
        ]
        return try await pipelines.runs(query).runs
    }

    /// The package that a schedule runs now.
    package func package(_ schedule: Schedule) async throws(GyreError) -> [UInt8] {
        switch schedule.source {
        case .package(let digest): return try await blobs.bytes(digest)
        case .version(let pipeline, let version):
            return try await catalog.package(try await catalog.version(version, of: pipeline))
        }
    }

    /// The id of the run for a time.
    private static func run(_ schedule: Schedule, _ tick: Int64) -> String {
        String(Digest(of: Array("\(schedule.id)/\(tick)".utf8)).hex.prefix(32))
    }
}

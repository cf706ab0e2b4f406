// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreLedger
internal import Synchronization

/// Finds in the ledger what schedules wait for.
final class ScheduleEvents: Sendable {
    private let ledger: any LedgerStore
    private let pipelines: Pipelines
    /// How far each schedule has looked, beyond what it has acted on: that alone is kept.
    private let looked = Mutex<[String: Int64]>([:])

    init(ledger: any LedgerStore, pipelines: Pipelines) {
        self.ledger = ledger
        self.pipelines = pipelines
    }

    /// Something that happened, which a schedule starts a run for.
    struct Occurrence: Sendable {
        /// Its place in the ledger; nil where somebody asked for the run.
        let seq: Int64?
        /// When it happened, microseconds since 1970.
        let at: Int64
        /// What it is, in words.
        let reason: String
        /// What texts of parameters stand for.
        let words: [String: String]

        /// Somebody asks for a run.
        static func called(at: Int64, by actor: String) -> Occurrence {
            Occurrence(seq: nil, at: at, reason: "asked for by \(actor)", words: [:])
        }

        /// The id of the run for it: the same however often it is looked at.
        func run(of schedule: Schedule) -> String? {
            seq.map { String(Digest(of: Array("\(schedule.id)/fact/\($0)".utf8)).hex.prefix(32)) }
        }

        /// Parameters with what stands for what happened: `[[Dataset]]`, `[[Run]]`.
        func filled(_ parameters: [String: JSONValue]) -> [String: JSONValue] {
            parameters.mapValues { value in
                guard let text = value.string else { return value }
                return .string(words.reduce(text) { $0.replacing("[[\($1.key)]]", with: $1.value) })
            }
        }
    }

    /// What happened since a schedule acted last, in order.
    func happened(_ event: Schedule.Trigger.Event, of schedule: Schedule) async throws(GyreError) -> [Occurrence] {
        var query = FactQuery()
        query.after = max(schedule.lastFact, looked.withLock { $0[schedule.id] ?? 0 })
        query.limit = Limits.dueTicks
        switch event {
        case .accepted(let name):
            query.kindPrefix = "versioning.dataset.accepted"
            query.mentioning = Ref("dataset", name)
        case .ended: query.kindPrefix = "pipelines.run."
        case .called: return []
        }
        let head = try await ledger.head().seq
        var found: [Occurrence] = []
        let facts = try await ledger.facts(query)
        for recorded in facts {
            if let occurrence = try await occurrence(recorded, event, schedule) { found.append(occurrence) }
        }
        // What was looked at and is nothing is not looked at again while the server is up.
        let reached = facts.count < query.limit ? head : facts.last?.seq ?? head
        if found.isEmpty { looked.withLock { $0[schedule.id] = reached } }
        return found
    }

    private func occurrence(
        _ recorded: RecordedFact, _ event: Schedule.Trigger.Event, _ schedule: Schedule
    ) async throws(GyreError) -> Occurrence? {
        let fact = recorded.fact
        switch event {
        case .called: return nil
        case .accepted(let name):
            guard fact.kind == "versioning.dataset.accepted", fact.subject == Ref("dataset", name),
                let version = fact.inputs.first
            else { return nil }
            return Occurrence(
                seq: recorded.seq, at: recorded.at, reason: "\(version) was accepted",
                words: ["Dataset": version.description])
        case .ended(let pipeline, let state):
            let ends: [String: PipelineRun.State] = [
                "pipelines.run.succeeded": .succeeded, "pipelines.run.failed": .failed,
                "pipelines.run.canceled": .canceled,
            ]
            guard let ended = ends[fact.kind], state == nil || state == ended,
                // One that was removed meanwhile is nothing to go on from.
                let run = try await pipelines.run(exactly: fact.subject.name), run.pipeline.name == pipeline,
                // Its own runs would start it for ever.
                run.schedule != schedule.id
            else { return nil }
            return Occurrence(
                seq: recorded.seq, at: recorded.at,
                reason: "\(run.ref) of \(pipeline) ended: \(ended.rawValue)", words: ["Run": run.ref.description])
        }
    }
}

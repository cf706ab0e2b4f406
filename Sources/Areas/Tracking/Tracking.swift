// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// Experiments and runs: what was tried, with what, and what came out.
package struct Tracking: Sendable {
    /// The store; dialects read through it.
    package let store: any TrackingStore
    private let mostRuns: @Sendable () -> Int64?
    private let surroundings: Surroundings

    /// Tracking over `store`.
    ///
    /// `mostRuns`: how many runs there may be at most, asked each time; nil for any number.
    package init(
        store: any TrackingStore, surroundings: Surroundings, mostRuns: @escaping @Sendable () -> Int64? = { nil }
    ) {
        self.mostRuns = mostRuns
        self.store = store
        self.surroundings = surroundings
    }

    private var nowMilliseconds: Int64 { surroundings.now() / 1000 }

    /// A name for something that was given none.
    package func makeName() -> String { TrackingRules.makeRunName(surroundings.random) }

    // MARK: Experiments

    /// Makes an experiment.
    package func createExperiment(
        _ name: String, artifactLocation: String? = nil, tags: [KeyValue] = [], by actor: String
    ) async throws(GyreError) -> Experiment {
        try TrackingRules.checkExperimentName(name)
        for tag in tags { try TrackingRules.checkKey(tag.key, of: "tag") }
        let draft = ExperimentDraft(
            name: name, artifactLocation: artifactLocation, tags: tags, atMilliseconds: nowMilliseconds)
        return try await store.createExperiment(draft) { id in
            Fact(
                "tracking.experiment.created", Ref("experiment", String(id)), by: actor,
                outputs: [Ref("experiment", String(id))], body: ["name": .string(name)])
        }
    }

    /// An experiment, deleted or not.
    /// - Throws: `.notFound`.
    package func experiment(_ id: String) async throws(GyreError) -> Experiment {
        guard let number = Int64(id) else {
            throw GyreError(
                .invalid, "Invalid experiment ID '\(id.prefix(80))'. Experiment ID must be a valid integer.")
        }
        if let found = try await store.experiment(number) { return found }
        throw GyreError(.notFound, "No Experiment with id=\(id.prefix(80)) exists.", fix: "gyre experiment list")
    }

    /// Renames, deletes, restores or tags an experiment.
    package func updateExperiment(_ id: String, _ change: ExperimentChange, by actor: String) async throws(GyreError) {
        let experiment = try await experiment(id)
        let (kind, body): (String, JSONValue) =
            switch change {
            case .rename(let name):
                ("tracking.experiment.renamed", ["old": .string(experiment.name), "new": .string(name)])
            case .delete: ("tracking.experiment.deleted", [:])
            case .restore: ("tracking.experiment.restored", [:])
            case .setTag(let tag):
                ("tracking.experiment.tagged", ["key": .string(tag.key), "value": .string(tag.value)])
            case .deleteTag(let key): ("tracking.experiment.untagged", ["key": .string(key)])
            }
        switch change {
        case .rename(let name):
            guard !experiment.isDeleted else {
                throw GyreError(.invalid, "Cannot rename experiment in non-active lifecycle stage.")
            }
            try TrackingRules.checkExperimentName(name)
        case .setTag(let tag):
            guard !experiment.isDeleted else {
                throw GyreError(
                    .invalid, "The experiment \(experiment.id) must be in the 'active' state.",
                    why: "Current state is deleted.")
            }
            try TrackingRules.checkKey(tag.key, of: "tag")
            guard tag.value.count <= TrackingRules.experimentTagValue else {
                throw GyreError(
                    .invalid,
                    "'value' exceeds the maximum length of \(TrackingRules.experimentTagValue) characters")
            }
        case .delete where experiment.isDeleted, .restore where !experiment.isDeleted:
            throw GyreError(
                .notFound,
                "No Experiment with id=\(experiment.id) exists that is \(experiment.isDeleted ? "active" : "deleted").")
        case .deleteTag where experiment.isDeleted:
            throw GyreError(
                .invalid, "The experiment \(experiment.id) must be in the 'active' state.",
                why: "Current state is deleted.")
        case .delete, .restore, .deleteTag: break
        }
        try await store.updateExperiment(
            experiment.id, change, at: nowMilliseconds,
            recording: Fact(kind, experiment.ref, by: actor, body: body))
    }

    // MARK: Runs

    /// What a new run is made of.
    package struct RunDraft: Sendable {
        /// Its experiment's id.
        package var experimentID = "0"
        /// Its own id, if a client chose one.
        package var id: String?
        /// What people will call it; nil gets a made-up name.
        package var name: String?
        /// Who starts it.
        package var userID = ""
        /// When it began, milliseconds since 1970; nil is now.
        package var startMilliseconds: Int64?
        /// Its first tags.
        package var tags: [KeyValue] = []

        /// A run of the experiment `Default`.
        package init() {}
    }

    /// Starts a run.
    package func createRun(_ draft: RunDraft, by actor: String) async throws(GyreError) -> Run {
        guard let experiment = Int64(draft.experimentID) else {
            throw GyreError(
                .invalid,
                "Invalid experiment ID '\(draft.experimentID.prefix(80))'. Experiment ID must be a valid integer.")
        }
        try TrackingRules.check(draft)
        if let most = mostRuns(), try await store.countRuns() >= most {
            throw GyreError(
                .limitExceeded, "The workspace may have \(most) runs, and has them.",
                why: "Runs that were deleted count until they are removed for good.",
                fix: "gyre gc, or ask for more: gyre workspace set NAME --runs N")
        }
        let tagged = draft.tags.first { $0.key == "mlflow.runName" }?.value
        if let name = draft.name, !name.isEmpty, let tagged, tagged != name {
            throw GyreError(
                .invalid, "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values.",
                why: "run_name='\(name)', mlflow.runName='\(tagged)'.")
        }
        let named = draft.name.flatMap { $0.isEmpty ? nil : $0 } ?? tagged
        let name = named ?? TrackingRules.makeRunName(surroundings.random)
        let id = draft.id ?? surroundings.newID()
        try TrackingRules.checkRunID(id)
        let tags = draft.tags.filter { $0.key != "mlflow.runName" } + [KeyValue("mlflow.runName", name)]
        let start = draft.startMilliseconds ?? nowMilliseconds
        return try await store.createRun(in: experiment) { experiment throws(GyreError) in
            guard !experiment.isDeleted else {
                throw GyreError(
                    .invalid, "The experiment \(experiment.id) must be in the 'active' state.", why: "It was deleted.")
            }
            var run = Run(
                id: id, experimentID: experiment.id, name: name, userID: draft.userID, status: .running,
                startMilliseconds: start, endMilliseconds: nil, isDeleted: false,
                artifactURI: "\(experiment.artifactLocation)/\(id)/artifacts")
            run.tags = tags
            let fact = Fact(
                "tracking.run.created", run.ref, by: actor, inputs: [experiment.ref], outputs: [run.ref],
                body: ["name": .string(name), "tags": tagsJSON(draft.tags)])
            return (run, fact)
        }
    }

    /// A run with its data, deleted or not.
    /// - Throws: `.notFound`.
    package func run(_ id: String) async throws(GyreError) -> Run {
        if let run = try await store.run(id) { return run }
        throw GyreError(.notFound, "Run with id=\(id.prefix(80)) not found.", fix: "gyre run list")
    }

    /// Changes status, end or name.
    ///
    /// Reaching an end records the digest of all that was logged.
    package func updateRun(_ id: String, _ change: RunChange, by actor: String) async throws(GyreError) -> Run {
        let run = try await run(id)
        try checkActive(run)
        var fact: Fact?
        if let status = change.status, status.isEnd {
            let (pinned, unpinned) = inputs(of: run)
            var body: JSONValue = [
                "status": .string(status.rawValue), "data_sha256": .string(try await digest(of: run).hex),
                "params": .int(Int64(run.params.count)), "metrics": .int(Int64(run.metrics.count)),
            ]
            if !unpinned.isEmpty { body["inputs_not_pinned"] = .strings(unpinned) }
            fact = Fact(
                "tracking.run.ended", run.ref, by: actor, inputs: pinned, outputs: [run.ref], body: body)
        }
        try await store.updateRun(id, change, recording: fact)
        return try await self.run(id)
    }

    /// Deletes or restores a run.
    package func setDeleted(_ isDeleted: Bool, run id: String, by actor: String) async throws(GyreError) {
        let run = try await run(id)
        var change = RunChange()
        change.isDeleted = isDeleted
        let kind = isDeleted ? "tracking.run.deleted" : "tracking.run.restored"
        try await store.updateRun(id, change, recording: Fact(kind, run.ref, by: actor))
    }

    /// Stores points, params, tags and links, all or nothing.
    package func log(_ id: String, _ entries: RunEntries) async throws(GyreError) {
        var known: Set<String> = []
        for metric in entries.metrics {
            if known.insert(metric.key).inserted { try TrackingRules.checkKey(metric.key, of: "metric") }
            guard metric.timestampMilliseconds >= 0 else {
                throw GyreError(
                    .invalid, "The metric '\(metric.key)' has the timestamp \(metric.timestampMilliseconds).",
                    why: "Timestamps are milliseconds since 1970, not negative.")
            }
        }
        var keys: Set<String> = []
        for param in entries.params {
            try TrackingRules.checkKey(param.key, of: "param")
            guard keys.insert(param.key).inserted else {
                throw GyreError(.invalid, "Duplicate parameter keys have been submitted: ['\(param.key.prefix(250))'].")
            }
        }
        for tag in entries.tags { try TrackingRules.checkKey(tag.key, of: "tag") }
        var entries = entries
        entries.params = entries.params.map { KeyValue($0.key, TrackingRules.paramValue($0.value)) }
        entries.tags = entries.tags.map { KeyValue($0.key, TrackingRules.tagValue($0.value)) }
        try await store.log(id, entries)
    }

    /// Removes a tag of a run.
    /// - Throws: `.notFound` if there is none.
    package func deleteTag(_ key: String, of id: String) async throws(GyreError) {
        try await store.deleteTag(key, of: id)
    }

    /// Adds an element to a tag that holds a JSON list.
    package func append(_ element: JSONValue, toTag key: String, of id: String) async throws(GyreError) {
        try await store.appendToTag(key, element, of: id)
    }

    /// Refuses writing to a deleted run.
    package func checkActive(_ run: Run) throws(GyreError) {
        guard !run.isDeleted else {
            throw GyreError(.invalid, "The run \(run.id) must be in the 'active' state.", why: "It was deleted.")
        }
    }

    /// What a run can be said to have used.
    private static let inputKinds: Set<String> = [
        "artifact", "dataset", "feature-view", "model", "pipeline-run", "release", "run", "task",
    ]

    /// What the run used as its tags `gyre.input.NAME` tell it.
    ///
    /// A tag that names nothing is the client's own text. One whose name floats says what was newest at some time that nobody knows,
    /// and is no input either: `unpinned` has it.
    private func inputs(of run: Run) -> (pinned: [Ref], unpinned: [String]) {
        let told = run.tags.filter { $0.key.hasPrefix("gyre.input.") }.compactMap { try? Ref(parsing: $0.value) }
            .filter { Self.inputKinds.contains($0.kind) }
        return (
            told.filter { $0.floating == nil }, told.filter { $0.floating != nil }.map(\.description)
        )
    }

    private func digest(of run: Run) async throws(GyreError) -> Digest {
        var stream = DigestStream()
        stream.update(tagsJSON(run.params).canonicalBytes)
        for metric in run.metrics {
            var last: MetricPoint?
            repeat {
                let page = try await store.history(of: metric.key, in: run.id, after: last, limit: 10_000)
                for point in page {
                    let line: JSONValue = [
                        .string(point.key), .int(point.step), .int(point.timestampMilliseconds), .double(point.value),
                    ]
                    stream.update(line.canonicalBytes)
                }
                last = page.count == 10_000 ? page.last : nil
            } while last != nil
        }
        return stream.finish()
    }

    private func tagsJSON(_ pairs: [KeyValue]) -> JSONValue {
        var object = JSONObject()
        for pair in pairs.sorted(by: { $0.key < $1.key }) { object[pair.key] = .string(String(pair.value.prefix(500))) }
        return .object(object)
    }
}

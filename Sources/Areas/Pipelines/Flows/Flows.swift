// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// Flows that clients run by themselves, and tell of: runs, steps, tasks, artifacts, and what is known of them.
package struct Flows: Sendable {
    private let store: any FlowStore
    private let surroundings: Surroundings

    /// Flows in this store.
    package init(store: any FlowStore, surroundings: Surroundings) {
        self.store = store
        self.surroundings = surroundings
    }

    /// What is told of something new.
    package struct Telling: Sendable {
        /// Who made it.
        package var userName = ""
        /// Labels of people.
        package var tags: [String] = []
        /// Labels of the client.
        package var systemTags: [String] = []

        /// Nothing.
        package init() {}
    }

    /// Keeps a flow, a run, a step or a task; a run and a task without a name get the next number.
    /// - Throws: `.alreadyExists`; `.notFound` where what it would be in is not there; `.invalid` for a name that is none.
    package func create(
        _ place: FlowPlace, _ telling: Telling, by actor: String
    ) async throws(GyreError) -> FlowRecord {
        // Names are parts of paths; a run and a task without one get a number.
        let numbered = [place.run, place.task].compactMap(\.self).filter { !$0.isEmpty }
        for part in [place.flow] + numbered + [place.step].compactMap(\.self) {
            guard try RelativePath(part).parts.count == 1 else {
                throw GyreError(.invalid, "\"\(part.prefix(80))\" is no name of a flow, a run, a step or a task.")
            }
        }
        guard telling.tags.count + telling.systemTags.count <= Limits.flowTags else {
            throw GyreError(.limitExceeded, "It has more than \(Limits.flowTags) tags.")
        }
        let record = FlowRecord(
            place: place, userName: telling.userName, tags: telling.tags, systemTags: telling.systemTags,
            createdAt: surroundings.now() / 1000)
        let tags = telling.tags + telling.systemTags
        return try await store.create(record) { place in
            guard place.run != nil, place.step == nil else { return nil }
            return Fact(
                "pipelines.flow.started", Self.ref(place), by: actor, outputs: [Self.ref(place)],
                body: ["tags": .strings(tags)])
        }
    }

    /// The one at a place.
    /// - Throws: `.notFound`.
    package func record(_ place: FlowPlace) async throws(GyreError) -> FlowRecord {
        if let record = try await store.record(place) { return record }
        throw GyreError(.notFound, "There is nothing at \(place.path.prefix(200)).")
    }

    /// Those right below a place, or all flows for nil; newest first.
    /// - Throws: `.notFound` where the place is not there.
    package func records(below place: FlowPlace?) async throws(GyreError) -> [FlowRecord] {
        if let place { _ = try await record(place) }
        return try await store.records(below: place)
    }

    /// The client of a run or a task lives.
    package func heartbeat(_ place: FlowPlace) async throws(GyreError) {
        let now = surroundings.now() / 1_000_000
        _ = try await store.update(place, recording: nil) { $0.heartbeatAt = now }
    }

    /// Gives a run labels and takes others.
    /// - Throws: `.invalid` where a label of the client would be touched.
    package func tag(
        _ run: FlowPlace, adding added: [String], removing removed: [String], by actor: String
    ) async throws(GyreError) -> FlowRecord {
        let fact = Fact(
            "pipelines.flow.tagged", Self.ref(run), by: actor,
            body: ["added": .strings(added), "removed": .strings(removed)])
        return try await store.update(run, recording: fact) { record throws(GyreError) in
            guard !removed.contains(where: { record.systemTags.contains($0) }) else {
                throw GyreError(.invalid, "A tag that the client set itself cannot be removed.")
            }
            record.tags.removeAll { removed.contains($0) }
            for tag in added where !record.tags.contains(tag) && !record.systemTags.contains(tag) {
                record.tags.append(tag)
            }
            guard record.tags.count <= Limits.flowTags else {
                throw GyreError(.limitExceeded, "The run would have more than \(Limits.flowTags) tags.")
            }
        }
    }

    // MARK: Items

    /// Keeps artifacts of tasks.
    package func add(artifacts: [FlowItem]) async throws(GyreError) {
        try Self.check(artifacts)
        try await store.add(artifacts, .artifact, recording: [])
    }

    /// Keeps what is known of tasks; the end of a run is a fact.
    package func add(metadata: [FlowItem], by actor: String) async throws(GyreError) {
        try Self.check(metadata)
        let ended = metadata.first {
            $0.place.step == "end" && $0.name == "attempt_ok" && $0.body["value"]?.string == "True"
        }
        let facts = ended.map {
            [
                Fact(
                    "pipelines.flow.succeeded", Self.ref($0.place.wholeRun), by: actor,
                    outputs: [Self.ref($0.place.wholeRun)])
            ]
        }
        try await store.add(metadata, .metadata, recording: facts ?? [])
    }

    private static func check(_ items: [FlowItem]) throws(GyreError) {
        guard items.count <= Limits.flowItems else {
            throw GyreError(
                .limitExceeded, "\(items.count) items came at once; \(Limits.flowItems) is the most.")
        }
    }

    /// The artifacts of the tasks below a place: of one attempt, or of each task's last.
    package func artifacts(
        below place: FlowPlace, name: String? = nil, attempt: Int64? = nil
    ) async throws(GyreError) -> [FlowItem] {
        let all = try await store.items(.artifact, below: place, name: nil)
        let named = all.filter { name == nil || $0.name == name }
        if let attempt { return named.filter { $0.attempt == attempt } }
        var last: [FlowPlace: Int64] = [:]
        for item in all { last[item.place] = max(last[item.place] ?? 0, item.attempt) }
        return named.filter { $0.attempt == last[$0.place] }
    }

    /// What is known of the tasks below a place, newest first.
    package func metadata(below place: FlowPlace, field: String? = nil) async throws(GyreError) -> [FlowItem] {
        try await store.items(.metadata, below: place, name: field)
    }

    /// `flow-run/<flow>/<run>`.
    private static func ref(_ place: FlowPlace) -> Ref { Ref("flow-run", place.wholeRun.path) }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// Traces of applications that ask language models: what each request did, step by step, and how good it was.
package struct Tracing: Sendable {
    /// The store; dialects read through it.
    package let store: any TraceStore
    let surroundings: Surroundings
    private let artifactLocation: @Sendable (Int64) async throws(GyreError) -> (location: String, isDeleted: Bool)

    /// Tracing over `store`.
    ///
    /// `artifactLocation` tells where an experiment keeps its files, and throws `.notFound` without that experiment.
    package init(
        store: any TraceStore, surroundings: Surroundings,
        artifactLocation: @escaping @Sendable (Int64) async throws(GyreError) -> (location: String, isDeleted: Bool)
    ) {
        self.store = store
        self.surroundings = surroundings
        self.artifactLocation = artifactLocation
    }

    /// Milliseconds since 1970.
    package var now: Int64 { surroundings.now() / 1000 }
    /// An id that nothing has yet: 32 hexadecimal digits.
    package func newID() -> String { surroundings.newID() }

    // MARK: Spans

    /// What a batch of spans brings besides the spans.
    package struct Batch: Sendable {
        /// The experiment of the traces that are new.
        package let experimentID: Int64
        /// Steps of one or several traces, in any order.
        package let spans: [Span]
        /// Tags for each trace: what the sender says of itself.
        package let tags: [String: String]

        /// A batch.
        package init(experimentID: Int64, spans: [Span], tags: [String: String]) {
            self.experimentID = experimentID
            self.spans = spans
            self.tags = tags
        }
    }

    /// Stores spans; traces that they are the first to tell of are made.
    ///
    /// A span that is sent again takes the place of the first. Whichever comes first, spans or the trace's own account, both end up
    /// in one trace.
    /// - Throws: `.notFound` without the experiment of a new trace.
    package func record(_ batch: Batch, run: String? = nil) async throws(GyreError) {
        guard !batch.spans.isEmpty else { return }
        let groups = Dictionary(grouping: batch.spans, by: \.traceID)
        let known = Set(try await store.traces(Array(groups.keys)).map(\.id))
        var location: String?
        if known.count < groups.count { location = try await artifactLocation(batch.experimentID).location }
        let place = location
        try await store.change(Array(groups.keys)) { stored throws(GyreError) in
            var changes: [TraceChange] = []
            for (id, spans) in groups.sorted(by: { $0.key < $1.key }) {
                let old = stored[id]
                var info = old?.info ?? Self.opened(id, batch, spans, place)
                info.absorb(spans, stored: old?.spans ?? [], tags: batch.tags, isNew: old == nil)
                info.assessments = []
                changes.append(TraceChange(info: info, spans: spans))
            }
            return changes
        }
        if let run {
            // The trace belongs to the run that its first step ran in.
            let rooted = groups.filter { $0.value.contains { $0.parentID == nil } }.map(\.key)
            if !rooted.isEmpty { try await store.link(rooted, toRun: run) }
        }
    }

    private static func opened(_ id: String, _ batch: Batch, _ spans: [Span], _ location: String?) -> TraceInfo {
        let start = spans.map(\.startNanoseconds).min() ?? 0
        var info = TraceInfo(
            id: id, experimentID: batch.experimentID, requestMilliseconds: start / 1_000_000, state: .inProgress)
        if let location { info.tags[TagKey.artifactLocation] = "\(location)/traces/\(id)/artifacts" }
        return info
    }

    // MARK: The trace's own account

    /// Stores what a client says of a trace as a whole, and merges it with what its spans told.
    package func start(_ told: TraceInfo) async throws(GyreError) -> TraceInfo {
        let (location, isDeleted) = try await artifactLocation(told.experimentID)
        guard !isDeleted else {
            throw GyreError(
                .invalid, "The experiment \(told.experimentID) must be in the 'active' state.",
                why: "Current state is deleted.")
        }
        try Self.check(told)
        try await store.change([told.id]) { stored throws(GyreError) in
            var info = stored[told.id]?.info ?? told
            if stored[told.id] != nil { info.merge(told) }
            info.tags[TagKey.artifactLocation] = "\(location)/traces/\(told.id)/artifacts"
            info.metadata[MetadataKey.isFinalized] = "true"
            return [TraceChange(info: info)]
        }
        return try await trace(told.id)
    }

    /// Begins a trace as clients before version 3 do.
    package func begin(
        experimentID: Int64, atMilliseconds: Int64, metadata: [String: String], tags: [String: String]
    ) async throws(GyreError) -> TraceInfo {
        let (location, _) = try await artifactLocation(experimentID)
        let id = surroundings.newID()
        var info = TraceInfo(
            id: id, experimentID: experimentID, requestMilliseconds: atMilliseconds, state: .inProgress)
        info.metadata = metadata
        info.tags = tags
        info.tags[TagKey.artifactLocation] = "\(location)/traces/\(id)/artifacts"
        try Self.check(info)
        let new = info
        try await store.change([id]) { _ throws(GyreError) in [TraceChange(info: new)] }
        return info
    }

    /// Ends such a trace.
    package func end(
        _ id: String, atMilliseconds: Int64, state: TraceInfo.State, metadata: [String: String], tags: [String: String]
    ) async throws(GyreError) -> TraceInfo {
        try await update(id) { info throws(GyreError) in
            info.durationMilliseconds = atMilliseconds - info.requestMilliseconds
            info.state = state
            info.metadata.merge(metadata) { $1 }
            info.tags.merge(tags) { $1 }
        }
        return try await trace(id)
    }

    /// A trace without its spans.
    /// - Throws: `.notFound`.
    package func trace(_ id: String) async throws(GyreError) -> TraceInfo {
        if let found = try await store.traces([id]).first { return found }
        throw Self.missing(id)
    }

    /// Sets a tag.
    package func setTag(_ key: String, _ value: String, of id: String) async throws(GyreError) {
        guard !TagKey.immutable.contains(key) else {
            throw GyreError(.invalid, "Tag '\(key)' is immutable and cannot be set on a trace.")
        }
        guard key.count <= 250 else {
            throw GyreError(.invalid, "'key' exceeds the maximum length of 250 characters")
        }
        try await update(id) { info throws(GyreError) in info.tags[key] = String(value.prefix(4096)) }
    }

    /// Removes a tag.
    package func deleteTag(_ key: String, of id: String) async throws(GyreError) {
        guard !TagKey.immutable.contains(key) || key.hasSuffix("archivalFailure") else {
            throw GyreError(.invalid, "Tag '\(key)' is immutable and cannot be deleted on a trace.")
        }
        try await store.deleteTag(key, of: id)
    }

    /// Makes traces known to belong to a run, whether or not either is there.
    package func link(_ ids: [String], toRun run: String) async throws(GyreError) {
        try await store.link(ids, toRun: run)
    }

    /// Makes a trace known to have used versions of prompts, each told as `NAME/VERSION`.
    /// - Throws: `.notFound` without that trace.
    package func link(_ id: String, toPrompts prompts: [String]) async throws(GyreError) {
        _ = try await trace(id)
        try await store.link(id, toPrompts: prompts)
    }

    /// Removes traces.
    package func delete(_ selection: TraceSelection, by actor: String) async throws(GyreError) -> Int {
        let (experiment, what): (Int64, JSONValue) =
            switch selection {
            case .ids(let ids, let experiment): (experiment, ["traces": .strings(Array(ids.prefix(1000)))])
            case .upTo(let time, let most, let experiment):
                (experiment, ["up_to_ms": .int(time), "most": .optional(most.map { Int64($0) })])
            }
        return try await store.delete(selection) { count in
            Fact(
                "tracing.traces.deleted", Ref("experiment", String(experiment)), by: actor,
                body: ["count": .int(Int64(count)), "selection": what])
        }
    }

    private func update(
        _ id: String, _ change: @escaping @Sendable (inout TraceInfo) throws(GyreError) -> Void
    ) async throws(GyreError) {
        try await store.change([id]) { stored throws(GyreError) in
            guard var info = stored[id]?.info else { throw Self.missing(id) }
            try change(&info)
            try Self.check(info)
            info.assessments = []
            return [TraceChange(info: info)]
        }
    }

    private static func check(_ info: TraceInfo) throws(GyreError) {
        guard (info.tags[TagKey.name] ?? "").count <= 4096 else {
            throw GyreError(.invalid, "'Trace name' exceeds the maximum length of 4096 characters")
        }
        guard (info.metadata[MetadataKey.session] ?? "").count <= 250 else {
            throw GyreError(.invalid, "'Session ID' exceeds the maximum length of 250 characters")
        }
        guard !info.id.isEmpty, info.id.utf8.count <= 128 else {
            throw GyreError(.invalid, "Invalid trace ID: '\(info.id.prefix(80))'.", why: "It has 1 to 128 characters.")
        }
    }

    static func missing(_ id: String) -> GyreError {
        GyreError(.notFound, "Trace with ID '\(id.prefix(80))' not found.")
    }
}

extension TraceInfo {
    /// Takes in spans that are new or sent again.
    mutating func absorb(_ spans: [Span], stored: [SpanSummary], tags: [String: String], isNew: Bool) {
        let sent = Set(spans.map(\.id))
        let all = stored.filter { !sent.contains($0.id) } + spans.map(\.summary)
        let usage = TraceSums.tokenUsage(all)
        let cost = TraceSums.cost(all)
        let session = spans.lazy.compactMap {
            $0.attributes["session.id"]?.string ?? $0.attributes["gen_ai.conversation.id"]?.string
        }.first
        if isNew || !isFinalized {
            requestMilliseconds = (all.map(\.startNanoseconds).min() ?? 0) / 1_000_000
            let end = (all.map(\.endNanoseconds).max() ?? 0) / 1_000_000
            durationMilliseconds = end > 0 ? end - requestMilliseconds : nil
        }
        if let usage, !isFinalized || metadata[MetadataKey.tokenUsage] == nil {
            metadata[MetadataKey.tokenUsage] = usage
        }
        if let cost, !isFinalized || metadata[MetadataKey.cost] == nil { metadata[MetadataKey.cost] = cost }
        fill(MetadataKey.session, session)
        fill(MetadataKey.user, spans.lazy.compactMap { $0.attributes["user.id"]?.string }.first)
        self.tags[TagKey.spansLocation] = TagKey.spansAreHere
        for (key, value) in tags where self.tags[key] == nil { self.tags[key] = value }
        if let root = spans.first(where: { $0.parentID == nil }) { absorb(root: root) }
    }

    private mutating func absorb(root: Span) {
        if state.isOpen { state = root.status.code == "ERROR" ? .error : .ok }
        for member in root.attributes.members where member.name.hasPrefix("mlflow.traceTag.") {
            tags[String(member.name.dropFirst("mlflow.traceTag.".count))] = member.value.string ?? member.value.text
        }
        if requestPreview == nil {
            requestPreview = TraceSums.preview(root.attributes["mlflow.spanInputs"], role: "user")
        }
        if responsePreview == nil {
            responsePreview = TraceSums.preview(root.attributes["mlflow.spanOutputs"], role: "assistant")
        }
    }

    private mutating func fill(_ key: String, _ value: String?) {
        if let value, metadata[key] == nil { metadata[key] = String(value.prefix(250)) }
    }

    /// Takes in the trace's own account: it knows better than the spans.
    mutating func merge(_ told: TraceInfo) {
        experimentID = told.experimentID
        requestMilliseconds = told.requestMilliseconds
        durationMilliseconds = told.durationMilliseconds
        state = told.state
        clientRequestID = told.clientRequestID
        requestPreview = told.requestPreview ?? requestPreview
        responsePreview = told.responsePreview ?? responsePreview
        tags.merge(told.tags) { $1 }
        metadata.merge(told.metadata) { $1 }
        assessments = told.assessments
    }
}

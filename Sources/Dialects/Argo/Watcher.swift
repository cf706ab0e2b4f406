// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

/// Tells how the workflows of a namespace change, as long as somebody listens.
actor Watcher {
    private let dialect: ArgoDialect
    private let namespace: String
    private let name: String?
    private let labels: Selector
    private var known: [String: String] = [:]

    init(dialect: ArgoDialect, namespace: String, name: String?, labels: Selector) {
        self.dialect = dialect
        self.namespace = namespace
        self.name = name
        self.labels = labels
    }

    /// What has changed since it was asked last; nothing after ten quiet seconds, so that both sides know of one another.
    func next() async throws(GyreError) -> [JSONValue]? {
        for _ in 0..<20 {
            let events = try await look()
            if !events.isEmpty { return events }
            // A client that goes away ends the stream.
            do { try await Task.sleep(for: .milliseconds(500)) } catch { return nil }
        }
        return []
    }

    private func look() async throws(GyreError) -> [JSONValue] {
        var query = PipelineRunQuery()
        query.conditions = [
            namespace.isEmpty
                ? .init(.namespace, .greater, "") : .init(.namespace, .equal, .string(namespace))
        ]
        if let name { query.conditions.append(.init(.name, .equal, .string(name))) }
        query.limit = Limits.pageRows
        var events: [JSONValue] = []
        var seen: Set<String> = []
        for run in try await dialect.pipelines.runs(query).runs where labels.fits(WorkflowObject.labels(run)) {
            seen.insert(run.id)
            let before = known[run.id]
            // One that has ended does not change any more.
            if run.state.isEnd, before == "ended \(run.reopenings)" { continue }
            let object = try await dialect.object(run)
            let state = run.state.isEnd ? "ended \(run.reopenings)" : Digest(of: object.bytes).short
            guard state != before else { continue }
            known[run.id] = state
            events.append(["type": before == nil ? "ADDED" : "MODIFIED", "object": object])
        }
        for id in known.keys where !seen.contains(id) {
            known[id] = nil
            events.append(["type": "DELETED", "object": ["metadata": ["uid": .string(WorkflowObject.uid(id))]]])
        }
        return events
    }
}

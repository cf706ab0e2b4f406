// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreServing
package import GyreTracing
package import GyreTracking
internal import Synchronization

/// Traces of requests to predict, as many as somebody asked for: spans of the request, its waiting and its run, in an experiment of
/// their own.
package final class PredictionTraces: Sendable {
    private let tracing: Tracing
    private let tracking: Tracking
    private let state = Mutex(State())
    /// Whether anything is traced at all: what a request looks at first.
    private let isOn = Atomic(false)
    /// Traces on their way to the store.
    private let underway = Atomic(0)

    /// The experiment that they go to.
    package static let experiment = "Predictions"
    private static let mostUnderway = 256

    private struct State: Sendable {
        var usual = TraceSettings()
        var models: [String: TraceSettings] = [:]
        var seen: [String: Int] = [:]
        var experimentID: Int64?
    }

    /// Traces into these stores.
    package init(tracing: Tracing, tracking: Tracking) {
        self.tracing = tracing
        self.tracking = tracking
    }

    /// The settings of a model; of all for nil.
    package func settings(of model: String?) -> TraceSettings {
        state.withLock { state in model.flatMap { state.models[$0] } ?? state.usual }
    }

    /// Sets what is traced, of one model or of all that have no settings of their own.
    /// - Throws: as `TraceSettings.take`.
    package func set(_ settings: [String: [String]?], of model: String?) throws(GyreError) -> TraceSettings {
        let before = self.settings(of: model)
        var next = before
        try next.take(settings, usual: model == nil ? TraceSettings() : self.settings(of: nil))
        let set = next
        state.withLock { state in
            if let model { state.models[model] = set } else { state.usual = set }
            isOn.store(state.usual.isOn || state.models.values.contains { $0.isOn }, ordering: .relaxed)
        }
        return set
    }

    /// One answer that could be traced.
    struct Observation: Sendable {
        let model: String
        let version: Int
        let id: String
        let started: Int64
        let ended: Int64
        let queueNanoseconds: UInt64
        let runNanoseconds: UInt64
        let isCached: Bool
        let error: String?
    }

    /// Whether the next request to a model is traced.
    func takes(_ model: String) -> Bool {
        guard isOn.load(ordering: .relaxed) else { return false }
        return state.withLock { state in
            let settings = state.models[model] ?? state.usual
            guard settings.isOn, settings.count != 0 else { return false }
            state.seen[model, default: 0] += 1
            guard state.seen[model, default: 0].isMultiple(of: settings.rate) else { return false }
            guard let count = settings.count else { return true }
            if state.models[model] != nil {
                state.models[model]?.count = count - 1
            } else {
                state.usual.count = count - 1
            }
            return true
        }
    }

    /// Keeps a trace, beside the request; further ones are left out while too many are on their way.
    func record(_ observation: Observation) {
        guard underway.add(1, ordering: .relaxed).newValue <= Self.mostUnderway else {
            underway.subtract(1, ordering: .relaxed)
            return
        }
        Task {
            defer { underway.subtract(1, ordering: .relaxed) }
            // A trace that cannot be kept is no reason to disturb anybody.
            try? await keep(observation)
        }
    }

    private func keep(_ observation: Observation) async throws(GyreError) {
        let traceID = "tr-" + tracing.newID()
        func spanID() -> String { String(tracing.newID().prefix(16)) }
        let root = spanID()
        let (began, ended) = (observation.started * 1000, observation.ended * 1000)
        let running = ended - Int64(clamping: observation.runNanoseconds)
        let waiting = running - Int64(clamping: observation.queueNanoseconds)
        let status = Span.Status(
            code: observation.error == nil ? "OK" : "ERROR", message: observation.error ?? "")
        func span(_ id: String, _ name: String, _ start: Int64, _ end: Int64, _ attributes: JSONObject) -> Span {
            Span(
                traceID: traceID, id: id, parentID: id == root ? nil : root, name: name,
                startNanoseconds: max(began, start), endNanoseconds: max(began, end), status: status,
                attributes: attributes, events: [], links: [])
        }
        var spans = [
            span(
                root, "predict \(observation.model)", began, ended,
                JSONObject([
                    ("mlflow.spanType", "CHAIN"), ("model", .string(observation.model)),
                    ("version", .int(Int64(observation.version))), ("prediction", .string(observation.id)),
                    ("cached", .bool(observation.isCached)),
                ]))
        ]
        if observation.runNanoseconds > 0 {
            if observation.queueNanoseconds > 0 {
                spans.append(span(spanID(), "queue", waiting, running, JSONObject([("mlflow.spanType", "UNKNOWN")])))
            }
            spans.append(span(spanID(), "run", running, ended, JSONObject([("mlflow.spanType", "UNKNOWN")])))
        }
        try await tracing.record(
            Tracing.Batch(
                experimentID: try await experimentID(), spans: spans,
                tags: ["gyre.model": "\(observation.model)@\(observation.version)"]))
    }

    private func experimentID() async throws(GyreError) -> Int64 {
        if let known = state.withLock({ $0.experimentID }) { return known }
        let id: Int64
        if let known = try await tracking.store.experiment(named: Self.experiment) {
            id = known.id
        } else {
            do throws(GyreError) { id = try await tracking.createExperiment(Self.experiment, by: "gyre").id } catch {
                // Another trace may have been first.
                guard let known = try await tracking.store.experiment(named: Self.experiment) else { throw error }
                id = known.id
            }
        }
        state.withLock { $0.experimentID = id }
        return id
    }
}

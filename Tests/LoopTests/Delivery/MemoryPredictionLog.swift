// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreMonitoring
import Synchronization

/// The prediction log in memory.
final class MemoryPredictionLog: PredictionLog {
    private struct State: Sendable {
        var lines: [Prediction] = []
        var labels: [String: [String: Double]] = [:]
        var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// All that was written, oldest first.
    var lines: [Prediction] { state.withLock { $0.lines } }

    /// Waits until so many predictions have been written.
    func wait(for count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.lines.count < count { state.waiting.append((count, continuation)) }
                return state.lines.count >= count
            }
            if isThere { continuation.resume() }
        }
    }

    func append(_ prediction: Prediction) throws(GyreError) {
        let ready = state.withLock { state in
            state.lines.append(prediction)
            let ready = state.waiting.filter { $0.count <= state.lines.count }
            state.waiting.removeAll { $0.count <= state.lines.count }
            return ready
        }
        for waiting in ready { waiting.continuation.resume() }
    }

    func append(_ labels: [Label], endpoint: String) async throws(GyreError) {
        state.withLock { state in
            for label in labels { state.labels[endpoint, default: [:]][label.id] = label.value }
        }
    }

    func rows(_ query: PredictionQuery) async throws(GyreError) -> [LoggedRow] {
        let rows = state.withLock { state in
            state.lines.filter { line in
                line.endpoint == query.endpoint && (query.from..<query.to).contains(line.eventAt)
                    && (query.version ?? line.version) == line.version
                    && (query.answeredFrom..<query.answeredBefore).contains(line.at)
            }.map { line in
                LoggedRow(
                    id: line.id, version: line.version, inputs: query.hasInputs ? line.inputs.map { Double($0) } : [],
                    score: line.score, label: state.labels[line.endpoint]?[line.id],
                    latencyMicroseconds: line.latencyMicroseconds, isError: line.error != nil,
                    probability: line.circumstances.probability, scoreKind: line.scoreKind)
            }
        }
        return query.newest.map { rows.suffix($0) } ?? rows
    }

    func find(_ id: String, endpoint: String) async throws(GyreError) -> JSONValue? {
        guard let line = lines.first(where: { $0.id == id && $0.endpoint == endpoint }) else { return nil }
        var json = try JSONValue(parsing: line.line)
        json["label"] = .optional(state.withLock { $0.labels[endpoint]?[id] })
        return json
    }

    func known(_ ids: [String], endpoint: String) async throws(GyreError) -> Set<String> {
        Set(ids).intersection(lines.filter { $0.endpoint == endpoint }.map(\.id))
    }

    func ids(beginningWith digits: String, endpoint: String, limit: Int) async throws(GyreError) -> [String] {
        Array(lines.filter { $0.endpoint == endpoint && $0.id.hasPrefix(digits) }.map(\.id).prefix(limit))
    }

    func counts(_ endpoint: String) async throws(GyreError) -> JSONValue {
        ["predictions": .int(Int64(lines.count { $0.endpoint == endpoint }))]
    }

    func closeSegments(
        all: Bool, record: nonisolated(nonsending) @Sendable (ClosedSegment) async throws(GyreError) -> Void
    ) async throws(GyreError) {}
}

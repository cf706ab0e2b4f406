// SPDX-License-Identifier: Apache-2.0

internal import GyreMonitoring
internal import GyreRollout

/// What the versions behind endpoints did: since the server started, and in the rollouts that are judged.
struct RolloutObservations: Sendable {
    /// Of the rollouts under way, by endpoint.
    private var windows: [String: JudgeWindow] = [:]
    /// Of the rollouts that ended last: labels still find their answers.
    private var ended: [String: JudgeWindow] = [:]
    /// By endpoint and version, since the start of the server, for metrics.
    private var totals: [String: [Int: SideStatistics]] = [:]

    /// An answer, or a failure.
    struct Observed {
        let endpoint: String
        let id: String
        let version: Int
        let score: Double?
        let scoreKind: ScoreKind?
        /// The place of the row in its request: what a request as a whole did counts with its first row.
        let row: Int
        let latencyMicroseconds: Int64
        let isError: Bool
    }

    /// Counts an answer.
    mutating func count(_ observed: Observed) {
        if observed.row == 0 {
            totals[observed.endpoint, default: [:]][observed.version, default: SideStatistics()]
                .add(latencyMicroseconds: observed.latencyMicroseconds, isError: observed.isError)
        }
        guard !windows.isEmpty else { return }
        windows[observed.endpoint]?.count(observed)
    }

    /// Counts whether a canary gave a mirrored request the answer that stable gave.
    mutating func compare(_ endpoint: String, version: Int, agrees: Bool) {
        windows[endpoint]?.compare(version: version, agrees: agrees)
    }

    /// Joins a label to the answer that it is about; false where no rollout remembers it.
    mutating func label(_ endpoint: String, _ label: Label) -> Bool {
        let isJudged = windows[endpoint]?.label(label) ?? false
        let isReviewed = ended[endpoint]?.label(label) ?? false
        return isJudged || isReviewed
    }

    /// Counts both sides anew, for the next step of a rollout or its first; labels still find the answers of its earlier steps.
    mutating func watch(_ endpoint: String, rollout: String) {
        if windows[endpoint]?.rollout == rollout {
            windows[endpoint]?.beginStep()
        } else {
            windows[endpoint] = JudgeWindow(rollout: rollout)
        }
    }

    /// Counts no more requests for the rollout of an endpoint; labels still find its answers.
    mutating func endWatch(_ endpoint: String) {
        if let window = windows.removeValue(forKey: endpoint) { ended[endpoint] = window }
    }

    /// Drops what is remembered of the rollout that ended last.
    mutating func forget(_ endpoint: String) { ended[endpoint] = nil }

    /// Counts what the log has of the step of a rollout, after a restart.
    mutating func recount(_ endpoint: String, _ rows: [LoggedRow]) { windows[endpoint]?.recount(rows) }

    /// What a version did since the server started.
    func totals(_ endpoint: String, version: Int) -> SideStatistics { totals[endpoint]?[version] ?? SideStatistics() }

    /// What a version did since the present step of the rollout began.
    func statistics(_ endpoint: String, version: Int) -> SideStatistics {
        windows[endpoint]?.sides[version] ?? SideStatistics()
    }

    /// What labels said in each step of a rollout that is under way or ended last; nothing where it is not remembered.
    func labelledSteps(of rollout: Rollout) -> [LabelledStep] {
        [windows[rollout.endpoint], ended[rollout.endpoint]].compactMap { $0 }.first { $0.rollout == rollout.id }?
            .labelledSteps(stable: rollout.stable.version, canary: rollout.canary.version) ?? []
    }

    /// The rollout of an endpoint that ended last, and how many labels it has got; nil where none is remembered.
    func lateLabels(_ endpoint: String) -> LateLabels? {
        ended[endpoint].map { LateLabels(rollout: $0.rollout, count: $0.labels) }
    }
}

/// Labels of a rollout that has ended.
struct LateLabels: Sendable, Hashable {
    let rollout: String
    let count: Int
}

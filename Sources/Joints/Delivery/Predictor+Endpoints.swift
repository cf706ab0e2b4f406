// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreMonitoring
package import GyreRollout
internal import Synchronization

/// What endpoints tell the predictor, and what it tells of them.
extension Predictor {
    // MARK: Traffic

    /// Sets the split of an endpoint; nil removes it.
    ///
    /// Requests see it at once: this is the one write to the routing table.
    package func route(_ endpoint: String, _ split: TrafficSplit?) { director.withLock { $0.route(endpoint, split) } }

    /// Keeps that share of an endpoint's requests in the prediction log, from 0 to 1; failures are always kept.
    package func sample(_ endpoint: String, _ share: Double) { director.withLock { $0.sample(endpoint, share) } }

    /// The splits as requests see them.
    package func splits() -> [String: TrafficSplit] { director.withLock { $0.splits } }

    /// The split of one endpoint.
    package func split(_ endpoint: String) -> TrafficSplit? { director.withLock { $0.splits[endpoint] } }

    /// What the bandit of an endpoint learned, arm by arm; null where there is none.
    package func learned(_ endpoint: String) -> JSONValue { director.withLock { $0.learned(endpoint) } }

    /// Learns what the log already has of a bandit, after a restart.
    func relearn(_ endpoint: String, _ rows: [LoggedRow]) { director.withLock { $0.relearn(endpoint, rows) } }

    // MARK: Rollouts

    /// Counts both sides of an endpoint anew, for the next step of a rollout or its first; labels still find the answers of its earlier
    /// steps.
    package func watch(_ endpoint: String, rollout: String) {
        director.withLock { $0.setJudged(endpoint, true) }
        recorder.observations.withLock { $0.watch(endpoint, rollout: rollout) }
    }

    /// Counts no more requests for the rollout of an endpoint; labels still find its answers, until `forget` or the next one ends.
    package func endWatch(_ endpoint: String) {
        director.withLock { $0.setJudged(endpoint, false) }
        recorder.observations.withLock { $0.endWatch(endpoint) }
    }

    /// Drops what is remembered of a rollout that has ended.
    package func forget(_ endpoint: String) { recorder.observations.withLock { $0.forget(endpoint) } }

    /// Counts what the log already has of the step of a rollout, after a restart.
    func recount(_ endpoint: String, _ rows: [LoggedRow]) {
        recorder.observations.withLock { $0.recount(endpoint, rows) }
    }

    /// Joins labels to the answers that are remembered.
    /// - Returns: how many labels found theirs.
    package func label(_ labels: [Label], endpoint: String) -> Int {
        labels.count { label in
            let isLearned = director.withLock { $0.label(endpoint, label) }
            let isObserved = recorder.observations.withLock { $0.label(endpoint, label) }
            return isLearned || isObserved
        }
    }

    /// What a version did since the server started.
    package func totals(_ endpoint: String, version: Int) -> SideStatistics {
        recorder.observations.withLock { $0.totals(endpoint, version: version) }
    }

    /// What a version did since the present step of the rollout began.
    package func statistics(_ endpoint: String, version: Int) -> SideStatistics {
        recorder.observations.withLock { $0.statistics(endpoint, version: version) }
    }

    /// What labels said in each step of a rollout that is under way or ended last; nothing where it is not remembered.
    func labelledSteps(of rollout: Rollout) -> [LabelledStep] {
        recorder.observations.withLock { $0.labelledSteps(of: rollout) }
    }

    /// The rollout of an endpoint that ended last, and how many labels it has got; nil where none is remembered.
    func lateLabels(_ endpoint: String) -> LateLabels? {
        recorder.observations.withLock { $0.lateLabels(endpoint) }
    }
}

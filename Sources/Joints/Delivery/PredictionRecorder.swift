// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreMonitoring
internal import GyreRollout
internal import GyreServing
internal import Synchronization

/// Writes what came of requests to the prediction log, and counts it for the judge and for metrics.
final class PredictionRecorder: Sendable {
    private let log: any PredictionLog
    /// What the versions behind endpoints did.
    let observations = Mutex(RolloutObservations())

    init(log: any PredictionLog) { self.log = log }

    /// Writes and counts the answer of each row.
    ///
    /// `each`: is told each line after it was written.
    /// - Throws: where the log cannot be written.
    func record(
        _ record: PredictionRecord, outputs: [NamedTensor], each: ((Prediction) -> Void)? = nil
    ) throws(GyreError) {
        for row in 0..<record.rows {
            let line = record.line(row, outputs: outputs)
            if record.isKept { try log.append(line) }
            count(line, isError: false)
            each?(line)
        }
    }

    /// Writes and counts a failure, which is always kept.
    /// - Throws: where the log cannot be written.
    @discardableResult
    func record(_ record: PredictionRecord, failing error: GyreError) throws(GyreError) -> Prediction {
        let line = record.line(failing: error)
        try log.append(line)
        count(line, isError: true)
        return line
    }

    private func count(_ line: Prediction, isError: Bool) {
        observations.withLock {
            $0.count(
                RolloutObservations.Observed(
                    endpoint: line.endpoint, id: line.id, version: line.version, score: line.score,
                    scoreKind: line.scoreKind, row: line.row,
                    latencyMicroseconds: line.latencyMicroseconds, isError: isError))
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreMonitoring
internal import GyreRollout

/// What the judge compares: both sides since the same moment.
struct JudgeWindow: Sendable {
    private(set) var sides: [Int: SideStatistics] = [:]
    /// Score and version by id, for labels that come later.
    private var scores = RecentValues<(version: Int, score: Double)>(limit: Limits.predictionBuffer)

    mutating func count(_ id: String, version: Int, score: Double?, latencyMicroseconds: Int64, isError: Bool) {
        sides[version, default: SideStatistics()].add(latencyMicroseconds: latencyMicroseconds, isError: isError)
        guard let score else { return }
        scores.insert((version, score), for: id)
    }

    /// Counts whether the canary gave a mirrored request the answer that stable gave.
    mutating func compare(version: Int, agrees: Bool) {
        sides[version, default: SideStatistics()].compared += 1
        if agrees { sides[version]?.agreed += 1 }
    }

    mutating func label(_ label: Label) -> Bool {
        // A mirrored request has two answers, and the label is about both.
        _ = join(Label(id: label.id + Predictor.mirroredSuffix, value: label.value))
        return join(label)
    }

    private mutating func join(_ label: Label) -> Bool {
        guard let (version, score) = scores.remove(label.id) else { return false }
        sides[version, default: SideStatistics()].brier.add((score - label.value) * (score - label.value))
        return true
    }
}

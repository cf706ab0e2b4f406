// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase

/// How good scores were, held against the labels that came later.
package struct Performance: Sendable, Hashable {
    /// Predictions with a score and a label.
    package let count: Int
    /// Share of positive labels.
    package let positiveRate: Double
    /// Mean of the scores.
    package let meanScore: Double
    /// Area under the ROC curve; nil unless both labels occur.
    package let areaUnderCurve: Double?
    /// Mean squared difference of score and label.
    package let brierScore: Double
    /// Mean negative log likelihood, scores clipped to 1e-15.
    package let logLoss: Double
    /// Share of labels that a score of 0.5 or more tells right.
    package let accuracy: Double

    /// The performance of binary scores; nil for none.
    package init?(scores: [Double], labels: [Double]) {
        guard !scores.isEmpty, scores.count == labels.count else { return nil }
        count = scores.count
        let n = Double(count)
        positiveRate = labels.reduce(0, +) / n
        meanScore = scores.reduce(0, +) / n
        brierScore = zip(scores, labels).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / n
        logLoss =
            zip(scores, labels).reduce(0) { sum, pair in
                let score = min(max(pair.0, 1e-15), 1 - 1e-15)
                return sum - (pair.1 >= 0.5 ? log(score) : log(1 - score))
            } / n
        accuracy = Double(zip(scores, labels).count { ($0 >= 0.5) == ($1 >= 0.5) }) / n
        areaUnderCurve = Self.areaUnderCurve(scores, labels)
    }

    /// By ranks with ties shared (Mann-Whitney's U over the number of pairs).
    private static func areaUnderCurve(_ scores: [Double], _ labels: [Double]) -> Double? {
        let order = scores.indices.sorted { scores[$0] < scores[$1] }
        var (rankSum, positives) = (0.0, 0)
        var start = 0
        while start < order.count {
            var end = start
            while end < order.count, scores[order[end]] == scores[order[start]] { end += 1 }
            let rank = Double(start + end + 1) / 2
            for index in order[start..<end] where labels[index] >= 0.5 {
                rankSum += rank
                positives += 1
            }
            start = end
        }
        let negatives = order.count - positives
        guard positives > 0, negatives > 0 else { return nil }
        return (rankSum - Double(positives) * Double(positives + 1) / 2) / (Double(positives) * Double(negatives))
    }

    /// As reports have it.
    package var json: JSONValue {
        [
            "labels": .int(Int64(count)), "positive_rate": .double(positiveRate), "mean_score": .double(meanScore),
            "auc": .optional(areaUnderCurve), "brier": .double(brierScore), "log_loss": .double(logLoss),
            "accuracy": .double(accuracy),
        ]
    }
}

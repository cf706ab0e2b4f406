// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase

/// How good scores were, held against the labels that came later; each figure only where the scores can tell it.
package struct Performance: Sendable, Hashable {
    /// Predictions with a score and a label.
    package let count: Int
    /// What the scores are.
    package let kind: ScoreKind
    /// Share of positive labels.
    package let positiveRate: Double
    /// Mean of the scores.
    package let meanScore: Double
    /// Area under the ROC curve; nil unless both labels occur and the scores rank.
    package let areaUnderCurve: Double?
    /// Mean squared difference of probability and label.
    package let brierScore: Double?
    /// Mean negative log likelihood, probabilities clipped to 1e-15.
    package let logLoss: Double?
    /// Share of labels that were told right: by the class, or by a probability of 0.5 or more.
    package let accuracy: Double?
    /// Harmonic mean of precision and recall of the positive class; nil where it was neither told nor true.
    package let f1: Double?
    /// Root of the mean squared difference of number and label, where the labels are numbers.
    package let rootMeanSquaredError: Double?
    /// Why figures cannot be had, by figure.
    package let notAvailable: [String: String]

    /// The performance of scores; nil for none.
    package init?(scores: [Double], labels: [Double], kind: ScoreKind = .probability) {
        guard !scores.isEmpty, scores.count == labels.count else { return nil }
        let n = Double(scores.count)
        let isBinary = labels.allSatisfy { $0 == 0 || $0 == 1 }
        count = scores.count
        self.kind = kind
        positiveRate = Double(labels.count { $0 >= 0.5 }) / n
        meanScore = scores.reduce(0, +) / n
        let squares = zip(scores, labels).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / n
        let told = kind == .probability ? scores.map { $0 >= 0.5 ? 1 : 0 } : scores
        let isBinaryClass = isBinary && told.allSatisfy { $0 == 0 || $0 == 1 }
        var missing: [String: String] = [:]
        switch kind {
        case .probability:
            brierScore = squares
            logLoss = Self.logLoss(scores, labels)
            rootMeanSquaredError = nil
        case .hardClass:
            (brierScore, logLoss, rootMeanSquaredError) = (nil, nil, nil)
            for name in ["auc", "brier", "log_loss"] { missing[name] = "The model gives classes only." }
        case .number:
            (brierScore, logLoss) = (nil, nil)
            rootMeanSquaredError = isBinary ? nil : squares.squareRoot()
            for name in ["brier", "log_loss", "accuracy", "f1"] { missing[name] = "The model gives no probabilities." }
        }
        areaUnderCurve = kind == .hardClass || !isBinary ? nil : Self.areaUnderCurve(scores, labels)
        if areaUnderCurve == nil, kind != .hardClass {
            missing["auc"] = isBinary ? "All labels are the same." : "The labels are not 0 and 1."
        }
        accuracy = kind == .number ? nil : Double(zip(told, labels).count { $0 == $1 }) / n
        f1 = kind != .number && isBinaryClass ? Self.f1(told, labels) : nil
        if f1 == nil, kind != .number {
            missing["f1"] = isBinaryClass ? "No label and no answer is positive." : "There are more than two classes."
        }
        notAvailable = missing
    }

    private static func logLoss(_ scores: [Double], _ labels: [Double]) -> Double {
        zip(scores, labels).reduce(0) { sum, pair in
            let score = min(max(pair.0, 1e-15), 1 - 1e-15)
            return sum - (pair.1 >= 0.5 ? log(score) : log(1 - score))
        } / Double(scores.count)
    }

    private static func f1(_ told: [Double], _ labels: [Double]) -> Double? {
        let right = zip(told, labels).count { $0 == 1 && $1 == 1 }
        let all = told.count { $0 == 1 } + labels.count { $0 == 1 }
        return all == 0 ? nil : 2 * Double(right) / Double(all)
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
            "score": .string(kind.rawValue), "auc": .optional(areaUnderCurve), "brier": .optional(brierScore),
            "log_loss": .optional(logLoss), "accuracy": .optional(accuracy), "f1": .optional(f1),
            "rmse": .optional(rootMeanSquaredError),
            "not_available": .object(
                JSONObject(notAvailable.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
        ]
    }
}

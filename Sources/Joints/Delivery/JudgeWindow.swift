// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreMonitoring
internal import GyreRollout

/// What the judge compares of one rollout: both sides since the same moment.
struct JudgeWindow: Sendable {
    /// The rollout.
    let rollout: String
    /// By version, since the present step began.
    private(set) var sides: [Int: SideStatistics] = [:]
    /// By step and version, what labels said: those that come when a step is over, or the rollout, still count here.
    private var labelled: [Int: [Int: Moments]] = [:]
    /// How many predictions have got a label.
    private(set) var labels = 0
    private var step = 0
    /// Score, version and step by id, for labels that come later.
    private var scores = RecentValues<Scored>(limit: Limits.predictionBuffer)

    private struct Scored: Sendable {
        let version: Int
        let score: Double
        let kind: ScoreKind?
        let step: Int
    }

    init(rollout: String) { self.rollout = rollout }

    /// Begins to count anew; labels still find the answers of the steps before.
    mutating func beginStep() {
        sides = [:]
        step += 1
    }

    /// Counts a row: its request once, however many rows that has, since they fail and wait together; its score in any case.
    mutating func count(_ observed: RolloutObservations.Observed) {
        if observed.row == 0 {
            sides[observed.version, default: SideStatistics()]
                .add(latencyMicroseconds: observed.latencyMicroseconds, isError: observed.isError)
        }
        // One that is no number would make a mean that compares with nothing.
        guard let score = observed.score, score.isFinite else { return }
        scores.insert(
            Scored(version: observed.version, score: score, kind: observed.scoreKind, step: step), for: observed.id)
    }

    /// Counts whether the canary gave a mirrored request the answer that stable gave.
    mutating func compare(version: Int, agrees: Bool) {
        sides[version, default: SideStatistics()].compared += 1
        if agrees { sides[version]?.agreed += 1 }
    }

    mutating func label(_ label: Label) -> Bool {
        guard label.value.isFinite else { return false }
        // A mirrored request has two answers, and the label is about both.
        for id in Self.copies(of: label.id) { _ = join(Label(id: id, value: label.value)) }
        return join(label)
    }

    /// What labels said of two versions, step by step.
    func labelledSteps(stable: Int, canary: Int) -> [LabelledStep] {
        labelled.keys.sorted().map { step in
            LabelledStep(
                stable: labelled[step]?[stable] ?? Moments(), canary: labelled[step]?[canary] ?? Moments())
        }
    }

    /// Counts rows of the log, in the order in which they were answered, after a restart.
    mutating func recount(_ rows: [LoggedRow]) {
        var originals: [String: LoggedRow] = [:]
        if rows.contains(where: \.isMirrored) {
            for row in rows { originals[row.id] = row }
        }
        for row in rows {
            count(
                RolloutObservations.Observed(
                    endpoint: "", id: row.id, version: row.version, score: row.score, scoreKind: row.scoreKind,
                    row: row.row, latencyMicroseconds: row.latencyMicroseconds, isError: row.isError))
            let original = row.isMirrored ? Self.original(of: row.id).flatMap { originals[$0] } : nil
            // The log has no more than the scores to compare by, and the answers as a whole were compared.
            if row.row == 0, let stable = original?.score, let canary = row.score {
                compare(version: row.version, agrees: Agreement.holds(stable, canary))
            }
            guard let label = row.label ?? original?.label, label.isFinite else { continue }
            _ = join(Label(id: row.id, value: label))
        }
    }

    /// Under which ids the mirrored answer to a row may be: the number of a row stands behind the suffix.
    private static func copies(of id: String) -> [String] {
        guard let mark = id.lastIndex(of: "#") else { return [id + PredictionRecord.mirroredSuffix] }
        return [id + PredictionRecord.mirroredSuffix, id[..<mark] + PredictionRecord.mirroredSuffix + id[mark...]]
    }

    /// The row that this one is the mirrored answer to; nil for any other.
    private static func original(of id: String) -> String? {
        if id.hasSuffix(PredictionRecord.mirroredSuffix) {
            return String(id.dropLast(PredictionRecord.mirroredSuffix.count))
        }
        guard let mark = id.lastIndex(of: "#"), id[..<mark].hasSuffix(PredictionRecord.mirroredSuffix) else {
            return nil
        }
        return id[..<mark].dropLast(PredictionRecord.mirroredSuffix.count) + String(id[mark...])
    }

    private mutating func join(_ label: Label) -> Bool {
        guard let answer = scores.remove(label.id) else { return false }
        let loss = PredictionLoss.of(answer.score, answer.kind, label: label.value)
        labels += 1
        labelled[answer.step, default: [:]][answer.version, default: Moments()].add(loss)
        if answer.step == step { sides[answer.version, default: SideStatistics()].brier.add(loss) }
        return true
    }
}

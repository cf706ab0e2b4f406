// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreMonitoring
internal import GyreRollout

/// A bandit at work: what it learned, and its choices that labels may still come for.
struct BanditWindow: Sendable {
    private(set) var state: BanditState
    private var choices = RecentValues<Chosen>(limit: Limits.predictionBuffer)

    private struct Chosen: Sendable {
        let arm: Int
        let probability: Double?
        let score: Double?
        let kind: ScoreKind?
    }

    init(_ bandit: Bandit) { state = BanditState(bandit) }

    mutating func choose(_ random: () -> Double) -> (target: TrafficSplit.Target, probability: Double?) {
        let choice = state.choose(random)
        return (state.bandit.arms[choice.arm], choice.probability)
    }

    /// Remembers an answer until its label comes; a failure is no reward at all.
    mutating func count(
        _ id: String, version: Int, probability: Double?, score: Double?, kind: ScoreKind?, isError: Bool
    ) {
        guard let arm = state.bandit.arms.firstIndex(where: { $0.version == version }) else { return }
        if isError { return state.learn(arm: arm, reward: 0, probability: probability) }
        choices.insert(Chosen(arm: arm, probability: probability, score: score, kind: kind), for: id)
    }

    mutating func label(_ label: Label) -> Bool {
        guard let chosen = choices.remove(label.id) else { return false }
        let reward: Double
        switch state.bandit.reward {
        case .label: reward = label.value
        case .accuracy:
            guard let score = chosen.score else { return false }
            reward = 1 - PredictionLoss.of(score, chosen.kind, label: label.value)
        }
        state.learn(arm: chosen.arm, reward: reward, probability: chosen.probability)
        return true
    }

    /// Counts a row of the log, after a restart.
    mutating func recount(_ row: LoggedRow) {
        guard let arm = state.bandit.arms.firstIndex(where: { $0.version == row.version }) else { return }
        if row.row == 0 { state.recount(arm: arm) }
        count(
            row.id, version: row.version, probability: row.probability, score: row.score, kind: row.scoreKind,
            isError: row.isError)
        if let label = row.label { _ = self.label(Label(id: row.id, value: label)) }
    }
}

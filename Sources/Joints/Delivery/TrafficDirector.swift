// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreMonitoring
internal import GyreRollout

/// Decides which deployment of an endpoint answers a request, and remembers what its bandits learned.
///
/// A value without a clock, a lock or a log: the same calls with the same random numbers decide the same.
struct TrafficDirector: Sendable {
    /// The split of each endpoint; what is not here is no endpoint.
    private(set) var splits: [String: TrafficSplit] = [:]
    private var bandits: [String: BanditWindow] = [:]
    /// The share of answers that the log keeps, of endpoints that keep less than all.
    private var samples: [String: Double] = [:]
    /// Endpoints with a rollout under way.
    private var judged: Set<String> = []

    /// What a request says that may decide where it goes.
    struct Question {
        let endpoint: String
        let attributes: [String: String]
        let stickyKey: String?
    }

    // MARK: Deciding

    /// Where a request goes, why, and where a copy of it goes; nil where the name is that of no endpoint.
    ///
    /// `random`: gives numbers in 0..<1.
    mutating func direct(_ question: Question, random: () -> Double) -> Direction? {
        guard let split = splits[question.endpoint] else { return nil }
        if split.bandit != nil, let chosen = bandits[question.endpoint]?.choose(random) {
            return Direction(
                target: chosen.target, mirror: nil, reason: .bandit, probability: chosen.probability, isKept: true)
        }
        let (target, reason, probability) = split.assign(
            attributes: question.attributes, key: question.stickyKey, random: random)
        return Direction(
            target: target, mirror: split.isMirrored && split.canary != target ? split.canary : nil, reason: reason,
            probability: probability, isKept: keepsNext(question.endpoint, random))
    }

    /// Whether the log keeps the next answer: everything that is judged, since it is counted anew from the log after a restart, and
    /// otherwise the endpoint's share.
    private func keepsNext(_ endpoint: String, _ random: () -> Double) -> Bool {
        guard let share = samples[endpoint], !judged.contains(endpoint) else { return true }
        return random() < share
    }

    // MARK: Setting

    /// Sets the split of an endpoint; nil removes it.
    ///
    /// A bandit that stays the same keeps what it learned.
    mutating func route(_ endpoint: String, _ split: TrafficSplit?) {
        splits[endpoint] = split
        if bandits[endpoint]?.state.bandit != split?.bandit {
            bandits[endpoint] = split?.bandit.map { BanditWindow($0) }
        }
    }

    /// Keeps that share of an endpoint's answers in the log, from 0 to 1.
    mutating func sample(_ endpoint: String, _ share: Double) { samples[endpoint] = share < 1 ? share : nil }

    /// Whether an endpoint's answers are judged, and so kept in full.
    mutating func setJudged(_ endpoint: String, _ isJudged: Bool) {
        if isJudged { judged.insert(endpoint) } else { judged.remove(endpoint) }
    }

    // MARK: Learning

    /// Tells an endpoint's bandit of an answer that it chose.
    mutating func learn(
        _ endpoint: String, id: String, version: Int, probability: Double?, score: Double?, kind: ScoreKind?,
        isError: Bool
    ) {
        bandits[endpoint]?.count(
            id, version: version, probability: probability, score: score, kind: kind, isError: isError)
    }

    /// Rewards an endpoint's bandit by a label; false where it remembers no such answer.
    mutating func label(_ endpoint: String, _ label: Label) -> Bool { bandits[endpoint]?.label(label) ?? false }

    /// Learns what the log has of a bandit, after a restart.
    mutating func relearn(_ endpoint: String, _ rows: [LoggedRow]) {
        for row in rows { bandits[endpoint]?.recount(row) }
    }

    /// What an endpoint's bandit learned, arm by arm; null where there is none.
    func learned(_ endpoint: String) -> JSONValue { bandits[endpoint]?.state.json ?? .null }
}

/// Where a request to an endpoint goes and why, and where a copy of it goes.
struct Direction: Sendable {
    let target: TrafficSplit.Target
    let mirror: TrafficSplit.Target?
    let reason: TrafficSplit.Reason
    /// The probability with which the target was chosen, from 0 to 1.
    let probability: Double?
    /// Whether the prediction log keeps its answer; failures are always kept.
    let isKept: Bool

    /// As the prediction log tells it.
    var circumstances: Prediction.Circumstances {
        let word =
            switch reason {
            case .alone: "alone"
            case .share: "share"
            case .key: "key"
            case .rule(let attribute): "rule " + attribute
            case .bandit: "bandit"
            }
        return Prediction.Circumstances(chosenBy: word, probability: reason == .alone ? nil : probability)
    }
}

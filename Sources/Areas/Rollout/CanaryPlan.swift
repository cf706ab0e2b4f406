// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A canary on its way: told verdicts, it answers what to do.
///
/// No clock and no traffic inside.
package struct CanaryPlan: Sendable, Hashable {
    /// Percents of traffic, rising; after the last the canary becomes stable.
    package let steps: [Int]
    /// Which step it stands at.
    package private(set) var step = 0
    /// How it goes.
    package private(set) var state: State = .running

    /// How a rollout goes.
    package enum State: String, Sendable, Hashable {
        case running
        case paused
        case promoted
        case rolledBack = "rolled_back"
        case aborted

        /// Whether it is over.
        package var isEnd: Bool { self == .promoted || self == .rolledBack || self == .aborted }
    }

    /// What can happen to it.
    package enum Event: Sendable, Hashable {
        case judged(Verdict)
        case pause
        case resume
        case promote
        case abort
    }

    /// What is to be done.
    package enum Action: Sendable, Hashable {
        case setTraffic(percent: Int)
        case promote
        case rollBack
        case none
    }

    /// A plan with these steps.
    /// - Throws: `.invalid` unless the steps are from 1 to 100 and rise.
    package init(steps: [Int]) throws(GyreError) {
        let rises = zip(steps, steps.dropFirst()).allSatisfy { $0 < $1 }
        guard !steps.isEmpty, steps.count <= 100, rises, steps.allSatisfy({ (1...100).contains($0) }) else {
            throw GyreError(
                .invalid, "\(steps) are no canary steps.", why: "Steps are percents from 1 to 100 that rise.",
                fix: "For example 10,50,100")
        }
        self.steps = steps
    }

    init(json: JSONValue) throws(GyreError) {
        try self.init(steps: (json["steps"]?.array ?? []).compactMap { $0.int.map(Int.init) })
        step = min(Int(json["step"]?.int ?? 0), steps.count - 1)
        state = State(rawValue: json["state"]?.string ?? "") ?? .running
    }

    var json: JSONValue {
        [
            "steps": .array(steps.map { .int(Int64($0)) }), "step": .int(Int64(step)), "state": .string(state.rawValue),
        ]
    }

    /// The percent of the step it stands at.
    package var percent: Int { steps[step] }

    /// Takes an event and answers what to do.
    package mutating func handle(_ event: Event) -> Action {
        guard !state.isEnd else { return .none }
        switch event {
        case .judged(.inconclusive): return .none
        case .judged(.fail):
            // A failing canary is rolled back also while a person has paused it.
            state = .rolledBack
            return .rollBack
        case .judged(.pass):
            guard state == .running else { return .none }
            guard step + 1 < steps.count, steps[step] < 100 else {
                state = .promoted
                return .promote
            }
            step += 1
            if steps[step] == 100 {
                state = .promoted
                return .promote
            }
            return .setTraffic(percent: steps[step])
        case .pause:
            state = .paused
            return .none
        case .resume:
            state = .running
            return .none
        case .promote:
            state = .promoted
            return .promote
        case .abort:
            state = .aborted
            return .rollBack
        }
    }
}

/// What the judge says about a canary.
package enum Verdict: String, Sendable, Hashable {
    /// It is not worse than stable, on enough data.
    case pass
    /// It is worse.
    case fail
    /// There is not enough data to say; never a pass.
    case inconclusive
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A canary on its way: told verdicts, it answers what to do.
///
/// No clock and no traffic inside.
package struct CanaryPlan: Sendable, Hashable {
    /// Percents of traffic, rising, of which 0 means loaded and without traffic of its own; after the last the canary becomes stable.
    package let steps: [Int]
    /// Whether the step of 0 percent gives it copies of the requests, whose answers nobody sees.
    package let isMirrored: Bool
    /// The percent that a person has set, in place of the step's.
    package private(set) var heldPercent: Int?
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
        /// A person sets the share, for a comparison that lasts: the plan is paused there.
        case hold(percent: Int)
    }

    /// What is to be done.
    package enum Action: Sendable, Hashable {
        case setTraffic(percent: Int)
        case promote
        case rollBack
        case none
    }

    /// A plan with these steps.
    ///
    /// `isMirrored`: whether a first step of 0 percent gives it copies of the requests.
    /// - Throws: `.invalid` unless the steps are from 0 to 100 and rise.
    package init(steps: [Int], isMirrored: Bool = false) throws(GyreError) {
        let rises = zip(steps, steps.dropFirst()).allSatisfy { $0 < $1 }
        guard steps.count <= 101, rises, steps.allSatisfy({ (0...100).contains($0) }), steps.contains(where: { $0 > 0 })
        else {
            throw GyreError(
                .invalid, "\(steps) are no canary steps.", why: "Steps are percents from 0 to 100 that rise.",
                fix: "For example 10,50,100")
        }
        self.steps = steps
        self.isMirrored = isMirrored && steps[0] == 0
    }

    init(json: JSONValue) throws(GyreError) {
        try self.init(
            steps: (json["steps"]?.array ?? []).compactMap { $0.int.map(Int.init) },
            isMirrored: json["mirrored"]?.bool ?? false)
        heldPercent = json["held_percent"]?.int.map(Int.init)
        step = min(Int(json["step"]?.int ?? 0), steps.count - 1)
        guard let state = State(rawValue: json["state"]?.string ?? "") else {
            throw GyreError(.corrupt, "A stored rollout has no state.", fix: "gyre ledger verify")
        }
        self.state = state
    }

    var json: JSONValue {
        [
            "steps": .array(steps.map { .int(Int64($0)) }), "step": .int(Int64(step)), "state": .string(state.rawValue),
            "mirrored": .bool(isMirrored), "held_percent": .optional(heldPercent.map(Int64.init)),
        ]
    }

    /// Whether nothing but a person's word gives it traffic: it is loaded beside stable, and one step takes all.
    package var waitsForPerson: Bool { !isMirrored && steps == [0, 100] }

    /// The percent of the step it stands at.
    package var percent: Int { heldPercent ?? steps[step] }

    /// Whether the canary gets copies of the requests now.
    package var mirrorsNow: Bool { isMirrored && percent == 0 && !state.isEnd }

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
            guard state == .running, !waitsForPerson else { return .none }
            guard step + 1 < steps.count, steps[step] < 100 else {
                state = .promoted
                return .promote
            }
            // A share that a person set is not taken back by going on.
            let held = heldPercent ?? 0
            heldPercent = nil
            repeat { step += 1 } while steps[step] <= held && step + 1 < steps.count
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
        case .hold(let percent):
            state = .paused
            heldPercent = max(0, min(99, percent))
            return .setTraffic(percent: heldPercent ?? 0)
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

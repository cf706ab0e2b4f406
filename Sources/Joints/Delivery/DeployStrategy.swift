// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreRollout

/// How a model version comes to have an endpoint's traffic.
package enum DeployStrategy: Sendable, Hashable {
    /// All of it, now.
    case allAtOnce
    /// In steps beside stable; nil for the project's.
    case canary([Int]?)
    /// Loaded beside stable without traffic, until a person promotes it.
    case blueGreen
    /// With copies of the requests first, then in steps.
    case shadow([Int]?)

    /// The steps where nobody said any.
    package static let usualSteps = [10, 50, 100]

    /// A strategy by the name that commands and requests have for it; a canary where nobody names one.
    /// - Throws: `.invalid` for a name that there is not.
    package init(_ name: String?, steps: [Int]?) throws(GyreError) {
        switch name {
        case nil, "canary": self = .canary(steps)
        case "shadow": self = .shadow(steps)
        case "blue-green": self = .blueGreen
        case "all-at-once": self = .allAtOnce
        case let other?:
            throw GyreError(
                .invalid, "\"\(other.prefix(40))\" is no strategy.",
                why: "There are canary, shadow, blue-green and all-at-once.")
        }
    }

    /// The plan; nil for all at once.
    package func plan(usualSteps: [Int]) throws(GyreError) -> CanaryPlan? {
        switch self {
        case .allAtOnce: nil
        case .canary(let steps): try CanaryPlan(steps: steps ?? usualSteps)
        case .blueGreen: try CanaryPlan(steps: [0, 100])
        case .shadow(let steps):
            try CanaryPlan(steps: [0] + (steps ?? usualSteps).filter { $0 > 0 }, isMirrored: true)
        }
    }
}

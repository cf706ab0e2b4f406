// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import Synchronization

/// A clock that stands where it was set, or goes on by the same step each time it is read.
package final class ManualClock: Sendable {
    private struct State: Sendable {
        var microseconds: Int64
        var step: Int64
        var random: SplitMix
        var ids = 0
    }

    private let state: Mutex<State>

    /// A clock at `microseconds` since 1970 that goes on by `step` with each look; its chance follows from `seed`.
    package init(at microseconds: Int64 = 1_700_000_000_000_000, step: Int64 = 0, seed: UInt64 = 1) {
        state = Mutex(State(microseconds: microseconds, step: step, random: SplitMix(seed: seed)))
    }

    /// Microseconds since 1970.
    package var now: Int64 {
        state.withLock { state in
            state.microseconds += state.step
            return state.microseconds
        }
    }

    /// Moves it on.
    package func advance(seconds: Int64) { state.withLock { $0.microseconds += seconds * 1_000_000 } }

    /// Surroundings with this clock, ids that count, and numbers that follow from the seed.
    package var surroundings: Surroundings {
        Surroundings(
            now: { self.now },
            newID: {
                let number = self.state.withLock { state in
                    state.ids += 1
                    return state.ids
                }
                // The digits that count come first: short forms of ids differ too.
                let digits = String(number, radix: 16)
                let head = String(repeating: "0", count: max(0, 8 - digits.count)) + digits
                return head + String(repeating: "0", count: 24)
            }, random: { self.state.withLock { Double.random(in: 0..<1, using: &$0.random) } })
    }
}

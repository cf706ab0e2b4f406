// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import Synchronization

/// Slows down whoever guesses passwords, without keeping the owner of the account out from elsewhere.
final class SignInLimit: Sendable {
    private struct Failures: Sendable {
        var count = 0
        var blockedUntil: Int64 = 0
        var last: Int64 = 0
    }

    private struct State: Sendable {
        var failures: [String: Failures] = [:]
        /// Passwords that are being compared or wait for it.
        var waiting = 0
    }

    private let state = Mutex(State())
    /// Failures that cost nothing.
    private static let free = 5
    /// The longest wait in seconds.
    private static let longest: Int64 = 60
    /// Addresses and names that are remembered.
    private static let most = 10_000
    /// Comparisons that may wait: each takes tens of milliseconds and of megabytes.
    private static let mostWaiting = 32

    /// Begins a comparison.
    /// - Throws: `.tooManyRequests`.
    func begin(_ key: String, now: Int64) throws(GyreError) {
        let refusal = state.withLock { state -> GyreError? in
            if let known = state.failures[key], known.blockedUntil > now {
                return GyreError(
                    .tooManyRequests, "Too many wrong passwords came from there.",
                    why: "The next is taken in \((known.blockedUntil - now) / 1_000_000 + 1) s.")
            }
            guard state.waiting < Self.mostWaiting else {
                return GyreError(
                    .tooManyRequests, "Too many people sign in at this moment.", fix: "Try again in a second.")
            }
            state.waiting += 1
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Ends a comparison.
    func end(_ key: String, isRight: Bool, now: Int64) {
        state.withLock { state in
            state.waiting -= 1
            if isRight {
                state.failures[key] = nil
                return
            }
            if state.failures.count >= Self.most {
                // Whoever was quiet longest is forgotten.
                if let oldest = state.failures.min(by: { $0.value.last < $1.value.last })?.key {
                    state.failures[oldest] = nil
                }
            }
            var known = state.failures[key] ?? Failures()
            known.count += 1
            known.last = now
            if known.count > Self.free {
                let seconds = min(Self.longest, 1 << Int64(min(known.count - Self.free, 6)))
                known.blockedUntil = now + seconds * 1_000_000
            }
            state.failures[key] = known
        }
    }
}

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
    /// Failures that cost nothing: of one name from one address, and of all names from one address, behind which many people may be.
    private static let (free, freeOfAddress) = (5, 50)
    /// Microseconds of quiet after which failures are forgotten.
    private static let memory: Int64 = 600_000_000
    /// The longest wait in seconds.
    private static let longest: Int64 = 60
    /// Addresses and names that are remembered.
    private static let most = 10_000
    /// Comparisons that may wait: each takes tens of milliseconds and of megabytes.
    private static let mostWaiting = 32

    /// Begins a comparison.
    /// - Throws: `.tooManyRequests`.
    func begin(_ name: String, _ address: String, now: Int64) throws(GyreError) {
        let refusal = state.withLock { state -> GyreError? in
            let known = [Self.key(name, address), Self.key(address)].compactMap { state.failures[$0] }
            if let known = known.first(where: { $0.blockedUntil > now }) {
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

    private static func key(_ name: String, _ address: String) -> String { "\(address)|\(name.prefix(200))" }
    private static func key(_ address: String) -> String { "address \(address)" }

    /// Ends a comparison.
    func end(_ name: String, _ address: String, isRight: Bool, now: Int64) {
        state.withLock { state in
            state.waiting -= 1
            if isRight {
                state.failures[Self.key(name, address)] = nil
                return
            }
            Self.count(Self.key(name, address), free: Self.free, &state, now)
            Self.count(Self.key(address), free: Self.freeOfAddress, &state, now)
        }
    }

    private static func count(_ key: String, free: Int, _ state: inout State, _ now: Int64) {
        if state.failures.count >= most {
            // Whoever was quiet longest is forgotten.
            if let oldest = state.failures.min(by: { $0.value.last < $1.value.last })?.key {
                state.failures[oldest] = nil
            }
        }
        var known = state.failures[key] ?? Failures()
        if now - known.last > memory { known = Failures() }
        known.count += 1
        known.last = now
        if known.count > free {
            let seconds = min(longest, 1 << Int64(min(known.count - free, 6)))
            known.blockedUntil = now + seconds * 1_000_000
        }
        state.failures[key] = known
    }
}

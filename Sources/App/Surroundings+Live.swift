// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import Synchronization

extension Surroundings {
    /// The real clock and the system's random numbers: the one place that asks for them.
    static let live = Surroundings(
        now: {
            var time = timespec()
            unsafe clock_gettime(CLOCK_REALTIME, &time)
            return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
        },
        newID: {
            let (high, low) = RandomPool.shared.pair()
            return String(unsafeUninitializedCapacity: 32) { target in
                for index in 0..<32 {
                    let number = index < 16 ? high : low
                    let digit = UInt8(truncatingIfNeeded: number >> UInt64(4 * (15 - index & 15)) & 15)
                    unsafe target[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                }
                return 32
            }
        },
        random: { Double(RandomPool.shared.pair().0 >> 11) * 0x1p-53 })
}

/// The system's random numbers, fetched many at a time: a call of the system for each would cost more than a short request.
private final class RandomPool: Sendable {
    static let shared = RandomPool()
    private let numbers = Mutex<[UInt64]>([])

    func pair() -> (UInt64, UInt64) {
        numbers.withLock { numbers in
            if numbers.isEmpty {
                var system = SystemRandomNumberGenerator()
                numbers = (0..<512).map { _ in system.next() }
            }
            return (numbers.removeLast(), numbers.removeLast())
        }
    }
}

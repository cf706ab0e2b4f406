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
            let (high, low) = IDSequence.shared.pair()
            return unsafe String(unsafeUninitializedCapacity: 32) { target in
                for index in 0..<32 {
                    let number = index < 16 ? high : low
                    let digit = UInt8(truncatingIfNeeded: number >> UInt64(4 * (15 - index & 15)) & 15)
                    unsafe target[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                }
                return 32
            }
        },
        random: { Double(IDSequence.shared.pair().0 >> 11) * 0x1p-53 })
}

/// Numbers that follow from one that the system chose at random (SplitMix64): an id needs to be unique, not secret, and a call of the
/// system for each would cost more than a short request.
private final class IDSequence: Sendable {
    static let shared = IDSequence()
    private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15
    private let state = Atomic(SystemRandomNumberGenerator.number())
    private let salt = SystemRandomNumberGenerator.number()

    func pair() -> (UInt64, UInt64) {
        let number = state.wrappingAdd(Self.step, ordering: .relaxed).newValue
        return (Self.mixed(number), Self.mixed(number ^ salt))
    }

    private static func mixed(_ number: UInt64) -> UInt64 {
        var mixed = number
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension SystemRandomNumberGenerator {
    fileprivate static func number() -> UInt64 {
        var system = SystemRandomNumberGenerator()
        return system.next()
    }
}

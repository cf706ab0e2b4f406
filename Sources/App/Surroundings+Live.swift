// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase

extension Surroundings {
    /// The real clock and the system's random numbers: the one place that asks for them.
    static let live = Surroundings(
        now: {
            var time = timespec()
            unsafe clock_gettime(CLOCK_REALTIME, &time)
            return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
        },
        newID: { hexadecimal(.random(in: .min ... .max)) + hexadecimal(.random(in: .min ... .max)) },
        random: { Double.random(in: 0..<1) })

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

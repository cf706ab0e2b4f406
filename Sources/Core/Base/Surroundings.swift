// SPDX-License-Identifier: Apache-2.0

/// What a program takes from the world around it; tests set each part.
public struct Surroundings: Sendable {
    /// Microseconds since 1970, UTC.
    public let now: @Sendable () -> Int64
    /// 16 random bytes as 32 hexadecimal digits.
    public let newID: @Sendable () -> String
    /// A number in `0..<1`, evenly distributed.
    public let random: @Sendable () -> Double

    /// Surroundings of these parts.
    public init(
        now: @escaping @Sendable () -> Int64, newID: @escaping @Sendable () -> String,
        random: @escaping @Sendable () -> Double
    ) {
        self.now = now
        self.newID = newID
        self.random = random
    }
}

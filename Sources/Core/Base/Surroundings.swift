// SPDX-License-Identifier: Apache-2.0

/// What a program takes from the world around it; tests set each part.
public struct Surroundings: Sendable {
    /// Microseconds since 1970, UTC.
    public let now: @Sendable () -> Int64
    /// 16 random bytes as 32 hexadecimal digits.
    public let newID: @Sendable () -> String
    /// A number in `0..<1`, evenly distributed.
    public let random: @Sendable () -> Double
    /// 32 bytes that nobody can guess from any others; for secrets, of which ids are none.
    public let secret: @Sendable () -> [UInt8]

    /// Surroundings of these parts.
    public init(
        now: @escaping @Sendable () -> Int64, newID: @escaping @Sendable () -> String,
        random: @escaping @Sendable () -> Double,
        secret: @escaping @Sendable () -> [UInt8] = { Self.systemSecret() }
    ) {
        self.now = now
        self.newID = newID
        self.random = random
        self.secret = secret
    }

    /// 32 bytes of the system's generator for secrets.
    public static func systemSecret() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}

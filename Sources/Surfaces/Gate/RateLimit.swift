// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import Synchronization

/// Lets so many calls a second through for each key, with a second's worth of them at once.
final class RateLimit: Sendable {
    private struct Bucket: Sendable {
        var level: Double
        var at: Int64
    }

    private let buckets = Mutex<[String: Bucket]>([:])

    /// Takes one call of the second's `limit`.
    /// - Throws: `.tooManyRequests`.
    func take(_ key: String, limit: Int, now: Int64) throws(GyreError) {
        let isFree = buckets.withLock { buckets in
            if buckets.count > 50_000 { buckets = [:] }
            var bucket = buckets[key] ?? Bucket(level: Double(limit), at: now)
            bucket.level = min(Double(limit), bucket.level + Double(max(0, now - bucket.at)) / 1e6 * Double(limit))
            bucket.at = now
            let isFree = bucket.level >= 1
            if isFree { bucket.level -= 1 }
            buckets[key] = bucket
            return isFree
        }
        guard isFree else {
            throw GyreError(
                .tooManyRequests, "More than \(limit) requests a second came.", why: "That is the limit of \(key).",
                fix: "Try again in a second.")
        }
    }
}

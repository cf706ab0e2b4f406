// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase

/// What one side of a split did over a window.
package struct SideStatistics: Sendable, Hashable {
    /// Requests answered or failed.
    package var requests = 0
    /// Those that failed.
    package var errors = 0
    /// How long the answers took.
    package var latency = LatencyHistogram()
    /// Squared differences of score and label, over the predictions that have a label.
    package var brier = Moments()

    /// Answers that were compared with stable's to the same request.
    package var compared = 0
    /// Those that were the same.
    package var agreed = 0

    /// Nothing yet.
    package init() {}

    /// Share of requests that failed; 0 for none.
    package var errorRate: Double { requests == 0 ? 0 : Double(errors) / Double(requests) }

    /// Counts a request.
    package mutating func add(latencyMicroseconds: Int64, isError: Bool) {
        requests += 1
        if isError { errors += 1 } else { latency.add(latencyMicroseconds) }
    }

    /// As the judge's numbers tell it; what there are no requests or labels for is null.
    package var json: JSONValue {
        [
            "requests": .int(Int64(requests)), "errors": .int(Int64(errors)),
            "latency_us_p50": .optional(latency.quantile(0.5)),
            "latency_us_p99": .optional(latency.quantile(0.99)), "labels": .int(Int64(brier.count)),
            "brier": .optional(brier.count > 0 ? brier.mean : nil), "compared": .int(Int64(compared)),
            "agreed": .int(Int64(agreed)),
        ]
    }
}

/// Count, mean and variance without keeping the values (Welford).
package struct Moments: Sendable, Hashable {
    /// How many values.
    package private(set) var count = 0
    /// Their mean; 0 for none.
    package private(set) var mean = 0.0
    private var squares = 0.0

    /// No values.
    package init() {}

    /// Their variance over n - 1.
    package var variance: Double { count > 1 ? squares / Double(count - 1) : 0 }

    /// Takes a value.
    package mutating func add(_ value: Double) {
        count += 1
        let difference = value - mean
        mean += difference / Double(count)
        squares += difference * (value - mean)
    }

    /// Those of both sets of values together (Chan, Golub and LeVeque).
    func merged(with other: Moments) -> Moments {
        guard count > 0 else { return other }
        guard other.count > 0 else { return self }
        var all = self
        all.count += other.count
        let difference = other.mean - mean
        let share = Double(other.count) / Double(all.count)
        all.mean += difference * share
        all.squares += other.squares + difference * difference * Double(count) * share
        return all
    }
}

/// Counts of durations in buckets that grow by a fifth: quantiles within 10 %.
package struct LatencyHistogram: Sendable, Hashable {
    private var counts = [UInt32](repeating: 0, count: 128)
    private var total = 0

    /// No durations.
    package init() {}

    /// Counts a duration in microseconds.
    package mutating func add(_ microseconds: Int64) {
        let bucket = microseconds <= 1 ? 0 : Int(log(Double(microseconds)) / log(1.2))
        counts[min(bucket, counts.count - 1)] &+= 1
        total += 1
    }

    /// Where the buckets begin, microseconds; behind the end of the last there is no limit.
    static let edges: [Double] = (0..<128).map { $0 == 0 ? 0 : pow(1.2, Double($0)) } + [.infinity]

    /// How many durations are in each bucket or one before it.
    var cumulated: [Int] {
        var (sum, list) = (0, [Int]())
        list.reserveCapacity(counts.count)
        for count in counts {
            sum += Int(count)
            list.append(sum)
        }
        return list
    }

    /// The duration, in microseconds, that the share `q` does not exceed; nil for none.
    package func quantile(_ q: Double) -> Double? {
        guard total > 0 else { return nil }
        var left = Int((q * Double(total)).rounded(.up))
        for (bucket, count) in counts.enumerated() {
            left -= Int(count)
            if left <= 0 { return pow(1.2, Double(bucket) + 0.5) }
        }
        return pow(1.2, Double(counts.count))
    }
}

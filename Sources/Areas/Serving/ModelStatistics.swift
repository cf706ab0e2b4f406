// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What a model version did since it was loaded, in the counts of the Open Inference Protocol's statistics.
package final class ModelStatistics: Sendable {
    /// How often something happened, and how long it took in all.
    package struct Duration: Sendable, Hashable {
        /// How often.
        package var count: UInt64 = 0
        /// Nanoseconds in all.
        package var nanoseconds: UInt64 = 0

        mutating func add(_ more: UInt64, times: UInt64 = 1) {
            count &+= times
            nanoseconds &+= more
        }
    }

    /// The counts at one time.
    package struct Counts: Sendable, Hashable {
        /// When the last request came, microseconds since 1970; 0 for none.
        package var lastInference: Int64 = 0
        /// Rows that were inferred.
        package var inferences: UInt64 = 0
        /// Runs of the model.
        package var executions: UInt64 = 0
        /// Requests that were answered.
        package var success = Duration()
        /// Requests that failed.
        package var failure = Duration()
        /// Waiting for a batch or an instance.
        package var queue = Duration()
        /// Making the inputs ready.
        package var input = Duration()
        /// Running the model.
        package var infer = Duration()
        /// Taking the outputs apart.
        package var output = Duration()
        /// Answers from the cache.
        package var cacheHits = Duration()
        /// Looks into the cache that found nothing.
        package var cacheMisses = Duration()
        /// Runs by the rows of their batch.
        package var batches: [Int: Duration] = [:]
    }

    private let counts = Mutex(Counts())
    private let ran = Atomic<UInt64>(0)
    private let rows = Atomic<UInt64>(0)

    /// Nothing yet.
    package init() {}

    /// The counts now.
    package var now: Counts { counts.withLock { $0 } }

    /// One run of the model over the rows of `requests` requests.
    func executed(rows: Int, nanoseconds: UInt64) {
        ran.add(nanoseconds, ordering: .relaxed)
        self.rows.add(UInt64(max(1, rows)), ordering: .relaxed)
        counts.withLock { counts in
            counts.executions &+= 1
            counts.inferences &+= UInt64(max(1, rows))
            counts.batches[max(1, rows), default: Duration()].add(nanoseconds)
        }
    }

    /// A run before the model was ready: it tells how long runs take and counts for nothing else.
    func warmed(rows: Int, nanoseconds: UInt64) {
        // What a runtime does once would make every later run look slow.
        ran.store(nanoseconds, ordering: .relaxed)
        self.rows.store(UInt64(max(1, rows)), ordering: .relaxed)
    }

    /// A request that was answered.
    func succeeded(at time: Int64, total: UInt64, queue: UInt64, infer: UInt64) {
        counts.withLock { counts in
            counts.lastInference = time
            counts.success.add(total)
            counts.queue.add(queue)
            counts.infer.add(infer)
            counts.input.add(0)
            counts.output.add(total &- min(total, queue &+ infer))
        }
    }

    /// A request that was answered from the cache.
    func foundCached(at time: Int64, total: UInt64) {
        counts.withLock { counts in
            counts.lastInference = time
            counts.success.add(total)
            counts.queue.add(0)
            counts.cacheHits.add(total)
        }
    }

    /// A look into the cache that found nothing.
    func missedCache(_ nanoseconds: UInt64) { counts.withLock { $0.cacheMisses.add(nanoseconds) } }

    /// A request that failed.
    func failed(at time: Int64, total: UInt64) {
        counts.withLock { counts in
            counts.lastInference = time
            counts.failure.add(total)
        }
    }

    /// Nanoseconds that a row takes, as the runs so far tell; 0 before the first.
    package var nanosecondsPerRow: UInt64 {
        ran.load(ordering: .relaxed) / max(1, rows.load(ordering: .relaxed))
    }
}

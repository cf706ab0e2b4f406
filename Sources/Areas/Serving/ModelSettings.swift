// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// How a model is served: what its owner chose, or what is usual.
package struct ModelSettings: Sendable, Hashable {
    /// Rows that one run of the model takes at most; 0 for a model without a batch dimension of its own.
    package var maximumBatch = 0
    /// How requests are joined to batches; nil runs each by itself.
    package var batching: Batching?
    /// Runs of the model at the same time.
    package var instances = 1
    /// Names of classes by output, for answers that are asked for as classes.
    package var labels: [String: [String]] = [:]
    /// The inputs that must go through before the model is ready, beside a row of zeros.
    package var warmups: [Warmup] = []
    /// Whether answers are kept and given again to equal inputs.
    package var cachesAnswers = false
    /// How long one run in another process may take, microseconds; then the process is ended.
    package var runTimeout: Int64 = 60_000_000
    /// Bytes that a process of the model may take; 0 for any.
    package var memoryLimit: Int64 = 0
    /// How long a process of the model may be idle before it is ended, microseconds; 0 for ever.
    package var idleTimeout: Int64 = 0
    /// Processes of the model that stay while it is idle, unless all of them are ended after `idleTimeout`.
    package var minimumInstances = 1
    /// The steps of a model that is put together of others.
    package var ensemble: Ensemble?
    /// Where a model of another server is asked: `http://host:port/v2/models/NAME`.
    package var remote: String?
    /// Threads that one run uses; 0 for the runtime's usual number.
    package var runThreads = 0
    /// How far a model's graph is rewritten when it is loaded; nil for as far as possible.
    package var optimization: GraphOptimization?
    /// What the model's owner wrote, as `config.pbtxt` in JSON; nil where there is none.
    package var configuration: JSONValue?

    /// The usual settings.
    package init() {}

    /// How far the graph of a model is rewritten to run faster.
    package enum GraphOptimization: String, Sendable, Hashable, CaseIterable {
        case none
        case basic
        case extended
        case all
    }

    /// How requests are joined.
    package struct Batching: Sendable, Hashable {
        /// Sizes that a batch should have; as soon as one is reached it runs.
        package var preferred: [Int] = []
        /// How long a request may wait for others, microseconds.
        package var maximumDelay: Int64 = 0
        /// The time that an answer should take at most, microseconds, to which batches grow and shrink; 0 for none.
        package var objective: Int64 = 0
        /// Priorities, of which 1 is the highest; 0 for none.
        package var priorityLevels = 0
        /// The priority of a request that names none.
        package var defaultPriority = 0
        /// Requests that may wait; 0 for as many as `Limits.inferenceQueue`.
        package var maximumQueue = 0
        /// How long a request may wait before it is refused, microseconds; 0 for ever.
        package var timeout: Int64 = 0
        /// Whether a request may name a shorter timeout of its own.
        package var mayOverrideTimeout = false
        /// Whether a request that waited too long is answered all the same, after the others.
        package var delaysLate = false

        /// What is queued when an instance is free.
        package init() {}
    }

    /// One request of a warm-up.
    package struct Warmup: Sendable, Hashable {
        /// Rows of each input.
        package var rows = 1
        /// How often it is sent.
        package var count = 1
        /// Whether the numbers are random instead of zeros.
        package var isRandom = false

        /// One row of zeros.
        package init() {}
    }
}

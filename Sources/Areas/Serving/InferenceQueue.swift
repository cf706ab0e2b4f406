// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import GyreBase
internal import Synchronization

/// The requests that wait for a model, and the batches that they are joined to.
///
/// Follows Triton's dynamic batching: a batch takes what is queued when an instance is free, and waits for more only as long as it is
/// told. With an objective the size of batches follows Clipper's rule: it grows by one as long as answers are in time, and shrinks by
/// a fifth when one is late. A batch never has more rows than the model's maximum, and the rows of one request are never split.
final class InferenceQueue: Sendable {
    /// An answer with what it took.
    struct Outcome: Sendable {
        let outputs: [Tensor]
        let queueNanoseconds: UInt64
        let inferNanoseconds: UInt64
        /// Rows of the batch.
        let batchRows: Int
    }

    private struct Waiting: Sendable {
        let inputs: [Tensor]
        let rows: Int
        let arrived: UInt64
        /// When it is too late, in nanoseconds of the same clock; `.max` for never.
        let deadline: UInt64
        let answer: CheckedContinuation<Result<Outcome, GyreError>, Never>

        /// Whether its rows can stand in one tensor with those of `other`.
        func fits(_ other: Waiting) -> Bool {
            zip(inputs, other.inputs).allSatisfy { $0.shape.dropFirst() == $1.shape.dropFirst() }
        }
    }

    private struct State {
        /// By priority, the highest first; each oldest first.
        var levels: [[Waiting]]
        var count = 0
        var rows = 0
        var running = 0
        /// Rows of a batch at most, as the objective has it now.
        var limit: Int
        var isTimerSet = false
    }

    private let model: any RunnableModel
    private let name: String
    private let settings: ModelSettings
    private let statistics: ModelStatistics
    private let state: Mutex<State>

    init(_ name: String, model: any RunnableModel, settings: ModelSettings, statistics: ModelStatistics) {
        self.name = name
        self.model = model
        self.settings = settings
        self.statistics = statistics
        let batching = settings.batching
        let limit = (batching?.objective ?? 0) > 0 ? 1 : settings.maximumBatch
        state = Mutex(State(levels: Array(repeating: [], count: max(1, batching?.priorityLevels ?? 0)), limit: limit))
    }

    /// Microseconds that anything may wait at most: a day.
    private static let longestTimeout: Int64 = 86_400_000_000

    /// Rows of a batch at most, as the objective has it now; 1 where requests are not joined.
    var limit: Int { settings.batching == nil ? 1 : state.withLock { $0.limit } }

    /// Waits for its turn, runs, and gives the rows of this request alone.
    /// - Throws: `.unavailable` where the queue is full; `.timeout` where the request waited too long, or would.
    func run(_ inputs: [Tensor], _ wishes: HostedModel.Wishes) async throws(GyreError) -> Outcome {
        let rows = inputs.first?.rows ?? 1
        let result: Result<Outcome, GyreError> = await withCheckedContinuation { continuation in
            if let refusal = enqueue(inputs, rows, wishes, continuation) {
                continuation.resume(returning: .failure(refusal))
            } else {
                dispatch()
            }
        }
        return try result.get()
    }

    private func enqueue(
        _ inputs: [Tensor], _ rows: Int, _ wishes: HostedModel.Wishes,
        _ answer: CheckedContinuation<Result<Outcome, GyreError>, Never>
    ) -> GyreError? {
        let batching = settings.batching
        let arrived = DispatchTime.now().uptimeNanoseconds
        var timeout = batching?.timeout ?? 0
        if wishes.timeout > 0, batching == nil || batching?.mayOverrideTimeout == true || timeout == 0 {
            timeout = timeout == 0 ? wishes.timeout : min(timeout, wishes.timeout)
        }
        timeout = min(timeout, Self.longestTimeout)
        let most = min(Limits.inferenceQueue, batching.map { $0.maximumQueue > 0 ? $0.maximumQueue : .max } ?? .max)
        return state.withLock { state in
            guard state.count < most else {
                return GyreError(
                    .unavailable, "Too many requests wait for the model \"\(name)\".", why: "At most \(most) may wait.",
                    fix: "Try again in a second.")
            }
            if timeout > 0, batching?.delaysLate != true {
                let wait = UInt64(state.rows) * statistics.nanosecondsPerRow / UInt64(max(1, settings.instances)) / 1000
                if wait > UInt64(timeout) {
                    return GyreError(
                        .timeout, "The request would wait \(wait / 1000) ms for the model \"\(name)\".",
                        why: "It may wait \(timeout / 1000) ms.", fix: "Try again later, or allow more time.")
                }
            }
            let level = batching.map { $0.priorityLevels > 0 ? Self.level(wishes.priority, $0) : 0 } ?? 0
            state.levels[level].append(
                Waiting(
                    inputs: inputs, rows: rows, arrived: arrived,
                    deadline: timeout > 0 ? arrived + UInt64(timeout) * 1000 : .max, answer: answer))
            state.count += 1
            state.rows += rows
            return nil
        }
    }

    private static func level(_ priority: Int, _ batching: ModelSettings.Batching) -> Int {
        let wanted = priority == 0 ? batching.defaultPriority : priority
        return max(0, min(batching.priorityLevels, wanted) - 1)
    }

    // MARK: Batches

    private enum Next {
        case batch([Waiting])
        case wait(nanoseconds: UInt64)
        case nothing
    }

    /// Starts as many batches as there are free instances for.
    private func dispatch() {
        while true {
            var late: [Waiting] = []
            let next = state.withLock { state in
                let now = DispatchTime.now().uptimeNanoseconds
                late = dropLate(&state, now)
                return form(&state, now)
            }
            for waiting in late {
                waiting.answer.resume(
                    returning: .failure(
                        GyreError(
                            .timeout, "The request waited too long for the model \"\(name)\".",
                            fix: "Try again later, or allow more time.")))
            }
            switch next {
            case .batch(let batch):
                Background.detach { [self] in
                    execute(batch)
                    state.withLock { $0.running -= 1 }
                    dispatch()
                }
            case .wait(let nanoseconds):
                DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(Int(nanoseconds))) { [weak self] in
                    self?.state.withLock { $0.isTimerSet = false }
                    self?.dispatch()
                }
                return
            case .nothing: return
            }
        }
    }

    private func dropLate(_ state: inout State, _ now: UInt64) -> [Waiting] {
        if settings.batching?.delaysLate == true { return [] }
        var late: [Waiting] = []
        for level in state.levels.indices where state.levels[level].contains(where: { $0.deadline < now }) {
            late += state.levels[level].filter { $0.deadline < now }
            state.levels[level].removeAll { $0.deadline < now }
        }
        state.count -= late.count
        state.rows -= late.reduce(0) { $0 + $1.rows }
        return late
    }

    private func form(_ state: inout State, _ now: UInt64) -> Next {
        guard state.running < max(1, settings.instances), state.count > 0,
            let first = state.levels.first(where: { !$0.isEmpty })?.first
        else { return .nothing }
        let most = settings.batching == nil ? first.rows : max(first.rows, min(state.limit, settings.maximumBatch))
        var rows = 0
        var taken: [Int] = []
        for level in state.levels {
            var count = 0
            for waiting in level {
                guard rows + waiting.rows <= most, waiting.fits(first) else { break }
                rows += waiting.rows
                count += 1
                if settings.batching == nil { break }
            }
            taken.append(count)
            // A lower priority goes along only when all of the higher one does.
            if count < level.count || settings.batching == nil && count > 0 { break }
        }
        if let batching = settings.batching, batching.maximumDelay > 0, taken.reduce(0, +) == state.count,
            rows < (batching.preferred.first { $0 >= rows } ?? most)
        {
            let oldest = state.levels.compactMap { $0.first?.arrived }.min() ?? now
            let end = oldest + UInt64(max(0, min(batching.maximumDelay, Self.longestTimeout))) * 1000
            if now < end {
                if state.isTimerSet { return .nothing }
                state.isTimerSet = true
                return .wait(nanoseconds: end - now)
            }
        }
        var batch: [Waiting] = []
        for (level, count) in taken.enumerated() {
            batch += state.levels[level].prefix(count)
            state.levels[level].removeFirst(count)
        }
        state.count -= batch.count
        state.rows -= rows
        state.running += 1
        return .batch(batch)
    }

    private func execute(_ batch: [Waiting]) {
        let began = DispatchTime.now().uptimeNanoseconds
        let inputs =
            batch.count == 1
            ? batch[0].inputs
            : batch[0].inputs.indices.map { index in Tensor.joined(batch.map { $0.inputs[index] }) }
        let rows = batch.reduce(0) { $0 + $1.rows }
        do throws(GyreError) {
            let outputs = try model.run(inputs)
            let ended = DispatchTime.now().uptimeNanoseconds
            statistics.executed(rows: rows, nanoseconds: ended - began)
            adapt(batch, rows, ended)
            if batch.count > 1, outputs.contains(where: { $0.shape.first != rows }) {
                throw GyreError(
                    .internal, "The outputs of the model \"\(name)\" do not have the rows of the batch.",
                    fix: "Serve it with a maximum batch size of 0.")
            }
            var row = 0
            for waiting in batch {
                let own = batch.count == 1 ? outputs : outputs.map { $0.rows(row..<row + waiting.rows) }
                row += waiting.rows
                waiting.answer.resume(
                    returning: .success(
                        Outcome(
                            outputs: own, queueNanoseconds: began - waiting.arrived, inferNanoseconds: ended - began,
                            batchRows: rows)))
            }
        } catch {
            // One request that the model refuses must not take the others with it.
            if batch.count > 1 {
                for waiting in batch { execute([waiting]) }
                return
            }
            batch[0].answer.resume(returning: .failure(error))
        }
    }

    private func adapt(_ batch: [Waiting], _ rows: Int, _ ended: UInt64) {
        guard let objective = settings.batching?.objective, objective > 0 else { return }
        let slowest = batch.map { ended - $0.arrived }.max() ?? 0
        state.withLock { state in
            if slowest / 1000 > UInt64(objective) {
                state.limit = max(1, state.limit * 4 / 5)
            } else if rows >= state.limit {
                state.limit = min(settings.maximumBatch, state.limit + 1)
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import Synchronization

/// Answers of one model version by the content of their inputs; the oldest leave when it is full.
///
/// Equal requests at the same time are asked once.
final class AnswerCache: Sendable {
    private struct State {
        var answers: [[Tensor]: [Tensor]] = [:]
        var order: [[Tensor]] = []
        var first = 0
        var bytes = 0
        /// Requests that wait for an equal one that is under way.
        var underway: [[Tensor]: [CheckedContinuation<Claim, Never>]] = [:]
    }

    /// What a request finds.
    enum Claim: Sendable {
        /// The answer is there.
        case known([Tensor])
        /// Nobody has asked it: who claims it must `settle` it.
        case mine
        /// The equal request that it waited for failed.
        case failed(GyreError)
    }

    private let limitBytes: Int
    private let state = Mutex(State())

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    func answer(to inputs: [Tensor]) -> [Tensor]? { state.withLock { $0.answers[inputs] } }

    /// The answer to these inputs: at hand, waited for, or to be made by the caller.
    func claim(_ inputs: [Tensor]) async -> Claim {
        await withCheckedContinuation { continuation in
            let found: Claim? = state.withLock { state in
                if let known = state.answers[inputs] { return .known(known) }
                if state.underway[inputs] != nil {
                    state.underway[inputs]?.append(continuation)
                    return nil
                }
                state.underway[inputs] = []
                return .mine
            }
            if let found { continuation.resume(returning: found) }
        }
    }

    /// Keeps what came of a request that was claimed, and gives it to those that wait for it.
    func settle(_ result: Result<[Tensor], GyreError>, for inputs: [Tensor]) {
        if case .success(let answer) = result { keep(answer, for: inputs) }
        let waiting = state.withLock { $0.underway.removeValue(forKey: inputs) } ?? []
        for continuation in waiting {
            switch result {
            case .success(let answer): continuation.resume(returning: .known(answer))
            case .failure(let error): continuation.resume(returning: .failed(error))
            }
        }
    }

    private func keep(_ answer: [Tensor], for inputs: [Tensor]) {
        let size = Self.bytes(inputs) + Self.bytes(answer)
        guard size <= limitBytes / 4 else { return }
        state.withLock { state in
            guard state.answers.updateValue(answer, forKey: inputs) == nil else { return }
            state.order.append(inputs)
            state.bytes += size
            while state.bytes > limitBytes, state.first < state.order.count {
                let oldest = state.order[state.first]
                state.first += 1
                if let gone = state.answers.removeValue(forKey: oldest) {
                    state.bytes -= Self.bytes(oldest) + Self.bytes(gone)
                }
            }
            if state.first > 1024, state.first * 2 > state.order.count {
                state.order.removeFirst(state.first)
                state.first = 0
            }
        }
    }

    private static func bytes(_ tensors: [Tensor]) -> Int { tensors.reduce(0) { $0 + $1.byteCount + 64 } }
}

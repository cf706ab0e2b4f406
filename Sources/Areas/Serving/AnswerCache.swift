// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Answers of one model version by the content of their inputs; the oldest leave when it is full.
final class AnswerCache: Sendable {
    private struct State {
        var answers: [[Tensor]: [Tensor]] = [:]
        var order: [[Tensor]] = []
        var first = 0
        var bytes = 0
    }

    private let limitBytes: Int
    private let state = Mutex(State())

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    func answer(to inputs: [Tensor]) -> [Tensor]? { state.withLock { $0.answers[inputs] } }

    func keep(_ answer: [Tensor], for inputs: [Tensor]) {
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

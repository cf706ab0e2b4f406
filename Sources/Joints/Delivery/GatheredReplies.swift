// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import Synchronization

/// The replies of an ensemble's steps: all of them, or those that were there at a deadline.
///
/// A step that comes too late goes on and is not listened to: a model that runs cannot be stopped.
final class GatheredReplies: Sendable {
    private let state: Mutex<State>

    private struct State {
        var replies: [InferenceGraphRunner.Reply?]
        var missing: Int
        var continuation: CheckedContinuation<[InferenceGraphRunner.Reply?], Never>?
    }

    private init(count: Int) { state = Mutex(State(replies: Array(repeating: nil, count: count), missing: count)) }

    /// Asks all at once.
    ///
    /// `milliseconds`: when to answer with what is there; 0 for when all is.
    static func gather(
        _ count: Int, within milliseconds: Int, ask: @escaping @Sendable (Int) async -> InferenceGraphRunner.Reply
    ) async -> [InferenceGraphRunner.Reply?] {
        let gathered = GatheredReplies(count: count)
        return await withCheckedContinuation { continuation in
            gathered.state.withLock { $0.continuation = continuation }
            for index in 0..<count { Task { gathered.add(await ask(index), at: index) } }
            if milliseconds > 0 { Background.detach(after: Int64(milliseconds) * 1000) { gathered.end() } }
        }
    }

    private func add(_ reply: InferenceGraphRunner.Reply, at index: Int) {
        let isLast = state.withLock { state in
            state.replies[index] = reply
            state.missing -= 1
            return state.missing == 0
        }
        if isLast { end() }
    }

    private func end() {
        let (continuation, replies) = state.withLock { state in
            defer { state.continuation = nil }
            return (state.continuation, state.replies)
        }
        continuation?.resume(returning: replies)
    }
}

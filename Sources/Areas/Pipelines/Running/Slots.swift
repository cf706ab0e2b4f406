// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import Synchronization

/// A number of places for tasks that run at the same time; further ones wait in the order of their priority, then in that in which they came.
final class Slots: Sendable {
    private struct State: Sendable {
        var free: Int
        var next = 0
        /// Those who wait, in their order.
        var waiting: [(ticket: Int, priority: Int, continuation: CheckedContinuation<Void, any Error>)] = []
        /// Those who were cancelled before they began to wait.
        var cancelled: Set<Int> = []
    }

    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(free: count)) }

    /// Takes a place, or waits for one.
    /// - Throws: `.cancelled` as soon as the task is cancelled; it has no place then.
    func take(priority: Int = 0) async throws(GyreError) {
        let ticket = state.withLock { state in
            state.next += 1
            return state.next
        }
        do {
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { wait(ticket, priority, $0) }
            } onCancel: {
                giveUp(ticket)
            }
        } catch {
            throw GyreError.wrapping(error, "Waiting for a place to run")
        }
    }

    private func wait(_ ticket: Int, _ priority: Int, _ continuation: CheckedContinuation<Void, any Error>) {
        let outcome: Result<Void, any Error>? = state.withLock { state in
            if state.cancelled.remove(ticket) != nil { return .failure(CancellationError()) }
            if state.free > 0 {
                state.free -= 1
                return .success(())
            }
            let place = state.waiting.lastIndex { $0.priority >= priority }.map { $0 + 1 } ?? 0
            state.waiting.insert((ticket, priority, continuation), at: place)
            return nil
        }
        if let outcome { continuation.resume(with: outcome) }
    }

    private func giveUp(_ ticket: Int) {
        let continuation = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard let place = state.waiting.firstIndex(where: { $0.ticket == ticket }) else {
                state.cancelled.insert(ticket)
                return nil
            }
            return state.waiting.remove(at: place).continuation
        }
        continuation?.resume(throwing: CancellationError())
    }

    /// How many wait.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Gives a place back.
    func give() {
        let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume()
    }
}

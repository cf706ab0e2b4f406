// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import Synchronization

/// What only so many tasks of all runs hold at the same time; those that wait go on in the order of their priority, then of their coming.
final class Locks: Sendable {
    /// A task that holds something.
    struct Holder: Sendable, Hashable {
        let run: String
        let task: String
    }

    private struct Waiter {
        let ticket: Int
        let holder: Holder
        let wanted: [LockRequest]
        let priority: Int
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var held: [String: [Holder]] = [:]
        var limits: [String: Int] = [:]
        var waiting: [Waiter] = []
        var cancelled: Set<Int> = []
        var next = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let limit: @Sendable (String) async throws(GyreError) -> Int

    /// `limit`: how many hold what has this name.
    init(limit: @escaping @Sendable (String) async throws(GyreError) -> Int) { self.limit = limit }

    /// Holds all of these, or waits until it does.
    /// - Throws: `.cancelled` as soon as the task is cancelled; what the limit of one throws.
    func acquire(_ wanted: [LockRequest], by holder: Holder, priority: Int) async throws(GyreError) {
        for lock in wanted where !lock.isExclusive {
            let most = try await limit(lock.name)
            state.withLock { $0.limits[lock.name] = most }
        }
        let ticket = state.withLock { state in
            state.next += 1
            return state.next
        }
        do {
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    wait(
                        Waiter(
                            ticket: ticket, holder: holder, wanted: wanted, priority: priority,
                            continuation: continuation))
                }
            } onCancel: {
                giveUp(ticket)
            }
        } catch {
            throw GyreError.wrapping(error, "Waiting to hold \(wanted.map(\.name).joined(separator: ", "))")
        }
    }

    /// Holds these, whoever else does: they were held when the server was stopped.
    func hold(_ wanted: [LockRequest], by holder: Holder) {
        state.withLock { state in for lock in wanted { state.held[lock.name, default: []].append(holder) } }
    }

    /// Lets nobody hold anything new for now.
    func close() { state.withLock { $0.isClosed = true } }

    /// Lets those go on who may.
    func open() {
        let granted = state.withLock { state in
            state.isClosed = false
            return Self.grant(&state)
        }
        for waiter in granted { waiter.continuation.resume() }
    }

    /// Frees what a task holds.
    func release(_ holder: Holder) { free { $0 == holder } }
    /// Frees what the tasks of a run hold.
    func releaseAll(of run: String) { free { $0.run == run } }
    /// How many wait.
    var waitingCount: Int { state.withLock { $0.waiting.count } }
    /// Who holds what has this name.
    func holders(of name: String) -> [Holder] { state.withLock { $0.held[name] ?? [] } }

    private func free(_ isHolder: @Sendable (Holder) -> Bool) {
        let granted = state.withLock { state -> [Waiter] in
            var isChanged = false
            for (name, holders) in state.held {
                let left = holders.filter { !isHolder($0) }
                if left.count != holders.count { isChanged = true }
                state.held[name] = left.isEmpty ? nil : left
            }
            return isChanged ? Self.grant(&state) : []
        }
        for waiter in granted { waiter.continuation.resume() }
    }

    private func wait(_ waiter: Waiter) {
        let granted = state.withLock { state -> [Waiter]? in
            if state.cancelled.remove(waiter.ticket) != nil { return nil }
            let place = state.waiting.firstIndex { $0.priority < waiter.priority } ?? state.waiting.endIndex
            state.waiting.insert(waiter, at: place)
            return Self.grant(&state)
        }
        guard let granted else { return waiter.continuation.resume(throwing: CancellationError()) }
        for waiter in granted { waiter.continuation.resume() }
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

    /// Those of the waiting that hold what they want now.
    private static func grant(_ state: inout State) -> [Waiter] {
        if state.isClosed { return [] }
        var granted: [Waiter] = []
        var left: [Waiter] = []
        // What somebody before waits for is not taken by who comes later.
        var reserved: Set<String> = []
        for waiter in state.waiting {
            let isFree = waiter.wanted.allSatisfy { lock in
                let most = lock.isExclusive ? 1 : state.limits[lock.name] ?? 1
                return !reserved.contains(lock.name) && (state.held[lock.name]?.count ?? 0) < most
            }
            if isFree {
                for lock in waiter.wanted { state.held[lock.name, default: []].append(waiter.holder) }
                granted.append(waiter)
            } else {
                reserved.formUnion(waiter.wanted.map(\.name))
                left.append(waiter)
            }
        }
        state.waiting = left
        return granted
    }
}

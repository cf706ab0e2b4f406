// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import GRDB
internal import GyreAccess
internal import GyreBase
internal import Synchronization

/// Lets writers that wait at the same time share one transaction and one fsync.
///
/// An operation that fails takes nothing of its neighbours with it: the transaction is undone and run again with a savepoint for
/// each, so an operation may run twice. A writer hears of success only after the commit that holds its operation is on disk.
final class GroupCommit: Sendable {
    private struct Pending: Sendable {
        let operation: @Sendable (Database, inout ChainTail) throws -> Void
        let finish: @Sendable ((any Error)?) -> Void
    }

    private struct State: Sendable {
        var waiting: [Pending] = []
        var isDraining = false
    }

    private let pool: DatabasePool
    private let personal: PersonalData?
    private let queue = DispatchQueue(label: "gyre.group-commit")
    private let state = Mutex(State())
    private let tail: Mutex<ChainTail>

    init(pool: DatabasePool, tail: ChainTail, personal: PersonalData?) {
        self.pool = pool
        self.personal = personal
        self.tail = Mutex(tail)
    }

    /// Runs `operation` in the next shared transaction and returns its result once that is on disk.
    func write<Result: Sendable>(
        _ operation: @escaping @Sendable (Database, inout ChainTail) throws -> Result
    ) async throws -> Result {
        let box = ResultBox<Result>()
        let (caller, personal) = (Caller.current, personal)
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            enqueue(
                Pending(
                    operation: { db, tail in
                        tail.caller = caller
                        tail.personal = personal
                        let result = try operation(db, &tail)
                        box.set(result)
                    },
                    finish: { error in
                        if let error { continuation.resume(throwing: error) } else { continuation.resume() }
                    }))
        }
        guard let result = box.value else { throw GyreError(.internal, "A write ended without its result.") }
        return result
    }

    private func enqueue(_ pending: Pending) {
        let (isFull, mustStart) = state.withLock { state in
            guard state.waiting.count < Limits.writeQueue else { return (true, false) }
            state.waiting.append(pending)
            defer { state.isDraining = true }
            return (false, !state.isDraining)
        }
        if isFull {
            pending.finish(
                GyreError(
                    .unavailable, "The store cannot take more writes now.",
                    why: "\(Limits.writeQueue) writes wait already.",
                    fix: "Try again in a second."))
        }
        if mustStart { queue.async { self.drain() } }
    }

    private func drain() {
        while true {
            let batch = state.withLock { state in
                let batch = state.waiting
                state.waiting = []
                if batch.isEmpty { state.isDraining = false }
                return batch
            }
            if batch.isEmpty { return }
            commit(batch)
        }
    }

    private func commit(_ batch: [Pending]) {
        do {
            let failures = try tail.withLock { tail in
                // Nearly always every operation succeeds; only after a failure each gets a savepoint of its own.
                if let after = try attempt(batch, from: tail) {
                    tail = after
                    return [Int: any Error]()
                }
                let (after, failures) = try commitOneByOne(batch, from: tail)
                tail = after
                return failures
            }
            for (index, pending) in batch.enumerated() { pending.finish(failures[index]) }
        } catch {
            for pending in batch { pending.finish(error) }
        }
    }

    /// All operations in one transaction without savepoints; nil, and nothing changed, if one of them fails.
    private func attempt(_ batch: [Pending], from tail: ChainTail) throws -> ChainTail? {
        var working = tail
        var isWhole = true
        try pool.writeWithoutTransaction { db in
            try db.inTransaction(.immediate) {
                do {
                    for pending in batch { try pending.operation(db, &working) }
                    return .commit
                } catch {
                    // The operations run again, and whoever failed hears why.
                    isWhole = false
                    return .rollback
                }
            }
        }
        return isWhole ? working : nil
    }

    /// Each operation in its own savepoint.
    private func commitOneByOne(
        _ batch: [Pending], from tail: ChainTail
    ) throws -> (ChainTail, failures: [Int: any Error]) {
        var working = tail
        var failures: [Int: any Error] = [:]
        try pool.writeWithoutTransaction { db in
            try db.inTransaction(.immediate) {
                for (index, pending) in batch.enumerated() {
                    let before = working
                    do {
                        try db.inSavepoint {
                            try pending.operation(db, &working)
                            return .commit
                        }
                    } catch {
                        working = before
                        failures[index] = error
                    }
                }
                return .commit
            }
        }
        return (working, failures)
    }
}

/// The end of the chain as the writer knows it.
struct ChainTail: Sendable {
    var seq: Int64
    var hash: Digest
    var lastTime: Int64
    /// Who asked for the operation that runs; nil for the server itself.
    var caller: Caller?
    /// What seals what facts say of people.
    var personal: PersonalData?
}

/// Carries an operation's result out of the transaction.
private final class ResultBox<Value: Sendable>: Sendable {
    private let content = Mutex<Value?>(nil)
    var value: Value? { content.withLock { $0 } }
    func set(_ value: Value) { content.withLock { $0 = value } }
}

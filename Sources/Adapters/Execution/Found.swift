// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Something of this machine that is looked for when it is first asked for, and only then: programs that start others take their time.
final class Found<Value: Sendable>: Sendable {
    private let look: @Sendable () -> Value?
    private let state = Mutex<Value??>(nil)

    /// What `look` finds; it is called once at most.
    init(_ look: @escaping @Sendable () -> Value?) { self.look = look }

    /// What was found; nil for nothing.
    var value: Value? {
        state.withLock { state in
            if let known = state { return known }
            let value = look()
            state = .some(value)
            return value
        }
    }

    /// What was found, where it was looked for.
    var valueIfLookedFor: Value? { state.withLock { $0 ?? nil } }
}

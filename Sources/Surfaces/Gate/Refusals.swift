// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
package import GyreBase
package import GyreHTTP
internal import Synchronization

/// The calls that were not let in: all are counted, the last ones are kept.
package final class Refusals: Sendable {
    private struct State: Sendable {
        var kept: [JSONValue] = []
        var next = 0
        var counts: [String: Int64] = [:]
        var untold: [String: Int64] = [:]
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> Int64
    private static let most = 1000

    /// No calls yet.
    package init(now: @escaping @Sendable () -> Int64) { self.now = now }

    /// Keeps one.
    package func add(_ refusal: Admission.Refusal) {
        add(
            code: refusal.error.code, who: refusal.caller.name, method: refusal.method, path: refusal.path,
            address: refusal.caller.address, what: refusal.error.what)
    }

    func add(
        code: GyreError.Code, who: String?, method: String, path: String, address: String?, what: String
    ) {
        let entry: JSONValue = [
            "at": .string(Timestamp.text(now())), "code": .string(code.rawValue), "caller": .optional(who),
            "method": .string(String(method.prefix(20))), "path": .string(String(path.prefix(200))),
            "address": .optional(address), "what": .string(String(what.prefix(300))),
        ]
        state.withLock { state in
            state.counts[code.rawValue, default: 0] += 1
            state.untold[code.rawValue, default: 0] += 1
            if state.kept.count < Self.most { state.kept.append(entry) } else { state.kept[state.next] = entry }
            state.next = (state.next + 1) % Self.most
        }
    }

    /// The last ones, newest first.
    package func last(_ limit: Int) -> [JSONValue] {
        state.withLock { state in
            let isFull = state.kept.count == Self.most
            let ordered = isFull ? state.kept[state.next...] + state.kept[..<state.next] : state.kept[...]
            return Array(ordered.reversed().prefix(limit))
        }
    }

    /// How many there were since the start, by the code of their error.
    package var counts: [String: Int64] { state.withLock { $0.counts } }

    /// How many came since this was asked last.
    package func takeUntold() -> [String: Int64] {
        state.withLock { state in
            defer { state.untold = [:] }
            return state.untold
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreDVC
internal import Synchronization

/// Tells nobody.
struct NoProgress: ProgressObserver {
    func begin(_ what: String, total: Int) {}
    func step(_ count: Int) {}
    func end() {}
}

/// A line on standard error that grows, where a person looks on.
final class LineProgress: ProgressObserver {
    private struct State {
        var what = ""
        var (done, total, shown) = (0, 0, -1)
    }

    private let state = Mutex(State())
    private let isShown = isatty(2) == 1

    /// Work that begins later.
    init() {}

    /// Work of so many steps that begins now, and is over with the last.
    convenience init(_ what: String, total: Int) {
        self.init()
        begin(what, total: total)
    }

    func begin(_ what: String, total: Int) {
        guard isShown else { return }
        state.withLock { $0 = State(what: what, done: 0, total: total, shown: -1) }
    }

    func step(_ count: Int) {
        guard isShown else { return }
        state.withLock { state in
            state.done += count
            // A line for each percent is as much as anybody sees.
            let percent = state.total > 0 ? min(100, 100 * state.done / state.total) : 100
            guard percent != state.shown else { return }
            state.shown = percent
            let filled = 30 * percent / 100
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
            let end = state.done >= state.total ? "\n" : ""
            Self.write("\r\(state.what) \(bar) \(state.done)/\(state.total)\u{1b}[K\(end)")
        }
    }

    func end() {
        guard isShown else { return }
        // Work that broke off leaves the line for what is said about it.
        if state.withLock({ $0.done < $0.total }) { Self.write("\n") }
    }

    private static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// Regular expressions that a client sends: POSIX extended ones, whose matching cannot run away as backtracking can.
enum RegularExpression {
    /// The longest expression that is taken, in bytes.
    private static let longest = 500
    /// How much of a text is looked at, in characters.
    private static let looksAt = 65_536

    /// Whether `pattern` is one.
    static func isValid(_ pattern: String) -> Bool {
        guard pattern.utf8.count <= longest else { return false }
        return compiled.withLock { $0.expression(pattern) != nil }
    }

    /// Whether some part of `text` fits.
    static func matches(_ text: String, _ pattern: String) -> Bool {
        compiled.withLock { cache in
            guard let expression = cache.expression(pattern) else { return false }
            return expression.matches(String(text.prefix(looksAt)))
        }
    }

    private static let compiled = Mutex(Cache())

    /// The last expression: a search asks the same one for every row.
    private struct Cache: Sendable {
        private var pattern = ""
        private var expression: Compiled?

        mutating func expression(_ wanted: String) -> Compiled? {
            if wanted != pattern || expression == nil {
                pattern = wanted
                expression = Compiled(wanted)
            }
            return expression
        }
    }

    /// Used under the lock of the cache only.
    @safe private final class Compiled: @unchecked Sendable {
        private var expression = unsafe regex_t()

        init?(_ pattern: String) {
            guard unsafe regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB) == 0 else { return nil }
        }

        deinit { unsafe regfree(&expression) }

        func matches(_ text: String) -> Bool { unsafe regexec(&expression, text, 0, nil, 0) == 0 }
    }
}

// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Paths as they are once all links on the way are followed: what code of others made may lead anywhere.
package enum RealPath {
    /// Whether something lies below a folder.
    package static func isWithin(_ path: String, _ folder: String) -> Bool {
        guard let real = of(path), let root = of(folder) else { return false }
        return real.hasPrefix(root + "/")
    }

    private static func of(_ path: String) -> String? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}

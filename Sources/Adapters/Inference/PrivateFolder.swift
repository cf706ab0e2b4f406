// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import GyreBase

/// A folder that only this user may open, with a path that is short enough for a socket below it; gone with its last reference.
final class PrivateFolder: Sendable {
    let path: String

    /// Makes one.
    init() throws(GyreError) {
        let template = unsafe strdup("/tmp/gyre-XXXXXX")
        defer { unsafe free(template) }
        guard let template = unsafe template, let made = unsafe mkdtemp(template) else {
            throw GyreError(
                .unavailable, "No folder could be made in /tmp.", why: unsafe String(cString: strerror(errno)))
        }
        path = unsafe String(cString: made)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }  // the system empties the place in time
}

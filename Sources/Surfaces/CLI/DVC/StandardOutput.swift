// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Standard output.
enum StandardOutput {
    /// Lets everything out that was printed.
    static func flush() { fflush(nil) }
}

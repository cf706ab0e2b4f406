// SPDX-License-Identifier: Apache-2.0

extension BinaryInteger {
    /// The number with zeros in front up to `width` digits, so that texts sort as their numbers do; longer ones stay whole.
    package func digits(_ width: Int) -> String {
        let text = String(self)
        return String(repeating: "0", count: Swift.max(0, width - text.utf8.count)) + text
    }
}

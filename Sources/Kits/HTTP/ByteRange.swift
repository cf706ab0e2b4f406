// SPDX-License-Identifier: Apache-2.0

/// One range of a `Range` header (RFC 9110), as far as the content has it.
package struct ByteRange: Sendable, Hashable {
    /// The first byte.
    package let start: Int64
    /// The last byte.
    package let end: Int64
    /// How many bytes.
    package var count: Int64 { end - start + 1 }

    /// Reads `bytes=5-9`, `bytes=5-` or `bytes=-5`; nil where nothing of it is in a content of `size` bytes.
    ///
    /// Of several ranges the first one is meant.
    package init?(_ header: String, of size: Int64) {
        guard header.hasPrefix("bytes="), let first = header.dropFirst(6).split(separator: ",").first else {
            return nil
        }
        let parts = first.filter { $0 != " " }.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        switch (Int64(parts[0]), Int64(parts[1])) {
        case (let from?, nil) where parts[1].isEmpty: (start, end) = (from, size - 1)
        case (let from?, let to?): (start, end) = (from, min(to, size - 1))
        case (nil, let last?) where parts[0].isEmpty: (start, end) = (max(0, size - last), size - 1)
        default: return nil
        }
        guard start >= 0, start <= end, end < size else { return nil }
    }
}

// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Finds the digests in texts: every stretch of exactly 64 hexadecimal digits, whatever it is called.
///
/// To take one too many for a digest only keeps a blob that could go.
package enum NamedDigests {
    /// Adds those in `text` to `found`.
    package static func collect(_ text: String, into found: inout Set<Digest>) {
        var count = 0
        var bytes = Array(text.utf8)
        bytes.append(0)
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): count += 1
            default:
                // Anything that is no digest after all is nobody's blob.
                if count == 64,
                    let digest = try? Digest(hex: String(decoding: bytes[index - 64..<index], as: UTF8.self))
                {
                    found.insert(digest)
                }
                count = 0
            }
        }
    }
}

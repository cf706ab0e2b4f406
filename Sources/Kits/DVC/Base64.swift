// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Bytes as text of RFC 4648.
enum Base64 {
    /// The text of bytes.
    static func text(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}
